"""Builders of docked channels for the tests of any room."""

import secrets
from collections.abc import Mapping

from moorage.channels.docking import dock_with_credentials
from moorage.channels.model import Channel
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.core.ids import WorkspaceId
from moorage.infra.database import Database
from moorage.infra.secrets import SecretBox

BOX = SecretBox([b"k" * 32])


def some_credentials(**changed: str) -> Mapping[str, str]:
    """Return well-formed credentials of an account that nobody else has docked."""
    fresh = {
        "appid": f"wx{secrets.token_hex(8)}",
        "secret": secrets.token_hex(16),
        "token": "Kf7tokenXq2LmZ",
        "aes_key": "hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA",
    }
    return {**fresh, **changed}


async def a_channel(
    database: Database,
    workspace_id: WorkspaceId,
    *,
    credentials: Mapping[str, str] | None = None,
    name: str | None = None,
    verified: bool | None = None,
    box: SecretBox = BOX,
) -> Channel:
    """Return an Official Account docked in the workspace."""
    async with database.in_workspace(workspace_id) as tx:
        return await dock_with_credentials(
            tx,
            manifest=MANIFEST,
            box=box,
            name=name,
            credentials=credentials or some_credentials(),
            verified=verified,
            by=None,
            remote_address="127.0.0.1",
        )
