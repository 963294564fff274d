"""Platforms: creating them and changing their settings."""

import re

from pydantic import BaseModel, Field

from wechat_sandbox import identifiers
from wechat_sandbox.components.permissions import USUAL_SETS
from wechat_sandbox.destinations import APPID_PLACE
from wechat_sandbox.model import AuthorizationOrder, Component, TicketState
from wechat_sandbox.world import Sandbox

_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")
_AES_KEY = re.compile(r"[A-Za-z0-9]{43}")


class ComponentExists(Exception):
    """The appid is taken."""


class ComponentFormInvalid(Exception):
    """A setting has a value that WeChat would not take."""


class ComponentSeed(BaseModel, extra="forbid"):
    """A platform as tests and the demo describe it; what is left out is made up."""

    appid: str | None = None
    secret: str | None = None
    token: str | None = None
    aes_key: str | None = None
    name: str = "测试平台"
    event_url: str = ""
    message_url: str = ""
    start_domain: str = ""
    web_domains: list[str] | None = None
    ip_whitelist: list[str] | None = None
    published: bool = True
    test_accounts: list[str] = Field(default_factory=list[str])
    permission_sets: list[int] = Field(default_factory=lambda: list(USUAL_SETS))
    pre_auth_expires_in: int = Field(default=600, gt=0)
    authorization_order: AuthorizationOrder = "together"
    ticket_state: TicketState = "on"


class ComponentForm(BaseModel, extra="forbid"):
    """Settings to change; those left out stay."""

    name: str | None = None
    token: str | None = None
    aes_key: str | None = None
    event_url: str | None = None
    message_url: str | None = None
    start_domain: str | None = None
    ip_whitelist: list[str] | None = None
    published: bool | None = None
    test_accounts: list[str] | None = None
    permission_sets: list[int] | None = None
    pre_auth_expires_in: int | None = Field(default=None, gt=0)
    authorization_order: AuthorizationOrder | None = None
    ticket_state: TicketState | None = None


def create_component(sandbox: Sandbox, seed: ComponentSeed) -> Component:
    """Return a new platform. Raises ComponentExists or ComponentFormInvalid."""
    appid = seed.appid or identifiers.new_appid()
    if appid in sandbox.state.components or appid in sandbox.state.accounts:
        raise ComponentExists
    component = Component(
        **seed.model_dump(exclude={"appid", "secret", "token", "aes_key"}),
        appid=appid,
        secret=seed.secret or identifiers.new_secret(),
        token=seed.token or identifiers.new_token(),
        aes_key=seed.aes_key or identifiers.new_aes_key(),
    )
    _check(component)
    sandbox.state.components[appid] = component
    sandbox.keeper.changed()
    return component


def seed_components(sandbox: Sandbox, seeds: list[ComponentSeed]) -> None:
    """Create the platforms that do not exist yet; of the others only the addresses are taken from the seed.

    The addresses follow the seed because the platform behind them may get another port with every start.
    """
    for seed in seeds:
        known = sandbox.state.components.get(seed.appid or "")
        if known is None:
            create_component(sandbox, seed)
            continue
        addresses = seed.model_dump(include={"event_url", "message_url", "start_domain"} & seed.model_fields_set)
        change_component(sandbox, known, ComponentForm.model_validate(addresses))
        # A platform that starts anew may have lost its ticket; WeChat's first one comes without waiting.
        known.event_url_answered, known.next_ticket_at = False, 0.0


def change_component(sandbox: Sandbox, component: Component, form: ComponentForm) -> None:
    """Change the given settings. Raises ComponentFormInvalid and then changes nothing."""
    changes = {name: value for name, value in form.model_dump(exclude_unset=True).items() if value is not None}
    _check(component.model_copy(update=changes))
    if changes.get("event_url", component.event_url) != component.event_url:
        component.event_url_answered, component.next_ticket_at = False, 0.0
    for name, value in changes.items():
        setattr(component, name, value)
    if "ip_whitelist" in form.model_fields_set:
        component.ip_whitelist = form.ip_whitelist
    sandbox.keeper.changed()


def _check(component: Component) -> None:
    if not _TOKEN.fullmatch(component.token):
        raise ComponentFormInvalid("token must be 3 to 32 letters or digits")
    if not _AES_KEY.fullmatch(component.aes_key):
        raise ComponentFormInvalid("aes_key must be 43 letters or digits")
    for url in (component.event_url, component.message_url):
        if url and not url.startswith(("http://", "https://")):
            raise ComponentFormInvalid("an address must begin with http:// or https://")
    if component.message_url and APPID_PLACE not in component.message_url:
        raise ComponentFormInvalid(f"message_url must contain {APPID_PLACE}")
