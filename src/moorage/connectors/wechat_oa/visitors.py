"""Who has opened a page: web authorization, of an account's own or through our platform.

Source: WeChat Official Account docs, "Web authorization"; Open Platform docs, "Web authorization on behalf".
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from moorage.connectors.authorization import PlatformReason
from moorage.connectors.contract import Endpoint
from moorage.connectors.failures import RefusalReason, Refused
from moorage.connectors.people import Visitor, WebToken
from moorage.connectors.wechat_oa.client import LONGEST_TOKEN_CHARACTERS, WechatApi, detail_of, errcode_of, not_wechat
from moorage.connectors.wechat_oa.notices import MOST_CODE_CHARACTERS
from moorage.connectors.wechat_oa.people import text_in, url_in
from moorage.connectors.wechat_oa.refusals import failure_of, failure_of_platform_call
from moorage.connectors.wechat_oa.tokens import with_token

SILENT: Final = "snsapi_base"
WITH_PROFILE: Final = "snsapi_userinfo"
_OPENID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_STATE = re.compile(r"[A-Za-z0-9]{1,128}")
_CODE_REASONS: Mapping[int, str] = {
    40029: PlatformReason.CODE_INVALID,
    40163: PlatformReason.CODE_INVALID,
    41008: PlatformReason.CODE_INVALID,
    42003: PlatformReason.CODE_EXPIRED,
    48001: RefusalReason.API_NOT_ALLOWED,
    61007: RefusalReason.PERMISSION_MISSING,
}

Answer = Mapping[str, object]


class WechatVisitors:
    """Recognises whoever opens a page inside WeChat."""

    def __init__(self, *, api: WechatApi, open_url: str) -> None:
        self._api = api
        self._open_url = open_url.rstrip("/")

    def in_own_browser(self, user_agent: str) -> bool:
        """Tell whether a page was opened inside WeChat, as its browser says itself."""
        return "micromessenger" in user_agent.lower()

    def visiting_url(
        self, *, external_id: str, platform_id: str | None, return_url: str, state: str, asks_profile: bool
    ) -> str:
        """Return WeChat's page. It wants its parameters in exactly this order."""
        if not _STATE.fullmatch(state):
            raise ValueError("a state has 1 to 128 letters and digits")
        asked = {
            "appid": external_id,
            "redirect_uri": return_url,
            "response_type": "code",
            "scope": WITH_PROFILE if asks_profile else SILENT,
            "state": state,
        }
        if platform_id is not None:
            asked["component_appid"] = platform_id
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        return f"{self._open_url}/connect/oauth2/authorize?{query}#wechat_redirect"

    def returned_code(self, query: Mapping[str, str], *, external_id: str, platform_id: str | None) -> str | None:
        """Return the code, None where the visitor refused. Through a platform WeChat names the account once more.

        Raises Refused for a code of another account.
        """
        if platform_id is not None and query.get("appid", external_id) != external_id:
            raise Refused(external_code=None, detail="a code of another account", reason=PlatformReason.CODE_INVALID)
        code = query.get("code", "")
        if len(code) > MOST_CODE_CHARACTERS:
            raise Refused(external_code=None, detail="an overlong code", reason=PlatformReason.CODE_INVALID)
        return code or None

    async def read_visitor(
        self, account: Endpoint, *, platform: Endpoint | None, code: str, deadline: float
    ) -> Visitor:
        """Return who a code stands for. WeChat takes it once, and for this account alone. Raises a provider failure."""
        if platform is None:
            found = await self._exchanged_directly(account, code, deadline=deadline)
        else:
            found = await self._exchanged_by_platform(account, platform, code, deadline=deadline)
        return await self._with_profile(found, deadline=deadline) if found.opens_profile else found.visitor

    async def _exchanged_directly(self, account: Endpoint, code: str, *, deadline: float) -> WebToken:
        asked = {
            "appid": account.external_account_id,
            "secret": account.credentials["secret"],
            "code": code,
            "grant_type": "authorization_code",
        }
        answer = await self._api.ask("/sns/oauth2/access_token", asked, deadline=deadline)
        if errcode := errcode_of(answer):
            raise _refused(errcode, answer) or failure_of(errcode=errcode, detail=detail_of(answer))
        return read_token(answer)

    async def _exchanged_by_platform(
        self, account: Endpoint, platform: Endpoint, code: str, *, deadline: float
    ) -> WebToken:
        async def exchange(token: str) -> WebToken:
            asked = {
                "appid": account.external_account_id,
                "code": code,
                "grant_type": "authorization_code",
                "component_appid": platform.external_account_id,
                "component_access_token": token,
            }
            answer = await self._api.ask("/sns/oauth2/component/access_token", asked, deadline=deadline)
            if errcode := errcode_of(answer):
                raise _refused(errcode, answer) or failure_of_platform_call(errcode=errcode, detail=detail_of(answer))
            return read_token(answer)

        return await with_token(platform, exchange, deadline=deadline)

    async def _with_profile(self, found: WebToken, *, deadline: float) -> Visitor:
        """Return the visitor with name and picture, to which they have agreed."""
        who = found.visitor
        asked = {"access_token": found.token, "openid": who.external_customer_id, "lang": "zh_CN"}
        answer = await self._api.ask("/sns/userinfo", asked, deadline=deadline)
        if errcode := errcode_of(answer):
            raise _refused(errcode, answer) or failure_of(errcode=errcode, detail=detail_of(answer))
        if answer.get("openid") != who.external_customer_id:
            raise not_wechat(detail="a profile of somebody else")
        return Visitor(
            external_customer_id=who.external_customer_id,
            union_id=text_in(answer, "unionid") or who.union_id,
            name=text_in(answer, "nickname"),
            avatar_url=url_in(answer, "headimgurl"),
            is_virtual=who.is_virtual,
        )


def read_token(answer: Answer) -> WebToken:
    """Return what a code was worth. Raises Unreachable for an answer that names nobody."""
    openid, token = answer.get("openid"), answer.get("access_token")
    if not isinstance(openid, str) or not _OPENID.fullmatch(openid):
        raise not_wechat(detail="an answer without an openid")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN_CHARACTERS:
        raise not_wechat(detail="an answer without a token")
    scopes = str(answer.get("scope", "")).split(",")
    is_virtual = answer.get("is_snapshotuser") == 1
    return WebToken(
        visitor=Visitor(external_customer_id=openid, union_id=text_in(answer, "unionid"), is_virtual=is_virtual),
        token=token,
        opens_profile=WITH_PROFILE in scopes and not is_virtual,
    )


def _refused(errcode: int, answer: Answer) -> Refused | None:
    reason = _CODE_REASONS.get(errcode)
    return None if reason is None else Refused(external_code=errcode, detail=detail_of(answer), reason=reason)
