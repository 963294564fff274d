"""What becomes of a provider's notice to our platform. Nothing is asked of the provider here: jobs do that."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from moorage.channels.addresses import find_address
from moorage.channels.attempts import attempt_of_code, keep_pushed_code, pushed_code_context
from moorage.channels.credentials import PLATFORM_ID, open_verification
from moorage.channels.events import AccountAuthorizedUs, AuthorizationPushed
from moorage.channels.model import Address
from moorage.channels.platforms import Platform, store_ticket
from moorage.channels.queries import read_channel
from moorage.channels.states import mark_deauthorized
from moorage.channels.unclaimed import add_unclaimed, remove_unclaimed
from moorage.channels.undocking import ENDED_STATES
from moorage.connectors.authorization import (
    AccountAuthorized,
    AuthorizationWithdrawn,
    AuthorizesByPlatform,
    Notice,
    OtherNotice,
    TicketIssued,
)
from moorage.connectors.failures import CredentialsReason
from moorage.core.errors import Missing
from moorage.infra.audit import write_audit
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox

SAME_SECOND = timedelta(seconds=1)
"""The provider's time has whole seconds: what it calls the same second may have been after."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Notices:
    """Takes notices in. Each may come twice, late, or for an account that nobody has docked."""

    database: Database
    box: SecretBox

    async def take(self, notice: Notice, *, platform: Platform, power: AuthorizesByPlatform) -> None:
        """Write down what a verified notice says. Raises what kept it from being written: it must come again then."""
        match notice.what:
            case TicketIssued(ticket=ticket):
                async with self.database.in_platform() as tx:
                    await store_ticket(tx, box=self.box, platform=platform, ticket=ticket, signed_at=notice.happened_at)
            case AccountAuthorized() | AuthorizationWithdrawn() as what if power.is_probe(external_id=what.external_id):
                log.info("release_check_notice", notice=type(what).__name__)
            case AccountAuthorized() as what:
                await self._take_authorized(what, notice, platform)
            case AuthorizationWithdrawn() as what:
                await self._take_withdrawn(what, notice, platform)
            case OtherNotice(name=name):
                log.info("platform_notice_ignored", notice=name[:40])

    async def _take_authorized(self, what: AccountAuthorized, notice: Notice, platform: Platform) -> None:
        async with self.database.in_platform() as tx:
            attempt = await attempt_of_code(
                tx, kind=platform.kind, platform_id=platform.id, attempt_code=what.attempt_code
            )
        if attempt is None or (attempt.state == "done" and what.change):
            await self._take_unasked(what, notice, platform)
            return

        async def keep(tx: Tx) -> None:
            sealed = self.box.seal(what.code.encode(), context=pushed_code_context(attempt.id))
            if await keep_pushed_code(tx, attempt_id=attempt.id, sealed=sealed):
                tx.publish(AuthorizationPushed(attempt_id=attempt.id))

        await self.database.run(attempt.workspace_id, keep)

    async def _take_unasked(self, what: AccountAuthorized, notice: Notice, platform: Platform) -> None:
        """Refresh the channel that works with the account; without one it is for the operator to see."""
        address = await self._address(platform, what.external_id)
        if address is not None and await self._refreshes(address):
            return
        log.warning("authorization_unclaimed", external_id=what.external_id)
        async with self.database.in_platform() as tx:
            await add_unclaimed(tx, platform=platform, external_id=what.external_id, authorized_at=notice.happened_at)

    async def _refreshes(self, address: Address) -> bool:
        async def tell(tx: Tx) -> bool:
            channel = await read_channel(tx, channel_id=address.channel_id)
            if channel.state in ENDED_STATES or channel.docked_by != "authorization":
                return False
            tx.publish(AccountAuthorizedUs(channel_id=channel.id))
            return True

        return await self.database.run(address.workspace_id, tell)

    async def _take_withdrawn(self, what: AuthorizationWithdrawn, notice: Notice, platform: Platform) -> None:
        async with self.database.in_platform() as tx:
            await remove_unclaimed(tx, kind=platform.kind, platform_id=platform.id, external_id=what.external_id)
        address = await self._address(platform, what.external_id)
        if address is None:
            log.info("withdrawal_of_nobody", external_id=what.external_id)
            return

        async def withdraw(tx: Tx) -> None:
            await _withdraw(tx, address=address, notice=notice)

        await self.database.run(address.workspace_id, withdraw)

    async def _address(self, platform: Platform, external_id: str) -> Address | None:
        """Return where an account docked by this platform belongs, or None."""
        try:
            async with self.database.in_platform() as tx:
                address = await find_address(tx, kind=platform.kind, external_id=external_id)
        except Missing:
            return None
        known = open_verification(self.box, address)
        return address if known.get(PLATFORM_ID) == platform.id else None


async def _withdraw(tx: Tx, *, address: Address, notice: Notice) -> None:
    channel = await read_channel(tx, channel_id=address.channel_id)
    if channel.docked_by != "authorization" or channel.state in ENDED_STATES:
        return
    if channel.authorized_at is not None and notice.happened_at + SAME_SECOND <= channel.authorized_at:
        log.info("withdrawal_outdated", channel_id=str(channel.id))  # it was authorized again since
        return
    await mark_deauthorized(tx, channel_id=channel.id, reason=CredentialsReason.AUTHORIZATION_GONE)
    await write_audit(
        tx,
        by=None,
        remote_address="provider",
        act="channel.authorization_withdrawn",
        object_kind="channel",
        object_id=channel.id,
        before={"state": channel.state},
        after={"state": "deauthorized"},
    )
