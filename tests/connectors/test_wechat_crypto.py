"""Signatures and sealing, against shared vectors and against themselves."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.connectors.failures import MalformedInput
from moorage.connectors.wechat_oa import crypto
from tests.connectors.wechat_vectors import Case, Vector, aes_keys, published_examples, url_signatures, vectors


def in_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


KEYS = st.binary(min_size=32, max_size=32)
APPIDS = st.from_regex(r"wx[0-9a-f]{16}", fullmatch=True)


def vector_name(vector: Vector) -> str:
    return vector.name


def case_name(case: Case) -> str:
    return case.get("name") or case["encoding_aes_key"]


def open_strictly(vector: Vector) -> str:
    """Return the outcome of a strict receiver in the words of the vectors."""
    expected = crypto.sign_message(
        token=vector.token, timestamp=vector.timestamp, nonce=vector.nonce, encrypt=vector.encrypt
    )
    try:
        crypto.check_signature(expected=expected, given=vector.msg_signature)
        key = crypto.decode_aes_key(vector.encoding_aes_key)
        assert crypto.unseal(vector.encrypt, key=key, appid=vector.appid).decode() == vector.plaintext
    except MalformedInput as error:
        return error.reason
    return "ok"


@pytest.mark.parametrize("vector", vectors(), ids=vector_name)
def test_a_sealed_message_has_the_strict_outcome(vector: Vector) -> None:
    assert open_strictly(vector) == vector.expect


@pytest.mark.parametrize("vector", [v for v in vectors() if v.expect == "ok"], ids=vector_name)
def test_sealing_gives_the_same_bytes_as_the_vector(vector: Vector) -> None:
    assert vector.plaintext is not None
    assert vector.intermediate is not None
    sealed = crypto.seal(
        vector.plaintext.encode(),
        key=crypto.decode_aes_key(vector.encoding_aes_key),
        appid=vector.appid,
        random=vector.intermediate.random16.encode(),
    )
    assert sealed == vector.encrypt


@pytest.mark.parametrize("case", url_signatures(), ids=case_name)
def test_an_address_signature_is_judged_as_the_vector_says(case: Case) -> None:
    expected = crypto.sign_url(token=case["token"], timestamp=case["timestamp"], nonce=case["nonce"])
    assert (expected == case["signature"]) == (case["valid"] == "True")


@pytest.mark.parametrize("case", aes_keys(), ids=case_name)
def test_an_aes_key_is_read_whatever_its_unused_bits_are(case: Case) -> None:
    assert crypto.decode_aes_key(case["encoding_aes_key"]).hex() == case["aes_key_hex"]


@pytest.mark.parametrize("case", published_examples(), ids=case_name)
def test_the_published_examples_are_met(case: Case) -> None:
    token, timestamp, nonce = case["token"], case["timestamp"], case["nonce"]
    if "signature" in case:
        assert crypto.sign_url(token=token, timestamp=timestamp, nonce=nonce) == case["signature"]
    if "encrypt" in case:
        signed = crypto.sign_message(token=token, timestamp=timestamp, nonce=nonce, encrypt=case["encrypt"])
        assert signed == case["msg_signature"]
        key = crypto.decode_aes_key(case["encoding_aes_key"])
        assert crypto.unseal(case["encrypt"], key=key, appid=case["appid"]).decode() == case["plaintext"]


@pytest.mark.parametrize("wrong", ["", "short", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "é", "A" * 43 + "\n"])
def test_what_is_no_aes_key_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="43"):
        crypto.decode_aes_key(wrong)


@given(message=st.binary(max_size=300), key=KEYS, appid=APPIDS, random=st.binary(min_size=16, max_size=16))
def test_what_was_sealed_can_be_opened(message: bytes, key: bytes, appid: str, random: bytes) -> None:
    sealed = crypto.seal(message, key=key, appid=appid, random=random)
    assert crypto.unseal(sealed, key=key, appid=appid) == message


@given(sealed=st.one_of(st.text(), st.binary(max_size=200).map(in_base64)), key=KEYS)
def test_anything_else_is_refused_by_name(sealed: str, key: bytes) -> None:
    with pytest.raises(MalformedInput):
        crypto.unseal(sealed, key=key, appid="wx7c1e5a90b2d4f683")


@given(message=st.binary(max_size=100), key=KEYS, cut=st.integers(min_value=1, max_value=60))
def test_a_truncated_message_is_refused_by_name(message: bytes, key: bytes, cut: int) -> None:
    sealed = crypto.seal(message, key=key, appid="wx7c1e5a90b2d4f683", random=b"0123456789abcdef")
    with pytest.raises(MalformedInput):
        crypto.unseal(sealed[:-cut], key=key, appid="wx7c1e5a90b2d4f683")


@given(given_signature=st.text())
def test_a_wrong_signature_of_any_text_is_refused(given_signature: str) -> None:
    with pytest.raises(MalformedInput, match="invalid_signature"):
        crypto.check_signature(expected="899cf89e464efb63f54ddac96b0a0a235f53aa78", given=given_signature)
