"""Who answers next, and with what: a pure function from what is known and what happened to what is to be done.

The caller holds the thread's lock, applies the effects in order and, where they hold `FindAgent`, tries to take a seat
and calls `decide` again with the outcome, all in one transaction. So at rest no state is `searching`, and an open
conversation always has an owner. `AgentFound` and `AgentTook` come with a seat taken; each such seat ends as the
owner's, in a `ReleaseSeat`, or with the roll-back that `Refuse` asks for.
"""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from moorage.core.ids import AgentId
from moorage.reception.menu_rules import menu_used
from moorage.reception.model import (
    AgentEnded,
    AgentFound,
    AgentLeft,
    AgentReplied,
    AgentResends,
    AgentTook,
    AgentWritesAfter,
    Answer,
    Assign,
    ChannelMuted,
    ChannelRestored,
    Close,
    CustomerWrote,
    Decision,
    Designate,
    Effect,
    EndReason,
    EnterQueue,
    Event,
    EventSeen,
    FindAgent,
    Followed,
    GreetingMode,
    MenuUsed,
    NobodyFree,
    Note,
    OpenConversation,
    Owner,
    Policy,
    PromptAnswered,
    Refusal,
    Refuse,
    ReleaseSeat,
    Say,
    SayPrepared,
    SettlePrompt,
    StartPrompt,
    State,
    Unfollowed,
)


def decide(state: State, event: Event, policy: Policy, now: datetime) -> Decision:  # noqa: C901, PLR0911, PLR0912 -- a case a kind
    """Return what is to be done about `event`. Total: every event has an answer in every state."""
    match event:
        case CustomerWrote():
            return _customer_wrote(state, event, policy, now)
        case Followed():
            return _followed(state, event, policy)
        case PromptAnswered():
            return _prompt_answered(state, event, policy, now)
        case Unfollowed():
            return _unfollowed(state)
        case EventSeen(name=name):
            note = Note("event_seen", {"event": name})
            return Decision(state, (note,), "event.noted", "An event without a rule of its own leaves a line.")
        case MenuUsed():
            return menu_used(state, event, policy)
        case AgentFound(agent_id=agent_id):
            return _agent_found(state, agent_id, policy)
        case NobodyFree():
            return _nobody_free(state, policy)
        case AgentReplied():
            return _agent_replied(state, event)
        case AgentWritesAfter(agent_id=agent_id, had_last=had_last):
            return _agent_writes_after(state, agent_id, policy, now, had_last=had_last)
        case AgentResends(agent_id=agent_id, had_last=had_last):
            return _agent_resends(state, agent_id, policy, now, had_last=had_last)
        case AgentTook(agent_id=agent_id):
            return _agent_took(state, agent_id, policy)
        case AgentEnded(agent_id=agent_id):
            return _agent_ended(state, agent_id)
        case AgentLeft(agent_id=agent_id):
            return _agent_left(state, agent_id, policy)
        case ChannelMuted(how=how):
            return _channel_muted(state, how)
        case ChannelRestored():
            return _channel_restored(state)


def _customer_wrote(state: State, event: CustomerWrote, policy: Policy, now: datetime) -> Decision:
    if policy.mute and not state.is_open:
        # What was on its way when the channel fell silent. Whoever opened a conversation for it could not answer.
        back = replace(state, reachable=True)
        return Decision(back, (), "message.kept_mute", "The customer wrote and the channel cannot send.")
    heard = replace(
        state,
        reachable=True,
        customer_messages=state.customer_messages + 1,
        waiting_since=state.waiting_since or now,
    )
    unrecognized = event.unrecognized and policy.voice_reply != "" and not policy.mute
    if event.agent_is_away and state.agent_id is not None and not policy.mute:
        requeued, effects = _leave(replace(heard, unrecognized=unrecognized), state.agent_id, policy)
        return Decision(requeued, effects, "message.requeues", "The customer wrote to an agent who is away.")
    group_id = policy.default_group_id
    sought = replace(heard, owner=Owner.QUEUE, group_id=group_id, searching=True, unrecognized=unrecognized)
    asked: tuple[Effect, ...] = (Note("asked_for_agent"),) if event.asks_for_agent else ()
    match state.owner:
        case Owner.NOBODY:
            effects = (OpenConversation(group_id), *asked, FindAgent(group_id))
            rule = "message.asks_agent" if event.asks_for_agent else "message.opens"
            return Decision(sought, effects, rule, "The customer wrote and no conversation was open.")
        case Owner.BOT if event.asks_for_agent:
            effects = (*asked, FindAgent(group_id))
            return Decision(sought, effects, "message.transfers", "A person was asked for; the bot had it.")
        case Owner.QUEUE if event.asks_for_agent:
            return Decision(heard, (), "message.asked_again", "The customer waits already and keeps the place.")
        case Owner.BOT | Owner.QUEUE | Owner.AGENT:
            told = (_unrecognized(policy),) if unrecognized and state.owner is not Owner.AGENT else ()
            return Decision(heard, told, "message.kept", f"The conversation is open and its owner is: {state.owner}.")


def _followed(state: State, event: Followed, policy: Policy) -> Decision:
    back = replace(state, reachable=True)
    note = Note("followed")
    if event.reply is None or policy.mute:
        return Decision(back, (note,), "follow.noted", "The customer follows; there is nothing to say, or no way.")
    sentence = f"The customer follows and gets the reply for: {event.reply}."
    if event.prompt_id is None:
        return Decision(back, (note, SayPrepared("follow_reply")), "follow.replied", sentence)
    asking = replace(back, prompt_id=event.prompt_id)
    effects = (note, StartPrompt(event.prompt_id), SayPrepared("follow_reply"))
    return Decision(asking, effects, "follow.asks", f"{sentence} It asks with choices.")


def _prompt_answered(state: State, event: PromptAnswered, policy: Policy, now: datetime) -> Decision:
    """Hear the answer as a message of the customer's, and settle the question if it is still the one that waits.

    Without an open conversation it opens one, as any message does.
    """
    wrote = CustomerWrote(event.content, agent_is_away=event.agent_is_away)
    if state.prompt_id != event.prompt_id:
        return _customer_wrote(state, wrote, policy, now)
    heard = _customer_wrote(replace(state, prompt_id=None), wrote, policy, now)
    opens = 1 if isinstance(next(iter(heard.effects), None), OpenConversation) else 0
    settle = SettlePrompt(event.prompt_id, event.choice_id)
    # A conversation is opened before all else, so that the answer stands in it.
    effects = (*heard.effects[:opens], settle, *heard.effects[opens:])
    return Decision(heard.state, effects, "prompt.answered", f"The customer chose. {heard.reason}")


def _unfollowed(state: State) -> Decision:
    gone = replace(state, reachable=False)
    note = Note("unfollowed")
    match state.owner:
        case Owner.NOBODY:
            return Decision(gone, (note,), "unfollow.noted", "The customer left; no conversation was open.")
        case Owner.AGENT:
            return Decision(gone, (note,), "unfollow.kept", "The customer left; the agent may still read and end it.")
        case Owner.BOT | Owner.QUEUE:
            effects = (note, Close(EndReason.UNFOLLOWED))
            return Decision(_closed(gone), effects, "unfollow.ends", "The customer left and no agent had answered.")


def _agent_found(state: State, agent_id: AgentId, policy: Policy) -> Decision:
    if state.owner in (Owner.QUEUE, Owner.BOT):
        connected, effects = _connect(state, agent_id, policy, why="routed")
        return Decision(connected, effects, "assign.routed", "A seat of the agent was free.")
    reason = f"The conversation needs no agent any more; its owner is: {state.owner}."
    return Decision(state, (ReleaseSeat(agent_id),), "assign.not_needed", reason)


def _nobody_free(state: State, policy: Policy) -> Decision:
    if not (state.searching and state.owner is Owner.QUEUE):
        return Decision(state, (), "queue.unchanged", "A search without success changes no owner and no place.")
    group_id = state.group_id or policy.default_group_id
    waiting = replace(state, searching=False, unrecognized=False, group_id=group_id)
    enter = EnterQueue(group_id, "agent_left" if state.left else "nobody_free")
    told: tuple[Effect, ...] = (_unrecognized(policy),) if state.unrecognized else ()
    return Decision(waiting, (enter, *told), "queue.entered", "No agent of the group was free.")


def _unrecognized(policy: Policy) -> Answer:
    return Answer(policy.voice_reply, "voice_unrecognized")


def _agent_replied(state: State, event: AgentReplied) -> Decision:
    refused = _refusal(state, event.agent_id)
    if refused is not None:
        return refused
    replied = replace(state, agent_messages=state.agent_messages + 1, waiting_since=None)
    if event.prompt_id is not None:
        asking = replace(replied, prompt_id=event.prompt_id)
        start = StartPrompt(event.prompt_id)
        return Decision(asking, (start,), "reply.asks", "The agent owns the conversation and asks with choices.")
    return Decision(replied, (), "reply.accepted", "The agent owns the conversation.")


def _agent_writes_after(state: State, agent_id: AgentId, policy: Policy, now: datetime, *, had_last: bool) -> Decision:
    if state.is_open:
        return _refused(state, Refusal.NEWER_CONVERSATION)
    if not had_last:
        return _refused(state, Refusal.CLOSED)
    designates = _designates(agent_id, policy, now)
    return Decision(state, designates, "after_session.accepted", "The conversation has ended and was the agent's.")


def _agent_resends(state: State, agent_id: AgentId, policy: Policy, now: datetime, *, had_last: bool) -> Decision:
    if not state.is_open and had_last:
        sentence = "The conversation has ended and was the agent's."
        return Decision(state, _designates(agent_id, policy, now), "resend.after_session", sentence)
    return _refusal(state, agent_id) or Decision(state, (), "resend.accepted", "The agent owns the conversation.")


def _designates(agent_id: AgentId, policy: Policy, now: datetime) -> tuple[Effect, ...]:
    return (Designate(agent_id, now + policy.designated_for),) if policy.designated_for else ()


def _agent_took(state: State, agent_id: AgentId, policy: Policy) -> Decision:
    if not state.is_open:
        return _refused(state, Refusal.CLOSED)
    if state.agent_id == agent_id:
        return Decision(state, (ReleaseSeat(agent_id),), "take.already", "The agent has the conversation already.")
    connected, effects = _connect(state, agent_id, policy, why="taken")
    return Decision(connected, effects, "take.accepted", "The agent took the conversation.")


def _agent_ended(state: State, agent_id: AgentId) -> Decision:
    if not state.is_open:
        return _refused(state, Refusal.CLOSED)
    own = state.agent_id == agent_id
    reason = EndReason.AGENT_ENDED if own else EndReason.SUPERVISOR_ENDED
    effects = (Close(reason), *_release(state))
    sentence = "Its agent ended it." if own else "Somebody else than its agent ended it."
    return Decision(_closed(state), effects, "end.accepted", sentence)


def _agent_left(state: State, agent_id: AgentId, policy: Policy) -> Decision:
    if state.agent_id != agent_id:
        return Decision(state, (), "left.not_theirs", "The agent has not got this conversation any more.")
    if policy.mute or not state.reachable:
        return Decision(state, (), "left.kept", "Nobody else could answer the customer either.")
    requeued, effects = _leave(state, agent_id, policy)
    return Decision(requeued, effects, "left.requeues", "The agent is gone; the customer goes to the queue's head.")


def _leave(state: State, agent_id: AgentId, policy: Policy) -> tuple[State, tuple[Effect, ...]]:
    """Return the state without its agent, looking for another one, and the effects."""
    group_id = state.group_id or policy.default_group_id
    left = replace(state, owner=Owner.QUEUE, agent_id=None, group_id=group_id, searching=True, left=True)
    # Searching comes before releasing: the queue is locked before seats.
    note = Note("agent_left", {"agent_id": str(agent_id)})
    return left, (note, FindAgent(group_id, first=True), ReleaseSeat(agent_id))


def _channel_muted(state: State, how: Literal["deauthorized", "undocked"]) -> Decision:
    undocked = how == "undocked"
    reason = EndReason.CHANNEL_UNDOCKED if undocked else EndReason.CHANNEL_DEAUTHORIZED
    match state.owner:
        case Owner.NOBODY:
            return Decision(state, (), "mute.nothing_open", "The channel cannot send; no conversation was open.")
        case Owner.AGENT if not undocked:
            note = () if state.mute else (Note("channel_muted", {"how": how}),)
            sentence = "The channel cannot send; the agent may still read and end the conversation."
            return Decision(replace(state, mute=True), note, "mute.kept", sentence)
        case Owner.AGENT | Owner.BOT | Owner.QUEUE:
            effects = (Note("channel_muted", {"how": how}), Close(reason), *_release(state))
            return Decision(_closed(state), effects, "mute.ends", f"The channel was {how}.")


def _channel_restored(state: State) -> Decision:
    if not state.mute:
        return Decision(state, (), "restored.unnoticed", "Nobody had been told that the channel could not send.")
    note = (Note("channel_restored"),)
    return Decision(replace(state, mute=False), note, "restored.told", "The channel can send again.")


def _connect(
    state: State, agent_id: AgentId, policy: Policy, *, why: Literal["routed", "taken"]
) -> tuple[State, tuple[Effect, ...]]:
    """Return the state with the agent as owner, and the effects; with a greeting if the policy says so."""
    greet = _greets(state, policy)
    connected = replace(
        state,
        owner=Owner.AGENT,
        agent_id=agent_id,
        searching=False,
        unrecognized=False,
        left=False,
        greeted=state.greeted or greet,
        ever_greeted=state.ever_greeted or greet,
    )
    greeting: tuple[Effect, ...] = (Say(policy.greeting, "greeting", agent_id),) if greet else ()
    return connected, (Assign(agent_id, why), *_release(state), *greeting)


def _greets(state: State, policy: Policy) -> bool:
    if not state.reachable or policy.mute:
        return False
    match policy.greeting_mode:
        case GreetingMode.OFF:
            return False
        case GreetingMode.EVERY_CONNECTION:
            return True
        case GreetingMode.ONCE_PER_CONVERSATION:
            return not state.greeted
        case GreetingMode.FIRST_EVER:
            return not state.ever_greeted


def _release(state: State) -> tuple[Effect, ...]:
    return (ReleaseSeat(state.agent_id),) if state.agent_id is not None else ()


def _closed(state: State) -> State:
    """Return what is remembered after the end: only what concerns the customer, not the conversation."""
    return State(ever_greeted=state.ever_greeted, reachable=state.reachable)


def _refusal(state: State, agent_id: AgentId) -> Decision | None:
    if not state.is_open:
        return _refused(state, Refusal.CLOSED)
    return None if state.agent_id == agent_id else _refused(state, Refusal.NOT_YOURS)


def _refused(state: State, reason: Refusal) -> Decision:
    sentences = {
        Refusal.CLOSED: "The conversation has ended.",
        Refusal.NOT_YOURS: "Another owner has the conversation.",
        Refusal.NEWER_CONVERSATION: "The customer has opened a new conversation.",
    }
    return Decision(state, (Refuse(reason),), f"refused.{reason}", sentences[reason])
