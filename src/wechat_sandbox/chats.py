"""Writing lines into a follower's chat."""

from pydantic import JsonValue

from wechat_sandbox.model import ChatEntry, Direction, Follower, State, Via

FAILURE_NOTICE = "该公众号提供的服务出现故障，请稍后再试"
"""What WeChat shows when an account's server gave no valid answer."""


def write_entry(
    state: State,
    follower: Follower,
    *,
    direction: Direction,
    kind: str,
    text: str,
    at: float,
    via: Via,
    msg_id: int | None = None,
    push_id: int | None = None,
    data: dict[str, JsonValue] | None = None,
) -> ChatEntry:
    """Append one line to the chat and return it."""
    state.last_entry_id += 1
    entry = ChatEntry(
        id=state.last_entry_id,
        direction=direction,
        kind=kind,
        text=text,
        at=at,
        via=via,
        msg_id=msg_id,
        push_id=push_id,
        data=data or {},
    )
    follower.chat.append(entry)
    follower.revision += 1
    return entry


def write_notice(state: State, follower: Follower, *, at: float, push_id: int) -> ChatEntry:
    """Append the failure notice that one push earned."""
    return write_entry(
        state, follower, direction="out", kind="notice", text=FAILURE_NOTICE, at=at, via="notice", push_id=push_id
    )


def has_reply(follower: Follower, *, push_id: int) -> bool:
    """Return whether a reply to this push is shown already: WeChat takes one."""
    return any(entry.via == "passive" and entry.push_id == push_id for entry in reversed(follower.chat))
