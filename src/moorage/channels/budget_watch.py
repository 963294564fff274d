"""Limits lower than we count: a provider that refuses before our count teaches us its real limit.

What a channel's customers show is written down as a case. Three customers within a week, refused after at least as many
messages as a smaller preset allows, lower the channel to that preset, and its admins are told with the cases. Refused
after fewer, something else is the reason: another system sends on the account too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.channels.events import BudgetPresetChanged
from moorage.channels.model import ChannelSettings
from moorage.channels.queries import read_channel
from moorage.channels.views import channel_changed
from moorage.connectors.manifest import Manifest
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, PersonId, ThreadId, new_id
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx

WATCHED_FOR = timedelta(days=7)
CUSTOMERS_THAT_PROVE = 3


@dataclass(frozen=True, slots=True)
class BudgetCase:
    """One customer whose budget the provider called spent before we did. `counted`: what had been sent by our count."""

    thread_id: ThreadId
    customer_name: str
    conversation_id: UUID | None
    most: int
    counted: int
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Lowered:
    """That a channel's preset was lowered by itself, from what, and when."""

    preset: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BudgetWatch:
    """What is known of a channel's limits beside what is set."""

    cases: Sequence[BudgetCase]
    lowered: Lowered | None
    other_system: bool
    """So many customers were refused below every preset that another system probably sends on the account."""


@dataclass(frozen=True, slots=True)
class _Lowered:
    budget_lowered_from: str | None
    budget_lowered_at: datetime | None


def lower_preset(presets: Mapping[str, int], *, current: str, counted: int) -> str | None:
    """Return the largest preset below `current` that is not above what was sent; None: no preset explains it."""
    most = presets.get(current, 0)
    fitting = {name: size for name, size in presets.items() if size < most and size <= counted}
    return max(fitting, key=lambda name: fitting[name], default=None)


async def note_early_refusal(
    tx: Tx, *, channel_id: ChannelId, thread_id: ThreadId, most: int, counted: int, manifest: Manifest
) -> None:
    """Write down that a budget was refused after `counted` of `most`, and lower the preset where that is proven."""
    await tx.execute(
        """
        INSERT INTO budget_cases (workspace_id, id, channel_id, thread_id, most, counted, happened_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        [tx.workspace_id, new_id(), channel_id, thread_id, most, counted, tx.now],
    )
    settings = (await read_channel(tx, channel_id=channel_id)).settings
    current = settings.budget_preset or manifest.default_preset or ""
    presets = {name: rules["message"].most for name, rules in manifest.budget_presets.items() if "message" in rules}
    lower = lower_preset(presets, current=current, counted=counted)
    if lower is None:
        return
    proven = await tx.value(
        """
        SELECT count(DISTINCT thread_id) FROM budget_cases
        WHERE workspace_id = %s AND channel_id = %s AND settled_at IS NULL AND happened_at > %s AND counted >= %s
        """,
        [tx.workspace_id, channel_id, tx.now - WATCHED_FOR, presets[lower]],
    )
    if isinstance(proven, int) and proven >= CUSTOMERS_THAT_PROVE:
        await _set_preset(tx, channel_id=channel_id, settings=settings, preset=lower, lowered_from=current)
        await _audit(tx, channel_id, act="channel.budget_lowered", before=current, after=lower)


async def read_watch(tx: Tx, *, channel_id: ChannelId, manifest: Manifest) -> BudgetWatch:
    """Return what is known of a channel's limits. Raises Missing."""
    smallest = min(
        (rules["message"].most for rules in manifest.budget_presets.values() if "message" in rules), default=0
    )
    cases = await tx.rows(
        BudgetCase,
        """
        SELECT b.thread_id, coalesce(u.remark_name, u.name) AS customer_name, b.most, b.counted, b.happened_at,
               (SELECT c.id FROM conversations c WHERE c.workspace_id = b.workspace_id AND c.thread_id = b.thread_id
                ORDER BY c.opened_at DESC, c.id DESC LIMIT 1) AS conversation_id
        FROM budget_cases b
        JOIN threads t ON t.workspace_id = b.workspace_id AND t.id = b.thread_id
        JOIN customers u ON u.workspace_id = t.workspace_id AND u.id = t.customer_id
        WHERE b.workspace_id = %s AND b.channel_id = %s AND b.settled_at IS NULL AND b.happened_at > %s
        ORDER BY b.happened_at DESC LIMIT 20
        """,
        [tx.workspace_id, channel_id, tx.now - WATCHED_FOR],
    )
    row = await _lowered(tx, channel_id)
    below = {case.thread_id for case in cases if case.counted < smallest}
    lowered = None
    if row.budget_lowered_from is not None and row.budget_lowered_at is not None:
        lowered = Lowered(preset=row.budget_lowered_from, at=row.budget_lowered_at)
    return BudgetWatch(cases=cases, lowered=lowered, other_system=len(below) >= CUSTOMERS_THAT_PROVE)


async def settle_lowering(tx: Tx, *, channel_id: ChannelId, restore: bool, by: PersonId, remote_address: str) -> None:
    """Set the preset back to what it was, or keep the lower one; either way the cases are settled. Raises Missing."""
    before = (await _lowered(tx, channel_id)).budget_lowered_from
    if before is None:
        raise Missing(what="lowered preset")
    settings = (await read_channel(tx, channel_id=channel_id)).settings
    preset = before if restore else settings.budget_preset
    await tx.execute(
        "UPDATE budget_cases SET settled_at = %s WHERE workspace_id = %s AND channel_id = %s AND settled_at IS NULL",
        [tx.now, tx.workspace_id, channel_id],
    )
    await _set_preset(tx, channel_id=channel_id, settings=settings, preset=preset, lowered_from=None)
    await _audit(
        tx,
        channel_id,
        act="channel.budget_restored" if restore else "channel.budget_lowering_kept",
        before=settings.budget_preset,
        after=preset,
        by=by,
        remote_address=remote_address,
    )


async def _lowered(tx: Tx, channel_id: ChannelId) -> _Lowered:
    row = await tx.row(
        _Lowered,
        "SELECT budget_lowered_from, budget_lowered_at FROM channels WHERE workspace_id = %s AND id = %s",
        [tx.workspace_id, channel_id],
    )
    if row is None:
        raise Missing(what="channel")
    return row


async def _set_preset(
    tx: Tx, *, channel_id: ChannelId, settings: ChannelSettings, preset: str | None, lowered_from: str | None
) -> None:
    after = settings.model_copy(update={"budget_preset": preset})
    await tx.execute(
        """
        UPDATE channels
        SET settings = %(settings)s, budget_lowered_from = %(lowered_from)s, version = version + 1,
            budget_lowered_at = CASE WHEN %(lowered_from)s::text IS NULL THEN NULL ELSE %(now)s END
        WHERE workspace_id = %(workspace_id)s AND id = %(id)s
        """,
        {
            "settings": Jsonb(after.model_dump(mode="json")),
            "lowered_from": lowered_from,
            "now": tx.now,
            "workspace_id": tx.workspace_id,
            "id": channel_id,
        },
    )
    tx.record(channel_changed(await read_channel(tx, channel_id=channel_id)))
    tx.publish(BudgetPresetChanged(channel_id=channel_id))


async def _audit(
    tx: Tx,
    channel_id: ChannelId,
    *,
    act: str,
    before: str | None,
    after: str | None,
    by: PersonId | None = None,
    remote_address: str = "provider",
) -> None:
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act=act,
        object_kind="channel",
        object_id=channel_id,
        before={"budget_preset": before},
        after={"budget_preset": after},
    )
