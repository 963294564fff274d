"""What is read of a film, and how names of files are kept."""

from hypothesis import given
from hypothesis import strategies as st

from moorage.media.film_facts import read_facts
from moorage.media.names import saved_name
from moorage.media.sniffing import container_of, file_type_of

PHONE = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'film':
  Duration: 00:01:03.52, start: 0.000000, bitrate: 9042 kb/s
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709), 1920x1080, 30 fps (default)
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, stereo, fltp, 128 kb/s (default)
At least one output file must be specified"""
IPHONE = PHONE.replace("h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709)", "hevc (Main 10), yuv420p10le(tv)")
BROWSER = """  Duration: N/A, start: 0.000000, bitrate: N/A
  Stream #0:0(eng): Video: vp8, yuv420p(progressive), 640x480, SAR 1:1 DAR 4:3, 30 fps
  Stream #0:1(eng): Audio: opus, 48000 Hz, mono, fltp"""
SONG = """  Duration: 00:03:00.00
  Stream #0:0: Audio: mp3, 44100 Hz
  Stream #0:1: Video: mjpeg (Baseline), yuvj420p, 600x600 (attached pic)"""


def test_film_of_a_phone_plays_everywhere() -> None:
    facts = read_facts(PHONE)
    assert facts.plays_everywhere
    assert (facts.codec, facts.sound, facts.duration_s) == ("h264", "aac", 63.52)


def test_film_that_only_some_phones_decode_does_not_play_everywhere() -> None:
    assert read_facts(IPHONE).codec == "hevc"
    assert not read_facts(IPHONE).plays_everywhere
    assert not read_facts(PHONE.replace("yuv420p(", "yuv444p(")).plays_everywhere


def test_recording_of_a_browser_does_not_say_how_long_it_is() -> None:
    assert read_facts(BROWSER).duration_s is None
    assert read_facts(BROWSER).codec == "vp8"


def test_cover_of_a_song_is_no_film() -> None:
    assert read_facts(SONG).codec is None


@given(st.text(max_size=2000))
def test_any_words_give_facts(words: str) -> None:
    read_facts(words)


@given(st.binary(max_size=300))
def test_any_bytes_are_of_some_type(content: bytes) -> None:
    assert file_type_of(content)
    container_of(content)


def test_name_keeps_its_own_ending_and_nothing_else_that_matters() -> None:
    for name, kept in [
        ("价目表.pdf", "价目表.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.exe", "x.exe"),
        ("a\x00b\r\n.html", "a b.html"),
        ("invoice\u202efdp.exe", "invoice fdp.exe"),
        ("..", "file"),
        ("", "file"),
        (".htaccess", "htaccess"),
        ("archive.tar.gz", "archive.tar.gz"),
        ("no ending.§$", "no ending.§$"),
    ]:
        assert saved_name(name, fallback="file") == kept, name


@given(st.text(max_size=300))
def test_any_name_is_safe_to_save_under(name: str) -> None:
    kept = saved_name(name, fallback="file")
    assert 0 < len(kept) <= 100
    assert not set(kept) & set('/\\\x00\r\n"<>:|?*;')
    assert kept.strip(" .") == kept
    assert saved_name(kept, fallback="file") == kept
