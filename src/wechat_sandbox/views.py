"""What the control API tells about accounts, followers and the phone's screen."""

from pydantic import BaseModel

from wechat_sandbox.endpoints.call import JsonObject
from wechat_sandbox.followers import is_typing
from wechat_sandbox.menus.matching import menu_for
from wechat_sandbox.model import Account, AccountType, ChatEntry, Follower, Mode, QuotaPolicy


class AccountView(BaseModel):
    """An account with its credentials and server configuration; all of it is invented, so nothing is hidden."""

    appid: str
    secret: str
    username: str
    name: str
    type: AccountType
    verified: bool
    administrator: str
    principal_name: str
    permission_sets: list[int] | None
    api_enabled: bool
    options: dict[str, str]
    quota_policy: QuotaPolicy
    ip_whitelist: list[str] | None
    token: str
    aes_key: str
    mode: Mode
    callback_url: str
    server_verified_at: float | None
    followers: int


class FollowerView(BaseModel):
    """A person as one account knows them; instants are Unix seconds of the stand-in's clock."""

    openid: str
    nickname: str
    subscribed: bool
    subscribed_at: float | None
    blocked: bool
    blacklisted: bool
    typing: bool
    sends_left: int
    window_closes_at: float | None


class PhoneView(BaseModel):
    """The phone's screen; `chat` is None when nothing changed since the revision asked about."""

    now: float
    revision: int
    account: str
    follower: FollowerView
    menu: list[JsonObject] | None
    chat: list[ChatEntry] | None


def account_view(account: Account) -> AccountView:
    """Return the view of one account; `followers` counts those who follow now."""
    return AccountView(
        appid=account.appid,
        secret=account.secret,
        username=account.username,
        name=account.name,
        type=account.type,
        verified=account.verified,
        administrator=account.administrator,
        principal_name=account.principal_name,
        permission_sets=account.permission_sets,
        api_enabled=account.api_enabled,
        options=account.options,
        quota_policy=account.quota_policy,
        ip_whitelist=account.ip_whitelist,
        token=account.server.token,
        aes_key=account.server.aes_key,
        mode=account.server.mode,
        callback_url=account.server.url,
        server_verified_at=account.server.verified_at,
        followers=sum(1 for follower in account.followers.values() if follower.subscribed),
    )


def follower_view(follower: Follower, *, now_s: float) -> FollowerView:
    """Return the view of one person at this instant."""
    windows = [bucket for bucket in follower.buckets.values() if now_s < bucket.expires_at]
    return FollowerView(
        openid=follower.openid,
        nickname=follower.nickname,
        subscribed=follower.subscribed,
        subscribed_at=follower.subscribed_at,
        blocked=follower.blocked,
        blacklisted=follower.blacklisted,
        typing=is_typing(follower, now_s=now_s),
        sends_left=sum(bucket.left for bucket in windows),
        window_closes_at=max((bucket.expires_at for bucket in windows), default=None),
    )


def phone_view(account: Account, follower: Follower, *, since: int, now_s: float) -> PhoneView:
    """Return what the phone shows, without the chat if the caller has this revision already."""
    return PhoneView(
        now=now_s,
        revision=follower.revision,
        account=account.name,
        follower=follower_view(follower, now_s=now_s),
        menu=menu_for(account, follower),
        chat=None if since == follower.revision else follower.chat,
    )
