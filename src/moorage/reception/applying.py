"""Doing what the engine decided: its effects, one after the other, on a locked thread."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from psycopg.types.json import Jsonb

from moorage.channels.model import ChannelSettings
from moorage.connectors.content import Choices, Content, Notice, Text
from moorage.conversations.budgets import MUTE_CHANNEL_STATES, BudgetClosed
from moorage.conversations.charging import ChannelMute, CustomerUnfollowed
from moorage.conversations.hearing import hear_customer, note
from moorage.conversations.model import FIRST, ORDINARY, Author, Message
from moorage.conversations.open_thread import OpenThread
from moorage.conversations.owners import (
    close_conversation,
    designate,
    give_to_agent,
    give_to_queue,
    open_conversation,
    remember_reception,
)
from moorage.conversations.prompting import answer_prompt, expire_prompt, open_prompt
from moorage.conversations.speaking import TooManyWaiting, say
from moorage.core.errors import DomainError, Missing
from moorage.core.ids import AgentId, new_id
from moorage.infra.database import Tx
from moorage.reception.engine import decide
from moorage.reception.model import (
    Answer,
    Assign,
    Close,
    CustomerWrote,
    Decision,
    Designate,
    Effect,
    EnterQueue,
    Event,
    FindAgent,
    Note,
    OpenConversation,
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
    effects_to_json,
    event_to_json,
)
from moorage.reception.policies import resolve_policy
from moorage.reception.queue import find_agent, lock_queue
from moorage.reception.routing import preferred_agents
from moorage.reception.texts import render, with_guidance
from moorage.staff.queries import agent_names
from moorage.staff.seats import release_seat


@dataclass(eq=False)
class ConversationClosed(DomainError):
    """The conversation has ended."""

    code: ClassVar[str] = "conversations.closed"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class NotYours(DomainError):
    """Somebody else owns the conversation; take it over first."""

    code: ClassVar[str] = "conversations.not_yours"
    kind: ClassVar[str] = "conflict"


@dataclass(eq=False)
class KindNotSendableNow(DomainError):
    """The account can only answer its customers' messages, and an answer is always a text."""

    code: ClassVar[str] = "conversations.kind_not_sendable_now"
    kind: ClassVar[str] = "conflict"
    type: str


@dataclass(eq=False)
class NewerConversation(DomainError):
    """The customer has opened a new conversation meanwhile; what is to be said belongs there."""

    code: ClassVar[str] = "conversations.newer_conversation"
    kind: ClassVar[str] = "conflict"


REFUSALS: Mapping[Refusal, type[DomainError]] = {
    Refusal.CLOSED: ConversationClosed,
    Refusal.NOT_YOURS: NotYours,
    Refusal.NEWER_CONVERSATION: NewerConversation,
}


@dataclass(frozen=True, slots=True)
class Incoming:
    """What the customer sent or did, beside what the engine needs to know of it."""

    happened_at: datetime
    content: Content | None = None
    details: Mapping[str, str] = field(default_factory=dict[str, str])
    """More about an event, for the line that it leaves."""
    prepared: Sequence[Content] = ()
    """What `SayPrepared` says, if the engine wants it said."""


@dataclass(frozen=True, slots=True)
class Words:
    """Something that a rule says to the customer."""

    author: Author
    content: Content


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One `decide()`, to be kept."""

    id: UUID
    thread_id: UUID
    conversation_id: UUID | None
    event: Mapping[str, object]
    decision: Decision

    def as_row(self) -> dict[str, object]:
        """Return the row's columns as JSON values."""
        return {
            "id": self.id,
            "thread_id": self.thread_id,
            "conversation_id": self.conversation_id,
            "event": self.event,
            "rule": self.decision.rule,
            "reason": self.decision.reason,
            "effects": effects_to_json(self.decision.effects),
        }


@dataclass(slots=True)
class Turn:
    """One locked thread in the hands of the engine, and what came of it so far."""

    tx: Tx
    opened: OpenThread
    policy: Policy
    state: State
    preferred: Sequence[AgentId] = ()
    """Who should have the customer's next conversation, if they are free: most wanted first."""
    decisions: list[DecisionRecord] = field(default_factory=list[DecisionRecord])
    words: list[Words] = field(default_factory=list[Words])
    asks: UUID | None = None
    """The question that waits for an answer once it is said."""


def begin_turn(tx: Tx, *, opened: OpenThread) -> Turn:
    """Return a turn on a locked thread, with its channel's policy and what the engine remembers of it."""
    around = opened.around
    if around.default_group_id is None:
        raise Missing(what="default skill group")
    state = State() if opened.newest is None else State.from_json(opened.newest.engine_state)
    policy = resolve_policy(
        settings=ChannelSettings.model_validate(around.channel_settings),
        default_group_id=around.default_group_id,
        mute=around.channel_state in MUTE_CHANNEL_STATES,
    )
    return Turn(
        tx=tx,
        opened=opened,
        policy=policy,
        state=replace(state, reachable=opened.thread.is_reachable),
        preferred=preferred_agents(opened.thread, opened.newest, last_served_for=policy.last_served_for, now=tx.now),
    )


async def react(turn: Turn, event: Event, *, incoming: Incoming | None = None) -> None:
    """Let the engine decide about `event` and do what it says; what must be said to the customer is left in `words`.

    Raises ConversationClosed, NotYours or NewerConversation where the engine refuses; the transaction must then be
    rolled back.
    """
    # A question may wait where no conversation is that could remember it, and may have ended unasked.
    waits = turn.opened.prompt
    turn.state = replace(turn.state, prompt_id=None if waits is None else waits.id)
    events = deque([event])
    while events:
        event = events.popleft()
        decision = decide(turn.state, event, turn.policy, turn.tx.now)
        turn.state = decision.state
        effects = deque(decision.effects)
        first = effects[0] if effects else None
        if isinstance(first, OpenConversation):
            # Before the rest, so that the customer's words stand in the conversation that they open.
            open_conversation(turn.opened, group_id=first.group_id)
            effects.popleft()
        if isinstance(event, CustomerWrote | PromptAnswered) and incoming is not None and incoming.content is not None:
            hear_customer(turn.opened, content=incoming.content, sent_at=incoming.happened_at)
        _keep(turn, event, decision)
        for effect in effects:
            if (found := await _apply(turn, effect, incoming)) is not None:
                events.append(found)
    remember_reception(turn.opened, engine_state=turn.state.to_json(), waiting_since=turn.state.waiting_since)


def say_words(turn: Turn) -> list[Message]:
    """Give the sender what was left in `words`. What cannot be sent is let go, and a line says why."""
    said: list[Message] = []
    for words in turn.words:
        try:
            said.append(_say(turn, words))
        except (BudgetClosed, CustomerUnfollowed, ChannelMute, TooManyWaiting, KindNotSendableNow) as refusal:
            values = {"why": words.author.why or "", "reason": refusal.code}
            note(turn.opened, content=Notice(key="not_said", values=values), happened_at=turn.tx.now)
    turn.words, turn.asks = [], None
    return said


def _say(turn: Turn, words: Words) -> Message:
    if turn.opened.around.passive_only and not isinstance(words.content, Text):
        raise KindNotSendableNow(type=words.content.type)  # it would wait for an answer that can never carry it
    message = say(turn.opened, author=words.author, content=words.content)
    begin_asking(turn, message)
    return message


def begin_asking(turn: Turn, message: Message) -> None:
    """Let the question wait for its answer, if `message` is the one that was to be asked."""
    asks = turn.asks
    if asks is not None and isinstance(message.content, Choices) and message.content.prompt_id == asks:
        turn.asks = None
        open_prompt(turn.opened, prompt_id=asks, message=message)


async def keep_decisions(turn: Turn) -> None:
    """Write what was decided, where no push carries it along."""
    await turn.tx.execute(
        """
        INSERT INTO decisions (workspace_id, id, thread_id, conversation_id, event, rule, reason, effects, decided_at)
        SELECT %s, id, thread_id, conversation_id, event, rule, reason, effects, %s
        FROM jsonb_populate_recordset(NULL::decisions, %s)
        """,
        [turn.tx.workspace_id, turn.tx.now, Jsonb([record.as_row() for record in turn.decisions])],
    )
    turn.decisions = []


async def _apply(turn: Turn, effect: Effect, incoming: Incoming | None) -> Event | None:  # noqa: C901, PLR0912 -- a case a kind
    """Do one effect, and return the event that its outcome is, if it has one."""
    opened = turn.opened
    match effect:
        case OpenConversation(group_id=group_id):
            open_conversation(opened, group_id=group_id)
        case FindAgent(group_id=group_id, first=first):
            return await find_agent(turn.tx, group_id=group_id, first=first, preferred=turn.preferred)
        case EnterQueue(group_id=group_id, why=why):
            priority = FIRST if why == "agent_left" else ORDINARY
            give_to_queue(opened, group_id=group_id, reason=why, priority=priority)
        case Assign(agent_id=agent_id, why=why):
            await _leave_queue(turn)
            name = await _name_of(turn, agent_id)
            give_to_agent(opened, agent_id=agent_id, agent_name=name, reason=why)
        case ReleaseSeat(agent_id=agent_id):
            await release_seat(turn.tx, agent_id=agent_id)
        case StartPrompt(prompt_id=prompt_id):
            turn.asks = prompt_id
        case SettlePrompt(choice_id=choice_id):
            await answer_prompt(turn.tx, opened=opened, choice_id=choice_id, answer=opened.messages[-1].id)
        case Say() | Answer():
            turn.words.append(_words(turn, effect))
        case SayPrepared(why=why):
            prepared = () if incoming is None else incoming.prepared
            turn.words += [Words(Author(kind="system", why=why), content) for content in prepared]
        case Designate(agent_id=agent_id, until=until):
            designate(opened, agent_id=agent_id, until=until)
        case Note(key=key, values=values):
            about = incoming or Incoming(happened_at=turn.tx.now)
            line = Notice(key=key, values={**about.details, **_spelled(opened, values)})
            note(opened, content=line, happened_at=about.happened_at)
        case Close(reason=reason):
            await _leave_queue(turn)
            expire_prompt(opened)
            close_conversation(opened, reason=reason)
        case Refuse(reason=reason):
            raise REFUSALS[reason]
    return None


def _spelled(opened: OpenThread, values: Mapping[str, str]) -> Mapping[str, str]:
    """Return what a line tells, with the name of the agent that it is about."""
    if "agent_id" not in values:
        return values
    return {**values, "agent": opened.agent_names.get(AgentId(UUID(values["agent_id"])), "")}


async def _leave_queue(turn: Turn) -> None:
    """Hold the queue that the customer stands in: whoever stands behind must not lose the one before them unnoticed."""
    current = turn.opened.conversation
    if current is not None and current.owner_kind == "queue" and current.queued_at and current.group_id:
        await lock_queue(turn.tx, group_id=current.group_id)


def _keep(turn: Turn, event: Event, decision: Decision) -> None:
    newest = turn.opened.newest
    turn.decisions.append(
        DecisionRecord(
            id=new_id(),
            thread_id=turn.opened.thread.id,
            conversation_id=None if newest is None else newest.id,
            event=event_to_json(event),
            decision=decision,
        )
    )


def _words(turn: Turn, effect: Say | Answer) -> Words:
    if isinstance(effect, Answer):
        text = with_guidance(effect.text, effect.guidance, most_bytes=turn.opened.around.most_text_bytes)
        return Words(author=Author(kind="system", why=effect.why), content=Text(text=text))
    around = turn.opened.around
    text = render(
        effect.template,
        agent=turn.opened.agent_names.get(effect.agent_id, ""),
        customer=around.customer_name,
        channel=around.channel_name,
        now=turn.tx.now,
        time_zone=around.time_zone,
    )
    return Words(author=Author(kind="agent", agent_id=effect.agent_id, why=effect.why), content=Text(text=text))


async def _name_of(turn: Turn, agent_id: AgentId) -> str:
    known = turn.opened.agent_names.get(agent_id)
    if known is not None:
        return known
    names = await agent_names(turn.tx, agent_ids=[agent_id])
    return names.get(agent_id, "")
