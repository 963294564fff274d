"""Voices of strangers: how long they are, what is made of them, and what becomes of those that are none."""

import asyncio
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.media.amr import AMR, Recording, read_amr
from moorage.media.sniffing import is_headless_speex, media_type_of
from moorage.media.voices import MOST_S, PlayableVoice, Voices, VoiceUnplayable
from tests.voices import FRAMES_A_SECOND, HEADS, a_silence, a_voice, an_mp3

MP3_FRAME = 0xFFE0


def made(content: bytes, *, media_type: str = "audio/amr") -> PlayableVoice:
    return asyncio.run(Voices().as_mp3(content, media_type=media_type))


def reason_of(content: bytes, *, media_type: str = "audio/amr") -> str:
    with pytest.raises(VoiceUnplayable) as unplayable:
        made(content, media_type=media_type)
    return unplayable.value.reason


def test_voice_becomes_mp3_of_the_same_length() -> None:
    voice = made(a_voice(seconds=2))
    assert voice.media_type == "audio/mpeg" == media_type_of(voice.content)
    assert int.from_bytes(voice.content[:2]) & MP3_FRAME == MP3_FRAME
    assert voice.duration_s == pytest.approx(2, abs=0.05)
    assert voice.is_whole


@pytest.mark.parametrize("media_type", sorted(AMR))
def test_pauses_that_a_telephone_leaves_out_are_heard_as_pauses(media_type: str) -> None:
    voice = made(a_silence(media_type, seconds=3), media_type=media_type)
    assert voice.duration_s == pytest.approx(3, abs=0.05)
    assert voice.is_whole


def test_voice_without_its_end_is_told_from_a_whole_one() -> None:
    whole = a_voice(seconds=2)
    half = made(whole[: len(whole) // 2])
    assert half.duration_s == pytest.approx(1, abs=0.2)
    assert not half.is_whole


@pytest.mark.parametrize(
    ("content", "media_type", "reason"),
    [
        (HEADS["audio/amr"], "audio/amr", "damaged"),
        (HEADS["audio/amr"] + b"\x4c" * 50, "audio/amr", "damaged"),
        (a_silence(seconds=MOST_S + 1), "audio/amr", "too_long"),
        (b"#!SILK_V3" + bytes(50), "audio/silk", "format"),
        (b"<html></html>", "text/html", "format"),
    ],
)
def test_what_cannot_be_played_says_why(content: bytes, media_type: str, reason: str) -> None:
    assert reason_of(content, media_type=media_type) == reason


def test_recording_made_to_keep_us_busy_is_refused_by_its_frames_alone() -> None:
    begun = time.monotonic()
    assert reason_of(a_silence(seconds=5_000_000 / FRAMES_A_SECOND)) == "too_long"
    assert time.monotonic() - begun < 1


def test_program_that_takes_too_long_is_ended() -> None:
    with pytest.raises(VoiceUnplayable) as unplayable:
        asyncio.run(Voices(time_limit_s=0.001).as_mp3(a_voice(seconds=1), media_type="audio/amr"))
    assert unplayable.value.reason == "converter"


def test_missing_program_is_said_and_not_taken_for_a_bad_voice(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = a_voice(seconds=1)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/nowhere/ffmpeg")
    assert reason_of(voice) == "converter"


@given(media_type=st.sampled_from(sorted(AMR)), content=st.binary(max_size=2000), most=st.integers(0, 200))
def test_any_bytes_have_a_length_within_bounds(media_type: str, content: bytes, most: int) -> None:
    recording = read_amr(HEADS[media_type] + content, media_type=media_type, most_frames=most)
    assert 0 <= recording.frames <= min(len(content), most + 1)


@given(seconds=st.floats(0.02, 20), cut=st.integers(1, 11))
def test_length_is_that_of_the_frames_and_a_cut_one_is_noticed(seconds: float, cut: int) -> None:
    frames = round(seconds * FRAMES_A_SECOND)
    whole = HEADS["audio/amr"] + (b"\x04" + bytes(12)) * frames
    assert read_amr(whole, media_type="audio/amr", most_frames=10_000) == Recording(frames=frames, is_whole=True)
    assert not read_amr(whole[:-cut], media_type="audio/amr", most_frames=10_000).is_whole


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(media_type=st.sampled_from(sorted(AMR)), content=st.binary(max_size=400))
def test_any_recording_is_converted_or_refused_with_a_reason(media_type: str, content: bytes) -> None:
    try:
        voice = made(HEADS[media_type] + content, media_type=media_type)
    except VoiceUnplayable as unplayable:
        assert unplayable.reason == "damaged"  # noqa: PT017 -- either outcome is right
    else:
        assert media_type_of(voice.content) == "audio/mpeg"
        assert 0 < voice.duration_s <= len(content)


@given(st.binary(max_size=300))
def test_any_bytes_may_be_speex_or_not(content: bytes) -> None:
    if is_headless_speex(content):
        assert media_type_of(content) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"<html></html>", b'{"errcode":40007}', b"%PDF-1.7\n\x00\x80", b"MZ" + bytes(100), b"PK\x03\x04" + bytes(40)],
)
def test_known_files_and_texts_are_never_taken_for_speex(content: bytes) -> None:
    assert not is_headless_speex(content)


def test_mp3_needs_no_conversion() -> None:
    assert media_type_of(an_mp3()) == "audio/mpeg"
