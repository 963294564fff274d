"""20,000 pushes of every kind, while every fault of the sandbox is switched on in turn and agents reply.

It measures no speed: it ends with status 1 unless everything that was sent is stored and taken in once, phones show
what was sent to them once, and each failure has a reason that people can read. The last line is one JSON object.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.soak.soak import Sizes, soak


def main() -> None:
    """Run it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pushes", type=int, default=20_000)
    arguments.add_argument("--customers", type=int, default=60, help="of each account")
    arguments.add_argument("--hits", type=int, default=40, help="how often each thing goes wrong at most")
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    sizes = Sizes(pushes=given.pushes, customers_each=given.customers, hits=given.hits, writers=16)
    with tempfile.TemporaryDirectory(prefix="moorage-soak-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the database runs as another user when this runs as root
        figures = asyncio.run(soak(folder, sizes=sizes, seed=given.seed, tell=_tell))
    print(json.dumps(figures))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
