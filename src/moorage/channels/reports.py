"""What a provider reports about an account itself, kept for a while and shown to who looks after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.channels.account_statements import note_verification
from moorage.connectors.contract import OtherEvent
from moorage.connectors.manifest import Manifest
from moorage.core.ids import ChannelId, new_id
from moorage.infra.database import Fact, Tx

KEPT = timedelta(days=90)
MOST_SHOWN = 50
TOPIC = "channel.reported"
ReportEffect = Literal["verified", "not_verified"]


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `line` has a stable word, `how`, and the values of its sentence; empty: only the name is known."""

    id: UUID
    name: str
    line: Mapping[str, str]
    happened_at: datetime
    effect: ReportEffect | None
    """What it changed here; None: nothing, or the account was so already."""


async def take_report(
    tx: Tx, *, channel_id: ChannelId, manifest: Manifest, event: OtherEvent, happened_at: datetime
) -> None:
    """Keep a report, and do what it means for the account. Old ones are thrown away."""
    effect: ReportEffect | None = None
    if event.verified is not None and await note_verification(
        tx, channel_id=channel_id, manifest=manifest, verified=event.verified
    ):
        effect = "verified" if event.verified else "not_verified"
    await tx.execute(
        "DELETE FROM channel_reports WHERE workspace_id = %s AND channel_id = %s AND happened_at < %s",
        [tx.workspace_id, channel_id, tx.now - KEPT],
    )
    await tx.execute(
        """
        INSERT INTO channel_reports (workspace_id, id, channel_id, name, line, happened_at, effect)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        [tx.workspace_id, new_id(), channel_id, event.name, Jsonb(dict(event.line)), happened_at, effect],
    )
    tx.record(Fact(topic=TOPIC, object_id=channel_id, version=0, audience=("role:supervisor",), payload={}))


async def list_reports(tx: Tx, *, channel_id: ChannelId) -> Sequence[Report]:
    """Return the newest reports about an account, the newest first."""
    return await tx.rows(
        Report,
        """
        SELECT id, name, line, happened_at, effect FROM channel_reports
        WHERE workspace_id = %s AND channel_id = %s ORDER BY happened_at DESC, id DESC LIMIT %s
        """,
        [tx.workspace_id, channel_id, MOST_SHOWN],
    )
