"""The stand-in's sealing against the published vectors and against arbitrary input."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wechat_sandbox.crypto import Seal, SealBroken, aes_key_bytes, signature_of

VECTORS = json.loads(
    (Path(__file__).parents[1] / "data" / "wechat" / "crypto-vectors.json").read_text(encoding="utf-8")
)
SEAL = Seal(token="Kf7tokenXq2LmZ", aes_key="hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA", appid="wx7c1e5a90b2d4f683")

Vector = dict[str, Any]


def seal_of(vector: Vector) -> Seal:
    return Seal(token=vector["token"], aes_key=vector["encoding_aes_key"], appid=vector["appid"])


def opened(vector: Vector) -> bytes:
    return seal_of(vector).open(
        encrypt=vector["encrypt"],
        timestamp=vector["timestamp"],
        nonce=vector["nonce"],
        signature=vector["msg_signature"],
    )


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_every_vector_opens_or_fails_as_a_strict_receiver_says(vector: Vector) -> None:
    if vector["expect"] == "ok":
        assert opened(vector).decode() == vector["plaintext"]
        return
    with pytest.raises(SealBroken) as broken:
        opened(vector)
    assert broken.value.code == vector["expect"]


@pytest.mark.parametrize(
    "vector", [v for v in VECTORS["vectors"] if v["expect"] == "ok"], ids=lambda vector: vector["name"]
)
def test_sealing_with_the_same_random_bytes_gives_the_same_ciphertext(vector: Vector) -> None:
    random16 = vector["intermediate"]["random16"].encode()
    assert seal_of(vector).close(message=vector["plaintext"].encode(), random16=random16) == vector["encrypt"]


@pytest.mark.parametrize("vector", VECTORS["url_signatures"], ids=lambda vector: vector["name"])
def test_url_signature_sorts_by_byte_value(vector: Vector) -> None:
    made = signature_of(vector["token"], vector["timestamp"], vector["nonce"])
    assert (made == vector["signature"]) is vector["valid"]


@pytest.mark.parametrize("vector", VECTORS["aes_keys"], ids=lambda vector: vector["encoding_aes_key"])
def test_key_with_unused_bits_set_is_still_a_key(vector: Vector) -> None:
    assert aes_key_bytes(vector["encoding_aes_key"]).hex() == vector["aes_key_hex"]


@pytest.mark.parametrize(
    "example", VECTORS["published_reference_examples"]["examples"], ids=lambda example: example["name"]
)
def test_published_examples_are_reproduced(example: Vector) -> None:
    if "signature" in example:
        made = signature_of(example["token"], example["timestamp"], example["nonce"])
        assert made == example["signature"]
    if "msg_signature" in example:
        seal = seal_of(example)
        made = seal.signature(timestamp=example["timestamp"], nonce=example["nonce"], encrypt=example["encrypt"])
        assert made == example["msg_signature"]


@given(message=st.binary(max_size=600), random16=st.binary(min_size=16, max_size=16))
def test_whatever_is_sealed_opens_again(message: bytes, random16: bytes) -> None:
    encrypt = SEAL.close(message=message, random16=random16)
    signature = SEAL.signature(timestamp="1", nonce="2", encrypt=encrypt)
    assert SEAL.open(encrypt=encrypt, timestamp="1", nonce="2", signature=signature) == message


@given(encrypt=st.text(max_size=200))
def test_arbitrary_text_only_ever_fails_as_a_broken_seal(encrypt: str) -> None:
    try:
        signature = SEAL.signature(timestamp="1", nonce="2", encrypt=encrypt)
    except UnicodeEncodeError:
        return  # Lone surrogates cannot travel in a document at all.
    with pytest.raises(SealBroken):
        SEAL.open(encrypt=encrypt, timestamp="1", nonce="2", signature=signature)
