"""Videos that agents send: an MP4 that every phone plays, small enough, with a picture that stands for it.

What fits already is only packed anew, without what the camera wrote beside the pictures: where it was, for one.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import structlog

from moorage.core.errors import DomainError
from moorage.media.bounded import Ended, run_bounded
from moorage.media.film_facts import FilmFacts, read_facts
from moorage.media.pictures import Picture, Pictures, PictureUnusable
from moorage.media.sniffing import container_of

LOOK_WITHIN_S = 10.0
CONVERT_WITHIN_S = 50.0
"""Who uploaded it waits so long, and what stands between us and them has patience for a minute at most."""
MOST_CPU_S = 110
AT_ONCE = 1
"""Each takes all processors that there are."""
LOOKS_AT_ONCE = 2
MOST_POSTER_BYTES = 60_000
"""WeChat takes at most 64 KB of one."""
_MOST_LOOKED_AT_BYTES = 4_000_000
_SOUND_KBIT = 64
_BEST_KBIT = 2500
_LEAST_KBIT = 120
"""Below it nothing can be recognised any more."""
_FILL = 0.92
"""Of what is allowed: rates are kept on average only."""

FilmFlaw = Literal["empty", "not_a_video", "damaged", "too_large", "too_slow", "converter"]

log = structlog.get_logger()


@dataclass(eq=False)
class FilmUnusable(DomainError):
    """No video can be made of it that the channel takes. `seconds` is how long it is, where that is known."""

    code: ClassVar[str] = "media.film_unusable"
    kind: ClassVar[str] = "malformed"
    reason: FilmFlaw
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Film:
    """A video as it can be sent. `poster` is a small picture of it, whose sides have the video's proportions."""

    content: bytes
    media_type: str
    duration_s: float | None
    poster: Picture


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of a video, and how long that is, where it says so."""

    picture: Picture
    duration_s: float | None


class Films:
    """Makes videos to be sent, one at a time, and looks at those of others, a few at once."""

    def __init__(self, *, pictures: Pictures, convert_within_s: float = CONVERT_WITHIN_S) -> None:
        self._pictures = pictures
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._convert_within_s = convert_within_s

    async def prepare(self, content: bytes, *, most_bytes: int) -> Film:
        """Return the video of `content` as MP4 with H.264 and AAC, of at most `most_bytes`. Raises FilmUnusable."""
        if not content:
            raise FilmUnusable(reason="empty")
        container = container_of(content)
        if container not in ("mov", "matroska"):
            raise FilmUnusable(reason="not_a_video")
        async with self._turns:
            with tempfile.TemporaryDirectory(prefix="moorage-film-") as folder:
                source = Path(folder) / "film"
                await asyncio.to_thread(source.write_bytes, content)
                made = await self._made(source, container=container, most_bytes=most_bytes)
                facts = await _look_at(made, container="mov")
                poster = await self._poster(made, facts, container="mov")
                film = await asyncio.to_thread(made.read_bytes)
        return Film(content=film, media_type="video/mp4", duration_s=facts.duration_s, poster=poster)

    async def has_pictures(self, content: bytes) -> bool:
        """Return whether moving pictures are in it, and not sound alone; the cover of a song is none."""
        container = container_of(content)
        if container not in ("mov", "matroska", "ogg"):
            return False
        async with self._looks:
            with tempfile.TemporaryDirectory(prefix="moorage-film-") as folder:
                film = Path(folder) / "film"
                await asyncio.to_thread(film.write_bytes, content)
                try:
                    return (await _look_at(film, container=container)).codec is not None
                except FilmUnusable:
                    return False

    async def still(self, content: bytes) -> Still | None:
        """Return a picture of somebody else's video, which stays as it is; None where none can be made in time."""
        container = container_of(content)
        if container not in ("mov", "matroska"):
            return None
        async with self._looks:
            with tempfile.TemporaryDirectory(prefix="moorage-film-") as folder:
                film = Path(folder) / "film"
                await asyncio.to_thread(film.write_bytes, content)
                try:
                    facts = await _look_at(film, container=container)
                    picture = await self._poster(film, facts, container=container)
                except FilmUnusable as unusable:
                    log.info("film_without_still", reason=unusable.reason)
                    return None
        return Still(picture=picture, duration_s=facts.duration_s)

    async def _made(self, source: Path, *, container: str, most_bytes: int) -> Path:
        """Return where the finished video lies: packed anew if that will do, else encoded anew."""
        facts = await _look_at(source, container=container)
        if facts.codec is None:
            raise FilmUnusable(reason="not_a_video")
        packed = source.with_name("packed.mp4")
        size = await asyncio.to_thread(lambda: source.stat().st_size)
        if facts.plays_everywhere and size <= most_bytes * 1.02:
            ended = await _run(
                *("-v", "error", *_reading(source, container)),
                *("-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", *_bare(packed)),
                within_s=LOOK_WITHIN_S,
                most_file_bytes=2 * most_bytes,
            )
            if ended.returncode == 0 and await asyncio.to_thread(_fits, packed, most_bytes):
                return packed
        return await self._encoded(source, facts, container=container, most_bytes=most_bytes)

    async def _encoded(self, source: Path, facts: FilmFacts, *, container: str, most_bytes: int) -> Path:
        kbit = _rate_for(facts.duration_s, most_bytes=most_bytes)
        if kbit < _LEAST_KBIT:
            raise FilmUnusable(reason="too_large", seconds=facts.duration_s)
        encoded = source.with_name("encoded.mp4")
        ended = await _run(
            *("-v", "error", *_reading(source, container)),
            *("-map", "0:v:0", "-map", "0:a:0?", *_encoding(kbit), *_bare(encoded)),
            within_s=self._convert_within_s,
            most_file_bytes=2 * most_bytes,
        )
        if ended.returncode != 0:
            log.warning("film_not_converted", returncode=ended.returncode, words=ended.told())
            if ended.words == b"took too long":
                raise FilmUnusable(reason="too_slow", seconds=facts.duration_s)
            raise FilmUnusable(reason="converter" if ended.is_ours else "damaged")
        if not await asyncio.to_thread(_fits, encoded, most_bytes):
            raise FilmUnusable(reason="too_large", seconds=facts.duration_s)
        return encoded

    async def _poster(self, film: Path, facts: FilmFacts, *, container: str) -> Picture:
        at_s = min(1.0, (facts.duration_s or 0) / 3)
        ended = await _run(
            *("-v", "error", "-ss", f"{at_s:.2f}", *_reading(film, container)),
            *("-frames:v", "1", "-vf", "scale=w='min(iw,960)':h=-2", "-c:v", "mjpeg", "-q:v", "4"),
            *("-f", "image2pipe", "pipe:1"),
            within_s=LOOK_WITHIN_S,
            most_file_bytes=0,
        )
        try:
            return await self._pictures.prepare(
                ended.output, most_bytes=MOST_POSTER_BYTES, media_types=frozenset({"image/jpeg"})
            )
        except PictureUnusable as unusable:
            raise FilmUnusable(reason="damaged") from unusable


async def _look_at(film: Path, *, container: str) -> FilmFacts:
    ended = await _run("-v", "info", *_reading(film, container), within_s=LOOK_WITHIN_S, most_file_bytes=0)
    if ended.is_ours:  # that nothing is to be written ends it as a failure, which it is not
        raise FilmUnusable(reason="converter")
    return read_facts(ended.words.decode("utf-8", "replace"))


async def _run(*arguments: str, within_s: float, most_file_bytes: int) -> Ended:
    return await run_bounded(
        "moorage.media.ffmpeg_process",
        str(MOST_CPU_S),
        str(most_file_bytes),
        *arguments,
        time_limit_s=within_s,
        most_output_bytes=_MOST_LOOKED_AT_BYTES,
    )


def _reading(film: Path, container: str) -> list[str]:
    return ["-protocol_whitelist", "file,pipe", "-f", container, "-i", str(film)]


def _bare(path: Path) -> list[str]:
    """Write an MP4 that plays while it still loads, without what stood beside the pictures."""
    return ["-map_metadata", "-1", "-map_chapters", "-1", "-movflags", "+faststart", "-f", "mp4", str(path)]


def _encoding(kbit: int) -> list[str]:
    side = 1280 if kbit >= 1500 else 854 if kbit >= 500 else 640
    scale = f"scale=w='min(iw,{side})':h='min(ih,{side})':force_original_aspect_ratio=decrease:force_divisible_by=2"
    rate = ["-b:v", f"{kbit}k", "-maxrate", f"{kbit * 3 // 2}k", "-bufsize", f"{kbit * 2}k"]
    pictures = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", *rate]
    sound = ["-c:a", "aac", "-ac", "2", "-ar", "44100", "-b:a", f"{_SOUND_KBIT}k"]
    return ["-vf", f"{scale},fps=fps='min(source_fps,30)'", *pictures, *sound]


def _rate_for(duration_s: float | None, *, most_bytes: int) -> int:
    """Return what the pictures may have of each second, in kbit, so that the whole fits."""
    if not duration_s:  # recordings of browsers do not say how long they are
        return 1000
    return min(_BEST_KBIT, int(most_bytes * 8 * _FILL / 1000 / duration_s) - _SOUND_KBIT)


def _fits(film: Path, most_bytes: int) -> bool:
    return 0 < film.stat().st_size <= most_bytes
