"""What holds for a whole company, whichever channel a customer comes by."""

from dataclasses import dataclass

from moorage.core.errors import Missing, StaleVersion
from moorage.core.ids import PersonId
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """`agent_away_minutes`: how long an agent may be disconnected before their customers are given to others."""

    agent_away_minutes: int
    version: int


async def read_workspace_settings(tx: Tx) -> WorkspaceSettings:
    """Return the settings of this workspace. Raises Missing."""
    settings = await tx.row(
        WorkspaceSettings, "SELECT agent_away_minutes, version FROM workspaces WHERE id = %s", [tx.workspace_id]
    )
    if settings is None:
        raise Missing(what="workspace")
    return settings


async def change_workspace_settings(
    tx: Tx, *, agent_away_minutes: int, version: int, by: PersonId, remote_address: str
) -> WorkspaceSettings:
    """Change the settings that stand at `version`, and return them. Raises StaleVersion where somebody was quicker."""
    before = await read_workspace_settings(tx)
    changed = await tx.row(
        WorkspaceSettings,
        """
        UPDATE workspaces SET agent_away_minutes = %s, version = version + 1 WHERE id = %s AND version = %s
        RETURNING agent_away_minutes, version
        """,
        [agent_away_minutes, tx.workspace_id, version],
    )
    if changed is None:
        raise StaleVersion(version=before.version)
    await write_audit(
        tx,
        by=by,
        remote_address=remote_address,
        act="workspace.settings_changed",
        object_kind="workspace",
        object_id=tx.workspace_id,
        before={"agent_away_minutes": before.agent_away_minutes},
        after={"agent_away_minutes": agent_away_minutes},
    )
    return changed
