"""The demo's own PostgreSQL, kept running beside the other programs."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from pydantic import SecretStr

from moorage.infra.embedded import Engine, start_engine
from moorage.infra.postgres_cluster import EngineUnavailable

LOOKS_EVERY_S = 0.2


class EngineKeeper:
    """A context with an engine inside. Use it in the main thread: the server's life is bound to the one it has."""

    def __init__(self, *, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._engine: Engine | None = None

    def __enter__(self) -> "EngineKeeper":
        self._engine = start_engine(folder=self._folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._engine is not None:
            self._engine.stop()

    def database_settings(self) -> Mapping[str, object]:
        """Return the settings that lead to this engine."""
        assert self._engine is not None
        return {
            "database_url": SecretStr(self._engine.url()),
            "migration_database_url": SecretStr(self._engine.url(login="moorage_owner")),
        }

    async def keep(self) -> None:
        """Start the server again whenever it ends. Addresses and passwords stay the same."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            if self._engine is not None and not self._engine.lives():
                self._tell("PostgreSQL ended; it starts again")
                self._start_again()

    def _start_again(self) -> None:
        """Start the server in this thread, though it holds up the others' logs for a moment: see the class.

        One that ends while it starts, killed or out of memory, is started once more at the next look.
        """
        try:
            self._engine = start_engine(folder=self._folder)
        except EngineUnavailable as failure:
            self._tell(f"PostgreSQL did not start: {failure}")
