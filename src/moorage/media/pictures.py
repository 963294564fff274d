"""Pictures of strangers: what they are, and how they can be sent. The work is done in a process of its own."""

import asyncio
import json
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

import structlog

from moorage.core.errors import DomainError
from moorage.media.sniffing import PICTURES, media_type_of

TIME_LIMIT_S = 30.0
AT_ONCE = 2
"""Processes; each may need a gigabyte for a moment."""

log = structlog.get_logger()


@dataclass(eq=False)
class PictureUnusable(DomainError):
    """It is no picture that we can use. `reason` is a stable word: `empty`, `not_a_picture`, `damaged`,
    `too_many_pixels`, `animated_too_large` or `too_large`; or this machine was `too_slow` for it."""

    code: ClassVar[str] = "media.picture_unusable"
    kind: ClassVar[str] = "malformed"
    reason: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was decoded to its end."""

    content: bytes
    media_type: str
    width: int
    height: int


class Pictures:
    """Looks at pictures, a few at once."""

    def __init__(self, *, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._time_limit_s = time_limit_s

    async def look_at(self, content: bytes) -> Picture:
        """Return what a picture is; its content stays as it came. Raises PictureUnusable."""
        told, _ = await self._ask({"do": "look"}, content)
        return _picture(told, content)

    async def prepare(self, content: bytes, *, most_bytes: int, media_types: Collection[str]) -> Picture:
        """Return a picture as it can be sent: upright, without metadata, of one of `media_types` and small enough.

        An animation stays one, or is refused. Raises PictureUnusable.
        """
        asked = {"do": "prepare", "most_bytes": most_bytes, "media_types": sorted(media_types)}
        told, prepared = await self._ask(asked, content)
        return _picture(told, prepared)

    async def _ask(self, asked: Mapping[str, object], content: bytes) -> tuple[Mapping[str, object], bytes]:
        if not content:
            raise PictureUnusable(reason="empty")
        if media_type_of(content) not in PICTURES:
            raise PictureUnusable(reason="not_a_picture")
        async with self._turns:
            answer = await self._run(json.dumps(asked).encode() + b"\n" + content)
        head, _, rest = answer.partition(b"\n")
        if not head:  # the process was ended by a limit, or by the picture
            raise PictureUnusable(reason="damaged")
        told: dict[str, object] = json.loads(head)
        if "reason" in told:
            raise PictureUnusable(reason=str(told["reason"]))
        return told, rest

    async def _run(self, request: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "moorage.media.picture_process",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
        )
        try:
            async with asyncio.timeout(self._time_limit_s):
                answer, _ = await process.communicate(request)
        except TimeoutError:
            log.warning("picture_took_too_long", bytes=len(request))
            raise PictureUnusable(reason="too_slow") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        return answer if process.returncode == 0 else b""


def _picture(told: Mapping[str, object], content: bytes) -> Picture:
    return Picture(
        content=content,
        media_type=str(told["media_type"]),
        width=int(str(told["width"])),
        height=int(str(told["height"])),
    )
