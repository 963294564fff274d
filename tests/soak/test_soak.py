"""300 pushes of every kind while everything goes wrong in turn: nothing lost, nothing doubled, all explained."""

import os
import random
from pathlib import Path
from typing import cast

import pytest

from tests.soak.soak import Sizes, soak

pytestmark = pytest.mark.server

SEED = "MOORAGE_SOAK_SEED"


async def test_nothing_is_lost_doubled_or_unexplained_whatever_goes_wrong(tmp_path: Path) -> None:
    seed = int(os.environ.get(SEED) or random.SystemRandom().randrange(10**6))
    print(f"{SEED}={seed}")  # noqa: T201 -- shown when the test fails, so that the same run can be tried again
    figures = await soak(tmp_path, sizes=Sizes(pushes=300, customers_each=5, hits=2), seed=seed, tell=print)
    assert cast("int", figures["pushes"]) >= 300
