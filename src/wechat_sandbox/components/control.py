"""The part of the control API about platforms, grants and the authorization page."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field, JsonValue

from wechat_sandbox.components import authorizing, grants, registry, release_check, views
from wechat_sandbox.components.permissions import grantable_sets
from wechat_sandbox.model import (
    Account,
    AuthorizationOrder,
    AuthorizationRequest,
    CheckResult,
    Component,
    Push,
    SealKind,
)
from wechat_sandbox.world import Sandbox

REFUSALS: dict[type[Exception], tuple[int, str]] = {
    registry.ComponentExists: (409, "component_exists"),
    registry.ComponentFormInvalid: (422, "component_invalid"),
    grants.PreAuthCodeRefused: (409, "pre_auth_code_refused"),
    grants.SetsRefused: (409, "sets_refused"),
    grants.AccountRefused: (409, "account_refused"),
    grants.NotAuthorized: (409, "not_authorized"),
    release_check.CheckRunning: (409, "check_running"),
    authorizing.RequestClosed: (409, "request_closed"),
}


class AuthorizeForm(BaseModel, extra="forbid"):
    """An administrator's word without the pages; `redirect_uri` is that of the opened page unless given here."""

    pre_auth_code: str
    account_appid: str
    sets: list[int] | None = None
    redirect_uri: str | None = None
    order: AuthorizationOrder | None = None
    redirect_only: bool = False
    push_only: bool = False


class AuthorizedView(BaseModel):
    """What came of an authorization; `push_id` is null when nothing is told."""

    auth_code: str
    redirect_url: str
    push_id: int | None


class ConfirmForm(BaseModel, extra="forbid"):
    """The account and the sets that the administrator chose."""

    account_appid: str
    sets: list[int] | None = None


class SetsForm(BaseModel, extra="forbid"):
    """The sets to be granted from now on."""

    sets: list[int]


class NotificationForm(BaseModel, extra="forbid"):
    """A notification of any kind, forged unless the seal is good."""

    fields: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    seal: SealKind = "good"


class PushRef(BaseModel):
    """The push that carries a notification, null when nothing is told."""

    push_id: int | None


def component_router(sandbox: Sandbox) -> APIRouter:
    """Return the routes about platforms."""
    router = APIRouter()
    router.include_router(_platform_routes(sandbox))
    router.include_router(_notification_routes(sandbox))
    router.include_router(_grant_routes(sandbox))
    router.include_router(_request_routes(sandbox))
    return router


def _component(sandbox: Sandbox, appid: str) -> Component:
    component = sandbox.state.components.get(appid)
    if component is None:
        raise HTTPException(404, "no such component")
    return component


def _account(sandbox: Sandbox, appid: str) -> Account:
    account = sandbox.state.accounts.get(appid)
    if account is None:
        raise HTTPException(404, "no such account")
    return account


def _request(sandbox: Sandbox, request_id: str) -> AuthorizationRequest:
    request = sandbox.state.authorization_requests.get(request_id)
    if request is None:
        raise HTTPException(404, "no such request")
    return request


def _reference(push: Push | None) -> PushRef:
    return PushRef(push_id=push.push_id if push else None)


def _authorized_view(result: authorizing.Authorized) -> AuthorizedView:
    push_id = result.push.push_id if result.push else None
    return AuthorizedView(auth_code=result.auth_code, redirect_url=result.redirect_url, push_id=push_id)


def _platform_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(prefix="/components")

    @router.get("")
    async def list_components() -> list[views.ComponentView]:
        return [views.component_view(sandbox.state, one) for one in sandbox.state.components.values()]

    @router.post("")
    async def create_component(seed: registry.ComponentSeed) -> views.ComponentView:
        return views.component_view(sandbox.state, registry.create_component(sandbox, seed))

    @router.get("/{appid}")
    async def show_component(appid: str) -> views.ComponentView:
        return views.component_view(sandbox.state, _component(sandbox, appid))

    @router.post("/{appid}/settings")
    async def change_component(appid: str, form: registry.ComponentForm) -> views.ComponentView:
        component = _component(sandbox, appid)
        registry.change_component(sandbox, component, form)
        return views.component_view(sandbox.state, component)

    @router.post("/{appid}/authorize")
    async def authorize(appid: str, form: AuthorizeForm) -> AuthorizedView:
        component = _component(sandbox, appid)
        uri = form.redirect_uri
        if uri is None:
            uri = authorizing.redirect_uri_of(sandbox, pre_auth_code=form.pre_auth_code)
        result = await authorizing.authorize(
            sandbox,
            component,
            _account(sandbox, form.account_appid),
            pre_auth_code=form.pre_auth_code,
            sets=form.sets,
            redirect_uri=uri,
            order=_order(form) or component.authorization_order,
        )
        return _authorized_view(result)

    @router.post("/{appid}/release-check")
    async def run_release_check(appid: str) -> list[CheckResult]:
        return await release_check.check_release(sandbox, _component(sandbox, appid))

    return router


def _order(form: AuthorizeForm) -> AuthorizationOrder | None:
    if form.redirect_only:
        return "redirect_only"
    return "push_only" if form.push_only else form.order


def _notification_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    @router.post("/components/{appid}/ticket")
    async def push_ticket(appid: str) -> PushRef:
        return _reference(sandbox.tickets.send_now(_component(sandbox, appid)))

    @router.post("/components/{appid}/notifications")
    async def push_notification(appid: str, form: NotificationForm) -> PushRef:
        component = _component(sandbox, appid)
        return _reference(sandbox.notifications.send(component, form.fields, seal=form.seal))

    @router.post("/pushes/{push_id}/release")
    async def release_push(push_id: int) -> dict[str, bool]:
        return {"released": sandbox.pushes.release(push_id)}

    @router.post("/pushes/{push_id}/repeat")
    async def repeat_push(push_id: int) -> PushRef:
        push = sandbox.state.pushes.get(push_id)
        if push is None:
            raise HTTPException(404, "no such push")
        return _reference(sandbox.pushes.repeat(push))

    return router


def _grant_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(prefix="/accounts/{appid}/authorizations")

    @router.get("")
    async def list_authorizations(appid: str) -> list[views.AuthorizationView]:
        found = [
            views.authorization_view(sandbox.state, component, _account(sandbox, appid).appid)
            for component in sandbox.state.components.values()
            if appid in component.authorizations
        ]
        return [view for view in found if view is not None]

    @router.get("/{component_appid}/sets")
    async def list_sets(appid: str, component_appid: str) -> list[views.SetView]:
        account, component = _account(sandbox, appid), _component(sandbox, component_appid)
        grantable = grantable_sets(component, account)
        return [views.set_view(sandbox.state, component, account, set_id=one) for one in grantable]

    @router.post("/{component_appid}/sets")
    async def change_sets(appid: str, component_appid: str, form: SetsForm) -> PushRef:
        component = _component(sandbox, component_appid)
        return _reference(grants.change_sets(sandbox, component, _account(sandbox, appid), sets=form.sets))

    @router.post("/{component_appid}/revoke")
    async def revoke(appid: str, component_appid: str) -> PushRef:
        return _reference(grants.revoke(sandbox, _component(sandbox, component_appid), _account(sandbox, appid)))

    return router


def _request_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(prefix="/authorization-requests/{request_id}")

    @router.get("")
    async def show_request(request_id: str) -> views.RequestView:
        return views.request_view(sandbox.state, _request(sandbox, request_id))

    @router.post("/scanned")
    async def scan(request_id: str) -> views.RequestView:
        request = _request(sandbox, request_id)
        authorizing.mark_scanned(sandbox, request)
        return views.request_view(sandbox.state, request)

    @router.post("/confirm")
    async def confirm(request_id: str, form: ConfirmForm) -> AuthorizedView:
        account = _account(sandbox, form.account_appid)
        request = _request(sandbox, request_id)
        return _authorized_view(await authorizing.confirm(sandbox, request, account=account, sets=form.sets))

    @router.post("/cancel")
    async def cancel(request_id: str) -> views.RequestView:
        request = _request(sandbox, request_id)
        authorizing.cancel(sandbox, request)
        return views.request_view(sandbox.state, request)

    return router
