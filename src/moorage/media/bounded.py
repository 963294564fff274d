"""Programs that work on what strangers sent, each in a process that bounds itself first and has a time limit."""

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

MOST_WORDS_BYTES = 16 * 1024
"""Of what a program says about its work; what it says beyond is thrown away."""
_PASSED_ON: Final = ("PATH", "IMAGEIO_FFMPEG_EXE")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, what it gave and what it said."""

    returncode: int
    output: bytes
    words: bytes

    @property
    def is_ours(self) -> bool:
        """Return whether none of ffmpeg's own ends is this: no ffmpeg, or one that a limit has ended."""
        return self.returncode < 0 or b"Traceback" in self.words

    def told(self) -> str:
        """Return what it said, for the log."""
        return self.words[-1000:].decode("utf-8", "replace")


async def run_bounded(
    module: str, *arguments: str, content: bytes = b"", time_limit_s: float, most_output_bytes: int
) -> Ended:
    """Run `module` as a program with `content` on its standard input, and return how it ended.

    One that takes longer than `time_limit_s` is ended; it counts as one that a limit has ended.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    try:
        async with asyncio.timeout(time_limit_s):
            output, words, _ = await asyncio.gather(
                _read(process.stdout, most_bytes=most_output_bytes),
                _read(process.stderr, most_bytes=MOST_WORDS_BYTES),
                _write(process.stdin, content),
            )
            return Ended(returncode=await process.wait(), output=output, words=words)
    except TimeoutError:
        return Ended(returncode=-1, output=b"", words=b"took too long")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _read(stream: asyncio.StreamReader | None, *, most_bytes: int) -> bytes:
    """Return the beginning of what the program says, reading on to its end so that it never waits for us."""
    read = bytearray()
    while stream is not None and (piece := await stream.read(65536)):
        read += piece[: most_bytes - len(read)]
    return bytes(read)


async def _write(stream: asyncio.StreamWriter | None, content: bytes) -> None:
    if stream is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):  # it has seen enough; its end says why
        stream.write(content)
        await stream.drain()
        stream.close()
        await stream.wait_closed()
