"""What followers do, and what reaches them."""

from collections.abc import Mapping

from pydantic import JsonValue

from wechat_sandbox import chats, identifiers
from wechat_sandbox.components.grants import standing
from wechat_sandbox.components.permissions import sets_that_hear
from wechat_sandbox.media.follower_files import with_files
from wechat_sandbox.media.showing import shown_media
from wechat_sandbox.model import Account, ChatEntry, Component, Follower, Push, PushTarget
from wechat_sandbox.payloads import Payload, payload_from, subscription, unsubscription
from wechat_sandbox.windows import bucket_to_spend, refilled
from wechat_sandbox.world import Sandbox

_SHOWN_KEYS = {
    "PicUrl": "pic_url",
    "Url": "url",
    "Description": "description",
    "Label": "label",
    "Recognition": "recognition",
    "FileTotalLen": "size_bytes",
}


class OpenidRefused(Exception):
    """The text does not have the shape of an openid."""


class AlreadyFollowing(Exception):
    """The person follows the account already."""


class NotFollowing(Exception):
    """The person does not follow the account, so nothing they write would reach it."""


def add_follower(sandbox: Sandbox, account: Account, *, openid: str | None, nickname: str) -> Follower:
    """Return the person with this openid or else this nickname, made known to the account if new.

    Nobody follows by being added. Raises OpenidRefused.
    """
    known = account.followers.get(openid) if openid else follower_named(account, nickname=nickname)
    if known is not None:
        return known
    if openid and not identifiers.is_openid(openid):
        raise OpenidRefused
    follower = Follower(openid=openid or identifiers.new_openid(appid=account.appid), nickname=nickname)
    account.followers[follower.openid] = follower
    sandbox.keeper.changed()
    return follower


def follower_named(account: Account, *, nickname: str) -> Follower | None:
    """Return the person whom the phone page calls by this name."""
    return next((one for one in account.followers.values() if one.nickname == nickname), None)


def follow(sandbox: Sandbox, account: Account, follower: Follower, *, scene: str | None) -> list[Push]:
    """Let the person follow, by scanning a scene's code if one is given. Raises AlreadyFollowing."""
    return subscribe(sandbox, account, follower, scene=scene, ticket=None)


def subscribe(
    sandbox: Sandbox, account: Account, follower: Follower, *, scene: str | None, ticket: str | None
) -> list[Push]:
    """Let the person follow by the code with this scene and ticket, if given. Raises AlreadyFollowing."""
    if follower.subscribed:
        raise AlreadyFollowing
    follower.subscribed = True
    follower.subscribed_at = sandbox.clock.now_s()
    follower.subscribe_scene = "ADD_SCENE_QR_CODE" if scene or ticket else "ADD_SCENE_SEARCH"
    follower.qr_scene_str = scene or ""
    return send_payload(sandbox, account, follower, subscription(scene=scene, ticket=ticket))


def unfollow(sandbox: Sandbox, account: Account, follower: Follower) -> list[Push]:
    """Let the person leave; every open window closes. Raises NotFollowing."""
    if not follower.subscribed:
        raise NotFollowing
    follower.subscribed = False
    follower.buckets.clear()
    follower.typing_until = None
    return send_payload(sandbox, account, follower, unsubscription())


def send(
    sandbox: Sandbox, account: Account, follower: Follower, *, description: Mapping[str, JsonValue], base_url: str
) -> list[Push]:
    """Let the person send the described message or event; return a push for each server that hears it.

    `base_url` is where the stand-in is reached, for the addresses of pictures. Raises NotFollowing or PayloadRefused.
    """
    if not follower.subscribed:
        raise NotFollowing
    return send_payload(
        sandbox, account, follower, payload_from(with_files(sandbox, account, description, base_url=base_url))
    )


def receive(sandbox: Sandbox, follower: Follower, *, kind: str, text: str, data: dict[str, JsonValue]) -> ChatEntry:
    """Show a customer-service message on the phone and take it from its window.

    It ends the typing state. Raises WindowClosed or CountUsedUp.
    """
    now_s = sandbox.clock.now_s()
    bucket_to_spend(buckets=follower.buckets, now_s=now_s).left -= 1
    follower.typing_until = None
    follower.interacted_at = now_s
    sandbox.keeper.changed()
    return chats.write_entry(
        sandbox.state, follower, direction="out", kind=kind, text=text, at=now_s, via="custom", data=data
    )


def is_typing(follower: Follower, *, now_s: float) -> bool:
    """Return whether the phone shows that the other side is typing."""
    return follower.typing_until is not None and now_s < follower.typing_until


def send_payload(
    sandbox: Sandbox, account: Account, follower: Follower, payload: Payload, *, only: Component | None = None
) -> list[Push]:
    """Write the payload into the chat and push it to everybody who hears it, or to one platform alone."""
    now_s = sandbox.clock.now_s()
    if payload.trigger is not None:
        follower.buckets[payload.trigger] = refilled(policy=account.quota_policy, trigger=payload.trigger, now_s=now_s)
        follower.interacted_at = now_s
    push = _addressed(sandbox, account, follower, payload, now_s=now_s)
    chats.write_entry(
        sandbox.state,
        follower,
        direction="in",
        kind="event" if payload.is_event else payload.kind,
        text=payload.text or (payload.kind if payload.is_event else ""),
        at=now_s,
        via="follower",
        msg_id=push.msg_id,
        push_id=push.push_id,
        data=_shown(account, payload),
    )
    if only is None:
        copies = _copies(sandbox, account, push)
    else:
        copies = [_copy_for(push, receiver=only.appid, push_id=push.push_id)]
    for copy in copies:
        sandbox.pushes.submit(copy)
    return copies


def _copies(sandbox: Sandbox, account: Account, push: Push) -> list[Push]:
    """Return the account's own push and one for each platform that hears it.

    An account without a server of its own gets none of its own once a platform hears the push.
    """
    hearing = [one.appid for one in sandbox.state.components.values() if _hears(one, account, push)]
    receivers: list[str | None] = [*hearing] if hearing and not account.server.url else [None, *hearing]
    first, *others = receivers
    copies = [_copy_for(push, receiver=first, push_id=push.push_id)]
    for receiver in others:
        sandbox.state.last_push_id += 1
        copies.append(_copy_for(push, receiver=receiver, push_id=sandbox.state.last_push_id))
    return copies


def _hears(component: Component, account: Account, push: Push) -> bool:
    authorization = standing(component, account.appid)
    return authorization is not None and not sets_that_hear(push.fields).isdisjoint(authorization.sets)


def _copy_for(push: Push, *, receiver: str | None, push_id: int) -> Push:
    target: PushTarget = "account" if receiver is None else "component_messages"
    return push.model_copy(update={"push_id": push_id, "component_appid": receiver, "target": target, "deliveries": []})


def _addressed(sandbox: Sandbox, account: Account, follower: Follower, payload: Payload, *, now_s: float) -> Push:
    state = sandbox.state
    state.last_push_id += 1
    fields: dict[str, JsonValue] = {
        "ToUserName": account.username,
        "FromUserName": follower.openid,
        "CreateTime": int(now_s),
        "MsgType": "event" if payload.is_event else payload.kind,
    }
    fields |= payload.fields
    msg_id: int | None = None
    if not payload.is_event:
        msg_id = state.last_msg_id = identifiers.next_msg_id(last=state.last_msg_id)
        fields["MsgId"] = msg_id
    return Push(
        push_id=state.last_push_id,
        appid=account.appid,
        openid=follower.openid,
        kind=payload.kind,
        msg_id=msg_id,
        create_time=int(now_s),
        queued_at=now_s,
        fields=fields,
        visible=payload.visible,
    )


def _shown(account: Account, payload: Payload) -> dict[str, JsonValue]:
    shown = {key: payload.fields[name] for name, key in _SHOWN_KEYS.items() if name in payload.fields}
    stored = account.media.get(str(payload.fields.get("MediaId")))
    if stored is not None:
        shown |= shown_media(stored)
    return shown | {"event": payload.kind} if payload.is_event else shown
