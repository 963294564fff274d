"""A desk for the tests of reception."""

from collections.abc import AsyncIterator, Iterator

import pytest

from moorage.infra.database import Database
from moorage.staff.passwords import Passwords
from tests.conversations.desk import Desk, a_desk
from tests.staff.people import quick_hasher


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    """A company of this test alone; no provider answers."""
    async with a_desk(database) as opened:
        yield opened


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    """Real Argon2id, with so little work that tests are quick."""
    made = Passwords(hasher=quick_hasher())
    yield made
    made.close()
