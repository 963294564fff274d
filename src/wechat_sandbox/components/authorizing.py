"""The authorization page's rules, from its address to the administrator's word."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from wechat_sandbox import identifiers
from wechat_sandbox.components import grants
from wechat_sandbox.components.grants import CODE_LIFETIME_S, PreAuthCodeRefused
from wechat_sandbox.model import Account, AuthorizationOrder, AuthorizationRequest, Component, Push, RequestState
from wechat_sandbox.world import Sandbox

HELD_S = 3.0
"""How long the notification lets the redirect go first, where that is the order."""
_PUSH_SETTLES_WITHIN_S = 20.0
_REQUESTS_KEPT = 500
_AUTH_TYPES_WITH_ACCOUNTS = frozenset({"1", "3", "6"})


class PageRefused(Exception):
    """The authorization page shows an error instead of a QR code; `values` complete its text."""

    def __init__(self, code: str, **values: str) -> None:
        super().__init__(code)
        self.code = code
        self.values_by_name = values


class RequestClosed(Exception):
    """The administrator has already confirmed or cancelled."""


@dataclass(frozen=True, slots=True)
class Authorized:
    """What came of an authorization; without a redirect or a notification the field is empty."""

    auth_code: str
    redirect_url: str
    push: Push | None


def open_request(sandbox: Sandbox, *, query: Mapping[str, str], referer: str) -> AuthorizationRequest:
    """Return a new request for a visit of the page with this query and `Referer`. Raises PageRefused."""
    component = sandbox.state.components.get(query.get("component_appid", ""))
    if component is None:
        raise PageRefused("component_unknown")
    redirect_uri = query.get("redirect_uri", "")
    _check_domains(component, referer=referer, redirect_uri=redirect_uri)
    if query.get("auth_type", "") not in _AUTH_TYPES_WITH_ACCOUNTS and not query.get("biz_appid"):
        raise PageRefused("auth_type")
    now_s = sandbox.clock.now_s()
    try:
        code = grants.usable_pre_auth_code(component, value=query.get("pre_auth_code", ""), now_s=now_s)
    except PreAuthCodeRefused as refused:
        raise PageRefused(f"pre_auth_code_{refused}") from refused
    request = AuthorizationRequest(
        request_id=identifiers.new_request_token(),
        component_appid=component.appid,
        pre_auth_code=code.value,
        redirect_uri=redirect_uri,
        biz_appid=query.get("biz_appid", ""),
        opened_at=now_s,
    )
    _remember(sandbox, request)
    return request


def _check_domains(component: Component, *, referer: str, redirect_uri: str) -> None:
    entry, back = urlsplit(referer).netloc, urlsplit(redirect_uri).netloc
    if not component.start_domain or entry != component.start_domain or back != component.start_domain:
        raise PageRefused("domain", entry=entry, back=back)


def _remember(sandbox: Sandbox, request: AuthorizationRequest) -> None:
    requests = sandbox.state.authorization_requests
    while len(requests) >= _REQUESTS_KEPT:
        del requests[next(iter(requests))]
    requests[request.request_id] = request
    sandbox.keeper.changed()


def mark_scanned(sandbox: Sandbox, request: AuthorizationRequest) -> None:
    """Note that the administrator's phone has the request before it."""
    if request.state == "waiting":
        _change_state(sandbox, request, "scanned")


def cancel(sandbox: Sandbox, request: AuthorizationRequest) -> None:
    """Let the administrator refuse; the pre-auth code stays usable. Raises RequestClosed."""
    _check_open(request)
    _change_state(sandbox, request, "cancelled")


async def confirm(
    sandbox: Sandbox, request: AuthorizationRequest, *, account: Account, sets: list[int] | None
) -> Authorized:
    """Grant the account as the administrator says; the page moves on in the platform's order of news.

    Raises RequestClosed, AccountRefused, PreAuthCodeRefused or SetsRefused.
    """
    _check_open(request)
    if request.biz_appid not in {"", account.appid}:
        raise grants.AccountRefused("other_account_expected")
    component = sandbox.state.components[request.component_appid]
    result = await authorize(
        sandbox,
        component,
        account,
        pre_auth_code=request.pre_auth_code,
        sets=sets,
        redirect_uri=request.redirect_uri,
        order=component.authorization_order,
    )
    request.account_appid, request.redirect_url = account.appid, result.redirect_url
    _change_state(sandbox, request, "confirmed")
    return result


async def authorize(
    sandbox: Sandbox,
    component: Component,
    account: Account,
    *,
    pre_auth_code: str,
    sets: list[int] | None,
    redirect_uri: str,
    order: AuthorizationOrder,
) -> Authorized:
    """Grant the account and send the news in this order.

    With `push_first` it returns once the notification was answered; with `redirect_first` the notification waits for
    its release, three seconds at most. Raises AccountRefused, PreAuthCodeRefused or SetsRefused.
    """
    authorization, code, news = grants.grant(sandbox, component, account, pre_auth_code=pre_auth_code, sets=sets)
    push: Push | None = None
    if news and order != "redirect_only":
        held_s = HELD_S if order == "redirect_first" else 0.0
        tell = sandbox.notifications.authorized if news == "authorized" else sandbox.notifications.update_authorized
        push = tell(component, authorization, code=code, held_s=held_s)
        if order == "push_first":
            await sandbox.pushes.settled(push, within_s=_PUSH_SETTLES_WITHIN_S)
    url = "" if order == "push_only" else _redirect_url(redirect_uri, auth_code=code.value)
    return Authorized(auth_code=code.value, redirect_url=url, push=push)


def redirect_uri_of(sandbox: Sandbox, *, pre_auth_code: str) -> str:
    """Return where the page that was last opened with the code leads, "" if none was."""
    opened = [one for one in sandbox.state.authorization_requests.values() if one.pre_auth_code == pre_auth_code]
    return opened[-1].redirect_uri if opened else ""


def _redirect_url(redirect_uri: str, *, auth_code: str) -> str:
    if not redirect_uri:
        return ""
    parts = urlsplit(redirect_uri)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query += [("auth_code", auth_code), ("expires_in", str(int(CODE_LIFETIME_S)))]
    return urlunsplit(parts._replace(query=urlencode(query)))


def _check_open(request: AuthorizationRequest) -> None:
    if request.state not in {"waiting", "scanned"}:
        raise RequestClosed


def _change_state(sandbox: Sandbox, request: AuthorizationRequest, state: RequestState) -> None:
    request.state = state
    sandbox.keeper.changed()
