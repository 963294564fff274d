"""A process of its own that sends through one channel: `python -m tests.channels.sending_process <json>`."""

import asyncio
import json
import sys
from uuid import UUID

from moorage.channels.endpoints import open_endpoint
from moorage.connectors.content import Text
from moorage.connectors.contract import Outbound
from moorage.connectors.registry import Connectors, ProviderUrls, open_connectors
from moorage.core.clock import OffsetClock
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Database
from moorage.infra.http_client import open_provider_client
from moorage.infra.pool import open_pool
from tests.channels.docking import BOX
from tests.channels.platform_world import KIND
from tests.conftest import Heard
from tests.connectors.platform_requests import PLATFORM


async def send_all(asked: dict[str, str]) -> None:
    """Send as many texts as asked, all at once, each through an endpoint of its own."""
    async with await open_pool(asked["database_url"], size=4) as pool, open_provider_client() as http:
        database = Database(pool=pool, clock=OffsetClock(), subscriptions=Heard())
        urls = ProviderUrls(wechat_api=asked["provider_url"], wechat_mp=asked["provider_url"])
        connectors = open_connectors(http=http, urls=urls, platforms={KIND: PLATFORM})
        async with asyncio.TaskGroup() as sends:
            for number in range(int(asked["texts"])):
                sends.create_task(_send(database, connectors, asked, f"{asked['name']} {number}"))


async def _send(database: Database, connectors: Connectors, asked: dict[str, str], text: str) -> None:
    endpoint = await open_endpoint(
        database,
        box=BOX,
        connectors=connectors,
        workspace_id=WorkspaceId(UUID(asked["workspace_id"])),
        channel_id=ChannelId(UUID(asked["channel_id"])),
    )
    message = Outbound(external_customer_id="oK3x7wV9Qb2LmN5sT8uYcE1rZ4aI", content=Text(text=text))
    await connectors[KIND].send(endpoint, message, deadline=asyncio.get_running_loop().time() + 20)


if __name__ == "__main__":
    asyncio.run(send_all(json.loads(sys.argv[1])))
