"""The custom menu as a power: published, read, deleted, for everybody or for some.

Source: WeChat Official Account docs, "Custom menu" and "Conditional menus".
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from moorage.connectors.contract import Endpoint
from moorage.connectors.failures import TokenRefused
from moorage.connectors.menus import LiveMenu, MatchRule, ProviderMenu
from moorage.connectors.wechat_oa.client import WechatApi, detail_of, errcode_of, not_wechat
from moorage.connectors.wechat_oa.menu_refusals import failure_of_menu_call
from moorage.connectors.wechat_oa.menu_wire import read_live_menu, read_matched, write_menu, write_rule

NO_MENU = 46003
Answer = Mapping[str, object]
Result = TypeVar("Result")


class WechatMenus:
    """Publishes the menus of Official Accounts. A refused token is renewed and the call repeated once."""

    def __init__(self, *, api: WechatApi) -> None:
        self._api = api

    async def publish_menu(self, endpoint: Endpoint, *, menu: ProviderMenu, deadline: float) -> None:
        """Replace the menu for everybody. Raises a provider failure."""
        await self._post(endpoint, "/cgi-bin/menu/create", write_menu(menu), deadline=deadline)

    async def read_menus(self, endpoint: Endpoint, *, deadline: float) -> LiveMenu:
        """Return what is live, made by whomever and wherever. Raises a provider failure."""

        async def read(token: str) -> LiveMenu:
            current = await self._api.get("/cgi-bin/get_current_selfmenu_info", token=token, deadline=deadline)
            _check(current, but=NO_MENU)
            created = await self._api.get("/cgi-bin/menu/get", token=token, deadline=deadline)
            none = _check(created, but=NO_MENU)
            return read_live_menu(current=current, created=None if none else created)

        return await _with_token(endpoint, read, deadline=deadline)

    async def delete_menus(self, endpoint: Endpoint, *, deadline: float) -> None:
        """Delete every menu, the conditional ones too. Raises a provider failure."""

        async def delete(token: str) -> None:
            answer = await self._api.get("/cgi-bin/menu/delete", token=token, deadline=deadline)
            _check(answer, but=NO_MENU)

        await _with_token(endpoint, delete, deadline=deadline)

    async def add_conditional_menu(
        self, endpoint: Endpoint, *, menu: ProviderMenu, rule: MatchRule, deadline: float
    ) -> str:
        """Add a menu for some customers and return its id. Raises a provider failure."""
        asked = {**write_menu(menu), "matchrule": write_rule(rule)}
        answer = await self._post(endpoint, "/cgi-bin/menu/addconditional", asked, deadline=deadline)
        menu_id = answer.get("menuid")
        if not isinstance(menu_id, str | int) or isinstance(menu_id, bool):
            raise not_wechat(detail="an answer without a menu id")
        return str(menu_id)

    async def delete_conditional_menu(self, endpoint: Endpoint, *, external_menu_id: str, deadline: float) -> None:
        """Delete one conditional menu. Raises a provider failure."""
        asked = {"menuid": external_menu_id}
        await self._post(endpoint, "/cgi-bin/menu/delconditional", asked, deadline=deadline)

    async def try_match(self, endpoint: Endpoint, *, customer: str, deadline: float) -> ProviderMenu:
        """Return what one customer sees, named by openid or WeChat id. Raises a provider failure."""
        return read_matched(
            await self._post(endpoint, "/cgi-bin/menu/trymatch", {"user_id": customer}, deadline=deadline)
        )

    async def _post(self, endpoint: Endpoint, path: str, asked: Mapping[str, object], *, deadline: float) -> Answer:
        async def ask(token: str) -> Answer:
            answer = await self._api.post(path, asked, token=token, deadline=deadline)
            _check(answer)
            return answer

        return await _with_token(endpoint, ask, deadline=deadline)


async def _with_token(endpoint: Endpoint, ask: Callable[[str], Awaitable[Result]], *, deadline: float) -> Result:
    token = await endpoint.tokens.token(deadline=deadline)
    try:
        return await ask(token)
    except TokenRefused:
        return await ask(await endpoint.tokens.after_refusal(failed=token, deadline=deadline))


def _check(answer: Answer, *, but: int | None = None) -> bool:
    """Return whether WeChat answered with the code `but`, which is no failure. Raises a provider failure for others."""
    errcode = errcode_of(answer)
    if errcode in {0, but}:
        return errcode != 0
    raise failure_of_menu_call(errcode=errcode, detail=detail_of(answer))
