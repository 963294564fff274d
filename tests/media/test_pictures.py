"""Pictures of strangers: what they really are, what is refused and why, and how they go out."""

from collections.abc import Collection

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from moorage.media.picture_work import Unusable, look_at
from moorage.media.pictures import Picture, Pictures, PictureUnusable
from tests.pictures import a_bomb, a_noisy_picture, a_photo, a_picture, an_animation, opened

TYPES = frozenset({"image/png", "image/jpeg", "image/gif"})
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


async def reason_of(content: bytes, *, most_bytes: int = 2_000_000) -> tuple[str, str]:
    """Return why a picture is refused as one that came, and as one that is to go out."""
    pictures = Pictures()
    with pytest.raises(PictureUnusable) as looked:
        await pictures.look_at(content)
    with pytest.raises(PictureUnusable) as prepared:
        await pictures.prepare(content, most_bytes=most_bytes, media_types=TYPES)
    return looked.value.reason, prepared.value.reason


async def prepared(content: bytes, *, most_bytes: int = 2_000_000, media_types: Collection[str] = TYPES) -> Picture:
    return await Pictures().prepare(content, most_bytes=most_bytes, media_types=media_types)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (SVG, "not_a_picture"),
        (b"<!doctype html><html><body>no picture</body></html>", "not_a_picture"),
        (b'{"errcode":40007,"errmsg":"invalid media_id"}', "not_a_picture"),
        (b"MZ\x90\x00" + bytes(200), "not_a_picture"),
        (b"\x89PNG\r\n\x1a\n" + SVG, "damaged"),
        (b"\xff\xd8\xff" + SVG, "damaged"),
        (b"GIF89a<script>alert(1)</script>", "damaged"),
    ],
)
async def test_what_is_no_picture_is_refused_whatever_it_claims(content: bytes, reason: str) -> None:
    assert await reason_of(content) == (reason, reason)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_half_a_picture_is_damaged(kind: str) -> None:
    whole = a_noisy_picture(kind, size=(300, 200))
    assert await reason_of(whole[: len(whole) // 2]) == ("damaged", "damaged")


async def test_bomb_is_refused_by_its_head_alone() -> None:
    bomb = a_bomb()
    assert len(bomb) < 1000
    assert await reason_of(bomb) == ("too_many_pixels", "too_many_pixels")


async def test_animation_that_would_unpack_to_too_much_is_refused() -> None:
    moving = an_animation(frames=30, size=(3000, 3000))
    assert len(moving) < 2_000_000
    assert await reason_of(moving) == ("too_many_pixels", "too_many_pixels")


async def test_picture_process_that_takes_too_long_is_ended() -> None:
    with pytest.raises(PictureUnusable, match="too_slow"):
        await Pictures(time_limit_s=0.001).look_at(a_picture())


async def test_picture_that_came_is_kept_as_it_is_and_measured_upright() -> None:
    photo = a_photo(size=(60, 40), turned=6)
    seen = await Pictures().look_at(photo)
    assert (seen.content, seen.media_type, seen.width, seen.height) == (photo, "image/jpeg", 40, 60)


async def test_photo_goes_out_upright_without_maker_and_place() -> None:
    sent = await prepared(a_photo(size=(60, 40), turned=6))
    image = opened(sent.content)
    assert (image.size, sent.width, sent.height) == ((40, 60), 40, 60)
    assert dict(image.getexif()) == {}
    assert b"Harbour Phone" not in sent.content
    assert b"Exif" not in sent.content


async def test_picture_over_the_limit_is_made_smaller_and_stays_a_picture() -> None:
    large = a_noisy_picture("JPEG", size=(2400, 1800), quality=98)
    assert len(large) > 3_000_000
    sent = await prepared(large)
    assert len(sent.content) <= 2_000_000
    assert opened(sent.content).size == (sent.width, sent.height)
    assert sent.media_type == "image/jpeg"


async def test_png_stays_one_if_it_fits_and_becomes_a_jpeg_if_not() -> None:
    assert (await prepared(a_picture("PNG"))).media_type == "image/png"
    assert (await prepared(a_noisy_picture("PNG", size=(900, 900)), most_bytes=300_000)).media_type == "image/jpeg"


async def test_see_through_picture_keeps_that_or_stands_on_white() -> None:
    clear = a_noisy_picture("PNG", size=(400, 400), mode="RGBA")
    assert opened((await prepared(clear)).content).mode == "RGBA"
    on_white = await prepared(clear, media_types={"image/jpeg"})
    assert (on_white.media_type, opened(on_white.content).mode) == ("image/jpeg", "RGB")


@pytest.mark.parametrize(
    ("kind", "mode", "becomes"),
    [
        ("WEBP", "RGB", "image/jpeg"),
        ("WEBP", "RGBA", "image/png"),
        ("BMP", "RGB", "image/jpeg"),
        ("JPEG", "L", "image/jpeg"),
        ("JPEG", "CMYK", "image/jpeg"),
        ("PNG", "LA", "image/png"),
        ("GIF", "L", "image/png"),
    ],
)
async def test_every_usual_picture_can_be_sent(kind: str, mode: str, becomes: str) -> None:
    sent = await prepared(a_picture(kind, mode=mode))
    assert sent.media_type == becomes
    assert opened(sent.content).size == (40, 30)


async def test_animation_is_kept_without_what_is_not_shown_of_it() -> None:
    moving = an_animation(frames=4, comment=b"taken at home")
    assert b"taken at home" in moving
    sent = await prepared(moving + b"<script>behind the end</script>")
    assert sent.media_type == "image/gif"
    assert b"taken at home" not in sent.content
    assert b"script" not in sent.content
    assert getattr(opened(sent.content), "n_frames", 1) == 4


async def test_animation_over_the_limit_is_refused_rather_than_stopped() -> None:
    with pytest.raises(PictureUnusable, match="animated_too_large"):
        await prepared(an_animation(frames=20, size=(80, 80)), most_bytes=500)


@pytest.mark.parametrize("head", range(2, 8))
def test_animation_that_ends_within_a_frames_head_is_damaged(head: int) -> None:
    moving = an_animation()
    second = moving.index(b",", moving.index(b",") + 1)
    with pytest.raises(Unusable, match="damaged"):
        look_at(moving[: second + head])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    picture=st.sampled_from([a_picture("PNG"), a_picture("JPEG"), an_animation(), a_picture("WEBP"), a_photo()]),
    at=st.integers(min_value=0, max_value=400),
    noise=st.binary(min_size=1, max_size=8),
    cut=st.integers(min_value=0, max_value=60),
)
def test_any_damage_gives_a_picture_or_a_named_reason(picture: bytes, at: int, noise: bytes, cut: int) -> None:
    place = at % len(picture)
    broken = picture[:place] + noise + picture[place + len(noise) : len(picture) - cut]
    before = Image.MAX_IMAGE_PIXELS
    reason = None
    try:
        look_at(broken)
    except Unusable as unusable:
        reason = unusable.reason
    finally:
        Image.MAX_IMAGE_PIXELS = before
    assert reason in {None, "damaged", "too_many_pixels"}
