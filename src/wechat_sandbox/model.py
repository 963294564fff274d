"""What the stand-in remembers: accounts, followers, chats, platforms, tokens and pushes."""

from typing import Literal

from pydantic import BaseModel, Field, JsonValue

Mode = Literal["secure", "compatible", "plaintext"]
AccountType = Literal["service", "subscription"]
QuotaPolicy = Literal["2020", "2021", "2023"]
Trigger = Literal["message", "menu", "subscribe", "scan"]
Direction = Literal["in", "out"]
Via = Literal["follower", "custom", "passive", "notice", "menu"]
TokenSource = Literal["plain", "stable", "component", "authorizer"]
TicketState = Literal["on", "stopped", "off"]
PushTarget = Literal["account", "component_messages", "component_events"]
SealKind = Literal["good", "wrong_token", "wrong_key", "foreign_appid"]
AuthorizationOrder = Literal["together", "redirect_first", "push_first", "redirect_only", "push_only"]
RequestState = Literal["waiting", "scanned", "confirmed", "cancelled"]
MediaKind = Literal["image", "voice", "video", "thumb"]
Platform = Literal["1", "2", "3"]
Outcome = Literal["success", "empty", "reply", "malformed", "gave_up", "not_configured"]


class ServerConfig(BaseModel):
    """The server configuration of an account; pushes go out once `url` is set."""

    url: str = ""
    token: str = ""
    aes_key: str = ""
    mode: Mode = "secure"
    verified_at: float | None = None


class IssuedToken(BaseModel):
    """An access token; it may die (`valid_until`) before its natural end (`expires_at`)."""

    value: str
    source: TokenSource
    expires_at: float
    valid_until: float


class Counter(BaseModel):
    """How often something happened in one period, named by the period's number."""

    period: int
    count: int


class Bucket(BaseModel):
    """Messages that may still be sent because of one trigger, until it expires."""

    left: int
    expires_at: float


class ChatEntry(BaseModel):
    """One line of a chat as the phone shows it; `direction` is seen from the account."""

    id: int
    direction: Direction
    kind: str
    text: str
    at: float
    via: Via
    msg_id: int | None = None
    push_id: int | None = None
    data: dict[str, JsonValue] = Field(default_factory=dict)


class StoredMedia(BaseModel):
    """A file under its media id; its bytes are in the blob of that name."""

    media_id: str
    kind: MediaKind
    blob: str
    media_type: str
    suffix: str
    size_bytes: int
    created_at: float = 0.0
    expires_at: float | None = None
    """None for permanent material."""
    duration_s: float | None = None
    name: str = ""
    title: str = ""
    introduction: str = ""


class Article(BaseModel):
    """An article that the account published."""

    article_id: str
    title: str
    digest: str = ""
    url: str = ""


class PublishedMenu(BaseModel):
    """The menu for everybody; `by_api` tells whether the API made it or the account's back office."""

    buttons: list[dict[str, JsonValue]]
    menu_id: int
    by_api: bool


class ConditionalMenu(BaseModel):
    """A menu for those followers whom its rule fits."""

    buttons: list[dict[str, JsonValue]]
    rule: dict[str, str]
    menu_id: int


class Tag(BaseModel):
    """A tag that an account may put on its followers."""

    tag_id: int
    name: str


class SceneCode(BaseModel):
    """A QR code that says where it was scanned; without `expires_at` for good."""

    ticket: str
    url: str
    scene: str
    expires_at: float | None


class Follower(BaseModel):
    """One person as one account knows them."""

    openid: str
    nickname: str
    unionid: str = ""
    subscribed: bool = False
    subscribed_at: float | None = None
    subscribe_scene: str = ""
    qr_scene_str: str = ""
    blocked: bool = False
    blacklisted: bool = False
    remark: str = ""
    tags: list[int] = Field(default_factory=list[int])
    language: str = "zh_CN"
    platform: Platform = "1"
    """What the phone is: 1 iOS, 2 Android, 3 something else."""
    interacted_at: float | None = None
    typing_until: float | None = None
    buckets: dict[Trigger, Bucket] = Field(default_factory=dict[Trigger, Bucket])
    chat: list[ChatEntry] = Field(default_factory=list[ChatEntry])
    revision: int = 0


def _usual_options() -> dict[str, str]:
    return {"location_report": "0", "voice_recognize": "0", "customer_service": "0"}


class WebCode(BaseModel):
    """What a website exchanges for the openid of whoever opened it."""

    value: str
    openid: str
    scope: str
    component_appid: str | None
    snapshot: bool
    expires_at: float
    used: bool = False


class WebGrant(BaseModel):
    """The tokens of one web authorization; they open nothing else."""

    access_token: str
    refresh_token: str
    openid: str
    scope: str
    component_appid: str | None
    token_expires_at: float
    refresh_expires_at: float


class Account(BaseModel):
    """One Official Account with all it owns."""

    appid: str
    secret: str
    username: str
    name: str
    type: AccountType = "service"
    verified: bool = True
    alias: str = ""
    signature: str = ""
    principal_name: str = ""
    administrator: str = ""
    """Who may grant the account to a platform; one person may have several accounts."""
    permission_sets: list[int] | None = None
    """Sets that this account can grant at all; None for every set that a platform offers."""
    api_enabled: bool = True
    """Whether platforms get tokens for the account; without, they only receive its pushes."""
    account_status: int = 1
    options: dict[str, str] = Field(default_factory=_usual_options)
    special: bool = False
    """Whether it only exists for the release check, so that lists leave it out."""
    quota_policy: QuotaPolicy = "2021"
    ip_whitelist: list[str] | None = None
    mini_programs: list[str] = Field(default_factory=list[str])
    """Mini programs linked to the account."""
    web_domains: list[str] | None = None
    """Hosts that web authorization may return to; None for all."""
    web_codes: dict[str, WebCode] = Field(default_factory=dict[str, WebCode])
    web_grants: list[WebGrant] = Field(default_factory=list[WebGrant])
    server: ServerConfig = Field(default_factory=ServerConfig)
    media: dict[str, StoredMedia] = Field(default_factory=dict[str, StoredMedia])
    articles: dict[str, Article] = Field(default_factory=dict[str, Article])
    menu: PublishedMenu | None = None
    conditional_menus: list[ConditionalMenu] = Field(default_factory=list[ConditionalMenu])
    last_menu_id: int = 439342187
    tags: dict[int, Tag] = Field(default_factory=dict[int, Tag])
    last_tag_id: int = 99
    scene_codes: dict[str, SceneCode] = Field(default_factory=dict[str, SceneCode])
    followers: dict[str, Follower] = Field(default_factory=dict[str, Follower])
    tokens: list[IssuedToken] = Field(default_factory=list[IssuedToken])
    forced_refresh_at: float | None = None
    counters: dict[str, Counter] = Field(default_factory=dict[str, Counter])
    daily_limits: dict[str, int] = Field(default_factory=dict[str, int])
    minute_limits: dict[str, int] = Field(default_factory=dict[str, int])
    """Limits of calls by path that differ from the usual ones."""


class Delivery(BaseModel):
    """One attempt to hand a push over; `status` is None when no answer came."""

    attempt: int
    at: float
    url: str
    status: int | None
    answer: str
    latency_ms: float
    error: str | None


class Push(BaseModel):
    """One message or event on its way to the account's server or to a platform's."""

    push_id: int
    appid: str
    """Whose push it is: an account's, or for a platform's own notifications the platform's."""
    openid: str
    kind: str
    msg_id: int | None
    create_time: int
    queued_at: float
    fields: dict[str, JsonValue]
    visible: bool
    """Whether a reply or a failure notice appears in the chat."""
    target: PushTarget = "account"
    component_appid: str | None = None
    seal: SealKind = "good"
    """What is wrong with the seal of a forgery."""
    copy_of: int | None = None
    """The push that this is the same message as, sent once more; only one reply to both is shown."""
    outcome: Outcome | None = None
    reason: str = ""
    deliveries: list[Delivery] = Field(default_factory=list[Delivery])


class Ticket(BaseModel):
    """A verify ticket and the push that carried it."""

    value: str
    issued_at: float
    push_id: int


class PreAuthCode(BaseModel):
    """A code that opens the authorization page; good for one authorization."""

    value: str
    expires_at: float
    used: bool = False


class AuthorizationCode(BaseModel):
    """What a platform exchanges for the tokens of an account that was granted to it; good for one exchange."""

    value: str
    account_appid: str
    expires_at: float
    used: bool = False


class Authorization(BaseModel):
    """An account granted to a platform; it stands until `revoked_at`."""

    account_appid: str
    sets: list[int]
    refresh_token: str
    authorized_at: float
    pre_auth_code: str
    exchanged: bool = False
    revoked_at: float | None = None
    tokens: list[IssuedToken] = Field(default_factory=list[IssuedToken])


class AuthorizationRequest(BaseModel):
    """One visit of the authorization page, from its QR code to the administrator's word."""

    request_id: str
    component_appid: str
    pre_auth_code: str
    redirect_uri: str
    biz_appid: str = ""
    opened_at: float
    state: RequestState = "waiting"
    account_appid: str = ""
    redirect_url: str = ""


class CheckResult(BaseModel):
    """One case of the release check: what was expected and what came."""

    group: int
    appid: str
    case: str
    expected: str
    came: str
    passed: bool
    latency_ms: float


class Component(BaseModel):
    """One third-party platform with all it owns."""

    appid: str
    secret: str
    token: str
    aes_key: str
    name: str
    event_url: str = ""
    message_url: str = ""
    start_domain: str = ""
    web_domains: list[str] | None = None
    """Hosts that web authorization may return to, `$APPID$` standing for the account's; None for all."""
    ip_whitelist: list[str] | None = None
    published: bool = True
    test_accounts: list[str] = Field(default_factory=list[str])
    """Accounts that may be granted to it before it is published."""
    permission_sets: list[int] = Field(default_factory=list[int])
    pre_auth_expires_in: int = 600
    authorization_order: AuthorizationOrder = "together"
    ticket_state: TicketState = "on"
    next_ticket_at: float = 0.0
    event_url_answered: bool = False
    ticket_taken: bool = False
    tickets: list[Ticket] = Field(default_factory=list[Ticket])
    tokens: list[IssuedToken] = Field(default_factory=list[IssuedToken])
    counters: dict[str, Counter] = Field(default_factory=dict[str, Counter])
    daily_limits: dict[str, int] = Field(default_factory=dict[str, int])
    minute_limits: dict[str, int] = Field(default_factory=dict[str, int])
    """Limits of calls by path that differ from the usual ones."""
    pre_auth_codes: dict[str, PreAuthCode] = Field(default_factory=dict[str, PreAuthCode])
    authorization_codes: dict[str, AuthorizationCode] = Field(default_factory=dict[str, AuthorizationCode])
    authorizations: dict[str, Authorization] = Field(default_factory=dict[str, Authorization])
    release_check: list[CheckResult] = Field(default_factory=list[CheckResult])
    release_checked_at: float | None = None


class State(BaseModel):
    """Everything that a restart must bring back."""

    version: Literal[1] = 1
    accounts: dict[str, Account] = Field(default_factory=dict[str, Account])
    components: dict[str, Component] = Field(default_factory=dict[str, Component])
    authorization_requests: dict[str, AuthorizationRequest] = Field(default_factory=dict[str, AuthorizationRequest])
    pushes: dict[int, Push] = Field(default_factory=dict[int, Push])
    last_push_id: int = 0
    last_msg_id: int = 0
    last_entry_id: int = 0
