"""Composing and reading XML."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from wechat_sandbox.wire import NotXml, child_text, compose, parse

BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><Content>&b;</Content></xml>'
LEGAL_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=60)


@given(text=LEGAL_TEXT)
def test_any_text_survives_the_journey(text: str) -> None:
    if "\ufffe" in text or "\uffff" in text:
        return
    assert child_text(parse(compose({"Content": text}).encode()), "Content") == text


@given(text=st.text(st.characters(blacklist_categories=("Cs",)), max_size=60))
def test_text_with_control_characters_still_makes_a_document(text: str) -> None:
    parse(compose({"Content": text}).encode())


@given(document=st.binary(max_size=200))
def test_arbitrary_bytes_are_a_document_or_a_named_error(document: bytes) -> None:
    with contextlib.suppress(NotXml):
        parse(document)


def test_lists_repeat_their_element_and_objects_nest() -> None:
    fields: dict[str, JsonValue] = {"Outer": {"Item": [{"A": "x"}, {"A": 2}]}, "Scale": 16}
    expected = "<xml><Outer><Item><A><![CDATA[x]]></A></Item><Item><A>2</A></Item></Outer><Scale>16</Scale></xml>"
    assert compose(fields) == expected


def test_entity_bomb_is_not_opened() -> None:
    with pytest.raises(NotXml):
        parse(BOMB)
