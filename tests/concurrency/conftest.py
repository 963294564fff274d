"""An installation with two web processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from moorage.infra.database import Database
from tests.concurrency.installation import Installation, an_installation


@pytest.fixture
async def installation(fresh_database: Database, tmp_path: Path) -> AsyncIterator[Installation]:
    """A company of this test alone, in a database of its own: workers look across workspaces."""
    async with an_installation(fresh_database, folder=tmp_path) as opened:
        yield opened
