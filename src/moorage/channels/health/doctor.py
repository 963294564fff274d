"""Looks at docked channels: what the facts say, what the provider says when it is asked, and what that comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from moorage.channels.credentials import read_credentials
from moorage.channels.health.facts import read_facts
from moorage.channels.health.findings import clock_check, failed_check, network_check, quota_check
from moorage.channels.health.judging import judge
from moorage.channels.health.model import Check, Part, health_of
from moorage.channels.health.storing import store_checks, store_health
from moorage.channels.leases import LeasedTokens, failure_reason
from moorage.channels.model import Channel
from moorage.channels.platforms import open_platform
from moorage.channels.queries import read_channel
from moorage.channels.states import TOLD_BY_SENDS, mark_active, mark_deauthorized, mark_failing, mark_reachable
from moorage.channels.tokens import channel_tokens
from moorage.channels.undocking import ENDED_STATES, ChannelUndocked
from moorage.connectors.contract import Connector, Endpoint
from moorage.connectors.examining import ExaminesAccounts, HealthReason, QuotaCall, RefusedCall
from moorage.connectors.failures import CredentialsInvalid, CredentialsReason, ProviderFailure, Refused
from moorage.connectors.registry import Connectors, examination_power
from moorage.core.errors import Malformed, Missing
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.infra.limits import UseLimit, count_use
from moorage.infra.secrets import SecretBox

ALL_QUOTAS: Final[tuple[QuotaCall, ...]] = ("send", "upload", "menu")
ASKED_BY_PEOPLE: Final = UseLimit(name="channel_checks", most=30, window=timedelta(minutes=1))

Renews = Literal["at_once", "if_due"]


@dataclass(frozen=True, slots=True)
class _Patient:
    """A channel that the provider is asked about."""

    channel: Channel
    connector: Connector
    power: ExaminesAccounts
    endpoint: Endpoint
    tokens: LeasedTokens


@dataclass(frozen=True, slots=True)
class Doctor:
    """Looks at channels. Nothing is asked of a provider with a transaction open."""

    database: Database
    box: SecretBox
    connectors: Connectors

    async def read(self, *, workspace_id: WorkspaceId, channel_id: ChannelId) -> list[Check]:
        """Return the checks of a channel as far as they are known. Raises Missing."""
        async with self.database.in_workspace(workspace_id) as tx:
            return await self._judged(tx, await read_channel(tx, channel_id=channel_id))

    async def review(self, tx: Tx, *, channel_id: ChannelId) -> list[Check]:
        """Return the checks, and write down what they come to. Raises Missing."""
        channel = await read_channel(tx, channel_id=channel_id)
        checks = await self._judged(tx, channel)
        if channel.state != "undocked":
            await store_health(tx, channel_id=channel_id, health=health_of(checks))
        return checks

    async def ask(
        self,
        *,
        workspace_id: WorkspaceId,
        channel_id: ChannelId,
        parts: Sequence[Part],
        deadline: float,
        renews: Renews = "at_once",
        quotas: Sequence[QuotaCall] = ALL_QUOTAS,
    ) -> list[Check]:
        """Ask the provider, keep what it says, and return all checks. Raises Missing or ChannelUndocked."""
        channel = await self._docked(workspace_id, channel_id)
        patient = await self._patient(workspace_id, channel)
        if patient is None or channel.state in ENDED_STATES:
            return await self._reviewed(workspace_id, channel_id)
        for part in parts:
            match part:
                case "access":
                    await self._ask_access(workspace_id, patient, renews=renews, deadline=deadline)
                case "network":
                    await self._ask_network(workspace_id, patient, deadline=deadline)
                case "quotas":
                    await self._ask_quotas(workspace_id, patient, calls=quotas, deadline=deadline)
                case "voice":
                    await self._ask_voice(workspace_id, patient, deadline=deadline)
        return await self._reviewed(workspace_id, channel_id)

    async def count_asking(self, *, channel_id: ChannelId) -> None:
        """Count one look that a person asked for. Raises TooOften."""
        async with self.database.in_platform() as tx:
            await count_use(tx, limit=ASKED_BY_PEOPLE, by=str(channel_id))

    async def reset_quotas(self, *, workspace_id: WorkspaceId, channel_id: ChannelId, deadline: float) -> None:
        """Set the account's counts to zero. Raises Missing, ChannelUndocked or a provider failure."""
        patient = await self._required(workspace_id, channel_id)
        await patient.power.reset_quotas(patient.endpoint, deadline=deadline)

    async def switch_voice_recognition(
        self, *, workspace_id: WorkspaceId, channel_id: ChannelId, on: bool, deadline: float
    ) -> None:
        """Let the provider recognise what customers say, or not. Raises Missing, ChannelUndocked or a failure."""
        patient = await self._required(workspace_id, channel_id)
        if patient.channel.docked_by != "authorization":
            raise Refused(external_code=None, detail="", reason=HealthReason.VOICE_ELSEWHERE)
        platform = await open_platform(self.database, box=self.box, connector=patient.connector)
        await patient.power.switch_voice_recognition(patient.endpoint, platform, on=on, deadline=deadline)

    async def explain(
        self, *, workspace_id: WorkspaceId, channel_id: ChannelId, said: str, deadline: float
    ) -> RefusedCall:
        """Return what the provider remembers of the refused call that `said`, its words, name.

        Raises Missing, ChannelUndocked, Malformed for words that name none, or a provider failure.
        """
        patient = await self._required(workspace_id, channel_id)
        request = patient.power.request_in(said)
        if request is None:
            raise Malformed(field="said", reason="names_no_request")
        return await patient.power.refused_call(patient.endpoint, request=request, deadline=deadline)

    # ------------------------------------------------------------ asking

    async def _ask_access(
        self, workspace_id: WorkspaceId, patient: _Patient, *, renews: Renews, deadline: float
    ) -> None:
        before = self.database.clock.now()
        try:
            if renews == "at_once" or await self._has_failed(workspace_id, patient.channel.id):
                await patient.tokens.check(deadline=deadline)
            before = self.database.clock.now()
            said = await patient.power.reach(patient.endpoint, deadline=deadline)
        except ProviderFailure as failure:
            await self._keep_failure(workspace_id, patient, failure)
            return
        after = self.database.clock.now()
        checks = [Check("token", "ok")]
        if said is not None:
            checks.append(clock_check(difference=said - (before + (after - before) / 2)))

        async def keep(tx: Tx) -> None:
            await store_checks(tx, channel_id=patient.channel.id, checks=checks)
            await mark_reachable(tx, channel_id=patient.channel.id)

        await self.database.run(workspace_id, keep)

    async def _keep_failure(self, workspace_id: WorkspaceId, patient: _Patient, failure: ProviderFailure) -> None:
        channel_id = patient.channel.id
        reason = failure_reason(failure)

        async def keep(tx: Tx) -> None:
            await store_checks(tx, channel_id=channel_id, checks=[failed_check("token", failure)])
            if reason == CredentialsReason.AUTHORIZATION_GONE:
                await mark_deauthorized(tx, channel_id=channel_id, reason=reason)
            elif isinstance(failure, CredentialsInvalid):
                await mark_failing(tx, channel_id=channel_id, reason=reason)

        await self.database.run(workspace_id, keep)

    async def _ask_quotas(
        self, workspace_id: WorkspaceId, patient: _Patient, *, calls: Sequence[QuotaCall], deadline: float
    ) -> None:
        try:
            quotas = await patient.power.quotas(patient.endpoint, calls=calls, deadline=deadline)
            check = quota_check(quotas)
        except ProviderFailure as failure:
            check = failed_check("quotas", failure)
        await self._keep(workspace_id, patient, check)

    async def _ask_network(self, workspace_id: WorkspaceId, patient: _Patient, *, deadline: float) -> None:
        if patient.channel.docked_by != "credentials":
            return  # what an account pushes goes to its platform's address, which only the platform may ask about
        try:
            check = network_check(await patient.power.ping_address(patient.endpoint, deadline=deadline))
        except ProviderFailure as failure:
            check = failed_check("network", failure)
        await self._keep(workspace_id, patient, check)

    async def _ask_voice(self, workspace_id: WorkspaceId, patient: _Patient, *, deadline: float) -> None:
        if patient.channel.docked_by != "authorization":
            return
        try:
            platform = await open_platform(self.database, box=self.box, connector=patient.connector)
            on = await patient.power.voice_recognition(patient.endpoint, platform, deadline=deadline)
            check = Check("voice_recognition", *(("ok", None) if on else ("warning", HealthReason.VOICE_OFF)))
        except ProviderFailure as failure:
            check = failed_check("voice_recognition", failure)
        await self._keep(workspace_id, patient, check)

    async def _keep(self, workspace_id: WorkspaceId, patient: _Patient, check: Check) -> None:
        channel_id = patient.channel.id

        async def keep(tx: Tx) -> None:
            await store_checks(tx, channel_id=channel_id, checks=[check])
            now = await read_channel(tx, channel_id=channel_id)
            if check.name == "quotas" and check.state in {"ok", "warning"} and now.state_reason in TOLD_BY_SENDS:
                await mark_active(tx, channel_id=channel_id)  # there is something left again

        await self.database.run(workspace_id, keep)

    # ------------------------------------------------------------ lookups

    async def _judged(self, tx: Tx, channel: Channel) -> list[Check]:
        connector = self.connectors[channel.kind]
        return judge(await read_facts(tx, box=self.box, connector=connector, channel=channel), connector=connector)

    async def _reviewed(self, workspace_id: WorkspaceId, channel_id: ChannelId) -> list[Check]:
        async def review(tx: Tx) -> list[Check]:
            return await self.review(tx, channel_id=channel_id)

        return await self.database.run(workspace_id, review)

    async def _docked(self, workspace_id: WorkspaceId, channel_id: ChannelId) -> Channel:
        async with self.database.in_workspace(workspace_id) as tx:
            channel = await read_channel(tx, channel_id=channel_id)
        if channel.state == "undocked":
            raise ChannelUndocked
        return channel

    async def _required(self, workspace_id: WorkspaceId, channel_id: ChannelId) -> _Patient:
        patient = await self._patient(workspace_id, await self._docked(workspace_id, channel_id))
        if patient is None:
            raise Missing(what="examination")
        return patient

    async def _patient(self, workspace_id: WorkspaceId, channel: Channel) -> _Patient | None:
        connector = self.connectors[channel.kind]
        power = examination_power(connector)
        async with self.database.in_workspace(workspace_id) as tx:
            credentials = await read_credentials(tx, box=self.box, channel_id=channel.id)
        tokens = channel_tokens(
            self.database,
            box=self.box,
            connector=connector,
            workspace_id=workspace_id,
            channel=channel,
            credentials=credentials,
        )
        if power is None or tokens is None:
            return None
        endpoint = Endpoint(external_account_id=channel.external_id, credentials=credentials, tokens=tokens)
        return _Patient(channel=channel, connector=connector, power=power, endpoint=endpoint, tokens=tokens)

    async def _has_failed(self, workspace_id: WorkspaceId, channel_id: ChannelId) -> bool:
        async with self.database.in_workspace(workspace_id) as tx:
            return bool(
                await tx.value(
                    "SELECT last_error IS NOT NULL FROM channel_tokens WHERE workspace_id = %s AND channel_id = %s",
                    [workspace_id, channel_id],
                )
            )
