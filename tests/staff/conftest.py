"""People for the tests of staff."""

from collections.abc import Iterator

import pytest

from moorage.core.ids import WorkspaceId
from moorage.infra.database import Database
from moorage.staff.operations import create_workspace
from moorage.staff.passwords import Passwords
from tests.staff.people import Colleague, a_colleague, quick_hasher


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    """Real Argon2id, with so little work that tests are quick."""
    made = Passwords(hasher=quick_hasher())
    yield made
    made.close()


@pytest.fixture
async def company(database: Database) -> WorkspaceId:
    """A workspace with its default skill group."""
    return await create_workspace(database, name="Harbour Tea")


@pytest.fixture
async def anna(database: Database, passwords: Passwords, company: WorkspaceId) -> Colleague:
    """An agent who is offline and not connected."""
    return await a_colleague(database, passwords, company=company)
