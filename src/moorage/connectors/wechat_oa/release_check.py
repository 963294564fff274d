"""WeChat's own test of a third-party platform before it is published. Pure.

Source: WeChat Open Platform docs, "Release of a third-party platform: automatic check". The check by event stands in
older lists only, and is answered all the same.
"""

from datetime import datetime

from moorage.connectors.authorization import ProbeAnswer
from moorage.connectors.content import Text
from moorage.connectors.contract import CustomerMessage, Followed, Inbound, OtherEvent, Outbound, Unfollowed
from moorage.connectors.wechat_oa.fields import format_of, write_fields

PROBES = {
    "wx570bc396a51b8ff8": "gh_3c884a361561",
    "wxd101a85aa106f53e": "gh_8dad206e9538",
    "wx9252c5e0bb1836fc": "gh_c0f28a78b318",
    "wxc39235c15087f6f3": "gh_905ae9d01059",
    "wx8e1097c5bc82cde9": "gh_3f222ed8d140",
    "wx7720d01d4b2a4500": "gh_393666f1fdf4",
    "wx14550af28c71a144": "gh_26128078e9ab",
    "wx05d483572dcd5d8b": "gh_39abb5d4e1b7",
    "wxa35b9c23cfe664eb": "gh_2b3713f184a6",
    "wx5910277cae6fd970": "gh_7818dcb60240",
}
"""The accounts that drive the test, Official Accounts and mini programs: AppID -> original id."""

ASKED_TEXT = "TESTCOMPONENT_MSG_TYPE_TEXT"
ASKED_CODE = "QUERY_AUTH_CODE:"
_NO_ANSWER = ProbeAnswer(reply=None)


def answer_probe(inbound: Inbound, *, now: datetime) -> ProbeAnswer:
    """Return what the test expects after `inbound`; what it does not ask for is answered by nothing."""
    match inbound.what:
        case CustomerMessage(content=Text(text=text)) if text.strip() == ASKED_TEXT:
            return ProbeAnswer(reply=_reply(inbound, f"{ASKED_TEXT}_callback", now=now))
        case CustomerMessage(content=Text(text=text)) if text.strip().startswith(ASKED_CODE):
            code = text.strip().removeprefix(ASKED_CODE)
            message = Outbound(external_customer_id=inbound.external_customer_id, content=Text(text=f"{code}_from_api"))
            return ProbeAnswer(reply=None, code=code, send=message) if code else _NO_ANSWER
        case OtherEvent(name=name):
            return ProbeAnswer(reply=_reply(inbound, f"{name}from_callback", now=now))
        case Followed():
            return ProbeAnswer(reply=_reply(inbound, "subscribefrom_callback", now=now))
        case Unfollowed() | CustomerMessage():
            return _NO_ANSWER


def _reply(inbound: Inbound, text: str, *, now: datetime) -> bytes:
    reply = {
        "ToUserName": inbound.external_customer_id,
        "FromUserName": inbound.external_account_id,
        "CreateTime": int(now.timestamp()),
        "MsgType": "text",
        "Content": text,
    }
    return write_fields(reply, format=format_of(inbound.body))
