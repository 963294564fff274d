"""The right to change what is live on a channel: one at a time, whoever asks, and over by itself after a while."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.channels.menus.facts import tell_of_menu
from moorage.channels.menus.model import Menu
from moorage.channels.menus.operations import By, check_docked
from moorage.channels.menus.queries import StoredMenu, lock_menu
from moorage.connectors.menus import MatchRule, ProviderMenu
from moorage.core.errors import DomainError
from moorage.core.ids import ChannelId, new_id
from moorage.infra.database import Tx

LEASE = timedelta(seconds=30)
"""Longer than the calls that it is taken for, so that no two are under way."""


@dataclass(eq=False)
class MenuBusy(DomainError):
    """Somebody else is changing what is live at this moment."""

    code: ClassVar[str] = "channels.menu_busy"
    kind: ClassVar[str] = "conflict"
    until: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """The right, for one change."""

    id: UUID
    channel_id: ChannelId
    by: By


@dataclass(frozen=True, slots=True)
class Publication:
    """A version that is being published under a lease."""

    lease: Lease
    number: int
    menu: Menu
    given: ProviderMenu
    conditional_id: UUID | None = None
    rule: MatchRule | None = None
    replaces: str | None = None
    """The provider's id of the conditional menu that it takes the place of."""


async def take_lease(tx: Tx, *, channel_id: ChannelId, by: By) -> tuple[StoredMenu, Lease]:
    """Return the menu, locked, and the right to change what is live. Raises Missing, ChannelUndocked or MenuBusy."""
    await check_docked(tx, channel_id=channel_id)
    stored = await lock_menu(tx, channel_id=channel_id)
    if stored.leased_until is not None and stored.is_leased(tx.now):
        raise MenuBusy(until=stored.leased_until)
    lease = Lease(id=new_id(), channel_id=channel_id, by=by)
    await tx.execute(
        "UPDATE channel_menus SET leased_until = %s, leased_by = %s WHERE workspace_id = %s AND channel_id = %s",
        [tx.now + LEASE, lease.id, tx.workspace_id, channel_id],
    )
    await tell_of_menu(tx, channel_id=channel_id)
    return stored, lease


async def give_back(tx: Tx, lease: Lease) -> None:
    """End the right, unless it is another's by now."""
    await tx.execute(
        """
        UPDATE channel_menus SET leased_until = NULL, leased_by = NULL
        WHERE workspace_id = %s AND channel_id = %s AND leased_by = %s
        """,
        [tx.workspace_id, lease.channel_id, lease.id],
    )
    await tell_of_menu(tx, channel_id=lease.channel_id)


async def next_number(tx: Tx, *, channel_id: ChannelId) -> int:
    """Return the number of the next version, given out once."""
    number = await tx.value(
        """
        UPDATE channel_menus SET last_number = last_number + 1 WHERE workspace_id = %s AND channel_id = %s
        RETURNING last_number
        """,
        [tx.workspace_id, channel_id],
    )
    if not isinstance(number, int):
        raise TypeError("the menu's row is locked by the caller, so it is there")
    return number


async def begin_version(tx: Tx, publication: Publication) -> None:
    """Write down what is about to be published."""
    rule = publication.rule
    await tx.execute(
        """
        INSERT INTO menu_versions
               (workspace_id, channel_id, number, menu, digest, conditional_id, rule, state, began_at, published_by)
        VALUES (%(workspace_id)s, %(channel_id)s, %(number)s, %(menu)s, %(digest)s, %(conditional_id)s, %(rule)s,
                'publishing', %(now)s, %(by)s)
        """,
        {
            "workspace_id": tx.workspace_id,
            "channel_id": publication.lease.channel_id,
            "number": publication.number,
            "menu": Jsonb(publication.menu.model_dump(mode="json")),
            "digest": publication.given.digest,
            "conditional_id": publication.conditional_id,
            "rule": None if rule is None else Jsonb(rule.model_dump(mode="json")),
            "now": tx.now,
            "by": publication.lease.by.person_id,
        },
    )
