"""Customer-service messages and the typing state."""

from wechat_sandbox import followers
from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject, object_of, text_of
from wechat_sandbox.endpoints.custom_contents import read_content
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, Follower
from wechat_sandbox.windows import CountUsedUp, WindowClosed, bucket_to_spend

TYPING_S = 15.0
INTERACTION_S = 30.0
_SETS = frozenset({1, 6})


def _send(call: Call) -> JsonObject:
    account = _able(call.owner())
    body = call.body()
    follower = _addressee(account, body)
    kind = text_of(body, "msgtype")
    content = read_content(account, body, now_s=call.now_s)
    if object_of(body, "customservice"):
        raise ApiRefusal(65400)
    _check_reachable(follower)
    data = content.data
    if object_of(body, "aimsgcontext").get("is_ai_msg") == 1:
        data = data | {"is_ai_msg": True}
    try:
        followers.receive(call.sandbox, follower, kind=kind, text=content.text, data=data)
    except WindowClosed as closed:
        raise ApiRefusal(45015) from closed
    except CountUsedUp as used_up:
        raise ApiRefusal(45047) from used_up
    return OK


def _typing(call: Call) -> JsonObject:
    account = _able(call.owner())
    body = call.body()
    follower = _addressee(account, body)
    command = text_of(body, "command")
    if command not in {"Typing", "CancelTyping"}:
        raise ApiRefusal(45072)
    _check_reachable(follower)
    if command == "CancelTyping":
        follower.typing_until = None
    else:
        _start_typing(follower, now_s=call.now_s)
    return OK


def _start_typing(follower: Follower, *, now_s: float) -> None:
    try:
        bucket_to_spend(buckets=follower.buckets, now_s=now_s)
    except WindowClosed as closed:
        raise ApiRefusal(45015) from closed
    except CountUsedUp as used_up:
        raise ApiRefusal(45047) from used_up
    if follower.interacted_at is None or now_s - follower.interacted_at > INTERACTION_S:
        raise ApiRefusal(45080)
    if followers.is_typing(follower, now_s=now_s):
        raise ApiRefusal(45081)
    follower.typing_until = now_s + TYPING_S


def _able(account: Account) -> Account:
    if not account.verified:
        raise ApiRefusal(48001)
    return account


def _addressee(account: Account, body: JsonObject) -> Follower:
    follower = account.followers.get(text_of(body, "touser"))
    if follower is None:
        raise ApiRefusal(40003)
    return follower


def _check_reachable(follower: Follower) -> None:
    if follower.blacklisted:
        raise ApiRefusal(43019)
    if not follower.subscribed:
        raise ApiRefusal(43004 if follower.subscribed_at is None else 45015)
    if follower.blocked:
        raise ApiRefusal(48002)


ENDPOINTS = (
    Endpoint(path="/cgi-bin/message/custom/send", method="POST", answer=_send, sets=_SETS),
    Endpoint(path="/cgi-bin/message/custom/typing", method="POST", answer=_typing, sets=_SETS),
)
