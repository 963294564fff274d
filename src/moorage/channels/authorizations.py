"""Docking by authorization: an attempt is begun here, and finished by the browser or by the provider's push.

Both may come, in any order, once or twice, in different processes. One of them exchanges the code under a lease, with
no transaction open; the others wait for what comes of it.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

import structlog

from moorage.channels.accounts import Accounts
from moorage.channels.attempts import (
    FINISHED_WITHIN,
    Attempt,
    AttemptState,
    Taken,
    Way,
    add_attempt,
    attempt_of_state,
    fail_attempt,
    finish_attempt,
    read_attempt,
    take_attempt,
)
from moorage.channels.authorization_errors import (
    AttemptExpired,
    AttemptForeign,
    AttemptUnknown,
    AuthorizationFailed,
    CodeRefused,
    OtherAccount,
    StillExchanging,
)
from moorage.channels.grants import Docker, dock_by_grant, hand_over_grant
from moorage.channels.leases import failure_reason
from moorage.channels.operations import AlreadyDocked
from moorage.channels.platforms import Platform, find_platform, platform_endpoint
from moorage.channels.queries import read_channel
from moorage.channels.unclaimed import add_unclaimed, remove_unclaimed
from moorage.connectors.authorization import AuthorizesByPlatform, DockingReason, Grant, PlatformReason
from moorage.connectors.contract import Connector
from moorage.connectors.failures import ProviderFailure, Refused
from moorage.connectors.registry import Connectors, platform_power, required_platform_power
from moorage.core.errors import DomainError, Missing
from moorage.core.ids import ChannelId, WorkspaceId, new_id
from moorage.infra.database import Database, Tx
from moorage.infra.links import LinkExpired, LinkInvalid
from moorage.infra.secrets import SecretBox
from moorage.staff.model import Actor

RETURN_PATH = "/channels/authorized"
"""The console's page that the provider leads back to."""
LINK_PATH = "/c/authorize/"
LINK_RETURN_PATH = "/c/authorized/"
"""The pages, without a sign-in, of whoever was sent the link: before the provider's page, and after it."""
BEGUN_WITHIN_S = 15.0
SETTLED_WITHIN_S = 20.0
"""Of one exchange, shorter than its lease."""
REFRESHED_WITHIN_S = 8.0
READ_WITHIN_S = 3.0
LOOKS_EVERY_S = 0.15

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BegunAttempt:
    """An attempt that waits for the account's administrator at `url`, until `expires_at`."""

    id: UUID
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """What a link leads on to, and who asks: whoever was sent it has to know whom they grant their account to."""

    url: str
    company: str
    person: str
    state: AttemptState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Authorizations:
    """Begins attempts and settles them."""

    database: Database
    box: SecretBox
    connectors: Connectors
    accounts: Accounts
    public_url: str

    async def begin(
        self, *, actor: Actor, kind: str, channel_id: ChannelId | None, remote_address: str, way: Way = "code"
    ) -> BegunAttempt:
        """Begin an attempt, for one of the actor's channels if `channel_id` is given, and return where it goes on.

        By `link` it goes on at a page of ours that needs no sign-in, on whosever phone: the provider wants its page to
        be opened from one of ours, so that its own address is nothing to send around.

        Raises Missing or AuthorizationFailed.
        """
        connector = self._connector(kind)
        external_id = await self._external_id(actor.workspace_id, kind, channel_id)
        async with self.database.in_platform() as tx:
            platform = await find_platform(tx, box=self.box, connector=connector)
        if platform is None:
            raise AuthorizationFailed(reason=PlatformReason.NOT_CONFIGURED, external_code=None)
        endpoint = platform_endpoint(self.database, box=self.box, connector=connector, platform=platform)
        power = required_platform_power(connector)
        try:
            begun = await power.begin_authorization(endpoint, deadline=_in(BEGUN_WITHIN_S))
        except ProviderFailure as failure:
            raise _failed(failure) from failure
        state = secrets.token_urlsafe(32)
        attempt_id = new_id()
        onward = self._onward(
            power,
            way=way,
            platform_id=platform.id,
            attempt_code=begun.attempt_code,
            state=state,
            external_id=external_id,
        )
        attempt = Attempt(
            id=attempt_id,
            kind=kind,
            platform_id=platform.id,
            workspace_id=actor.workspace_id,
            person_id=actor.person_id,
            remote_address=remote_address,
            channel_id=channel_id,
            state="open",
            reason=None,
            external_id=external_id,
            pushed_code=None,
            expires_at=self.database.clock.now() + begun.lasts,
            way=way,
            onward_url=None if way == "code" else self.box.seal(onward.encode(), context=_onward_context(attempt_id)),
        )
        async with self.database.in_platform() as tx:
            await add_attempt(tx, attempt, state=state, attempt_code=begun.attempt_code)
        log.info("authorization_begun", attempt_id=str(attempt.id), workspace_id=str(actor.workspace_id))
        url = onward if way == "code" else f"{self.public_url}{LINK_PATH}{state}"
        return BegunAttempt(id=attempt.id, url=url, expires_at=attempt.expires_at)

    async def read_link(self, *, state: str) -> OpenedLink:
        """Return what whoever was sent a link needs to go on. Raises LinkInvalid or LinkExpired."""
        attempt = await self._linked(state)
        if attempt.state == "open" and self.database.clock.now() >= attempt.expires_at:
            raise LinkExpired(expired_at=attempt.expires_at)
        async with self.database.in_workspace(attempt.workspace_id) as tx:
            company = await tx.value("SELECT name FROM workspaces WHERE id = %s", [attempt.workspace_id])
            person = await tx.value("SELECT name FROM persons WHERE id = %s", [attempt.person_id])
        sealed = attempt.onward_url or b""
        return OpenedLink(
            url=self.box.open(sealed, context=_onward_context(attempt.id)).decode(),
            company=str(company),
            person=str(person),
            state=attempt.state,
            expires_at=attempt.expires_at,
        )

    async def complete_link(self, *, state: str, code: str) -> None:
        """Finish the attempt that somebody's phone comes back from; it was begun by who is signed in elsewhere.

        Raises LinkInvalid, AttemptExpired, or what `complete` raises of the provider and the account.
        """
        attempt = await self._linked(state)
        if attempt.state == "open" and self.database.clock.now() >= attempt.expires_at + FINISHED_WITHIN:
            raise AttemptExpired
        await self._settle(attempt, code=code)

    async def _linked(self, state: str) -> Attempt:
        async with self.database.in_platform() as tx:
            attempt = await attempt_of_state(tx, state=state)
        if attempt is None or attempt.way != "link":
            raise LinkInvalid
        return attempt

    def _onward(
        self,
        power: AuthorizesByPlatform,
        *,
        way: Way,
        platform_id: str,
        attempt_code: str,
        state: str,
        external_id: str | None,
    ) -> str:
        """Return the provider's page of an attempt: with a code to scan, or for the phone that holds the link."""
        if way == "link":
            return power.phone_authorization_url(
                platform_id=platform_id,
                attempt_code=attempt_code,
                return_url=f"{self.public_url}{LINK_RETURN_PATH}{state}",
                external_id=external_id,
            )
        return power.authorization_url(
            platform_id=platform_id,
            attempt_code=attempt_code,
            return_url=f"{self.public_url}{RETURN_PATH}?{urlencode({'state': state})}",
            external_id=external_id,
        )

    async def complete(self, *, actor: Actor, state: str, code: str) -> ChannelId:
        """Finish the attempt that the actor's browser comes back from, and return the channel.

        Doing it again returns the same. Raises AttemptUnknown, AttemptForeign, AttemptExpired, AlreadyDocked,
        OtherAccount, CodeRefused, AuthorizationFailed or StillExchanging.
        """
        async with self.database.in_platform() as tx:
            attempt = await attempt_of_state(tx, state=state)
        if attempt is None:
            raise AttemptUnknown
        if (attempt.person_id, attempt.workspace_id) != (actor.person_id, actor.workspace_id):
            log.warning("authorization_foreign", attempt_id=str(attempt.id))
            raise AttemptForeign
        if attempt.state == "open" and self.database.clock.now() >= attempt.expires_at + FINISHED_WITHIN:
            raise AttemptExpired
        return await self._settle(attempt, code=code)

    async def settle_pushed(self, *, workspace_id: WorkspaceId, attempt_id: str) -> None:
        """Finish an attempt by the code that the provider pushed. A job: what a repetition may mend is raised."""
        async with self.database.in_workspace(workspace_id) as tx:
            attempt = await read_attempt(tx, attempt_id=UUID(attempt_id))
        if attempt.state == "done" or attempt.pushed_code is None:
            return
        code = self.box.open(attempt.pushed_code, context=pushed_code_context(attempt.id)).decode()
        try:
            await self._settle(attempt, code=code)
        except (AlreadyDocked, OtherAccount, CodeRefused) as error:
            log.warning("authorization_not_settled", attempt_id=str(attempt.id), code=error.code)

    async def read(self, *, workspace_id: WorkspaceId, attempt_id: UUID) -> Attempt:
        """Return an attempt of the workspace. Raises Missing."""
        async with self.database.in_platform() as tx:
            attempt = await read_attempt(tx, attempt_id=attempt_id)
        if attempt.workspace_id != workspace_id:
            raise Missing(what="authorization")
        return attempt

    # ------------------------------------------------------------ settling

    async def _settle(self, attempt: Attempt, *, code: str) -> ChannelId:
        deadline = _in(SETTLED_WITHIN_S)
        taken = await self._taken(attempt, code=code, deadline=deadline)
        if taken.lease is None:
            channel_id = _result_of(taken.attempt)
            await self._until_read(attempt.workspace_id, channel_id)
            return channel_id
        return await self._exchange(taken.attempt, taken.lease, code=code, deadline=deadline)

    async def _taken(self, attempt: Attempt, *, code: str, deadline: float) -> Taken:
        """Return the attempt when it is ours to exchange, or settled by another. Raises StillExchanging."""
        while True:
            async with self.database.in_platform() as tx:
                taken = await take_attempt(tx, attempt_id=attempt.id, code=code)
            if taken.lease is not None or taken.attempt.state in {"done", "failed"}:
                return taken
            if asyncio.get_running_loop().time() + LOOKS_EVERY_S > deadline:
                raise StillExchanging(retry_after_s=1)
            await asyncio.sleep(LOOKS_EVERY_S)

    async def _exchange(self, attempt: Attempt, lease: UUID, *, code: str, deadline: float) -> ChannelId:
        connector = self._connector(attempt.kind)
        try:
            platform = await self._platform_of(attempt, connector)
            endpoint = platform_endpoint(self.database, box=self.box, connector=connector, platform=platform)
            power = required_platform_power(connector)
            grant = await power.exchange_code(endpoint, code=code, deadline=deadline)
        except ProviderFailure as failure:
            await self._fail(
                attempt, lease, failure_reason(failure), refused_code=code if _is_refusal(failure) else None
            )
            raise _failed(failure) from failure
        except AuthorizationFailed as failure:
            await self._fail(attempt, lease, failure.reason, refused_code=None)
            raise
        return await self._dock(attempt, lease, connector, platform, grant)

    async def _platform_of(self, attempt: Attempt, connector: Connector) -> Platform:
        """Return the platform that the attempt was begun with. Raises AuthorizationFailed if it is another by now."""
        async with self.database.in_platform() as tx:
            platform = await find_platform(tx, box=self.box, connector=connector)
        if platform is None or platform.id != attempt.platform_id:
            raise AuthorizationFailed(reason=PlatformReason.NOT_CONFIGURED, external_code=None)
        return platform

    async def _dock(
        self, attempt: Attempt, lease: UUID, connector: Connector, platform: Platform, grant: Grant
    ) -> ChannelId:
        if attempt.external_id not in {None, grant.external_id}:
            await self._leave_unclaimed(attempt, lease, platform, grant)
            raise OtherAccount(wanted=str(attempt.external_id), authorized=grant.external_id)

        async def dock(tx: Tx) -> ChannelId:
            channel = await dock_by_grant(
                tx,
                connector=connector,
                box=self.box,
                platform=platform,
                grant=grant,
                by=Docker(person_id=attempt.person_id, remote_address=attempt.remote_address),
            )
            await finish_attempt(tx, attempt_id=attempt.id, channel_id=channel.id, external_id=grant.external_id)
            await remove_unclaimed(tx, kind=platform.kind, platform_id=platform.id, external_id=grant.external_id)
            return channel.id

        try:
            channel_id = await self.database.run(attempt.workspace_id, dock)
        except AlreadyDocked:
            await self._fail(attempt, lease, DockingReason.ALREADY_DOCKED, refused_code=None)
            await hand_over_grant(self.database, box=self.box, grant=grant, kind=attempt.kind)
            raise
        log.info("authorization_settled", attempt_id=str(attempt.id), channel_id=str(channel_id))
        await self._refresh(attempt.workspace_id, channel_id)
        return channel_id

    async def _leave_unclaimed(self, attempt: Attempt, lease: UUID, platform: Platform, grant: Grant) -> None:
        await self._fail(attempt, lease, DockingReason.OTHER_ACCOUNT, refused_code=None)
        await hand_over_grant(self.database, box=self.box, grant=grant, kind=attempt.kind)
        async with self.database.in_platform() as tx:
            docked = await tx.value(
                "SELECT true FROM channel_addresses WHERE kind = %s AND external_id = %s",
                [platform.kind, grant.external_id],
            )
            if not docked:
                await add_unclaimed(tx, platform=platform, external_id=grant.external_id, authorized_at=tx.now)

    async def _until_read(self, workspace_id: WorkspaceId, channel_id: ChannelId) -> None:
        """Return when the account's profile has been read by who docked it, or after a moment without."""
        deadline = _in(READ_WITHIN_S)
        while asyncio.get_running_loop().time() < deadline:
            async with self.database.in_workspace(workspace_id) as tx:
                if (await read_channel(tx, channel_id=channel_id)).profile_read_at is not None:
                    return
            await asyncio.sleep(LOOKS_EVERY_S)

    async def _refresh(self, workspace_id: WorkspaceId, channel_id: ChannelId) -> None:
        """Read the account's profile at once, so that the channel shows with its name. A job does it in any case."""
        try:
            await self.accounts.refresh(
                workspace_id=workspace_id, channel_id=channel_id, deadline=_in(REFRESHED_WITHIN_S)
            )
        except ProviderFailure as failure:
            log.warning("account_not_read", channel_id=str(channel_id), reason=failure_reason(failure))

    async def _fail(self, attempt: Attempt, lease: UUID, reason: str, *, refused_code: str | None) -> None:
        log.warning("authorization_failed", attempt_id=str(attempt.id), reason=reason)
        async with self.database.in_platform() as tx:
            await fail_attempt(tx, attempt_id=attempt.id, lease=lease, reason=reason, refused_code=refused_code)

    # ------------------------------------------------------------ lookups

    def _connector(self, kind: str) -> Connector:
        connector = self.connectors.get(kind)
        if connector is None or platform_power(connector) is None:
            raise Missing(what="channel kind")
        return connector

    async def _external_id(self, workspace_id: WorkspaceId, kind: str, channel_id: ChannelId | None) -> str | None:
        if channel_id is None:
            return None
        async with self.database.in_workspace(workspace_id) as tx:
            channel = await read_channel(tx, channel_id=channel_id)
        if channel.kind != kind:
            raise Missing(what="channel")
        return channel.external_id


def pushed_code_context(attempt_id: UUID) -> str:
    """Return what a pushed code is sealed for."""
    return f"docking-attempt:{attempt_id}"


def _onward_context(attempt_id: UUID) -> str:
    return f"docking-link:{attempt_id}"


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def _is_refusal(failure: ProviderFailure) -> bool:
    return isinstance(failure, Refused) and failure.reason in {PlatformReason.CODE_INVALID, PlatformReason.CODE_EXPIRED}


def _failed(failure: ProviderFailure) -> DomainError:
    """Return what a provider's failure means for the person who waits."""
    if _is_refusal(failure):
        return CodeRefused(reason=failure_reason(failure))
    address = str(failure.details().get("address", ""))
    return AuthorizationFailed(reason=failure_reason(failure), external_code=failure.external_code, address=address)


def _result_of(attempt: Attempt) -> ChannelId:
    """Return the channel of an attempt that is done. Raises what it failed by."""
    if attempt.state == "done" and attempt.channel_id is not None:
        return attempt.channel_id
    match attempt.reason:
        case DockingReason.ALREADY_DOCKED:
            raise AlreadyDocked(external_id=attempt.external_id or "")
        case DockingReason.OTHER_ACCOUNT:
            raise OtherAccount(wanted=attempt.external_id or "", authorized="")
        case PlatformReason.CODE_INVALID | PlatformReason.CODE_EXPIRED as reason:
            raise CodeRefused(reason=reason)
        case reason:
            raise AuthorizationFailed(reason=reason or "", external_code=None)
