"""Customers at WeChat: what `user/info` still tells of them, and remark names.

Source: WeChat Official Account docs, "Get user basic information", "Set remark name", "Tags". Since 2021-12-27 names
and pictures are empty for nearly every account.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

from moorage.connectors.contract import Endpoint
from moorage.connectors.people import CustomerProfile
from moorage.connectors.wechat_oa.client import WechatApi, detail_of, errcode_of
from moorage.connectors.wechat_oa.permissions import USERS
from moorage.connectors.wechat_oa.refusals import failure_of
from moorage.connectors.wechat_oa.tokens import with_token

MOST_TEXT_CHARACTERS = 200
MOST_URL_CHARACTERS = 2000
MOST_TAGS = 20
LANGUAGE = "zh_CN"
_LATEST_S = 253_402_300_799
_CAME_BY: Mapping[str, str] = {
    "ADD_SCENE_SEARCH": "search",
    "ADD_SCENE_ACCOUNT_MIGRATION": "migration",
    "ADD_SCENE_PROFILE_CARD": "card",
    "ADD_SCENE_QR_CODE": "qr_code",
    "ADD_SCENE_PROFILE_LINK": "article",
    "ADD_SCENE_PROFILE_ITEM": "article",
    "ADD_SCENE_PAID": "payment",
    "ADD_SCENE_WECHAT_ADVERTISEMENT": "advertisement",
    "ADD_SCENE_REPRINT": "article",
    "ADD_SCENE_LIVESTREAM": "livestream",
    "ADD_SCENE_CHANNELS": "channels",
    "ADD_SCENE_WXA": "mini_program",
    "ADD_SCENE_OTHERS": "other",
}
WAYS = frozenset(_CAME_BY.values())

Answer = Mapping[str, object]


class WechatPeople:
    """What an Official Account knows of its followers."""

    def __init__(self, *, api: WechatApi) -> None:
        self._api = api

    async def read_profile(self, endpoint: Endpoint, *, external_customer_id: str, deadline: float) -> CustomerProfile:
        """Return what WeChat tells of a customer, with the names of their tags. Raises a provider failure."""

        async def read(token: str) -> CustomerProfile:
            asked = {"access_token": token, "openid": external_customer_id, "lang": LANGUAGE}
            answer = await self._api.ask("/cgi-bin/user/info", asked, deadline=deadline)
            _check(answer)
            tag_names: Mapping[int, str] = {}
            if answer.get("tagid_list"):
                tag_names = await self._tag_names(token, deadline=deadline)
            return read_profile(answer, tag_names=tag_names)

        return await with_token(endpoint, read, deadline=deadline)

    async def _tag_names(self, token: str, *, deadline: float) -> Mapping[int, str]:
        answer = await self._api.get("/cgi-bin/tags/get", token=token, deadline=deadline)
        _check(answer)
        return read_tags(answer)

    async def write_remark(
        self, endpoint: Endpoint, *, external_customer_id: str, remark: str, deadline: float
    ) -> None:
        """Set the customer's remark name. Raises a provider failure."""

        async def write(token: str) -> None:
            asked = {"openid": external_customer_id, "remark": remark}
            _check(await self._api.post("/cgi-bin/user/info/updateremark", asked, token=token, deadline=deadline))

        await with_token(endpoint, write, deadline=deadline)

    async def fetch_picture(self, *, url: str, deadline: float) -> bytes:
        """Return the picture at `url`, which WeChat has named. Raises a provider failure."""
        return await self._api.fetch(url, deadline=deadline)


def read_profile(answer: Answer, *, tag_names: Mapping[int, str]) -> CustomerProfile:
    """Return a profile as WeChat tells it; what it leaves empty is None."""
    return CustomerProfile(
        follows=answer.get("subscribe") == 1,
        union_id=text_in(answer, "unionid"),
        name=text_in(answer, "nickname"),
        avatar_url=url_in(answer, "headimgurl"),
        language=text_in(answer, "language"),
        followed_at=_instant(answer.get("subscribe_time")),
        came_by=_CAME_BY.get(text_in(answer, "subscribe_scene") or ""),
        scene=text_in(answer, "qr_scene_str") or _number(answer.get("qr_scene")),
        tags=_tags(answer.get("tagid_list"), names=tag_names),
        remark=text_in(answer, "remark"),
    )


def read_tags(answer: Answer) -> Mapping[int, str]:
    """Return the names of an account's tags by their numbers."""
    listed = answer.get("tags")
    tags = cast("list[object]", listed) if isinstance(listed, list) else []
    found = [cast("Answer", tag) for tag in tags if isinstance(tag, dict)]
    return {
        tag["id"]: name
        for tag in found
        if isinstance(tag.get("id"), int) and (name := text_in(tag, "name"))  # pyright: ignore[reportReturnType] -- told apart above
    }


def text_in(answer: Answer, name: str) -> str | None:
    """Return a text that people can read, or None where WeChat tells none."""
    value = answer.get(name)
    if not isinstance(value, str):
        return None
    printable = "".join(character if character.isprintable() else " " for character in value)
    return printable.strip()[:MOST_TEXT_CHARACTERS] or None


def url_in(answer: Answer, name: str) -> str | None:
    """Return an address, or None where WeChat tells none."""
    value = answer.get(name)
    if not isinstance(value, str) or len(value) > MOST_URL_CHARACTERS:
        return None
    return value if value.startswith(("http://", "https://")) else None


def _instant(value: object) -> datetime | None:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _LATEST_S:
        return None
    return datetime.fromtimestamp(value, UTC)


def _number(value: object) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _tags(value: object, *, names: Mapping[int, str]) -> tuple[str, ...]:
    numbers = cast("list[object]", value) if isinstance(value, list) else []
    found = [names.get(number, str(number)) for number in numbers[:MOST_TAGS] if isinstance(number, int)]
    return tuple(found)


def _check(answer: Answer) -> None:
    if errcode := errcode_of(answer):
        raise failure_of(errcode=errcode, detail=detail_of(answer), needs=USERS)
