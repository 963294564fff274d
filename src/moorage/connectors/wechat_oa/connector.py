"""The Official Account as a kind of channel: the contract, joined from the parts beside this file."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from moorage.connectors.authorization import AuthorizesByPlatform
from moorage.connectors.content import Content, Media, Text
from moorage.connectors.contract import (
    AddressVerified,
    Endpoint,
    Inbound,
    IssuedToken,
    Outbound,
    RawRequest,
    Sent,
    UncoveredBody,
    WireReply,
)
from moorage.connectors.failures import MalformedInput
from moorage.connectors.manifest import Manifest
from moorage.connectors.sendable import check_sendable
from moorage.connectors.wechat_oa import crypto
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.envelope import check_frame, check_url_signature, open_sealed
from moorage.connectors.wechat_oa.examining import WechatExamination
from moorage.connectors.wechat_oa.fields import format_of, text_of, write_fields
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.connectors.wechat_oa.media import WechatMedia
from moorage.connectors.wechat_oa.menus import WechatMenus
from moorage.connectors.wechat_oa.messages import kind_refusals, write_message
from moorage.connectors.wechat_oa.people import WechatPeople
from moorage.connectors.wechat_oa.tokens import with_token
from moorage.connectors.wechat_oa.visitors import WechatVisitors
from moorage.connectors.wechat_oa.wire import read_push, write_text_reply


class WechatOfficialAccount:
    """Connects Official Accounts, docked with their own credentials or by authorizing our platform."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self,
        *,
        api: WechatApi,
        platform: AuthorizesByPlatform | None = None,
        open_url: str = "https://open.weixin.qq.com",
    ) -> None:
        """`open_url` is where WeChat's pages are that tell who opens ours."""
        self._api = api
        self.platform = platform
        self.menus = WechatMenus(api=api)
        self.examination = WechatExamination(api=api)
        self.media = WechatMedia(api=api)
        self.people = WechatPeople(api=api)
        self.visitors = WechatVisitors(api=api, open_url=open_url)

    def receive(
        self, *, credentials: Mapping[str, str], request: RawRequest, now: datetime
    ) -> Inbound | AddressVerified:
        """Verify, open and parse one request of WeChat's. Raises MalformedInput or UnsupportedInput."""
        if verified := check_frame(credentials=credentials, request=request, now=now):
            return verified
        if request.query.get("encrypt_type", "raw") == "raw" and "msg_signature" not in request.query:
            return _receive_plain(credentials=credentials, request=request, now=now)
        return _receive_sealed(credentials=credentials, request=request, now=now)

    def replay(self, *, body: bytes) -> Inbound:
        """Parse a stored plaintext again. Raises MalformedInput or UnsupportedInput."""
        return read_push(body)

    def acknowledge(self) -> WireReply:
        """Return `success`: taken, nothing to show. It is never sealed."""
        return WireReply(body=b"success", content_type="text/plain; charset=utf-8")

    def passive_reply(self, *, inbound: Inbound, content: Content, now: datetime) -> bytes | None:
        """Return the plaintext answer for a text that fits after a push that shows answers, else None."""
        return write_text_reply(inbound=inbound, text=content.text, now=now) if isinstance(content, Text) else None

    def seal_reply(
        self, *, credentials: Mapping[str, str], reply: bytes, context: Mapping[str, str], now: datetime
    ) -> WireReply:
        """Return `reply` as the answer to the request of `context`, sealed with the key that opened it."""
        form = "json" if context.get("envelope") == "json" else "xml"
        content_type = f"application/{form}; charset=utf-8"
        if "key" not in context:
            return WireReply(body=reply, content_type=content_type)
        encrypt = crypto.seal(
            reply,
            key=crypto.decode_aes_key(credentials[context["key"]]),
            appid=credentials["appid"],
            random=secrets.token_hex(crypto.RANDOM_BYTES // 2).encode(),
        )
        timestamp, nonce = int(now.timestamp()), context.get("nonce", "")
        signature = crypto.sign_message(
            token=credentials["token"], timestamp=str(timestamp), nonce=nonce, encrypt=encrypt
        )
        envelope = {"Encrypt": encrypt, "MsgSignature": signature, "TimeStamp": timestamp, "Nonce": nonce}
        return WireReply(body=write_fields(envelope, format=form), content_type=content_type)

    async def send(self, endpoint: Endpoint, message: Outbound, *, deadline: float) -> Sent:
        """Hand over one message. Raises a provider failure; a refused token is renewed once."""
        openid = message.external_customer_id
        match message.content:
            case Media(type="image" | "voice" | "video"):
                return await self.media.send(endpoint, message, deadline=deadline)
            case words:
                check_sendable(words, manifest=MANIFEST)
                said = write_message(words)
                with kind_refusals(words):
                    return await with_token(
                        endpoint,
                        lambda token: self._api.send_message(token=token, openid=openid, said=said, deadline=deadline),
                        deadline=deadline,
                    )

    async def fetch_media(self, endpoint: Endpoint, media: Media, *, most_bytes: int, deadline: float) -> bytes:
        """Return the bytes of what a customer sent. Raises a provider failure, `media_gone` among the refusals."""
        return await self.media.fetch(endpoint, media, most_bytes=most_bytes, deadline=deadline)

    async def issue_token(self, *, credentials: Mapping[str, str], force: bool, deadline: float) -> IssuedToken:
        """Return a token from WeChat's stable endpoint. Raises a provider failure."""
        appid, secret = credentials["appid"], credentials["secret"]
        return await self._api.stable_token(appid=appid, secret=secret, force=force, deadline=deadline)

    async def show_typing(self, endpoint: Endpoint, *, external_customer_id: str, deadline: float) -> None:
        """Show the customer that somebody writes, for 15 s. Raises a provider failure."""
        await with_token(
            endpoint,
            lambda token: self._api.show_typing(token=token, openid=external_customer_id, deadline=deadline),
            deadline=deadline,
        )

    async def hide_typing(self, endpoint: Endpoint, *, external_customer_id: str, deadline: float) -> None:
        """Show the customer no longer that somebody writes. Raises a provider failure."""
        await with_token(
            endpoint,
            lambda token: self._api.hide_typing(token=token, openid=external_customer_id, deadline=deadline),
            deadline=deadline,
        )


# ---------------------------------------------------------------- receiving


def _receive_sealed(*, credentials: Mapping[str, str], request: RawRequest, now: datetime) -> Inbound:
    opened = open_sealed(credentials=credentials, request=request, now=now)
    # In compatible mode the same fields stand beside Encrypt. Nothing signs those: only what was sealed counts.
    inbound = read_push(opened.body)
    _check_account(inbound, credentials=credentials, outer=text_of(opened.outer, "ToUserName"))
    context = {"nonce": opened.nonce, "key": opened.key, "envelope": format_of(request.body)}
    mode = "compatible" if "MsgType" in opened.outer else "secure"
    return replace(inbound, reply_context=context, mode=mode)


def _receive_plain(*, credentials: Mapping[str, str], request: RawRequest, now: datetime) -> Inbound:
    if credentials.get("mode", "secure") != "plaintext":
        raise MalformedInput(reason="plaintext_not_allowed")
    check_url_signature(credentials=credentials, query=request.query, now=now)
    inbound = read_push(request.body)
    _check_account(inbound, credentials=credentials, outer=None)
    uncovered = UncoveredBody(
        timestamp=request.query["timestamp"],
        nonce=request.query.get("nonce", ""),
        digest=hashlib.sha256(request.body).digest(),
    )
    context = {"envelope": format_of(request.body)}
    return replace(inbound, reply_context=context, uncovered=uncovered, mode="plaintext")


def _check_account(inbound: Inbound, *, credentials: Mapping[str, str], outer: str | None) -> None:
    """Return if the push is for this account. Its `gh_` id is known only where an admin gave it."""
    known = {name for name in (credentials.get("original_id"), outer) if name}
    if known - {inbound.external_account_id}:
        raise MalformedInput(reason="foreign_account")
