"""The audit log: who did what privileged act, when, from where, and what it changed."""

from collections.abc import Mapping
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.core.ids import PersonId, new_id
from moorage.infra.database import Tx


async def write_audit(
    tx: Tx,
    *,
    by: PersonId | None,
    remote_address: str,
    act: str,
    object_kind: str,
    object_id: UUID | None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
) -> None:
    """Write one line, true if and only if the transaction commits. `by` is None for the command line.

    `before` and `after` hold what changed, never a secret: name the field and leave its value out.
    """
    await tx.execute(
        """
        INSERT INTO audit_log
               (workspace_id, id, at, person_id, remote_address, act, object_kind, object_id, before, after)
        VALUES (%(workspace_id)s, %(id)s, %(at)s, %(by)s, %(remote_address)s, %(act)s, %(object_kind)s, %(object_id)s,
                %(before)s, %(after)s)
        """,
        {
            "workspace_id": tx.workspace_id,
            "id": new_id(),
            "at": tx.now,
            "by": by,
            "remote_address": remote_address,
            "act": act,
            "object_kind": object_kind,
            "object_id": object_id,
            "before": None if before is None else Jsonb(before),
            "after": None if after is None else Jsonb(after),
        },
    )
