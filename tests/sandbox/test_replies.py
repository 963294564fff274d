"""What counts as a valid answer to a push."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wechat_sandbox.crypto import Seal
from wechat_sandbox.model import Mode
from wechat_sandbox.replies import Acknowledged, Asked, Malformed, PassiveReply, Verdict, judge_answer
from wechat_sandbox.wire import compose

OPENID = "oK3x7wV9Qb2LmN5sT8uYcE1rZ4aI"
USERNAME = "gh_5b8e21a7c4d9"
ASKED = Asked(openid=OPENID, username=USERNAME)
SEAL = Seal(token="Kf7tokenXq2LmZ", aes_key="hV3qYp8sTzR1mNc5JkW0eLxDgUa2BoF7iQv9tSwMyHA", appid="wx7c1e5a90b2d4f683")
SAMPLES = Path(__file__).parents[1] / "data" / "wechat" / "samples"


def judged(body: bytes | str, *, mode: Mode = "plaintext") -> Verdict:
    raw = body.encode() if isinstance(body, str) else body
    return judge_answer(raw, mode=mode, seal=SEAL, asked=ASKED)


def text_reply(**changes: str) -> str:
    fields = {
        "ToUserName": OPENID,
        "FromUserName": USERNAME,
        "CreateTime": "1767225900",
        "MsgType": "text",
        "Content": "您好",
    }
    return compose({**(fields | changes)})


def sealed(document: str, *, seal: Seal = SEAL, nonce: str = "2044897763", signed_nonce: str | None = None) -> str:
    encrypt = seal.close(message=document.encode(), random16=b"0123456789abcdef")
    signature = seal.signature(timestamp="1767225900", nonce=signed_nonce or nonce, encrypt=encrypt)
    return compose({"Encrypt": encrypt, "MsgSignature": signature, "TimeStamp": 1767225900, "Nonce": nonce})


def test_success_and_nothing_are_acknowledgements_in_every_mode() -> None:
    modes: tuple[Mode, ...] = ("plaintext", "compatible", "secure")
    for mode in modes:
        assert judged("success", mode=mode) == Acknowledged(empty=False)
        assert judged("", mode=mode) == Acknowledged(empty=True)


def test_text_reply_is_read() -> None:
    assert judged(text_reply()) == PassiveReply(kind="text", text="您好")


def test_encrypted_reply_is_opened_in_secure_and_compatible_mode() -> None:
    assert judged(sealed(text_reply()), mode="secure") == PassiveReply(kind="text", text="您好")
    assert judged(sealed(text_reply()), mode="compatible") == PassiveReply(kind="text", text="您好")


def test_published_envelope_of_a_reply_is_well_sealed() -> None:
    verdict = judged((SAMPLES / "envelope_encrypted_reply.xml").read_bytes(), mode="secure")
    assert isinstance(verdict, PassiveReply)


def test_sample_replies_are_valid_unless_they_name_media() -> None:
    for name in ("text", "news", "transfer_customer_service", "transfer_customer_service_to_agent"):
        assert isinstance(judged((SAMPLES / f"reply_{name}.xml").read_bytes()), PassiveReply)
    for name in ("image", "voice", "video", "music"):
        assert judged((SAMPLES / f"reply_{name}.xml").read_bytes()) == Malformed(reason="unknown_media_id")


REFUSED: list[tuple[str, Callable[[], str], Mode]] = [
    ("not_xml", lambda: '{"errcode":0}', "plaintext"),
    ("not_xml", lambda: "Success", "plaintext"),
    ("not_xml", lambda: "success\n", "plaintext"),
    ("not_xml", lambda: "<xml><Content>", "plaintext"),
    ("not_xml", lambda: "<!DOCTYPE x><xml/>", "plaintext"),
    ("root_is_not_xml", lambda: "<html></html>", "plaintext"),
    ("to_user_name_is_not_the_sender", lambda: text_reply(ToUserName=USERNAME, FromUserName=OPENID), "plaintext"),
    ("from_user_name_is_not_the_account", lambda: text_reply(FromUserName="gh_other"), "plaintext"),
    ("create_time_is_not_a_number", lambda: text_reply(CreateTime="now"), "plaintext"),
    ("empty_content", lambda: text_reply(Content=""), "plaintext"),
    ("content_too_long", lambda: text_reply(Content="好" * 683), "plaintext"),
    ("unknown_msg_type", lambda: text_reply(MsgType="poem"), "plaintext"),
    ("reply_not_encrypted", text_reply, "secure"),
    ("to_user_name_is_not_the_sender", lambda: sealed(text_reply()), "plaintext"),
    ("invalid_signature", lambda: sealed(text_reply(), signed_nonce="1"), "secure"),
    (
        "invalid_appid",
        lambda: sealed(text_reply(), seal=Seal(token=SEAL.token, aes_key=SEAL.aes_key, appid="wxother")),
        "secure",
    ),
    ("incomplete_envelope", lambda: compose({"Encrypt": "AAAA"}), "secure"),
    ("not_xml", lambda: sealed("hello"), "secure"),
]


@pytest.mark.parametrize(("reason", "answer", "mode"), REFUSED)
def test_anything_else_is_refused_with_a_reason(reason: str, answer: Callable[[], str], mode: Mode) -> None:
    assert judged(answer(), mode=mode) == Malformed(reason=reason)


def test_longest_text_is_measured_in_bytes() -> None:
    assert isinstance(judged(text_reply(Content="a" * 2048)), PassiveReply)
