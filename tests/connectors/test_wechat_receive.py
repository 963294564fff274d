"""Requests of WeChat's servers: which are taken, and how each of the others is refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from moorage.connectors.content import Text
from moorage.connectors.contract import AddressVerified, CustomerMessage, Inbound, RawRequest, WireReply
from moorage.connectors.failures import MalformedInput, UnsupportedInput
from moorage.connectors.wechat_oa import crypto
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.connector import WechatOfficialAccount
from moorage.connectors.wechat_oa.fields import read_fields, text_of
from moorage.infra.http_client import open_provider_client
from tests.connectors.wechat_requests import (
    CREDENTIALS,
    CUSTOMER,
    NOW,
    a_message,
    plain_push,
    sealed_push,
    verification,
    with_mode,
)
from tests.connectors.wechat_vectors import Vector, sample, vectors

OLD_KEY = "Zx4Lk9QwE2rT7yU1iOpA6sD3fG8hJ5kB0nMvC2xZq7Y"
MODES = ["secure", "compatible", "plaintext"]
ACCOUNT = WechatOfficialAccount(api=WechatApi(http=open_provider_client(), api_url="http://127.0.0.1:9"))


def receive(request: RawRequest, **changed: str) -> Inbound | AddressVerified:
    return ACCOUNT.receive(credentials={**CREDENTIALS, **changed}, request=request, now=NOW)


def take(request: RawRequest, **changed: str) -> Inbound:
    inbound = receive(request, **changed)
    assert isinstance(inbound, Inbound)
    return inbound


def vector_name(vector: Vector) -> str:
    return vector.name


@pytest.mark.parametrize("vector", [v for v in vectors() if v.direction == "push"], ids=vector_name)
def test_a_vector_sent_as_a_push_has_the_strict_outcome(vector: Vector) -> None:
    request = RawRequest(
        method="POST",
        query={
            "signature": vector.signature,
            "timestamp": vector.timestamp,
            "nonce": vector.nonce,
            "openid": CUSTOMER,
            "encrypt_type": "aes",
            "msg_signature": vector.msg_signature,
        },
        content_type="text/xml",
        body=vector.http_body.encode(),
    )
    credentials = {"appid": vector.appid, "token": vector.token, "aes_key": vector.encoding_aes_key}
    now = datetime.fromtimestamp(int(vector.timestamp), UTC)
    try:
        inbound = ACCOUNT.receive(credentials=credentials, request=request, now=now)
        outcome = "ok"
        assert isinstance(inbound, Inbound)
        assert inbound.body.decode() == vector.plaintext
    except MalformedInput as error:
        outcome = error.reason
    except UnsupportedInput as error:
        outcome = "ok" if error.reason == "platform_notice" and "component" in vector.name else error.reason
    assert outcome == vector.expect


@pytest.mark.parametrize("mode", MODES)
def test_the_address_is_verified_in_every_mode(mode: str) -> None:
    assert receive(verification(echostr="557 <é"), mode=mode) == AddressVerified(body="557 <é".encode())


def test_a_sealed_push_is_opened_whatever_the_mode() -> None:
    for mode in MODES:
        assert take(sealed_push(a_message("好")), mode=mode).what == CustomerMessage(content=Text(text="好"))


def test_only_what_was_sealed_counts_in_compatible_mode() -> None:
    request = sealed_push(a_message("real"), beside={"Content": "forged", "MsgType": "text"})
    assert take(request, mode="compatible").what == CustomerMessage(content=Text(text="real"))


@pytest.mark.parametrize("mode", ["secure", "compatible"])
def test_a_push_in_the_clear_is_refused_unless_switched_on(mode: str) -> None:
    with pytest.raises(MalformedInput, match="plaintext_not_allowed"):
        receive(plain_push(a_message()), mode=mode)


def test_a_push_in_the_clear_names_what_must_not_be_replayed() -> None:
    first = take(plain_push(a_message("a")), mode="plaintext").uncovered
    again = take(plain_push(a_message("a")), mode="plaintext").uncovered
    forged = take(plain_push(a_message("b")), mode="plaintext").uncovered
    assert first is not None
    assert forged is not None
    assert first == again
    assert (first.timestamp, first.nonce) == (forged.timestamp, forged.nonce)
    assert first.digest != forged.digest
    assert take(sealed_push(a_message("a"))).uncovered is None


@pytest.mark.parametrize("off", [timedelta(minutes=10), -timedelta(minutes=10)])
def test_ten_minutes_early_or_late_is_still_our_time(off: timedelta) -> None:
    take(sealed_push(a_message(), at=NOW + off))


@pytest.mark.parametrize("off", [timedelta(minutes=10, seconds=1), -timedelta(minutes=10, seconds=1)])
def test_a_second_more_is_refused_in_every_mode(off: timedelta) -> None:
    for request in (sealed_push(a_message(), at=NOW + off), plain_push(a_message(), at=NOW + off)):
        with pytest.raises(MalformedInput, match="stale_timestamp"):
            receive(request, mode="plaintext")
    with pytest.raises(MalformedInput, match="stale_timestamp"):
        receive(verification(at=NOW + off))


@pytest.mark.parametrize("timestamp", ["", "soon", "-5", "1e9", "１", "9" * 30])
def test_a_time_that_is_none_is_refused_even_when_signed(timestamp: str) -> None:
    query = {**verification().query, "timestamp": timestamp}
    query["signature"] = crypto.sign_url(token=CREDENTIALS["token"], timestamp=timestamp, nonce=query["nonce"])
    with pytest.raises(MalformedInput, match="invalid_timestamp"):
        receive(replace(verification(), query=query))


def test_the_old_key_opens_what_the_present_one_does_not() -> None:
    request = sealed_push(a_message("old"), aes_key=OLD_KEY)
    with pytest.raises(MalformedInput, match=r"invalid_padding|illegal_buffer|invalid_appid"):
        receive(request)
    inbound = take(request, previous_aes_key=OLD_KEY)
    assert inbound.what == CustomerMessage(content=Text(text="old"))
    assert inbound.reply_context["key"] == "previous_aes_key"


def test_a_push_for_another_account_is_refused() -> None:
    with pytest.raises(MalformedInput, match="invalid_appid"):
        receive(sealed_push(a_message(), appid="wx0000000000000bad"))
    with pytest.raises(MalformedInput, match="foreign_account"):
        receive(sealed_push(a_message()), original_id="gh_another")
    with pytest.raises(MalformedInput, match="foreign_account"):
        receive(sealed_push(a_message(), beside={"ToUserName": "gh_another"}))
    with pytest.raises(MalformedInput, match="foreign_account"):
        receive(plain_push(a_message()), original_id="gh_another", mode="plaintext")


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/x-www-form-urlencoded", "image/png"])
def test_a_push_of_another_content_type_is_refused(content_type: str) -> None:
    with pytest.raises(MalformedInput, match="wrong_content_type"):
        receive(replace(sealed_push(a_message()), content_type=content_type))


def test_a_strangers_body_is_not_parsed() -> None:
    request = sealed_push(a_message())
    forged = replace(request, query={**request.query, "signature": "0" * 40}, body=b"<!DOCTYPE x><x>")
    with pytest.raises(MalformedInput, match="invalid_signature"):
        receive(forged)
    unsigned = {name: value for name, value in forged.query.items() if name != "signature"}
    with pytest.raises(MalformedInput, match="invalid_signature"):
        receive(replace(forged, query=unsigned))


def test_a_sealed_push_needs_no_other_signature_than_its_own() -> None:
    request = sealed_push(a_message("好"))
    query = {name: value for name, value in request.query.items() if name != "signature"}
    assert take(replace(request, query=query)).what == CustomerMessage(content=Text(text="好"))


def test_a_bare_or_spread_out_envelope_is_read_as_well() -> None:
    request = sealed_push(a_message("好"))
    encrypt = text_of(read_fields(request.body), "Encrypt") or ""
    in_json = json.dumps({"Encrypt": encrypt}).replace("/", "\\/").encode()
    for body in (f"<xml>\n <Encrypt>\n{encrypt}\n</Encrypt>\n</xml>".encode(), in_json):
        assert take(replace(request, body=body)).what == CustomerMessage(content=Text(text="好"))


# ---------------------------------------------------------------- answers


def opened_reply(reply: WireReply, *, aes_key: str = CREDENTIALS["aes_key"]) -> dict[str, str]:
    """Return the fields that WeChat would read in a sealed answer, after all its checks."""
    outer = {name: str(value) for name, value in read_fields(reply.body).items()}
    assert set(outer) == {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}
    signed = crypto.sign_message(
        token=CREDENTIALS["token"], timestamp=outer["TimeStamp"], nonce=outer["Nonce"], encrypt=outer["Encrypt"]
    )
    assert signed == outer["MsgSignature"]
    key = crypto.decode_aes_key(aes_key)
    plain = read_fields(crypto.unseal(outer["Encrypt"], key=key, appid=CREDENTIALS["appid"]))
    return {name: text_of(plain, name) or "" for name in plain} | {"Nonce": outer["Nonce"]}


def answer(inbound: Inbound, text: str, **changed: str) -> WireReply:
    reply = ACCOUNT.passive_reply(inbound=inbound, content=Text(text=text), now=NOW)
    assert reply is not None
    return ACCOUNT.seal_reply(
        credentials={**CREDENTIALS, **changed}, reply=reply, context=inbound.reply_context, now=NOW
    )


def test_a_sealed_push_is_answered_sealed_with_its_own_nonce() -> None:
    fields = opened_reply(answer(take(sealed_push(sample("msg_text"), nonce="77")), "您好 ✅"))
    assert fields["Content"] == "您好 ✅"
    assert fields["ToUserName"] == CUSTOMER
    assert fields["Nonce"] == "77"


def test_two_answers_are_never_sealed_alike() -> None:
    inbound = take(sealed_push(sample("msg_text")))
    assert answer(inbound, "x").body != answer(inbound, "x").body


def test_a_push_under_the_old_key_is_answered_under_it() -> None:
    inbound = take(sealed_push(a_message(), aes_key=OLD_KEY), previous_aes_key=OLD_KEY)
    assert opened_reply(answer(inbound, "x", previous_aes_key=OLD_KEY), aes_key=OLD_KEY)["Content"] == "x"


def test_an_account_with_json_pushes_is_answered_in_json() -> None:
    body = json.dumps({**read_fields(sample("msg_text")), "CreateTime": 1767225601}).encode()
    reply = answer(take(sealed_push(body, envelope="json")), "好")
    assert reply.content_type.startswith("application/json")
    assert isinstance(json.loads(reply.body)["TimeStamp"], int)
    assert opened_reply(reply)["Content"] == "好"


def test_a_push_in_the_clear_is_answered_in_the_clear() -> None:
    reply = answer(take(plain_push(sample("msg_text")), mode="plaintext"), "好", **with_mode("plaintext"))
    assert text_of(read_fields(reply.body), "Content") == "好"


def test_taken_without_words_is_said_as_success() -> None:
    assert ACCOUNT.acknowledge().body == b"success"


@pytest.mark.parametrize("setting", ["secure", "compatible"])
def test_in_compatible_mode_nothing_beside_the_sealed_part_counts(setting: str) -> None:
    forged = {"FromUserName": "oForged", "CreateTime": "1", "MsgType": "text", "Content": "pay to this account"}
    inbound = take(sealed_push(a_message("你好"), beside=forged), mode=setting)
    assert (inbound.external_customer_id, inbound.mode) == (CUSTOMER, "compatible")
    assert inbound.what == CustomerMessage(content=Text(text="你好"))
    assert b"pay to this account" not in inbound.body
    assert take(sealed_push(a_message("你好")), mode=setting).mode == "secure"
