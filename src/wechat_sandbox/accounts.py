"""Accounts: creating them and saving their server configuration."""

import re
from dataclasses import dataclass

import httpx
from pydantic import BaseModel, Field

from wechat_sandbox import identifiers
from wechat_sandbox.delivery import Answer, ask, verification_url
from wechat_sandbox.model import Account, AccountType, Mode, QuotaPolicy, ServerConfig
from wechat_sandbox.world import Sandbox

_TOKEN = re.compile(r"[A-Za-z0-9]{3,32}")
_AES_KEY = re.compile(r"[A-Za-z0-9]{43}")


class AccountSeed(BaseModel, extra="forbid"):
    """An account as tests and the demo describe it; what is left out is made up."""

    appid: str | None = None
    secret: str | None = None
    username: str | None = None
    name: str = "测试公众号"
    type: AccountType = "service"
    verified: bool = True
    alias: str = ""
    signature: str = ""
    principal_name: str = ""
    administrator: str = ""
    permission_sets: list[int] | None = None
    api_enabled: bool = True
    account_status: int = 1
    quota_policy: QuotaPolicy = "2021"
    ip_whitelist: list[str] | None = None
    mini_programs: list[str] = Field(default_factory=list[str])
    web_domains: list[str] | None = None
    daily_limits: dict[str, int] = Field(default_factory=dict[str, int])
    minute_limits: dict[str, int] = Field(default_factory=dict[str, int])
    token: str = ""
    aes_key: str = ""
    mode: Mode = "secure"
    callback_url: str = ""


class TraitsForm(BaseModel, extra="forbid"):
    """What may change about an account; what is left out stays."""

    name: str | None = None
    verified: bool | None = None
    alias: str | None = None
    signature: str | None = None
    principal_name: str | None = None
    administrator: str | None = None
    permission_sets: list[int] | None = None
    api_enabled: bool | None = None
    account_status: int | None = None
    quota_policy: QuotaPolicy | None = None
    ip_whitelist: list[str] | None = None
    mini_programs: list[str] | None = None
    web_domains: list[str] | None = None
    daily_limits: dict[str, int] | None = None
    minute_limits: dict[str, int] | None = None


class ServerForm(BaseModel, extra="forbid"):
    """The server configuration as the back office submits it."""

    url: str
    token: str
    aes_key: str = ""
    mode: Mode = "secure"


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether the configuration was saved; `reason` is "" when it was."""

    verified: bool
    reason: str


class AccountExists(Exception):
    """The appid is taken."""


def create_account(sandbox: Sandbox, seed: AccountSeed) -> Account:
    """Return a new account. Raises AccountExists."""
    appid = seed.appid or identifiers.new_appid()
    if appid in sandbox.state.accounts:
        raise AccountExists
    account = Account(
        appid=appid,
        secret=seed.secret or identifiers.new_secret(),
        username=seed.username or identifiers.new_username(),
        name=seed.name,
        type=seed.type,
        verified=seed.verified,
        alias=seed.alias,
        signature=seed.signature,
        principal_name=seed.principal_name,
        administrator=seed.administrator,
        permission_sets=seed.permission_sets,
        api_enabled=seed.api_enabled,
        account_status=seed.account_status,
        quota_policy=seed.quota_policy,
        ip_whitelist=seed.ip_whitelist,
        mini_programs=seed.mini_programs,
        web_domains=seed.web_domains,
        daily_limits=seed.daily_limits,
        minute_limits=seed.minute_limits,
        server=ServerConfig(url=seed.callback_url, token=seed.token, aes_key=seed.aes_key, mode=seed.mode),
    )
    sandbox.state.accounts[appid] = account
    sandbox.keeper.changed()
    return account


def change_traits(sandbox: Sandbox, account: Account, form: TraitsForm) -> None:
    """Change what the form gives; only lists of what is allowed can be given as null, which lifts them."""
    for name, value in form.model_dump(exclude_unset=True).items():
        if value is not None or name in {"permission_sets", "ip_whitelist", "web_domains"}:
            setattr(account, name, value)
    sandbox.keeper.changed()


def seed_accounts(sandbox: Sandbox, seeds: list[AccountSeed]) -> None:
    """Create those accounts that do not exist yet; the saved state wins over the seed.

    Only the server's address follows the seed while its Token is still the seed's: the same server has moved.
    """
    for seed in seeds:
        known = sandbox.state.accounts.get(seed.appid or "")
        if known is None:
            create_account(sandbox, seed)
        elif known.server.token == seed.token and known.server.url != seed.callback_url:
            known.server = known.server.model_copy(update={"url": seed.callback_url})
            sandbox.keeper.changed()


async def save_server(sandbox: Sandbox, account: Account, form: ServerForm) -> Verification:
    """Save the configuration if the server behind it echoes; otherwise the old one stays."""
    server = ServerConfig(url=form.url, token=form.token, aes_key=form.aes_key, mode=form.mode)
    reason = _fault_of_form(server) or await _fault_of_echo(sandbox, server)
    if reason:
        return Verification(verified=False, reason=reason)
    account.server = server.model_copy(update={"verified_at": sandbox.clock.now_s()})
    sandbox.keeper.changed()
    return Verification(verified=True, reason="")


def _fault_of_form(server: ServerConfig) -> str:
    if not _is_web_address(server.url):
        return "url_invalid"
    if not _TOKEN.fullmatch(server.token):
        return "token_invalid"
    # Plaintext mode needs no key, but a key that is given must be a possible one.
    if not _AES_KEY.fullmatch(server.aes_key) and (server.mode != "plaintext" or server.aes_key):
        return "aes_key_invalid"
    return ""


def _is_web_address(text: str) -> bool:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in {"http", "https"} and bool(url.host)


async def _fault_of_echo(sandbox: Sandbox, server: ServerConfig) -> str:
    echostr = identifiers.new_echostr()
    url = verification_url(server, echostr=echostr, now_s=sandbox.clock.now_s())
    answer = await ask(sandbox.pushes.client, url=url, body=None, deadline_s=sandbox.settings.deadline_s)
    return _fault_of_answer(answer, echostr=echostr)


def _fault_of_answer(answer: Answer, *, echostr: str) -> str:
    if answer.error is not None:
        return "timeout" if answer.error == "timeout" else "unreachable"
    if answer.status != 200:
        return f"status_{answer.status}"
    return "" if answer.body == echostr.encode() else "echo_differs"
