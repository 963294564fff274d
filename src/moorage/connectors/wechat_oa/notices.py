"""What WeChat tells a third-party platform, as typed values. Pure.

Source: WeChat Open Platform docs, "Ticket push" and "Authorization change notices".
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from moorage.connectors.authorization import (
    AccountAuthorized,
    AuthorizationWithdrawn,
    Notice,
    NoticeWhat,
    OtherNotice,
    TicketIssued,
)
from moorage.connectors.contract import AddressVerified, RawRequest
from moorage.connectors.failures import MalformedInput
from moorage.connectors.wechat_oa.envelope import check_frame, open_sealed
from moorage.connectors.wechat_oa.fields import Fields, read_fields, text_of

MOST_CODE_CHARACTERS = 1024
"""Of a ticket or a code. WeChat's have some dozens to two hundred."""
MOST_ID_CHARACTERS = 64


def read_notice(*, credentials: Mapping[str, str], request: RawRequest, now: datetime) -> Notice | AddressVerified:
    """Return what a request to the platform's notice address tells. It is always sealed. Raises MalformedInput."""
    if verified := check_frame(credentials=credentials, request=request, now=now):
        return verified
    opened = open_sealed(credentials=credentials, request=request, now=now)
    if (text_of(opened.outer, "AppId") or credentials["appid"]).strip() != credentials["appid"]:
        raise MalformedInput(reason="foreign_account")
    return parse_notice(opened.body, platform_id=credentials["appid"])


def parse_notice(body: bytes, *, platform_id: str) -> Notice:
    """Return what the plaintext `body` tells the platform `platform_id`. Raises MalformedInput."""
    fields = read_fields(body)
    if _word(fields, "AppId") != platform_id:
        raise MalformedInput(reason="foreign_account")
    return Notice(happened_at=_happened_at(fields), what=_what(fields))


def _what(fields: Fields) -> NoticeWhat:
    match _word(fields, "InfoType"):
        case "component_verify_ticket":
            return TicketIssued(ticket=_code(fields, "ComponentVerifyTicket"))
        case "authorized" | "updateauthorized" as name:
            return AccountAuthorized(
                external_id=_word(fields, "AuthorizerAppid"),
                code=_code(fields, "AuthorizationCode"),
                attempt_code=_code(fields, "PreAuthCode", required=False),
                change=name == "updateauthorized",
            )
        case "unauthorized":
            return AuthorizationWithdrawn(external_id=_word(fields, "AuthorizerAppid"))
        case name:
            return OtherNotice(name=name)


def _word(fields: Fields, name: str) -> str:
    value = (text_of(fields, name) or "").strip()
    if not value:
        raise MalformedInput(reason="missing_field")
    if len(value) > MOST_ID_CHARACTERS:
        raise MalformedInput(reason="invalid_field")
    return value


def _code(fields: Fields, name: str, *, required: bool = True) -> str:
    value = (text_of(fields, name) or "").strip()
    if required and not value:
        raise MalformedInput(reason="missing_field")
    if len(value) > MOST_CODE_CHARACTERS:
        raise MalformedInput(reason="invalid_field")
    return value


def _happened_at(fields: Fields) -> datetime:
    seconds = _word(fields, "CreateTime")
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 11):
        raise MalformedInput(reason="invalid_field")
    return datetime.fromtimestamp(int(seconds), UTC)
