"""A desk for the tests of conversations."""

from collections.abc import AsyncIterator

import pytest

from moorage.infra.database import Database
from tests.conversations.desk import Desk, a_desk
from tests.conversations.shop import shop, wechat

__all__ = ["shop", "wechat"]


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    """A company of this test alone; no provider answers."""
    async with a_desk(database) as opened:
        yield opened
