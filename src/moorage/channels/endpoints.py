"""A docked channel as its connector sees it."""

from moorage.channels.credentials import read_credentials
from moorage.channels.queries import read_channel
from moorage.channels.tokens import WithoutTokens, channel_tokens
from moorage.connectors.contract import Endpoint
from moorage.connectors.registry import Connectors
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Database
from moorage.infra.secrets import SecretBox


async def open_endpoint(
    database: Database, *, box: SecretBox, connectors: Connectors, workspace_id: WorkspaceId, channel_id: ChannelId
) -> Endpoint:
    """Return the channel with its credentials opened and its tokens at hand. Raises Missing or SecretUnreadable."""
    async with database.in_workspace(workspace_id) as tx:
        channel = await read_channel(tx, channel_id=channel_id)
        credentials = await read_credentials(tx, box=box, channel_id=channel_id)
    tokens = channel_tokens(
        database,
        box=box,
        connector=connectors[channel.kind],
        workspace_id=workspace_id,
        channel=channel,
        credentials=credentials,
    )
    return Endpoint(external_account_id=channel.external_id, credentials=credentials, tokens=tokens or WithoutTokens())
