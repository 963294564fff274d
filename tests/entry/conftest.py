"""One web process for the tests of a module."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from moorage.infra.database import Database
from tests.entry.account import Account, a_docked_account
from tests.entry.web import SignedIn, signed_in, web


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the running web process, not signed in."""
    async with web(database_url) as client:
        yield client


@pytest.fixture
async def owner(database: Database, client: httpx.AsyncClient) -> AsyncGenerator[SignedIn]:
    """The owner of a workspace of this test alone, signed in."""
    async with signed_in(database, client) as owner:
        yield owner


@pytest.fixture
async def account(database: Database, client: httpx.AsyncClient) -> AsyncGenerator[Account]:
    """A docked account of this test alone."""
    async with a_docked_account(database, client) as account:
        yield account
