"""A desk whose provider is a server at the wire."""

from collections.abc import AsyncIterator

import pytest

from moorage.infra.database import Database
from tests.connectors.provider import running_provider
from tests.conversations.delivery.chats import Wechat
from tests.conversations.desk import Desk, a_desk


@pytest.fixture
def wechat() -> Wechat:
    return Wechat()


@pytest.fixture
def url(fresh_database: Database) -> str:
    """Where to listen."""
    return str(fresh_database.pool.conninfo)


@pytest.fixture
async def desk(fresh_database: Database, wechat: Wechat) -> AsyncIterator[Desk]:
    """A desk in a database of this test alone: a sender looks across workspaces."""
    async with running_provider(wechat.answer) as provider, a_desk(fresh_database, provider_url=provider.url) as opened:
        yield opened
