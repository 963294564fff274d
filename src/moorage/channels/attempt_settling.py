"""Settling an attempt to dock by authorization: its code is exchanged once, and the account that it grants is docked.

The browser and the provider's push may both bring the code, in any order, once or twice, in different processes. One of
them exchanges it under a lease, with no transaction open; the others wait for what comes of it.
"""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import structlog

from moorage.channels.accounts import Accounts
from moorage.channels.attempts import Attempt, Taken, fail_attempt, finish_attempt, take_attempt
from moorage.channels.authorization_errors import (
    AuthorizationFailed,
    CodeRefused,
    OtherAccount,
    StillExchanging,
    authorization_error,
    refuses_code,
)
from moorage.channels.docking import AlreadyDocked
from moorage.channels.grants import Docker, dock_by_grant, hand_over_grant
from moorage.channels.leases import failure_reason
from moorage.channels.platforms import Platform, authorizing_connector, find_platform, platform_endpoint
from moorage.channels.queries import read_channel
from moorage.channels.unclaimed import add_unclaimed, remove_unclaimed
from moorage.connectors.authorization import DockingReason, Grant, PlatformReason
from moorage.connectors.contract import Connector
from moorage.connectors.failures import ProviderFailure
from moorage.connectors.registry import Connectors, required_platform_power
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox

SETTLED_WITHIN_S = 20.0
"""Of one exchange, shorter than its lease."""
REFRESHED_WITHIN_S = 8.0
READ_WITHIN_S = 3.0
LOOKS_EVERY_S = 0.15

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AttemptSettler:
    """Exchanges codes, and docks what they grant."""

    database: Database
    box: SecretBox
    connectors: Connectors
    accounts: Accounts

    async def settle(self, attempt: Attempt, *, code: str) -> ChannelId:
        """Exchange the code, or wait for whoever does so, and return the channel of the account.

        Raises AlreadyDocked, OtherAccount, CodeRefused, AuthorizationFailed or StillExchanging.
        """
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
        """Ask the provider what the code grants, and dock that. What goes wrong is written down and raised."""
        connector = authorizing_connector(self.connectors, kind=attempt.kind)
        try:
            platform = await self._platform_of(attempt, connector)
            endpoint = platform_endpoint(self.database, box=self.box, connector=connector, platform=platform)
            power = required_platform_power(connector)
            grant = await power.exchange_code(endpoint, code=code, deadline=deadline)
        except ProviderFailure as failure:
            refused_code = code if refuses_code(failure) else None
            await self._fail(attempt, lease, failure_reason(failure), refused_code=refused_code)
            raise authorization_error(failure) from failure
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
        """Dock the account that was granted. Raises OtherAccount or AlreadyDocked; the grant is not lost with them."""
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
        """Keep a grant for an account that was not asked for: by its channel, or in the list of the unclaimed."""
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


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds
