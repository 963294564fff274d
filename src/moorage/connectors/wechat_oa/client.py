"""WeChat's HTTP API as far as we call it: typed results, named failures.

Source: WeChat Official Account docs, "Get stable access token", "Customer service messages", "Typing state".
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, cast

import httpx

from moorage.connectors.contract import IssuedToken, MediaFile, Sent
from moorage.connectors.failures import RefusalReason, Refused, Unreachable
from moorage.connectors.wechat_oa.permissions import MESSAGES
from moorage.connectors.wechat_oa.refusals import failure_of, failure_of_token_call
from moorage.infra.http_client import LARGEST_ANSWER_BYTES, AnswerTooLarge, CallFailed, call
from moorage.infra.public_hosts import host_of, is_fetchable

MOST_DETAIL_CHARACTERS = 300
LONGEST_TOKEN_CHARACTERS = 1024
LONGEST_MEDIA_ID_CHARACTERS = 512
LONGEST_MESSAGE_ID_CHARACTERS = 64
LONGEST_TOKEN_LIFE_S = 7200
MOST_DEPTH = 32
"""Of an answer's nesting. WeChat's deepest, a menu, has eight levels."""
_LARGEST_CODE = 2**31
_UNWRITABLE = re.compile(r"[\x00\ud800-\udfff]")
"""What PostgreSQL or UTF-8 cannot hold; JSON can smuggle it in by escapes."""


class WechatApi:
    """The calls of one installation, on behalf of any account."""

    def __init__(self, *, http: httpx.AsyncClient, api_url: str, other_urls: tuple[str, ...] = ()) -> None:
        """`other_urls` are further places of WeChat's that pictures may be fetched from, wherever they are."""
        self._http = http
        self._api_url = api_url.rstrip("/")
        self._own_hosts = frozenset(host_of(url) for url in (api_url, *other_urls))

    async def stable_token(self, *, appid: str, secret: str, force: bool, deadline: float) -> IssuedToken:
        """Return the account's token. `force` ends the present one at once; WeChat allows that 20 times a day.

        Without it WeChat gives the same token until its last five minutes. Raises a provider failure.
        """
        asked: dict[str, object] = {"grant_type": "client_credential", "appid": appid, "secret": secret}
        if force:
            asked["force_refresh"] = True
        answer = await self.post("/cgi-bin/stable_token", asked, deadline=deadline)
        if errcode := errcode_of(answer):
            raise failure_of_token_call(errcode=errcode, detail=detail_of(answer))
        return token_of(answer, "access_token")

    async def send_media(
        self, *, token: str, openid: str, kind: str, named: Mapping[str, str], deadline: float
    ) -> Sent:
        """Hand one uploaded file over to one customer, `named` by WeChat's ids. Raises a provider failure."""
        said = {"msgtype": kind, kind: dict(named)}
        return await self.send_message(token=token, openid=openid, said=said, deadline=deadline)

    async def upload_media(self, *, token: str, kind: str, file: MediaFile, deadline: float) -> str:
        """Return WeChat's id for `file`, by which it can be sent for three days. Raises a provider failure."""
        request = self._http.build_request(
            "POST",
            f"{self._api_url}/cgi-bin/media/upload",
            params={"access_token": token, "type": kind},
            files={"media": (file.name, file.content, file.media_type)},
        )
        answer = _read_object(await self._answered(request, deadline=deadline))
        if errcode := errcode_of(answer):
            raise failure_of(errcode=errcode, detail=detail_of(answer), needs=MESSAGES)
        media_id = answer.get("thumb_media_id" if kind == "thumb" else "media_id")
        if not isinstance(media_id, str) or not 0 < len(media_id) <= LONGEST_MEDIA_ID_CHARACTERS:
            raise not_wechat(detail="an answer without a media id")
        return media_id

    async def download_media(self, *, token: str, media_id: str, most_bytes: int, deadline: float) -> bytes:
        """Return the file that WeChat keeps under `media_id`; of a video, what lies where WeChat says it lies.

        Success and failure differ in nothing but the body, so that is looked at before anybody takes it for a file.
        Raises a provider failure, TokenRefused and Refused with `media_gone` or `too_large` among them.
        """
        request = self._http.build_request(
            "GET", f"{self._api_url}/cgi-bin/media/get", params={"access_token": token, "media_id": media_id}
        )
        body = await self._answered(request, deadline=deadline, most_bytes=most_bytes)
        if not body.strip():
            raise not_wechat(detail="an empty answer")
        if _looks_like_page(body):
            raise not_wechat(detail="a page instead of a file")
        if not body.lstrip().startswith(b"{"):  # no kind of file that WeChat knows begins like that
            return body
        answer = _read_object(body)
        if errcode := errcode_of(answer):
            raise failure_of(errcode=errcode, detail=detail_of(answer), needs=MESSAGES)
        video_url = answer.get("video_url")
        if not isinstance(video_url, str):
            raise not_wechat(detail="an answer with neither file nor error")
        return await self.fetch(video_url, deadline=deadline, most_bytes=most_bytes)

    async def send_message(self, *, token: str, openid: str, said: Mapping[str, object], deadline: float) -> Sent:
        """Hand one message over to one customer; `said` is as `messages.write_message` writes it.

        Raises a provider failure, TokenRefused among them.
        """
        asked = {"touser": openid, **said}
        answer = await self.post("/cgi-bin/message/custom/send", asked, token=token, deadline=deadline)
        if errcode := errcode_of(answer):
            raise failure_of(errcode=errcode, detail=detail_of(answer), needs=MESSAGES)
        return Sent(external_message_id=_message_id_of(answer))

    async def show_typing(self, *, token: str, openid: str, deadline: float) -> None:
        """Show "typing" to one customer for 15 s. Raises a provider failure."""
        await self._typing("Typing", token=token, openid=openid, deadline=deadline)

    async def hide_typing(self, *, token: str, openid: str, deadline: float) -> None:
        """Show "typing" to one customer no longer. Raises a provider failure."""
        await self._typing("CancelTyping", token=token, openid=openid, deadline=deadline)

    async def _typing(
        self, command: Literal["Typing", "CancelTyping"], *, token: str, openid: str, deadline: float
    ) -> None:
        asked = {"touser": openid, "command": command}
        answer = await self.post("/cgi-bin/message/custom/typing", asked, token=token, deadline=deadline)
        if errcode := errcode_of(answer):
            raise failure_of(errcode=errcode, detail=detail_of(answer), needs=MESSAGES)

    async def post(
        self, path: str, asked: Mapping[str, object], *, deadline: float, token: str | None = None
    ) -> Mapping[str, object]:
        """Return the JSON object that WeChat answers; its status is 200 for success and refusal alike.

        Raises Unreachable where nothing comes, or something that is not WeChat's.
        """
        request = self._http.build_request(
            "POST",
            self._api_url + path,
            params=None if token is None else {"access_token": token},
            # Escapes of the form \uXXXX would reach the customer letter by letter.
            content=json.dumps(asked, ensure_ascii=False).encode("utf-8", "replace"),
            headers={"content-type": "application/json; charset=utf-8"},
        )
        return _read_object(await self._answered(request, deadline=deadline))

    async def get(self, path: str, *, token: str, deadline: float) -> Mapping[str, object]:
        """Return the JSON object that WeChat answers to a question without a body. Raises Unreachable as `post`."""
        return await self.ask(path, {"access_token": token}, deadline=deadline)

    async def ask(self, path: str, asked: Mapping[str, str], *, deadline: float) -> Mapping[str, object]:
        """Return the JSON object that WeChat answers to a question in the address. Raises Unreachable as `post`."""
        request = self._http.build_request("GET", self._api_url + path, params=dict(asked))
        return _read_object(await self._answered(request, deadline=deadline))

    async def get_dated(self, path: str, *, token: str, deadline: float) -> tuple[Mapping[str, object], str | None]:
        """Return the JSON object that WeChat answers, and the `Date` that stood above it. Raises Unreachable."""
        request = self._http.build_request("GET", self._api_url + path, params={"access_token": token})
        response = await self._exchanged(request, deadline=deadline)
        return _read_object(response.content), response.headers.get("date")

    async def fetch(self, url: str, *, deadline: float, most_bytes: int = LARGEST_ANSWER_BYTES) -> bytes:
        """Return what lies at `url`, an address that WeChat's answer named.

        Raises Unreachable, or Refused with `too_large`.
        Only a public address or a host of WeChat's that this installation was told of is asked.
        """
        if not await is_fetchable(url, allowed=self._own_hosts):
            raise Unreachable(external_code=None, detail="address_not_public", written=False)
        try:
            request = self._http.build_request("GET", url)
        except (httpx.InvalidURL, UnicodeError) as error:
            raise Unreachable(external_code=None, detail="address_unreadable", written=False) from error
        return await self._answered(request, deadline=deadline, most_bytes=most_bytes)

    async def _answered(
        self, request: httpx.Request, *, deadline: float, most_bytes: int = LARGEST_ANSWER_BYTES
    ) -> bytes:
        return (await self._exchanged(request, deadline=deadline, most_bytes=most_bytes)).content

    async def _exchanged(
        self, request: httpx.Request, *, deadline: float, most_bytes: int = LARGEST_ANSWER_BYTES
    ) -> httpx.Response:
        try:
            response = await call(self._http, request, deadline=deadline, most_bytes=most_bytes)
        except AnswerTooLarge as error:
            if request.method != "GET":  # what a command led to is unknown, however much was answered
                raise Unreachable(external_code=None, detail=error.detail, written=True) from error
            raise Refused(external_code=None, detail=error.detail, reason=RefusalReason.TOO_LARGE) from error
        except CallFailed as error:
            raise Unreachable(external_code=None, detail=error.detail, written=error.written) from error
        if response.status_code != 200:
            raise not_wechat(detail=f"HTTP status {response.status_code}")
        return response


def _looks_like_page(body: bytes) -> bool:
    """Return whether a page of some server in between came instead of an answer of WeChat's."""
    return body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))


def _read_object(body: bytes) -> Mapping[str, object]:
    try:
        # The declared encoding is not to be trusted, and texts may hold raw control characters.
        answer: object = json.loads(body.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError) as error:
        raise not_wechat(detail="an answer that is not JSON") from error
    if not isinstance(answer, dict):
        raise not_wechat(detail="an answer that is no JSON object")
    return cast("dict[str, object]", _writable(cast("object", answer), depth=0))


def _writable(value: object, *, depth: int) -> object:
    """Return a value of JSON with texts that can be stored, sent and logged. Raises Unreachable for a deep one."""
    if depth > MOST_DEPTH:
        raise not_wechat(detail="an answer that is nested too deeply")
    if isinstance(value, str):
        return _UNWRITABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {_UNWRITABLE.sub("\ufffd", name): _writable(item, depth=depth + 1) for name, item in items}
    if isinstance(value, list):
        return [_writable(item, depth=depth + 1) for item in cast("list[object]", value)]
    return value


def not_wechat(*, detail: str) -> Unreachable:
    """Return the failure for an answer that WeChat does not give. The request arrived somewhere: nobody knows more."""
    return Unreachable(external_code=None, detail=detail, written=True)


def errcode_of(answer: Mapping[str, object]) -> int:
    """Return the error code; 0 for success, which some calls tell by leaving it out."""
    errcode = answer.get("errcode", 0)
    if not isinstance(errcode, int) or abs(errcode) >= _LARGEST_CODE:
        raise not_wechat(detail="an error code that is no number")
    return errcode


def token_of(answer: Mapping[str, object], name: str) -> IssuedToken:
    """Return the token that an answer carries under `name`. Raises Unreachable for an answer without one."""
    token, lasts_s = answer.get(name), answer.get("expires_in")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN_CHARACTERS or not isinstance(lasts_s, int):
        raise not_wechat(detail="an answer without a token")
    return IssuedToken(token=token, lasts=timedelta(seconds=max(0, min(lasts_s, LONGEST_TOKEN_LIFE_S))))


def _message_id_of(answer: Mapping[str, object]) -> str | None:
    """Return WeChat's id of what was sent, which few answers tell."""
    told = answer.get("msgid")
    name = str(told) if isinstance(told, int | str) else ""
    return name if 0 < len(name) <= LONGEST_MESSAGE_ID_CHARACTERS else None


def detail_of(answer: Mapping[str, object]) -> str:
    """Return what WeChat says about a refusal, for the details view."""
    return str(answer.get("errmsg", ""))[:MOST_DETAIL_CHARACTERS]
