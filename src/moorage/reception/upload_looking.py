"""What a file that a customer hands in really is, and what the workbench can show of it.

Nothing here refuses a file: what cannot be drawn or played is one like any other, to be saved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID, uuid5

from moorage.connectors.content import File, Media
from moorage.conversations.media import KeptFile
from moorage.core.ids import MessageId
from moorage.infra.links import LinkInvalid, SignedLink
from moorage.media.films import Films
from moorage.media.names import safe_name, saved_name
from moorage.media.pictures import Picture, Pictures, PictureUnusable
from moorage.media.recordings import MOST_MEASURED_S, Recording, Recordings, SoundUnusable
from moorage.media.sniffing import PICTURES, VIDEOS, container_of, file_type_of
from moorage.media.voices import PLAYABLE

MOST_SOUND_BYTES: Final = 20 * 1024 * 1024
"""Of what is made of a sound: far above ten minutes of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes to keep, and what is to be written down of them."""

    content: bytes
    file: KeptFile


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A file as it came, how its message shows it, and what was made of it for that."""

    content: Media | File
    whole: Part
    made: Sequence[Part] = field(default=())

    @property
    def file(self) -> KeptFile:
        """Return the file that the customer handed in."""
        return self.whole.file

    @property
    def parts(self) -> Sequence[Part]:
        """Return everything to keep; what another names comes first."""
        return (*self.made, self.whole)


@dataclass(frozen=True, slots=True)
class UploadLooks:
    """Looks at what customers hand in."""

    pictures: Pictures
    recordings: Recordings
    films: Films

    async def look(self, content: bytes, *, name: str, link: SignedLink, file_id: UUID) -> HandedIn:
        """Return what the file is. Raises LinkInvalid."""
        media_type = file_type_of(content)
        file = KeptFile(
            id=file_id,
            thread_id=link.thread_id,
            kind="file",
            media_type=media_type,
            size_bytes=len(content),
            width=None,
            height=None,
            name=saved_name(name, fallback="file"),
            uploaded_by=None,
            was_sent=True,
            asked_by_message_id=request_of(link),
        )
        whole = Part(content, file)
        if media_type in PICTURES:
            return await self._picture(whole)
        if (sound := await self._sound(content)) is not None:
            return _with_sound(whole, sound)
        return await self._film(whole) if media_type in VIDEOS else _as_it_is(whole)

    async def _picture(self, whole: Part) -> HandedIn:
        try:
            picture = await self.pictures.look_at(whole.content)
        except PictureUnusable:
            return _as_it_is(whole)
        drawn = replace(whole.file, kind="image", width=picture.width, height=picture.height, name=_named(whole.file))
        return _as_it_is(replace(whole, file=drawn))

    async def _film(self, whole: Part) -> HandedIn:
        film = replace(whole.file, kind="video", name=_named(whole.file))
        still = await self.films.still(whole.content)
        if still is None:
            return _as_it_is(replace(whole, file=film))
        poster = _poster_of(film, still.picture)
        film = replace(
            film,
            width=still.picture.width,
            height=still.picture.height,
            duration_s=still.duration_s,
            poster_id=poster.file.id,
        )
        return HandedIn(content=film.as_content(), whole=replace(whole, file=film), made=[poster])

    async def _sound(self, content: bytes) -> Recording | None:
        """Return what a browser plays of a sound; None of anything else, films among it, and of what is too long."""
        if container_of(content) is None or await self.films.has_pictures(content):
            return None
        try:
            return await self.recordings.prepare(content, most_bytes=MOST_SOUND_BYTES, most_s=MOST_MEASURED_S)
        except SoundUnusable:
            return None


def request_of(link: SignedLink) -> MessageId:
    """Return the message that asked for what is handed in through `link`. Raises LinkInvalid."""
    try:
        return MessageId(UUID(hex=link.about))
    except ValueError as error:
        raise LinkInvalid from error


def _as_it_is(whole: Part) -> HandedIn:
    return HandedIn(content=whole.file.as_content(), whole=whole)


def _with_sound(whole: Part, sound: Recording) -> HandedIn:
    """Return a file that can be listened to. What plays as it came stays so, with all that was lost to ours."""
    plays = whole.file.media_type in PLAYABLE
    made = [] if plays else [_made(whole.file, "playable", sound.content, kind_of=sound.media_type)]
    playable = whole.file if plays else made[0].file
    told = {"playable_blob_id": str(playable.id), "duration_s": sound.duration_s}
    return HandedIn(content=whole.file.as_content().model_copy(update=told), whole=whole, made=made)


def _poster_of(film: KeptFile, picture: Picture) -> Part:
    part = _made(film, "poster", picture.content, kind_of=picture.media_type)
    file = replace(part.file, kind="image", width=picture.width, height=picture.height)
    return replace(part, file=file)


def _made(of: KeptFile, what: str, content: bytes, *, kind_of: str) -> Part:
    """Return what was made of a file. Its id follows from that file's, so that a repetition makes nothing new."""
    file = replace(
        of,
        id=uuid5(of.id, what),
        kind="voice",
        media_type=kind_of,
        size_bytes=len(content),
        name=safe_name(of.name, media_type=kind_of, fallback=what),
        asked_by_message_id=None,
    )
    return Part(content, file)


def _named(file: KeptFile) -> str:
    return safe_name(file.name, media_type=file.media_type, fallback="file")
