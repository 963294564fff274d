"""Who calls: an account, a platform, or a platform on behalf of an account."""

from collections.abc import Mapping
from dataclasses import dataclass

from wechat_sandbox.endpoints.call import Endpoint
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, Authorization, Component, IssuedToken, State
from wechat_sandbox.tokens import check_token


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of a token. A platform on behalf of an account is all three."""

    account: Account | None = None
    component: Component | None = None
    authorization: Authorization | None = None


def caller_of(state: State, *, query: Mapping[str, str], endpoint: Endpoint, now_s: float) -> Caller:
    """Return the owner of the token in the query.

    Raises ApiRefusal 41001 or 41021 (no token), 40014 (unknown), 42001 (old), 40001 (superseded), 61003 (revoked).
    """
    value = query.get("access_token") or query.get("component_access_token", "")
    if not value:
        raise ApiRefusal(41021 if endpoint.auth == "component" else 41001)
    return (
        _account_with(state, value=value, now_s=now_s)
        or _component_with(state, value=value, now_s=now_s)
        or _unknown_token()
    )


def admit(caller: Caller, *, endpoint: Endpoint, client_ip: str) -> None:
    """Return if the caller may use the endpoint. Raises ApiRefusal 61014, 61015, 61004 or 61007."""
    own_platform = caller.component is not None and caller.authorization is None
    if endpoint.auth == "component" and not own_platform:
        raise ApiRefusal(61014)
    if endpoint.auth == "account" and own_platform:
        raise ApiRefusal(61015)
    if caller.component is not None:
        check_address(caller.component, client_ip=client_ip)
    if caller.authorization is not None and endpoint.sets and endpoint.sets.isdisjoint(caller.authorization.sets):
        raise ApiRefusal(61007)


def check_address(component: Component, *, client_ip: str) -> None:
    """Return if the platform may call from this address. Raises ApiRefusal 61004."""
    if component.ip_whitelist is not None and client_ip not in component.ip_whitelist:
        raise ApiRefusal(61004)


def _account_with(state: State, *, value: str, now_s: float) -> Caller | None:
    for account in state.accounts.values():
        token = _token_named(account.tokens, value)
        if token is not None:
            check_token(token, now_s=now_s)
            return Caller(account=account)
    return None


def _component_with(state: State, *, value: str, now_s: float) -> Caller | None:
    for component in state.components.values():
        token = _token_named(component.tokens, value)
        if token is not None:
            check_token(token, now_s=now_s)
            return Caller(component=component)
        for authorization in component.authorizations.values():
            token = _token_named(authorization.tokens, value)
            if token is not None:
                _check_standing(authorization, token=token, now_s=now_s)
                return Caller(
                    account=state.accounts[authorization.account_appid],
                    component=component,
                    authorization=authorization,
                )
    return None


def _check_standing(authorization: Authorization, *, token: IssuedToken, now_s: float) -> None:
    if authorization.revoked_at is not None:
        raise ApiRefusal(61003)
    check_token(token, now_s=now_s)


def _token_named(tokens: list[IssuedToken], value: str) -> IssuedToken | None:
    return next((token for token in tokens if token.value == value), None)


def _unknown_token() -> Caller:
    raise ApiRefusal(40014)
