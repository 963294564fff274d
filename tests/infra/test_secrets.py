"""Secrets at rest open only with their key, for their purpose, and unchanged."""

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.infra.secrets import SecretBox, SecretKeysUnusable, SecretUnreadable, kept_keys, parse_keys

keys = st.binary(min_size=32, max_size=32)


@given(key=keys, plain=st.binary(max_size=2000), context=st.text(max_size=50))
def test_what_was_sealed_opens_again(key: bytes, plain: bytes, context: str) -> None:
    box = SecretBox([key])
    assert box.open(box.seal(plain, context=context), context=context) == plain


@given(plain=st.binary(max_size=200), at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_one_changed_bit_makes_it_unreadable(plain: bytes, at: int, bit: int) -> None:
    box = SecretBox([bytes(32)])
    sealed = bytearray(box.seal(plain, context="c"))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(SecretUnreadable):
        box.open(bytes(sealed), context="c")


@given(sealed=st.binary(max_size=100))
def test_arbitrary_bytes_are_unreadable(sealed: bytes) -> None:
    with pytest.raises(SecretUnreadable):
        SecretBox([bytes(32)]).open(sealed, context="c")


def test_another_purpose_does_not_open_it() -> None:
    box = SecretBox([bytes(32)])
    with pytest.raises(SecretUnreadable):
        box.open(box.seal(b"x", context="token"), context="address")


def test_an_older_key_still_opens_and_the_first_one_seals() -> None:
    old, new = os.urandom(32), os.urandom(32)
    both = SecretBox([new, old])
    assert both.open(SecretBox([old]).seal(b"x", context="c"), context="c") == b"x"
    assert SecretBox([new]).open(both.seal(b"y", context="c"), context="c") == b"y"


@pytest.mark.parametrize("text", ["", ",", "not base64!", base64.b64encode(b"short").decode()])
def test_an_unusable_list_of_keys_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(SecretKeysUnusable) as caught:
        parse_keys(text)
    assert "short" not in str(caught.value)


def test_kept_keys_are_made_once_and_readable_by_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret_keys"
    first = kept_keys(path)
    assert kept_keys(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(parse_keys(first)[0]) == 32
    assert [entry.name for entry in path.parent.iterdir()] == ["secret_keys"]
