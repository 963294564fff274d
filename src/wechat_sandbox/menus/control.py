"""The part of the control API about menus: the phone's taps, and a menu that somebody else publishes."""

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, JsonValue

from wechat_sandbox.endpoints.call import JsonObject
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.followers import NotFollowing
from wechat_sandbox.menus import taps
from wechat_sandbox.menus.validation import checked_buttons
from wechat_sandbox.model import Account, PublishedMenu
from wechat_sandbox.world import Sandbox

REFUSALS: dict[type[Exception], tuple[int, str]] = {taps.NoSuchButton: (409, "no_such_button")}


class MenuRefused(Exception):
    """WeChat would not take the menu; the text is its error code."""


REFUSALS[MenuRefused] = (422, "menu_invalid")


class MenuForm(BaseModel, extra="forbid"):
    """A menu made elsewhere: in the account's own back office, or by another platform through the API."""

    button: list[JsonValue]
    by_api: bool = False


class Tapped(BaseModel):
    """The pushes that a tap caused; none where WeChat itself answers."""

    push_ids: list[int]


def menu_router(sandbox: Sandbox) -> APIRouter:
    """Return the routes of the phone's menu bar and of the back office's menu."""
    router = APIRouter(prefix="/accounts/{appid}")

    def account(appid: str) -> Account:
        found = sandbox.state.accounts.get(appid)
        if found is None:
            raise HTTPException(404, "no such account")
        return found

    @router.get("/menu")
    async def show(appid: str) -> list[JsonObject] | None:
        menu = account(appid).menu
        return None if menu is None else menu.buttons

    @router.post("/menu")
    async def publish(appid: str, form: MenuForm) -> list[JsonObject]:
        owner = account(appid)
        try:
            buttons = checked_buttons(owner, {"button": form.button})
        except ApiRefusal as refusal:
            raise MenuRefused(f"{refusal.errcode} {refusal.errmsg}") from refusal
        owner.last_menu_id += 1
        owner.menu = PublishedMenu(buttons=buttons, menu_id=owner.last_menu_id, by_api=form.by_api)
        sandbox.keeper.changed()
        return buttons

    @router.delete("/menu")
    async def withdraw(appid: str) -> None:
        owner = account(appid)
        owner.menu = None
        owner.conditional_menus.clear()
        sandbox.keeper.changed()

    @router.post("/followers/{openid}/tap")
    async def tap(appid: str, openid: str, form: taps.TapForm, request: Request) -> Tapped:
        owner = account(appid)
        follower = owner.followers.get(openid)
        if follower is None:
            raise NotFollowing
        base_url = str(request.base_url).rstrip("/")
        pushes = taps.tap(sandbox, owner, follower, form, base_url=base_url)
        return Tapped(push_ids=[push.push_id for push in pushes])

    return router
