"""What files are by their content, and what may stand in their names."""

from hypothesis import given
from hypothesis import strategies as st

from moorage.media.gif import without_metadata
from moorage.media.names import disposition, safe_name
from moorage.media.sniffing import EXTENSIONS, media_type_of
from tests.pictures import an_animation


def test_files_are_what_their_content_says() -> None:
    assert media_type_of(b"#!AMR\n" + bytes(40)) == "audio/amr"
    assert media_type_of(b"#!AMR-WB\n" + bytes(40)) == "audio/amr-wb"
    assert media_type_of(b"\x02#!SILK_V3" + bytes(40)) == "audio/silk"
    assert media_type_of(b"\x00\x00\x00\x18ftypmp42" + bytes(40)) == "video/mp4"
    assert media_type_of(b"ID3\x03" + bytes(40)) == "audio/mpeg"
    assert media_type_of(b"PK\x03\x04" + bytes(40)) is None
    assert media_type_of(b"%PDF-1.7" + bytes(40)) is None


@given(st.binary(max_size=300))
def test_any_bytes_have_a_known_type_or_none(content: bytes) -> None:
    assert media_type_of(content) in {None, *EXTENSIONS}


@given(st.text(max_size=200))
def test_any_name_becomes_a_safe_one(name: str) -> None:
    safe = safe_name(name, media_type="image/jpeg", fallback="picture")
    assert safe.endswith(".jpg")
    assert len(safe) <= 90
    assert not set(safe) & set('/\\:*?"<>|;%\r\n\0\u202e')
    assert not safe.startswith(".")
    disposition(safe, attachment=True).encode("ascii")


def test_name_with_a_path_or_a_false_ending_is_only_a_name() -> None:
    assert safe_name("../../etc/passwd", media_type="image/png", fallback="picture") == "passwd.png"
    assert safe_name("C:\\tea\\menu.exe", media_type="image/png", fallback="picture") == "menu.png"
    assert safe_name("茶单.JPG", media_type="image/jpeg", fallback="picture") == "茶单.jpg"
    assert safe_name("", media_type="image/jpeg", fallback="picture") == "picture.jpg"


@given(at=st.integers(min_value=0, max_value=300), noise=st.binary(max_size=5))
def test_any_gif_is_cleaned_or_refused_and_cleaning_twice_changes_nothing(at: int, noise: bytes) -> None:
    moving = an_animation(comment=b"home")
    broken = moving[:at] + noise + moving[at + len(noise) :]
    try:
        clean = without_metadata(broken)
    except ValueError:
        return
    assert without_metadata(clean) == clean
    assert len(clean) <= len(broken)
