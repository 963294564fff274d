"""What the control API tells about platforms, grants and visits of the authorization page."""

from pydantic import BaseModel

from wechat_sandbox.components.grants import standing
from wechat_sandbox.components.permissions import EXCLUSIVE, grantable_sets, known_set
from wechat_sandbox.components.tickets import LIFETIME_S
from wechat_sandbox.model import (
    Account,
    AccountType,
    AuthorizationOrder,
    AuthorizationRequest,
    CheckResult,
    Component,
    RequestState,
    State,
    TicketState,
)


class TicketView(BaseModel):
    """A ticket and what became of its push."""

    value: str
    issued_at: float
    expires_at: float
    push_id: int
    outcome: str | None


class AuthorizationView(BaseModel):
    """A grant as both sides see it; a revoked one has `revoked_at`."""

    component_appid: str
    component_name: str
    account_appid: str
    account_name: str
    type: AccountType
    verified: bool
    sets: list[int]
    grantable_sets: list[int]
    refresh_token: str
    authorized_at: float
    exchanged: bool
    revoked_at: float | None


class ComponentView(BaseModel):
    """A platform with its credentials and settings; all of it is invented, so nothing is hidden."""

    appid: str
    secret: str
    token: str
    aes_key: str
    name: str
    event_url: str
    message_url: str
    start_domain: str
    ip_whitelist: list[str] | None
    published: bool
    test_accounts: list[str]
    permission_sets: list[int]
    pre_auth_expires_in: int
    authorization_order: AuthorizationOrder
    ticket_state: TicketState
    next_ticket_at: float
    tickets: list[TicketView]
    authorizations: list[AuthorizationView]
    release_check: list[CheckResult]
    release_checked_at: float | None


class SetView(BaseModel):
    """A set that can be granted; `held_by` names another platform that would lose it."""

    id: int
    name_zh: str
    name_en: str
    exclusive: bool
    held_by: str


class CandidateView(BaseModel):
    """An account that its administrator may grant; `granted` are the sets the platform has now."""

    appid: str
    name: str
    type: AccountType
    verified: bool
    administrator: str
    sets: list[SetView]
    granted: list[int] | None


class RequestView(BaseModel):
    """A visit of the authorization page as the administrator's phone needs it."""

    request_id: str
    state: RequestState
    redirect_url: str
    component_appid: str
    component_name: str
    biz_appid: str
    accounts: list[CandidateView]


def component_view(state: State, component: Component) -> ComponentView:
    """Return the view of one platform, the newest ticket first."""
    plain = component.model_dump(include=set(ComponentView.model_fields) - {"tickets", "authorizations"})
    return ComponentView(
        **plain,
        tickets=[_ticket_view(state, component, index) for index in reversed(range(len(component.tickets)))],
        authorizations=[
            view for appid in component.authorizations if (view := authorization_view(state, component, appid))
        ],
    )


def _ticket_view(state: State, component: Component, index: int) -> TicketView:
    ticket = component.tickets[index]
    push = state.pushes.get(ticket.push_id)
    return TicketView(
        value=ticket.value,
        issued_at=ticket.issued_at,
        expires_at=ticket.issued_at + LIFETIME_S,
        push_id=ticket.push_id,
        outcome=push.outcome if push else None,
    )


def authorization_view(state: State, component: Component, account_appid: str) -> AuthorizationView | None:
    """Return the view of a grant, None for a test account's of the release check."""
    account = state.accounts[account_appid]
    if account.special:
        return None
    authorization = component.authorizations[account_appid]
    return AuthorizationView(
        component_appid=component.appid,
        component_name=component.name,
        account_appid=account.appid,
        account_name=account.name,
        type=account.type,
        verified=account.verified,
        sets=authorization.sets,
        grantable_sets=grantable_sets(component, account),
        refresh_token=authorization.refresh_token,
        authorized_at=authorization.authorized_at,
        exchanged=authorization.exchanged,
        revoked_at=authorization.revoked_at,
    )


def request_view(state: State, request: AuthorizationRequest) -> RequestView:
    """Return the view of one visit with every account that may be granted."""
    component = state.components[request.component_appid]
    candidates = [
        _candidate(state, component, account)
        for account in state.accounts.values()
        if not account.special
        and request.biz_appid in {"", account.appid}
        and (component.published or account.appid in component.test_accounts)
    ]
    return RequestView(
        request_id=request.request_id,
        state=request.state,
        redirect_url=request.redirect_url,
        component_appid=component.appid,
        component_name=component.name,
        biz_appid=request.biz_appid,
        accounts=candidates,
    )


def _candidate(state: State, component: Component, account: Account) -> CandidateView:
    authorization = standing(component, account.appid)
    return CandidateView(
        appid=account.appid,
        name=account.name,
        type=account.type,
        verified=account.verified,
        administrator=account.administrator,
        sets=[set_view(state, component, account, set_id=one) for one in grantable_sets(component, account)],
        granted=authorization.sets if authorization else None,
    )


def set_view(state: State, component: Component, account: Account, *, set_id: int) -> SetView:
    """Return the view of a set that the account could grant to the platform."""
    known = known_set(set_id)
    return SetView(
        id=set_id,
        name_zh=known.name_zh,
        name_en=known.name_en,
        exclusive=known.exclusive,
        held_by=_other_holder(state, component, account, set_id=set_id) if set_id in EXCLUSIVE else "",
    )


def _other_holder(state: State, component: Component, account: Account, *, set_id: int) -> str:
    for other in state.components.values():
        authorization = standing(other, account.appid)
        if other is not component and authorization is not None and set_id in authorization.sets:
            return other.name
    return ""
