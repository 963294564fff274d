"""Where a push goes, and under which keys."""

from dataclasses import dataclass, replace

from wechat_sandbox import identifiers
from wechat_sandbox.crypto import Seal
from wechat_sandbox.model import Account, Component, Mode, Push, SealKind, State

APPID_PLACE = "$APPID$"
"""Stands in a platform's message address for the appid of the account."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A server with its keys; in secure mode only `open_fields` travel outside the seal."""

    url: str
    mode: Mode
    seal: Seal
    open_fields: tuple[str, ...] = ("ToUserName",)


def destination_of(state: State, push: Push) -> Destination | None:
    """Return where the push goes now, None while nobody configured an address for it."""
    if push.component_appid is None:
        found = _of_account(state.accounts[push.appid])
    elif push.target == "component_events":
        found = _of_notifications(state.components[push.component_appid], seal=push.seal)
    else:
        found = _of_messages(state.components[push.component_appid], account_appid=push.appid)
    return found if found.url else None


def _of_account(account: Account) -> Destination:
    server = account.server
    seal = Seal(token=server.token, aes_key=server.aes_key, appid=account.appid)
    return Destination(url=server.url, mode=server.mode, seal=seal)


def _of_notifications(component: Component, *, seal: SealKind) -> Destination:
    return Destination(
        url=component.event_url,
        mode="secure",
        seal=_forged(component_seal(component), kind=seal),
        open_fields=("AppId",),
    )


def _of_messages(component: Component, *, account_appid: str) -> Destination:
    url = component.message_url.replace(APPID_PLACE, account_appid)
    return Destination(url=url, mode="secure", seal=component_seal(component))


def component_seal(component: Component) -> Seal:
    """Return what seals everything a platform gets, its accounts' messages too."""
    return Seal(token=component.token, aes_key=component.aes_key, appid=component.appid)


def _forged(seal: Seal, *, kind: SealKind) -> Seal:
    match kind:
        case "good":
            return seal
        case "wrong_token":
            return replace(seal, token=identifiers.new_token())
        case "wrong_key":
            return replace(seal, aes_key=identifiers.new_aes_key())
        case "foreign_appid":
            return replace(seal, appid=identifiers.new_appid())
