"""What a fetched file really is, and what a browser can show of it."""

from dataclasses import dataclass

from moorage.connectors.content import Media, MediaFlaw, MediaState
from moorage.media.pictures import Pictures, PictureUnusable
from moorage.media.sniffing import VIDEOS, VOICES, is_headless_speex, media_type_of
from moorage.media.voices import PLAYABLE, Voices, VoiceUnplayable


@dataclass(frozen=True, slots=True)
class Found:
    """A file and its real type."""

    content: bytes
    media_type: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """A file as it came. `playable` is what a browser plays of a voice: the same, or what was made of it."""

    file: Found
    playable: Found | None = None
    duration_s: float | None = None
    flaw: MediaFlaw | None = None


@dataclass(eq=False)
class NotFetched(Exception):
    """The try failed. `is_final`: trying again would change nothing."""

    reason: str
    state: MediaState = "failed"

    @property
    def is_final(self) -> bool:
        return self.state != "failed"


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks at files that customers sent."""

    pictures: Pictures
    voices: Voices

    async def look(self, media: Media, content: bytes, *, kept_anyway: bool) -> Looked:
        """Return what the file really is. Raises NotFetched where that is not what the message tells of.

        A voice that cannot be played to its end may come whole the next time; `kept_anyway` is for when that did not
        help, since half a voice is better than none.
        """
        if not content:
            raise NotFetched(reason="empty")
        if media.type == "image":
            return Looked(file=await self._picture(content))
        if media.type == "voice":
            return await self._voice(media, content, kept_anyway=kept_anyway)
        return Looked(file=_known(content, VIDEOS))

    async def _picture(self, content: bytes) -> Found:
        try:
            picture = await self.pictures.look_at(content)
        except PictureUnusable as unusable:
            # Half a picture may come whole the next time; what is none, or too much of one, stays so.
            state: MediaState = "failed" if unusable.reason in ("damaged", "too_slow") else "refused"
            raise NotFetched(reason=unusable.reason, state=state) from unusable
        return Found(content=content, media_type=picture.media_type, width=picture.width, height=picture.height)

    async def _voice(self, media: Media, content: bytes, *, kept_anyway: bool) -> Looked:
        if (media.format or "").lower() == "speex" and is_headless_speex(content):
            return Looked(file=Found(content=content, media_type="audio/speex"), flaw="format")
        file = _known(content, VOICES)
        if file.media_type in PLAYABLE:
            return Looked(file=file, playable=file)
        try:
            voice = await self.voices.as_mp3(content, media_type=file.media_type)
        except VoiceUnplayable as unplayable:
            if unplayable.reason in ("damaged", "converter") and not kept_anyway:
                raise NotFetched(reason=unplayable.reason) from unplayable
            return Looked(file=file, flaw=unplayable.reason)
        if not (voice.is_whole or kept_anyway):
            raise NotFetched(reason="damaged")
        return Looked(
            file=file,
            playable=Found(content=voice.content, media_type=voice.media_type),
            duration_s=voice.duration_s,
            flaw=None if voice.is_whole else "cut_off",
        )


def _known(content: bytes, types: frozenset[str]) -> Found:
    media_type = media_type_of(content)
    if media_type is None or media_type not in types:
        raise NotFetched(reason="kind_not_allowed", state="refused")
    return Found(content=content, media_type=media_type)
