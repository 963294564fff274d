"""Keeping the state in a file, so that a restart forgets nothing."""

import asyncio
import contextlib
import os
import time
from pathlib import Path

from wechat_sandbox.media.blobs import BlobStore
from wechat_sandbox.model import State

_PAUSE_S = 0.2
_PAUSE_PER_SAVE_TIME = 10
"""A long save is followed by a longer pause, so that a large state never takes the whole processor."""


def load_state(*, file: Path | None) -> State:
    """Return the saved state, an empty one if there is no file yet. Raises ValueError for a foreign file."""
    if file is None or not file.exists():
        return State()
    return State.model_validate_json(file.read_bytes())


def replace_file(*, file: Path, content: str) -> None:
    """Write a file aside and rename it, so that a reader sees all of it or nothing."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    with aside.open("w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    aside.replace(file)


class StateKeeper:
    """Saves the state soon after it changed, and once more at the end."""

    def __init__(self, *, state: State, blobs: BlobStore, file: Path | None) -> None:
        self._state = state
        self._blobs = blobs
        self._file = file
        self._dirty = asyncio.Event()
        self._stopping = asyncio.Event()

    def changed(self) -> None:
        """Note that the state differs from the file."""
        self._dirty.set()

    def stop(self) -> None:
        """Let `run` save what is left and return; writes never overlap, so the last one wins."""
        self._stopping.set()
        self._dirty.set()

    async def run(self) -> None:
        """Save whenever something changed, until stopped."""
        while not self._stopping.is_set():
            await self._dirty.wait()
            started = time.monotonic()
            await self._save()
            await self._pause(max(_PAUSE_S, _PAUSE_PER_SAVE_TIME * (time.monotonic() - started)))
        if self._dirty.is_set():
            await self._save()

    async def _pause(self, pause_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()

    async def _save(self) -> None:
        self._dirty.clear()
        if self._file is None:
            return
        content = self._state.model_dump_json()
        # The files first: a saved media id must have its bytes.
        await asyncio.to_thread(self._blobs.save)
        await asyncio.to_thread(replace_file, file=self._file, content=content)
