"""What the tests of channels share."""

from collections.abc import Iterator

import pytest

from moorage.staff.passwords import Passwords
from tests.staff.people import quick_hasher


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    """Real Argon2id, with so little work that tests are quick."""
    made = Passwords(hasher=quick_hasher())
    yield made
    made.close()
