"""What is live at the provider: read, held against ours, imported. The last one who publishes wins, whoever it is."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from moorage.channels.jobs import COMPARE_MENU
from moorage.channels.menus.compiling import comparable, understood
from moorage.channels.menus.differences import Difference, differences
from moorage.channels.menus.facts import tell_of_menu
from moorage.channels.menus.model import Menu
from moorage.channels.menus.operations import By, save_draft
from moorage.channels.menus.outcomes import NOT_LIVE, judge, say_of_channel
from moorage.channels.menus.publishing import Menus
from moorage.channels.menus.queries import MenuVersion, StoredMenu, known_items, lock_menu, read_menu
from moorage.channels.menus.storing import mark_published, store_live
from moorage.channels.queries import read_channel
from moorage.channels.undocking import ENDED_STATES
from moorage.connectors.failures import ProviderFailure
from moorage.connectors.menus import LiveMenu
from moorage.core.errors import DomainError
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Tx
from moorage.infra.jobs import JobQueue

READ_WITHIN_S = 8.0

Standing = Literal["unread", "none", "off", "ours", "differs", "foreign"]
"""How what is live stands to ours: never read; no menu; menu switched off; ours; another than ours; none of ours."""

_Keeping = Callable[[Tx], Awaitable[None]]


@dataclass(eq=False)
class NothingToImport(DomainError):
    """The account shows no menu, or it could not be read."""

    code: ClassVar[str] = "channels.menu_nothing_to_import"
    kind: ClassVar[str] = "conflict"


def standing(stored: StoredMenu, *, published: MenuVersion | None) -> Standing:
    """Return how what was last read stands to what should be live."""
    live = stored.live
    if live is None:
        return "unread"
    if live.menu is None:
        return "none" if published is None else "differs"
    if published is None:
        return "foreign"
    if live.menu.digest != published.digest:
        return "differs"
    return "ours" if live.shown else "off"


@dataclass(frozen=True, slots=True)
class LiveMenus:
    """Reads what is live and says how it stands to ours."""

    menus: Menus

    async def compare(self, *, workspace_id: WorkspaceId, channel_id: ChannelId) -> None:
        """Read what is live and keep it; a failure to do so is kept too. Raises Missing."""
        database = self.menus.database
        async with database.in_workspace(workspace_id) as tx:
            before = await read_menu(tx, channel_id=channel_id)
            if (await read_channel(tx, channel_id=channel_id)).state in ENDED_STATES:
                return
        power, endpoint = await self.menus.open(workspace_id, channel_id)
        deadline = asyncio.get_running_loop().time() + READ_WITHIN_S
        try:
            live = await power.read_menus(endpoint, deadline=deadline)
        except ProviderFailure as failure:
            await database.run(workspace_id, _keeping_failure(channel_id, failure))
        else:
            await database.run(workspace_id, _keeping_live(channel_id, before, live))

    async def import_live(
        self, *, workspace_id: WorkspaceId, channel_id: ChannelId, version: int, by: By
    ) -> StoredMenu:
        """Return the menu with what is live now as its draft, in place of the one the person saw as `version`.

        Raises Missing, ChannelUndocked, StaleVersion or NothingToImport.
        """
        await self.compare(workspace_id=workspace_id, channel_id=channel_id)

        async def take_over(tx: Tx) -> StoredMenu:
            stored = await read_menu(tx, channel_id=channel_id)
            if stored.live is None or stored.live.menu is None or stored.live_reason is not None:
                raise NothingToImport
            draft = await live_as_ours(tx, stored)
            return await save_draft(tx, channel_id=channel_id, draft=draft or Menu(), version=version, by=by)

        return await self.menus.database.run(workspace_id, take_over)

    async def compare_by_job(self, *, workspace_id: WorkspaceId, channel_id: ChannelId) -> None:
        """Do the same as `compare`, for a channel that has published something."""
        async with self.menus.database.in_workspace(workspace_id) as tx:
            stored = await read_menu(tx, channel_id=channel_id)
        if stored.published_number is not None:
            await self.compare(workspace_id=workspace_id, channel_id=channel_id)

    async def compare_all(self) -> None:
        """Write a job for each docked channel of a kind with menus, of any workspace."""
        kinds = [kind for kind, connector in self.menus.connectors.items() if connector.manifest.menu is not None]
        async with self.menus.database.in_platform() as tx:
            docked = await tx.rows(
                _Docked, "SELECT workspace_id, channel_id FROM channel_addresses WHERE kind = ANY(%s)", [kinds]
            )
        jobs = JobQueue()
        for one in docked:
            async with self.menus.database.in_workspace(one.workspace_id) as tx:
                await jobs.later(tx, COMPARE_MENU, arguments={"channel_id": one.channel_id})


@dataclass(frozen=True, slots=True)
class _Docked:
    workspace_id: WorkspaceId
    channel_id: ChannelId


async def live_as_ours(tx: Tx, stored: StoredMenu) -> Menu | None:
    """Return what is live as a menu of ours, or None where there is none."""
    if stored.live is None or stored.live.menu is None:
        return None
    known = await known_items(tx, channel_id=stored.channel_id, menu=stored.live.menu)
    return understood(stored.live.menu, known=known, fresh_id=lambda: secrets.token_hex(4))


def differences_of(before: Menu | None, after: Menu | None) -> tuple[Difference, ...]:
    """Return what is other in `after`, by what items are called and do."""
    return differences(None if before is None else comparable(before), None if after is None else comparable(after))


def _keeping_live(channel_id: ChannelId, before: StoredMenu, live: LiveMenu) -> _Keeping:
    async def keep(tx: Tx) -> None:
        now = await lock_menu(tx, channel_id=channel_id)
        if now.is_leased(tx.now) or now.published_number != before.published_number:
            return  # what was read may be older than what has been published meanwhile
        await store_live(tx, channel_id=channel_id, live=live)
        await _settle_open_versions(tx, channel_id, live)
        channel = await read_channel(tx, channel_id=channel_id)
        await say_of_channel(tx, channel_id=channel_id, state_reason=channel.state_reason, outcome=judge(None))
        if now.live != live or now.live_reason is not None:
            await tell_of_menu(tx, channel_id=channel_id)

    return keep


def _keeping_failure(channel_id: ChannelId, failure: ProviderFailure) -> _Keeping:
    outcome = judge(failure)

    async def keep(tx: Tx) -> None:
        before = await lock_menu(tx, channel_id=channel_id)
        await tx.execute(
            "UPDATE channel_menus SET live_reason = %s WHERE workspace_id = %s AND channel_id = %s",
            [outcome.reason, tx.workspace_id, channel_id],
        )
        channel = await read_channel(tx, channel_id=channel_id)
        if outcome.channel == "deauthorized":  # what only keeps menus from working shows with the menu
            await say_of_channel(tx, channel_id=channel_id, state_reason=channel.state_reason, outcome=outcome)
        if before.live_reason != outcome.reason:
            await tell_of_menu(tx, channel_id=channel_id)

    return keep


@dataclass(frozen=True, slots=True)
class _Open:
    number: int
    digest: str
    conditional_id: UUID | None


async def _settle_open_versions(tx: Tx, channel_id: ChannelId, live: LiveMenu) -> None:
    """Tell of versions whose publication never got an answer what is known now: live, or not."""
    found = await tx.rows(
        _Open,
        """
        SELECT number, digest, conditional_id FROM menu_versions
        WHERE workspace_id = %s AND channel_id = %s
          AND (state IN ('publishing', 'unknown') OR (state = 'failed' AND reason = %s)) ORDER BY number
        """,
        [tx.workspace_id, channel_id, NOT_LIVE],
    )
    for version in found:
        external_menu_id = _external_id(live, version)
        is_live = external_menu_id is not None or (
            version.conditional_id is None and live.menu is not None and live.menu.digest == version.digest
        )
        await _settle_version(tx, channel_id, version, is_live=is_live)
        if is_live and version.conditional_id is None:
            await mark_published(tx, channel_id=channel_id, number=version.number)
        elif external_menu_id is not None:
            await tx.execute(
                """
                UPDATE conditional_menus SET external_menu_id = %s, published_number = %s
                WHERE workspace_id = %s AND id = %s
                """,
                [external_menu_id, version.number, tx.workspace_id, version.conditional_id],
            )


def _external_id(live: LiveMenu, version: _Open) -> str | None:
    if version.conditional_id is None:
        return None
    return next((one.external_menu_id for one in live.conditional if one.menu.digest == version.digest), None)


async def _settle_version(tx: Tx, channel_id: ChannelId, version: _Open, *, is_live: bool) -> None:
    await tx.execute(
        """
        UPDATE menu_versions SET state = %(state)s, reason = %(reason)s, settled_at = %(now)s
        WHERE workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s AND number = %(number)s
          AND state <> %(state)s
        """,
        {
            "state": "published" if is_live else "failed",
            "reason": None if is_live else NOT_LIVE,
            "now": tx.now,
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
            "number": version.number,
        },
    )
