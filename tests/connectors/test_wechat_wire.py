"""Bodies of pushes as typed values, and answers as bodies."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.connectors.content import CONTENT, Content, File, Link, Location, Media, Text, Unsupported
from moorage.connectors.contract import CustomerMessage, Followed, MenuUsed, OtherEvent, Unfollowed, What
from moorage.connectors.failures import MalformedInput, UnsupportedInput
from moorage.connectors.wechat_oa.fields import Fields, read_fields, write_fields
from moorage.connectors.wechat_oa.manifest import MOST_BODY_BYTES
from moorage.connectors.wechat_oa.wire import read_push, write_text_reply
from tests.connectors.wechat_vectors import sample, sample_names

CUSTOMER = "oK3x7wV9Qb2LmN5sT8uYcE1rZ4aI"
ACCOUNT = "gh_5b8e21a7c4d9"
NOW = datetime(2026, 1, 1, tzinfo=UTC)

MESSAGES: dict[str, Content] = {
    "msg_text": Text(text="请问我的订单什么时候发货？"),
    "msg_text_emoji": Text(text="好的👌 /::) [捂脸] a<b && c>d"),
    "msg_text_from_article": Text(text="看完文章想咨询", others={"MsgDataId": "2247483999_1", "Idx": "1"}),
    "msg_text_msgmenu_click": Text(text="满意", choice_id="sat-1"),
    "msg_text_release_check": Text(text="TESTCOMPONENT_MSG_TYPE_TEXT"),
    "msg_text_release_check_api": Text(text="QUERY_AUTH_CODE:queryauthcode@@@c0mP0nentTestC0de"),
    "msg_image": Media(
        state="fetching",
        type="image",
        external_media_id="img_7Yx2Kq9Lw4Rt",
        external_url="http://mmbiz.qpic.cn/mmbiz_jpg/exampleOnly123/0",
    ),
    "msg_voice": Media(
        state="fetching",
        type="voice",
        external_media_id="voice_3Hf8Pz1Qm6Nv",
        format="amr",
        others={"MediaId16K": "voice16k_9Jd4Ls7Bw2Xc"},
    ),
    "msg_voice_recognition": Media(
        state="fetching",
        type="voice",
        external_media_id="voice_5Kg1Rt8Yn3Ua",
        format="amr",
        recognized_text="我想查一下物流",
    ),
    "msg_voice_recognition_empty": Media(
        state="fetching", type="voice", external_media_id="voice_6Lh2Su9Zo4Vb", format="speex"
    ),
    "msg_video": Media(
        state="fetching", type="video", external_media_id="video_2Gb7Mc4Xd9Ze", external_thumb_id="thumb_8Qw3Er6Ty1Ui"
    ),
    "msg_shortvideo": Media(
        state="fetching",
        type="short_video",
        external_media_id="svideo_4Kj9Hg2Fd7Sa",
        external_thumb_id="thumb_1Po6Iu3Yt8Re",
    ),
    "msg_location": Location(latitude=31.230416, longitude=121.473701, scale=16, label="上海市黄浦区人民大道200号"),
    "msg_link": Link(
        title="退换货说明", description="七天无理由退换货流程", url="https://shop.example.com/help/return"
    ),
    "msg_file_undocumented": File(
        name="发票.pdf",
        size_bytes=48213,
        external_file_id="fk_9Az1Sx2Dc3Fv",
        md5="5816d968cb2b7c2f2269152aab347ab3",
    ),
}
EVENTS: dict[str, What] = {
    "event_subscribe": Followed(),
    "event_subscribe_qrscene": Followed(scene="shop-042"),
    "event_unsubscribe": Unfollowed(),
    "event_SCAN": OtherEvent(
        name="SCAN",
        fields={"EventKey": "shop-042", "Ticket": "gQEw8TwAAAAAAAAAAS5oQr042"},
        opens="scan",
        line={"how": "scanned", "scene": "shop-042"},
    ),
    "event_CLICK": MenuUsed(
        name="CLICK", fields={"EventKey": "MENU_TALK_TO_AGENT"}, opens="menu", key="MENU_TALK_TO_AGENT"
    ),
    "event_scancode_push": MenuUsed(
        name="scancode_push",
        use="scan",
        key="MENU_SCAN_PUSH",
        result={"scanned": "https://shop.example.com/p/778", "code": "qrcode"},
        fields={
            "EventKey": "MENU_SCAN_PUSH",
            "ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": "https://shop.example.com/p/778"},
        },
        opens="menu",
    ),
    "event_subscribe_msg_change_event": OtherEvent(
        name="subscribe_msg_change_event",
        fields={
            "SubscribeMsgChangeEvent": {
                "List": [{"TemplateId": "Tmpl_A1b2C3d4E5f6G7h8", "SubscribeStatusString": "reject"}]
            }
        },
        line={"how": "subscription_rejected"},
    ),
}


def push(**fields: str) -> bytes:
    """Return a push with the common fields and `fields`."""
    common = {"ToUserName": ACCOUNT, "FromUserName": CUSTOMER, "CreateTime": "1767225600", "MsgType": "text"}
    return write_fields({**common, "MsgId": "24680135791357924", **fields}, format="xml")


def content_of(body: bytes) -> Content:
    what = read_push(body).what
    assert isinstance(what, CustomerMessage)
    return what.content


@pytest.mark.parametrize("name", sample_names("msg_"))
def test_a_message_sample_becomes_its_typed_value(name: str) -> None:
    assert content_of(sample(name)) == MESSAGES[name]


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_sample_becomes_its_typed_value(name: str) -> None:
    assert read_push(sample(name)).what == EVENTS[name]


@pytest.mark.parametrize("name", sample_names("event_"))
def test_an_event_sample_keeps_every_field(name: str) -> None:
    inbound = read_push(sample(name))
    told = {"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event"}
    if isinstance(inbound.what, OtherEvent):
        assert inbound.what.fields == {k: v for k, v in read_fields(sample(name)).items() if k not in told}
    assert inbound.external_customer_id == CUSTOMER  # also where WeChat's own id is the sender
    assert inbound.external_account_id == ACCOUNT
    assert inbound.body == sample(name)


@pytest.mark.parametrize("name", sample_names("component_"))
def test_a_platform_notice_is_acknowledged_and_not_taken_in(name: str) -> None:
    with pytest.raises(UnsupportedInput, match="platform_notice"):
        read_push(sample(name))


def test_a_64_bit_message_id_survives_exactly() -> None:
    assert read_push(push(MsgId="9223372036854775807")).external_message_id == "9223372036854775807"
    body = json.loads(json.dumps(dict(read_fields(push()))))
    body["MsgId"], body["CreateTime"] = 9223372036854775807, 1767225600
    assert read_push(json.dumps(body).encode()).external_message_id == "9223372036854775807"


def test_a_message_of_an_unknown_kind_keeps_all_its_fields() -> None:
    content = content_of(push(MsgType="hologram", Depth="3", Content="x"))
    assert content == Unsupported(kind="hologram", fields={"Depth": "3", "Content": "x"})


@pytest.mark.parametrize("kind", ["image", "voice", "video", "shortvideo", "location", "link", "file", "text"])
def test_a_known_kind_that_lacks_its_fields_is_kept_as_unsupported(kind: str) -> None:
    assert content_of(push(MsgType=kind, Surprise="1")) == Unsupported(kind=kind, fields={"Surprise": "1"})


@pytest.mark.parametrize("where", ["nan", "inf", "1e9", "north", ""])
def test_a_place_that_is_nowhere_is_kept_as_unsupported(where: str) -> None:
    assert isinstance(content_of(push(MsgType="location", Location_X=where, Location_Y="2")), Unsupported)


def test_the_prefix_of_a_scene_is_taken_off_once() -> None:
    body = push(MsgType="event", Event="subscribe", EventKey="qrscene_qrscene_1")
    assert read_push(body).what == Followed(scene="qrscene_1")


def test_event_names_are_compared_without_case() -> None:
    assert read_push(push(MsgType="event", Event="SUBSCRIBE", EventKey="")).what == Followed()


@pytest.mark.parametrize("missing", ["ToUserName", "FromUserName", "CreateTime", "MsgType"])
def test_a_push_without_a_common_field_is_refused(missing: str) -> None:
    fields = {k: str(v) for k, v in read_fields(push()).items() if k != missing}
    with pytest.raises(MalformedInput, match="missing_field"):
        read_push(write_fields(fields, format="xml"))


@pytest.mark.parametrize("time", ["-1", "soon", "1e9", "９", "1" * 12, "1_000"])
def test_a_time_that_is_none_is_refused(time: str) -> None:
    with pytest.raises(MalformedInput, match="invalid_field"):
        read_push(push(CreateTime=time))


# ---------------------------------------------------------------- once only


def test_two_messages_that_share_an_id_are_two() -> None:
    keys = {
        read_push(push()).once_key,
        read_push(push(FromUserName="oAnotherCustomer")).once_key,
        read_push(push(CreateTime="1767225601")).once_key,
    }
    assert len(keys) == 3


def test_two_events_of_one_second_are_two() -> None:
    event = {"MsgType": "event", "Event": "pic_weixin", "EventKey": "MENU"}
    keys = {
        read_push(push(**event)).once_key,
        read_push(push(**{**event, "EventKey": "OTHER"})).once_key,
        read_push(push(**{**event, "Event": "pic_sysphoto"})).once_key,
        read_push(push(**event, Ticket="another")).once_key,
    }
    assert len(keys) == 4


@pytest.mark.parametrize("name", sample_names("msg_", "event_"))
def test_the_same_push_has_the_same_key_whatever_its_spaces_are(name: str) -> None:
    squeezed = b"".join(line.strip() for line in sample(name).splitlines())
    assert read_push(sample(name)).once_key == read_push(squeezed).once_key


def test_samples_have_keys_of_their_own() -> None:
    keys = [read_push(sample(name)).once_key for name in sample_names("msg_", "event_")]
    assert len(set(keys)) == len(keys)


# ---------------------------------------------------------------- bad bodies

BOMB = b"""<?xml version="1.0"?><!DOCTYPE z [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><xml><ToUserName>&c;</ToUserName></xml>"""
OUTSIDE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><xml><ToUserName>&f;</ToUserName></xml>'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "invalid_xml"),
        (b"<xml>", "invalid_xml"),
        (b"<xml/>", "invalid_xml"),
        (b"hello", "invalid_xml"),
        (BOMB, "invalid_xml"),
        (OUTSIDE, "invalid_xml"),
        (b"<!DOCTYPE xml><xml><a>1</a></xml>", "invalid_xml"),
        (b"<xml>" + b"<a>" * 500 + b"</a>" * 500 + b"</xml>", "too_deep"),
        (b"<xml>\xff\xfe</xml>", "invalid_encoding"),
        (b"{", "invalid_json"),
        (b'{"a": NaN}', "invalid_json"),
        (b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}", "invalid_json"),
        (b'{"a":' + b"[" * 50 + b"]" * 50 + b"}", "too_deep"),
        (b"x" * (MOST_BODY_BYTES + 1), "body_too_large"),
    ],
)
def test_a_bad_body_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedInput, match=reason):
        read_push(body)


@given(body=st.one_of(st.binary(max_size=400), st.text(max_size=200).map(str.encode)))
def test_any_bytes_give_a_push_or_a_named_error(body: bytes) -> None:
    with suppress(MalformedInput, UnsupportedInput):
        read_push(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(extra=st.dictionaries(st.sampled_from(["MsgId", "Event", "Content", "MediaId", "Scale", "x"]), JSON))
def test_any_json_gives_a_push_that_can_be_stored_or_a_named_error(extra: dict[str, object]) -> None:
    common = {"ToUserName": ACCOUNT, "FromUserName": CUSTOMER, "CreateTime": 1767225600, "MsgType": "location"}
    with suppress(MalformedInput, UnsupportedInput):
        what = read_push(json.dumps({**common, **extra}).encode()).what
        assert isinstance(what, CustomerMessage)
        assert "\\u0000" not in CONTENT.dump_json(what.content).decode()


@given(extra=st.dictionaries(st.sampled_from(["Content", "Label", "Zz"]), st.text(max_size=50)))
def test_fields_of_any_text_come_back_as_they_were(extra: dict[str, str]) -> None:
    sayable = {k: v for k, v in extra.items() if v.isprintable()}
    fields: Fields = {"A": "1", **sayable}
    assert read_fields(write_fields({"A": "1", **sayable}, format="xml")) == fields
    assert read_fields(write_fields({"A": "1", **sayable}, format="json")) == fields


# ---------------------------------------------------------------- answers


def test_a_text_answer_turns_the_names_around() -> None:
    reply = write_text_reply(inbound=read_push(sample("msg_text")), text="您好，已收到 ✅ ]]> <b>", now=NOW)
    assert reply is not None
    told = {element.tag: element.text for element in fromstring(reply.decode())}
    assert told == {
        "ToUserName": CUSTOMER,
        "FromUserName": ACCOUNT,
        "CreateTime": "1767225600",
        "MsgType": "text",
        "Content": "您好，已收到 ✅ ]]> <b>",
    }


def test_an_account_with_json_pushes_is_answered_in_json() -> None:
    body = json.dumps({**read_fields(sample("msg_text")), "CreateTime": 1767225601}).encode()
    reply = write_text_reply(inbound=read_push(body), text="好", now=NOW)
    assert reply is not None
    assert json.loads(reply)["Content"] == "好"
    assert "\\u" not in reply.decode()


@pytest.mark.parametrize("text", ["", "  ", "字" * 683])
def test_a_text_that_wechat_would_not_show_is_no_answer(text: str) -> None:
    assert write_text_reply(inbound=read_push(sample("msg_text")), text=text, now=NOW) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("msg_image", True),
        ("event_subscribe", True),
        ("event_CLICK", True),
        ("event_SCAN", True),
        ("event_unsubscribe", False),
        ("event_VIEW", False),
        ("event_TEMPLATESENDJOBFINISH_success", False),
        ("event_kf_close_session", False),
        ("event_user_info_modified", False),
    ],
)
def test_only_pushes_that_show_answers_are_answered(name: str, shown: bool) -> None:
    assert (write_text_reply(inbound=read_push(sample(name)), text="x", now=NOW) is not None) == shown
