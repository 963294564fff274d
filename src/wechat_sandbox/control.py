"""The control API under /sandbox/api, for tests and for the two pages."""

from typing import Annotated

from fastapi import APIRouter, Body, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, JsonValue

from wechat_sandbox import accounts, followers, views
from wechat_sandbox.calls import CallRecord
from wechat_sandbox.clock import OffsetFixedByFile
from wechat_sandbox.components.control import REFUSALS as COMPONENT_REFUSALS
from wechat_sandbox.components.control import component_router
from wechat_sandbox.disorder import DisorderOrder
from wechat_sandbox.faults import FaultOrder
from wechat_sandbox.media.control import REFUSALS as MEDIA_REFUSALS
from wechat_sandbox.media.control import media_router
from wechat_sandbox.menus.control import REFUSALS as MENU_REFUSALS
from wechat_sandbox.menus.control import menu_router
from wechat_sandbox.model import Account, ChatEntry, Follower, Platform, Push
from wechat_sandbox.payloads import PayloadRefused
from wechat_sandbox.scanning import REFUSALS as SCAN_REFUSALS
from wechat_sandbox.scanning import ScanForm, scan
from wechat_sandbox.world import Sandbox

_REFUSALS: dict[type[Exception], tuple[int, str]] = {
    accounts.AccountExists: (409, "account_exists"),
    followers.AlreadyFollowing: (409, "already_following"),
    followers.NotFollowing: (409, "not_following"),
    followers.OpenidRefused: (422, "openid_invalid"),
    PayloadRefused: (422, "message_invalid"),
    OffsetFixedByFile: (409, "offset_fixed_by_clock_file"),
    **COMPONENT_REFUSALS,
    **MEDIA_REFUSALS,
    **MENU_REFUSALS,
    **SCAN_REFUSALS,
}


class FollowerForm(BaseModel, extra="forbid"):
    """A person to make known to an account; a known openid or else nickname is returned as it is."""

    openid: str | None = None
    nickname: str = Field(default="访客", min_length=1, max_length=32)


class FollowForm(BaseModel, extra="forbid"):
    """How somebody begins to follow: by a scene's code, or by search."""

    scene: str | None = None


class FollowerSwitches(BaseModel, extra="forbid"):
    """Whether the person blocks messages, whether the account blacklisted them, and what their phone is."""

    blocked: bool | None = None
    blacklisted: bool | None = None
    language: str | None = None
    platform: Platform | None = None
    unionid: str | None = None


class ClockForm(BaseModel, extra="forbid"):
    """Seconds to add to the machine's time."""

    offset_s: float


class ClockView(BaseModel):
    """The stand-in's present instant and how far it is from the machine's."""

    now: float
    offset_s: float


class Recording(BaseModel):
    """Everything that went over the wire, as far back as it is remembered."""

    recorded_at: float
    calls: list[CallRecord]
    pushes: list[Push]


class Sent(BaseModel):
    """What a follower's action became; events have no `msg_id`.

    `push_id` is the first of `push_ids`, one for each server that hears it.
    """

    msg_id: int | None
    push_id: int
    push_ids: list[int]


class VerificationView(BaseModel):
    """Whether a server configuration was saved, and why not."""

    verified: bool
    reason: str


def install_refusals(app: FastAPI) -> None:
    """Let the app answer refusals of the control API as `{"error": code, "detail": text}`."""

    async def refuse(_request: Request, refusal: Exception) -> JSONResponse:
        status, code = _REFUSALS[type(refusal)]
        return JSONResponse({"error": code, "detail": str(refusal)}, status_code=status)

    for kind in _REFUSALS:
        app.add_exception_handler(kind, refuse)


def control_router(sandbox: Sandbox) -> APIRouter:
    """Return all routes of the control API."""
    router = APIRouter(prefix="/sandbox/api")
    router.include_router(_account_routes(sandbox))
    router.include_router(_follower_routes(sandbox))
    router.include_router(_chat_routes(sandbox))
    router.include_router(_observation_routes(sandbox))
    router.include_router(component_router(sandbox))
    router.include_router(media_router(sandbox))
    router.include_router(menu_router(sandbox))
    router.include_router(_fault_routes(sandbox))
    return router


def _account(sandbox: Sandbox, appid: str) -> Account:
    account = sandbox.state.accounts.get(appid)
    if account is None:
        raise HTTPException(404, "no such account")
    return account


def _follower(sandbox: Sandbox, appid: str, openid: str) -> tuple[Account, Follower]:
    account = _account(sandbox, appid)
    follower = account.followers.get(openid)
    if follower is None:
        raise HTTPException(404, "no such follower")
    return account, follower


def _sent(copies: list[Push]) -> Sent:
    push_ids = [push.push_id for push in copies]
    return Sent(msg_id=copies[0].msg_id, push_id=push_ids[0], push_ids=push_ids)


def _account_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(prefix="/accounts")

    @router.get("")
    async def list_accounts() -> list[views.AccountView]:
        return [views.account_view(account) for account in sandbox.state.accounts.values() if not account.special]

    @router.post("")
    async def create_account(seed: accounts.AccountSeed) -> views.AccountView:
        return views.account_view(accounts.create_account(sandbox, seed))

    @router.get("/{appid}")
    async def show_account(appid: str) -> views.AccountView:
        return views.account_view(_account(sandbox, appid))

    @router.post("/{appid}/traits")
    async def change_traits(appid: str, form: accounts.TraitsForm) -> views.AccountView:
        account = _account(sandbox, appid)
        accounts.change_traits(sandbox, account, form)
        return views.account_view(account)

    @router.post("/{appid}/server")
    async def save_server(appid: str, form: accounts.ServerForm) -> VerificationView:
        result = await accounts.save_server(sandbox, _account(sandbox, appid), form)
        return VerificationView(verified=result.verified, reason=result.reason)

    return router


def _follower_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(prefix="/accounts/{appid}/followers")

    @router.get("")
    async def list_followers(appid: str) -> list[views.FollowerView]:
        now_s = sandbox.clock.now_s()
        known = _account(sandbox, appid).followers.values()
        return [views.follower_view(follower, now_s=now_s) for follower in known]

    @router.post("")
    async def add_follower(appid: str, form: FollowerForm) -> views.FollowerView:
        account = _account(sandbox, appid)
        follower = followers.add_follower(sandbox, account, openid=form.openid, nickname=form.nickname)
        return views.follower_view(follower, now_s=sandbox.clock.now_s())

    @router.get("/{openid}")
    async def show_follower(appid: str, openid: str) -> views.FollowerView:
        _, follower = _follower(sandbox, appid, openid)
        return views.follower_view(follower, now_s=sandbox.clock.now_s())

    @router.post("/{openid}/switches")
    async def switch_follower(appid: str, openid: str, switches: FollowerSwitches) -> views.FollowerView:
        _, follower = _follower(sandbox, appid, openid)
        for name, value in switches.model_dump(exclude_none=True).items():
            setattr(follower, name, value)
        sandbox.keeper.changed()
        return views.follower_view(follower, now_s=sandbox.clock.now_s())

    return router


def _chat_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(prefix="/accounts/{appid}/followers/{openid}")

    @router.post("/follow")
    async def follow(appid: str, openid: str, form: FollowForm | None = None) -> Sent:
        account, follower = _follower(sandbox, appid, openid)
        return _sent(followers.follow(sandbox, account, follower, scene=form.scene if form else None))

    @router.post("/scan")
    async def scan_code(appid: str, openid: str, form: ScanForm) -> Sent:
        account, follower = _follower(sandbox, appid, openid)
        return _sent(scan(sandbox, account, follower, ticket=form.ticket))

    @router.post("/unfollow")
    async def unfollow(appid: str, openid: str) -> Sent:
        account, follower = _follower(sandbox, appid, openid)
        return _sent(followers.unfollow(sandbox, account, follower))

    @router.post("/message")
    async def send_message(
        appid: str, openid: str, description: Annotated[dict[str, JsonValue], Body()], request: Request
    ) -> Sent:
        account, follower = _follower(sandbox, appid, openid)
        base_url = str(request.base_url).rstrip("/")
        return _sent(followers.send(sandbox, account, follower, description=description, base_url=base_url))

    @router.get("/chat")
    async def show_chat(appid: str, openid: str) -> list[ChatEntry]:
        _, follower = _follower(sandbox, appid, openid)
        return follower.chat

    @router.get("/phone")
    async def show_phone(appid: str, openid: str, since: int = -1) -> views.PhoneView:
        account, follower = _follower(sandbox, appid, openid)
        return views.phone_view(account, follower, since=since, now_s=sandbox.clock.now_s())

    return router


def _observation_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    @router.get("/pushes")
    async def list_pushes(
        appid: str | None = None, openid: str | None = None, component: str | None = None, limit: int = 500
    ) -> list[Push]:
        found = [
            push
            for push in sandbox.state.pushes.values()
            if appid in {None, push.appid}
            and openid in {None, push.openid}
            and component in {None, push.component_appid}
        ]
        return found[-limit:]

    @router.get("/pushes/{push_id}")
    async def show_push(push_id: int) -> Push:
        push = sandbox.state.pushes.get(push_id)
        if push is None:
            raise HTTPException(404, "no such push")
        return push

    @router.get("/calls")
    async def list_calls(
        appid: str | None = None, component: str | None = None, path: str | None = None, limit: int = 500
    ) -> list[CallRecord]:
        return sandbox.calls.select(appid=appid, component=component, path=path, limit=limit)

    @router.get("/recording")
    async def export_recording() -> Recording:
        everything = sandbox.calls.select(appid=None, component=None, path=None, limit=sandbox.calls.KEPT)
        return Recording(
            recorded_at=sandbox.clock.now_s(), calls=everything, pushes=list(sandbox.state.pushes.values())
        )

    @router.get("/clock")
    async def show_clock() -> ClockView:
        return ClockView(now=sandbox.clock.now_s(), offset_s=sandbox.clock.offset_s())

    @router.post("/clock")
    async def move_clock(form: ClockForm) -> ClockView:
        sandbox.clock.set_offset(offset_s=form.offset_s)
        return ClockView(now=sandbox.clock.now_s(), offset_s=sandbox.clock.offset_s())

    return router


def _fault_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    @router.get("/faults")
    async def list_faults() -> list[FaultOrder]:
        return sandbox.faults.pending()

    @router.post("/faults")
    async def order_fault(order: FaultOrder) -> list[FaultOrder]:
        sandbox.faults.order(order)
        return sandbox.faults.pending()

    @router.delete("/faults")
    async def clear_faults() -> list[FaultOrder]:
        sandbox.faults.clear()
        return sandbox.faults.pending()

    @router.get("/disorder")
    async def list_disorder() -> list[DisorderOrder]:
        return sandbox.pushes.disorder.pending()

    @router.post("/disorder")
    async def order_disorder(order: DisorderOrder) -> list[DisorderOrder]:
        sandbox.pushes.disorder.order(order)
        return sandbox.pushes.disorder.pending()

    @router.delete("/disorder")
    async def clear_disorder() -> list[DisorderOrder]:
        sandbox.pushes.disorder.clear()
        return sandbox.pushes.disorder.pending()

    return router
