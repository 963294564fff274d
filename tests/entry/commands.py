"""Running one command of the project, as a person would."""

import asyncio
import os
import sys
from collections.abc import Mapping

LIMIT_S = 60


async def moorage(*arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int | None, str, str]:
    """Return the status and both outputs of one command, run without any setting of ours but `environment`."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("MOORAGE_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "moorage.entry.cli", *arguments),
        env={**bare, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(LIMIT_S):
        out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()
