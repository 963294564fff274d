"""Requests as WeChat would make them to a third-party platform of the test's choice."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from moorage.connectors.contract import RawRequest
from moorage.connectors.wechat_oa.fields import write_fields
from tests.connectors.wechat_requests import ACCOUNT, NOW, sealed_push

PLATFORM: Mapping[str, str] = {
    "appid": "wxc0ffee1234567890",
    "secret": "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
    "token": "PlatformToken42",
    "aes_key": "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9d",
}
"""The platform's own credentials."""


def sealed_for_platform(
    body: bytes, *, at: datetime = NOW, platform: Mapping[str, str] = PLATFORM, tail: str | None = None
) -> RawRequest:
    """Return a push of an account to the platform: its keys, and its AppID at the end of what is sealed."""
    request = sealed_push(
        body, at=at, appid=tail or platform["appid"], aes_key=platform["aes_key"], token=platform["token"]
    )
    inside = re.search(rb"<ToUserName><!\[CDATA\[(.*?)\]\]></ToUserName>", body)
    return request if inside is None else replace(request, body=request.body.replace(ACCOUNT.encode(), inside[1]))


def sealed_notice(
    body: bytes, *, at: datetime = NOW, platform: Mapping[str, str] = PLATFORM, tail: str | None = None
) -> RawRequest:
    """Return a notice to the platform; outside it carries `AppId`, and no `ToUserName`."""
    request = sealed_for_platform(body, at=at, platform=platform, tail=tail)
    start = request.body.index(b"<ToUserName>")
    end = request.body.index(b"</ToUserName>") + len(b"</ToUserName>")
    named = f"<AppId><![CDATA[{platform['appid']}]]></AppId>".encode()
    return replace(request, body=request.body[:start] + named + request.body[end:])


def a_notice(kind: str, *, at: datetime = NOW, platform_id: str = PLATFORM["appid"], **fields: str) -> bytes:
    """Return the plaintext of a notice."""
    named: dict[str, str | int] = {"AppId": platform_id, "CreateTime": int(at.timestamp()), "InfoType": kind}
    return write_fields({**named, **fields}, format="xml")


def a_ticket(ticket: str = "ticket@@@abc", *, at: datetime = NOW) -> RawRequest:
    """Return a ticket push."""
    return sealed_notice(a_notice("component_verify_ticket", at=at, ComponentVerifyTicket=ticket), at=at)


def authorized(appid: str, code: str, attempt_code: str, *, at: datetime = NOW, kind: str = "authorized") -> RawRequest:
    """Return the notice that an account has authorized the platform."""
    body = a_notice(
        kind,
        at=at,
        AuthorizerAppid=appid,
        AuthorizationCode=code,
        AuthorizationCodeExpiredTime=str(int(at.timestamp()) + 3600),
        PreAuthCode=attempt_code,
    )
    return sealed_notice(body, at=at)


def unauthorized(appid: str, *, at: datetime = NOW) -> RawRequest:
    """Return the notice that an account has taken its authorization back."""
    return sealed_notice(a_notice("unauthorized", at=at, AuthorizerAppid=appid), at=at)
