"""What the stand-in remembers: accounts, followers, chats, tokens and pushes."""

from typing import Literal

from pydantic import BaseModel, Field, JsonValue

Mode = Literal["secure", "compatible", "plaintext"]
AccountType = Literal["service", "subscription"]
QuotaPolicy = Literal["2021", "2023"]
Trigger = Literal["message", "menu", "subscribe", "scan"]
Direction = Literal["in", "out"]
Via = Literal["follower", "custom", "passive", "notice"]
TokenSource = Literal["plain", "stable"]
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


class Follower(BaseModel):
    """One person as one account knows them."""

    openid: str
    nickname: str
    subscribed: bool = False
    subscribed_at: float | None = None
    subscribe_scene: str = ""
    qr_scene_str: str = ""
    blocked: bool = False
    blacklisted: bool = False
    interacted_at: float | None = None
    typing_until: float | None = None
    buckets: dict[Trigger, Bucket] = Field(default_factory=dict[Trigger, Bucket])
    chat: list[ChatEntry] = Field(default_factory=list[ChatEntry])
    revision: int = 0


class Account(BaseModel):
    """One Official Account with all it owns."""

    appid: str
    secret: str
    username: str
    name: str
    type: AccountType = "service"
    verified: bool = True
    quota_policy: QuotaPolicy = "2021"
    ip_whitelist: list[str] | None = None
    server: ServerConfig = Field(default_factory=ServerConfig)
    followers: dict[str, Follower] = Field(default_factory=dict[str, Follower])
    tokens: list[IssuedToken] = Field(default_factory=list[IssuedToken])
    forced_refresh_at: float | None = None
    counters: dict[str, Counter] = Field(default_factory=dict[str, Counter])


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
    """One message or event on its way to the account's server."""

    push_id: int
    appid: str
    openid: str
    kind: str
    msg_id: int | None
    create_time: int
    queued_at: float
    fields: dict[str, JsonValue]
    visible: bool
    """Whether a reply or a failure notice appears in the chat."""
    outcome: Outcome | None = None
    reason: str = ""
    deliveries: list[Delivery] = Field(default_factory=list[Delivery])


class State(BaseModel):
    """Everything that a restart must bring back."""

    version: Literal[1] = 1
    accounts: dict[str, Account] = Field(default_factory=dict[str, Account])
    pushes: dict[int, Push] = Field(default_factory=dict[int, Push])
    last_push_id: int = 0
    last_msg_id: int = 0
    last_entry_id: int = 0
