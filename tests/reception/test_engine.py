"""Promises of the reception engine, checked over any sequence of events."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from moorage.core.ids import AgentId, GroupId, new_id
from moorage.reception.engine import decide
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
    EndReason,
    EnterQueue,
    Event,
    EventSeen,
    FindAgent,
    Followed,
    GreetingMode,
    MenuUsed,
    Mode,
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
    effects_to_json,
    event_from_json,
    event_to_json,
)

GROUP = GroupId(new_id())
AGENTS = [AgentId(new_id()) for _ in range(3)]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_policy(*, greeting: GreetingMode = GreetingMode.ONCE_PER_CONVERSATION) -> Policy:
    return Policy(mode=Mode.AGENT_ONLY, greeting_mode=greeting, greeting="Hello", default_group_id=GROUP)


@dataclass
class Conversation:
    """What an applier of effects would keep in its tables."""

    owner: Owner | None = None
    agent_id: AgentId | None = None
    end_reason: EndReason | None = None
    messages: int = 0
    greetings: int = 0
    connections: int = 0
    asked_for: bool = False
    """An item of the menu opened it, not a message."""


@dataclass
class Applied:
    """All that happened to one customer's thread."""

    conversations: list[Conversation] = field(default_factory=list[Conversation])
    seats: dict[AgentId, int] = field(default_factory=lambda: dict.fromkeys(AGENTS, 0))

    @property
    def current(self) -> Conversation | None:
        newest = self.conversations[-1] if self.conversations else None
        return newest if newest is not None and newest.end_reason is None else None


agents = st.sampled_from(AGENTS)
free = st.one_of(st.none(), agents)


class AnySequence(RuleBasedStateMachine):
    """One thread, with every event in any order, and a small applier beside it."""

    @initialize(mode=st.sampled_from(GreetingMode))
    def start(self, mode: GreetingMode) -> None:
        self.policy = replace(a_policy(greeting=mode), voice_reply="Please type")
        self.state = State()
        self.applied = Applied()
        self.now = NOON

    @rule(
        found=free,
        content=st.sampled_from(["text", "image", "voice", "unsupported"]),
        away=st.booleans(),
        asks=st.booleans(),
    )
    def customer_writes(self, found: AgentId | None, content: str, away: bool, asks: bool) -> None:
        was_open = self.applied.current is not None
        had = self.state.agent_id
        unrecognized = content == "voice"
        event = CustomerWrote(content, agent_is_away=away, asks_for_agent=asks, unrecognized=unrecognized)
        decision = self.feed(event, found=found)
        conversation = self.applied.current
        if self.policy.mute and not was_open:
            assert (conversation, decision.effects) == (None, ())  # heard in the thread alone
            return
        assert conversation is not None
        conversation.messages += 1
        if not was_open:
            assert conversation.owner is (Owner.AGENT if found else Owner.QUEUE)
        assert self.state.waiting_since is not None
        if had is not None and away and not self.policy.mute:
            assert conversation.owner is (Owner.AGENT if found else Owner.QUEUE)
        elif had is not None:
            assert conversation.agent_id == had

    @rule(reply=st.sampled_from(["first", "returning", "scanned", "scene"]))
    def customer_follows_and_is_answered(self, reply: Literal["first", "returning", "scanned", "scene"]) -> None:
        before = self.applied.current
        decision = self.feed(Followed(reply=reply))
        answered = [] if self.policy.mute else [SayPrepared]
        assert [type(effect) for effect in decision.effects] == [Note, *answered]
        assert self.applied.current is before
        assert self.state.reachable

    @rule(event=st.one_of(st.just(Followed()), st.builds(EventSeen, st.text(max_size=5))))
    def something_is_noted(self, event: Event) -> None:
        before = self.applied.current
        decision = self.feed(event)
        assert [type(effect) for effect in decision.effects] == [Note]
        assert self.applied.current is before

    @rule(does=st.sampled_from(["nothing", "message"]), use=st.sampled_from(["tap", "link", "scan"]))
    def customer_uses_the_menu(self, does: Literal["nothing", "message"], use: str) -> None:
        before = self.applied.current
        decision = self.feed(MenuUsed("Hours", use, does, text="9 to 5"))
        answered = does == "message" and not self.policy.mute
        assert [type(effect) for effect in decision.effects] == ([Note, Answer] if answered else [Note])
        assert self.applied.current is before

    @rule(found=free, group_id=st.sampled_from([GROUP, None]))
    def customer_asks_for_a_person_by_the_menu(self, found: AgentId | None, group_id: GroupId | None) -> None:
        before = self.applied.current
        self.feed(MenuUsed("Agent", "tap", "agent", group_id=group_id), found=found)
        after = self.applied.current
        if before is not None or self.policy.mute:
            assert after is before  # nobody who waits or is served loses the place
            return
        assert after is not None
        assert after.owner is (Owner.AGENT if found else Owner.QUEUE)
        after.asked_for = True

    @rule()
    def customer_leaves(self) -> None:
        before = self.applied.current
        self.feed(Unfollowed())
        if before is not None:
            kept = before.owner is Owner.AGENT
            assert before.end_reason is (None if kept else EndReason.UNFOLLOWED)

    @rule(agent_id=agents)
    def seat_becomes_free(self, agent_id: AgentId) -> None:
        self.applied.seats[agent_id] += 1
        self.feed(AgentFound(agent_id))

    @rule()
    def search_fails(self) -> None:
        assert self.feed(NobodyFree()).effects == ()

    @rule(agent_id=agents)
    def agent_replies(self, agent_id: AgentId) -> None:
        conversation = self.applied.current
        decision = self.feed(AgentReplied(agent_id))
        if conversation is None:
            assert decision.effects == (Refuse(Refusal.CLOSED),)
        elif conversation.agent_id != agent_id:
            assert decision.effects == (Refuse(Refusal.NOT_YOURS),)
        else:
            assert decision.effects == ()
            assert self.state.waiting_since is None

    @rule(agent_id=agents)
    def agent_asks(self, agent_id: AgentId) -> None:
        conversation, before = self.applied.current, self.state
        prompt_id = new_id()
        decision = self.feed(AgentReplied(agent_id, prompt_id=prompt_id))
        if conversation is None or conversation.agent_id != agent_id:
            assert [type(effect) for effect in decision.effects] == [Refuse]
            assert self.state == before
        else:
            assert decision.effects == (StartPrompt(prompt_id),)
            assert (self.state.prompt_id, self.state.waiting_since) == (prompt_id, None)

    @rule(found=free, away=st.booleans(), older=st.booleans())
    def customer_answers(self, found: AgentId | None, away: bool, older: bool) -> None:
        before, was_open = self.state, self.applied.current is not None
        prompt_id = before.prompt_id if before.prompt_id is not None and not older else new_id()
        decision = self.feed(PromptAnswered(prompt_id, "c1", "text", agent_is_away=away), found=found)
        settled = [effect for effect in decision.effects if isinstance(effect, SettlePrompt)]
        if prompt_id == before.prompt_id:
            assert settled == [SettlePrompt(prompt_id, "c1")]
            assert (decision.rule, self.state.prompt_id) == ("prompt.answered", None)
        else:  # heard like any other message
            assert settled == []
            assert self.state.prompt_id == before.prompt_id
        if self.policy.mute and not was_open:
            return
        assert self.applied.current is not None
        self.applied.current.messages += 1
        assert self.state.waiting_since is not None

    @rule(reply=st.sampled_from(["first", "returning", "scanned", "scene"]))
    def follower_is_asked(self, reply: Literal["first", "returning", "scanned", "scene"]) -> None:
        before, waits, prompt_id = self.applied.current, self.state.prompt_id, new_id()
        decision = self.feed(Followed(reply=reply, prompt_id=prompt_id))
        asks = StartPrompt(prompt_id) in decision.effects
        assert asks is not self.policy.mute
        assert self.state.prompt_id == (prompt_id if asks else waits)
        assert self.applied.current is before  # it opens no conversation

    @rule(agent_id=agents, had_last=st.booleans(), event=st.sampled_from([AgentWritesAfter, AgentResends]))
    def agent_writes_after_the_end(
        self, agent_id: AgentId, had_last: bool, event: type[AgentWritesAfter | AgentResends]
    ) -> None:
        conversation, before = self.applied.current, self.state
        decision = self.feed(event(agent_id, had_last=had_last))
        if conversation is not None and event is AgentWritesAfter:
            assert decision.effects == (Refuse(Refusal.NEWER_CONVERSATION),)
        elif conversation is not None:
            own = conversation.agent_id == agent_id
            assert decision.effects == (() if own else (Refuse(Refusal.NOT_YOURS),))
        elif had_last:
            assert decision.effects == (Designate(agent_id, self.now + timedelta(hours=24)),)
        else:
            assert decision.effects == (Refuse(Refusal.CLOSED),)
        assert self.state == before  # nobody answered anything by it

    @rule(agent_id=agents)
    def agent_takes(self, agent_id: AgentId) -> None:
        seats = dict(self.applied.seats)
        self.applied.seats[agent_id] += 1
        decision = self.feed(AgentTook(agent_id))
        if decision.effects == (Refuse(Refusal.CLOSED),):
            self.applied.seats = seats  # the applier rolls back
            assert self.applied.current is None
        else:
            assert self.state.agent_id == agent_id

    @rule(agent_id=agents)
    def somebody_ends(self, agent_id: AgentId) -> None:
        conversation = self.applied.current
        owner = conversation.agent_id if conversation else None
        decision = self.feed(AgentEnded(agent_id))
        if conversation is None:
            assert decision.effects == (Refuse(Refusal.CLOSED),)
            return
        own = owner == agent_id
        assert conversation.end_reason is (EndReason.AGENT_ENDED if own else EndReason.SUPERVISOR_ENDED)

    @rule(agent_id=agents, found=free)
    def agent_is_lost(self, agent_id: AgentId, found: AgentId | None) -> None:
        before = self.applied.current
        had = before.agent_id if before else None
        waiting_since = self.state.waiting_since
        self.feed(AgentLeft(agent_id), found=found)
        assert self.applied.current is before  # nobody's conversation ends by it
        assert self.state.waiting_since == waiting_since
        if before is not None and had is not None and had != agent_id:
            assert before.agent_id == had

    @rule(how=st.sampled_from(["deauthorized", "undocked"]))
    def channel_falls_silent(self, how: Literal["deauthorized", "undocked"]) -> None:
        before = self.applied.current
        self.policy = replace(self.policy, mute=True)
        self.feed(ChannelMuted(how))
        if before is not None:
            kept = before.owner is Owner.AGENT and how == "deauthorized"
            assert before.end_reason is (None if kept else EndReason(f"channel_{how}"))

    @rule()
    def channel_comes_back(self) -> None:
        before = self.applied.current
        self.policy = replace(self.policy, mute=False)
        self.feed(ChannelRestored())
        assert self.applied.current is before
        assert not self.state.mute

    def feed(self, event: Event, *, found: AgentId | None = None) -> Decision:
        self.now += timedelta(seconds=1)
        decision = decide(self.state, event, self.policy, self.now)
        assert decision.rule
        assert decision.reason.endswith(".")
        assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event
        assert len(json.loads(json.dumps(effects_to_json(decision.effects)))) == len(decision.effects)
        assert sum(isinstance(effect, Say) for effect in decision.effects) <= 1
        if any(isinstance(effect, Refuse) for effect in decision.effects):
            assert len(decision.effects) == 1
            assert decision.state == self.state
            return decision
        self.state = decision.state
        for effect in decision.effects:
            self.apply(effect)
        if any(isinstance(effect, FindAgent) for effect in decision.effects):
            if found is None:
                self.feed(NobodyFree())
            else:
                self.applied.seats[found] += 1
                self.feed(AgentFound(found))
        return decision

    def apply(self, effect: object) -> None:
        if isinstance(effect, OpenConversation):
            assert self.applied.current is None
            self.applied.conversations.append(Conversation())
        if isinstance(effect, ReleaseSeat):
            self.applied.seats[effect.agent_id] -= 1
        conversation = self.applied.current
        if isinstance(effect, Assign | EnterQueue | Close | Say):
            assert conversation is not None
            self.apply_to(conversation, effect)

    def apply_to(self, conversation: Conversation, effect: Assign | EnterQueue | Close | Say) -> None:
        match effect:
            case Assign():
                conversation.owner, conversation.agent_id = Owner.AGENT, effect.agent_id
                conversation.connections += 1
            case EnterQueue():
                assert conversation.owner is not Owner.QUEUE  # nobody who waits ever loses the place
                assert (effect.why == "agent_left") == (conversation.owner is Owner.AGENT)
                conversation.owner, conversation.agent_id = Owner.QUEUE, None
            case Close():
                conversation.end_reason = effect.reason
            case Say():
                assert conversation.agent_id == effect.agent_id
                conversation.greetings += 1

    @invariant()
    def open_conversations_have_an_owner_and_a_way_out(self) -> None:
        conversation = self.applied.current
        assert (conversation is not None) == self.state.is_open
        assert not self.state.searching
        assert not self.state.unrecognized
        if conversation is None:
            assert self.state.agent_id is None
            return
        assert conversation.owner == self.state.owner
        assert conversation.agent_id == self.state.agent_id
        end = decide(self.state, AgentEnded(AGENTS[0]), self.policy, self.now)
        assert not end.state.is_open

    @invariant()
    def seats_are_held_only_by_owners(self) -> None:
        conversation = self.applied.current
        owner = conversation.agent_id if conversation else None
        assert self.applied.seats == {agent_id: int(agent_id == owner) for agent_id in AGENTS}

    @invariant()
    def customers_are_greeted_no_more_than_the_mode_says(self) -> None:
        greetings = [conversation.greetings for conversation in self.applied.conversations]
        match self.policy.greeting_mode:
            case GreetingMode.OFF:
                assert sum(greetings) == 0
            case GreetingMode.EVERY_CONNECTION:
                assert all(each.greetings <= each.connections for each in self.applied.conversations)
            case GreetingMode.ONCE_PER_CONVERSATION:
                assert max(greetings, default=0) <= 1
            case GreetingMode.FIRST_EVER:
                assert sum(greetings) <= 1

    @invariant()
    def nobody_waits_for_a_channel_that_cannot_send(self) -> None:
        assert self.state.owner is not Owner.QUEUE or not self.policy.mute

    @invariant()
    def every_conversation_keeps_the_message_that_opened_it(self) -> None:
        assert all(conversation.messages >= 1 or conversation.asked_for for conversation in self.applied.conversations)

    @invariant()
    def the_state_survives_json(self) -> None:
        assert State.from_json(json.loads(json.dumps(self.state.to_json()))) == self.state


TestAnySequence = AnySequence.TestCase


def an_agents_state(**changes: object) -> State:
    return replace(
        State(owner=Owner.AGENT, agent_id=AGENTS[0], group_id=GROUP, greeted=True, ever_greeted=True), **changes
    )  # type: ignore[arg-type] -- field names of State


def test_first_message_opens_a_conversation_and_looks_for_an_agent() -> None:
    decision = decide(State(), CustomerWrote("text"), a_policy(), NOON)
    assert decision.effects == (OpenConversation(GROUP), FindAgent(GROUP))
    assert decision.state.waiting_since == NOON


def test_answer_to_a_follow_reply_opens_a_conversation_before_it_is_settled() -> None:
    asked = decide(State(), Followed("first", prompt_id=(prompt_id := new_id())), a_policy(), NOON)
    assert asked.effects == (Note("followed"), StartPrompt(prompt_id), SayPrepared("follow_reply"))
    answered = decide(asked.state, PromptAnswered(prompt_id, "c1", "text"), a_policy(), NOON)
    assert answered.effects == (OpenConversation(GROUP), SettlePrompt(prompt_id, "c1"), FindAgent(GROUP))


def test_found_agent_gets_the_conversation_and_greets() -> None:
    searching = decide(State(), CustomerWrote("text"), a_policy(), NOON).state
    decision = decide(searching, AgentFound(AGENTS[0]), a_policy(), NOON)
    assert decision.effects == (Assign(AGENTS[0], "routed"), Say("Hello", "greeting", AGENTS[0]))


def test_second_agent_greets_again_only_at_every_connection() -> None:
    for mode, greetings in ((GreetingMode.ONCE_PER_CONVERSATION, 0), (GreetingMode.EVERY_CONNECTION, 1)):
        decision = decide(an_agents_state(), AgentTook(AGENTS[1]), a_policy(greeting=mode), NOON)
        assert decision.effects[:2] == (Assign(AGENTS[1], "taken"), ReleaseSeat(AGENTS[0]))
        assert sum(isinstance(effect, Say) for effect in decision.effects) == greetings


def test_next_conversation_greets_again_unless_first_ever() -> None:
    ended = decide(an_agents_state(), AgentEnded(AGENTS[0]), a_policy(), NOON).state
    for mode, greetings in ((GreetingMode.ONCE_PER_CONVERSATION, 1), (GreetingMode.FIRST_EVER, 0)):
        policy = a_policy(greeting=mode)
        searching = decide(ended, CustomerWrote("text"), policy, NOON).state
        decision = decide(searching, AgentFound(AGENTS[1]), policy, NOON)
        assert sum(isinstance(effect, Say) for effect in decision.effects) == greetings


def test_customer_who_left_is_not_greeted() -> None:
    state = an_agents_state(reachable=False, greeted=False, ever_greeted=False)
    decision = decide(state, AgentTook(AGENTS[1]), a_policy(greeting=GreetingMode.EVERY_CONNECTION), NOON)
    assert decision.effects == (Assign(AGENTS[1], "taken"), ReleaseSeat(AGENTS[0]))


def test_message_of_an_open_conversation_changes_no_owner() -> None:
    decision = decide(an_agents_state(), CustomerWrote("voice"), a_policy(), NOON)
    assert decision.effects == ()
    assert decision.state.owner is Owner.AGENT


A_VOICE = CustomerWrote("voice", unrecognized=True)
TOLD = Answer("Please type", "voice_unrecognized")


def test_voice_without_its_text_is_answered_while_no_person_has_it() -> None:
    policy = replace(a_policy(), voice_reply="Please type")
    opens = decide(State(), A_VOICE, policy, NOON)
    assert TOLD not in opens.effects
    waits = decide(opens.state, NobodyFree(), policy, NOON)
    assert waits.effects == (EnterQueue(GROUP, "nobody_free"), TOLD)
    again = decide(waits.state, A_VOICE, policy, NOON)
    assert again.effects == (TOLD,)
    assert decide(waits.state, A_VOICE, a_policy(), NOON).effects == ()
    assert decide(waits.state, CustomerWrote("voice"), policy, NOON).effects == ()
    assert decide(waits.state, A_VOICE, replace(policy, mute=True), NOON).effects == ()


def test_voice_of_whoever_is_with_a_person_gets_no_answer_of_ours() -> None:
    policy = replace(a_policy(greeting=GreetingMode.OFF), voice_reply="Please type")
    assert decide(an_agents_state(), A_VOICE, policy, NOON).effects == ()
    found = decide(decide(State(), A_VOICE, policy, NOON).state, AgentFound(AGENTS[0]), policy, NOON)
    assert found.effects == (Assign(AGENTS[0], "routed"),)
    away = decide(an_agents_state(), replace(A_VOICE, agent_is_away=True), policy, NOON)
    assert TOLD in decide(away.state, NobodyFree(), policy, NOON).effects


def test_customer_of_an_agent_who_is_away_goes_to_the_head_of_the_queue() -> None:
    wrote = decide(an_agents_state(), CustomerWrote("text", agent_is_away=True), a_policy(), NOON)
    note = Note("agent_left", {"agent_id": str(AGENTS[0])})
    assert wrote.effects == (note, FindAgent(GROUP, first=True), ReleaseSeat(AGENTS[0]))
    nobody = decide(wrote.state, NobodyFree(), a_policy(), NOON)
    assert nobody.effects == (EnterQueue(GROUP, "agent_left"),)
    assert nobody.state.waiting_since == NOON


def test_only_the_agent_who_has_a_conversation_can_leave_it() -> None:
    state = an_agents_state()
    assert decide(state, AgentLeft(AGENTS[1]), a_policy(), NOON).effects == ()
    assert decide(state, AgentLeft(AGENTS[0]), a_policy(), NOON).state.agent_id is None


def test_customer_who_cannot_be_answered_stays_with_the_agent_who_left() -> None:
    for state, policy in (
        (an_agents_state(reachable=False), a_policy()),
        (an_agents_state(), replace(a_policy(), mute=True)),
    ):
        assert decide(state, AgentLeft(AGENTS[0]), policy, NOON).effects == ()


def test_customer_waits_since_the_first_unanswered_message() -> None:
    first = decide(an_agents_state(), CustomerWrote("text"), a_policy(), NOON).state
    second = decide(first, CustomerWrote("text"), a_policy(), NOON + timedelta(minutes=1)).state
    assert second.waiting_since == NOON


@given(agent_id=agents)
def test_seat_offered_in_vain_is_given_back(agent_id: AgentId) -> None:
    for state in (State(), an_agents_state()):
        assert decide(state, AgentFound(agent_id), a_policy(), NOON).effects == (ReleaseSeat(agent_id),)


def test_following_opens_no_conversation() -> None:
    decision = decide(State(), Followed(), a_policy(), NOON)
    assert decision.effects == (Note("followed"),)
    assert not decision.state.is_open


@pytest.mark.parametrize("owner", [Owner.QUEUE, Owner.BOT])
def test_leaving_ends_what_no_agent_holds(owner: Owner) -> None:
    decision = decide(State(owner=owner, group_id=GROUP), Unfollowed(), a_policy(), NOON)
    assert decision.effects == (Note("unfollowed"), Close(EndReason.UNFOLLOWED))


def test_leaving_keeps_what_an_agent_holds() -> None:
    decision = decide(an_agents_state(), Unfollowed(), a_policy(), NOON)
    assert decision.effects == (Note("unfollowed"),)
    assert decision.state.agent_id == AGENTS[0]


def test_state_of_an_older_release_is_still_read() -> None:
    assert State.from_json({"version": 1, "owner": "queue"}) == State(owner=Owner.QUEUE)


def test_agent_is_told_once_that_the_channel_fell_silent_and_once_that_it_is_back() -> None:
    mute = replace(a_policy(), mute=True)
    told = decide(an_agents_state(), ChannelMuted("deauthorized"), mute, NOON)
    assert told.effects == (Note("channel_muted", {"how": "deauthorized"}),)
    assert decide(told.state, ChannelMuted("deauthorized"), mute, NOON).effects == ()
    back = decide(told.state, ChannelRestored(), a_policy(), NOON)
    assert back.effects == (Note("channel_restored"),)
    assert decide(back.state, ChannelRestored(), a_policy(), NOON).effects == ()


def test_undocking_ends_also_what_an_agent_holds_and_frees_the_seat() -> None:
    decision = decide(an_agents_state(), ChannelMuted("undocked"), a_policy(), NOON)
    assert decision.effects[1:] == (Close(EndReason.CHANNEL_UNDOCKED), ReleaseSeat(AGENTS[0]))
    assert not decision.state.is_open


def test_nobody_is_greeted_by_a_channel_that_cannot_send() -> None:
    state = an_agents_state(greeted=False, ever_greeted=False)
    policy = replace(a_policy(greeting=GreetingMode.EVERY_CONNECTION), mute=True)
    decision = decide(state, AgentTook(AGENTS[1]), policy, NOON)
    assert decision.effects == (Assign(AGENTS[1], "taken"), ReleaseSeat(AGENTS[0]))


@pytest.mark.parametrize(
    ("owner", "rule", "finds"),
    [
        (Owner.NOBODY, "message.asks_agent", True),
        (Owner.BOT, "message.transfers", True),
        (Owner.QUEUE, "message.asked_again", False),
        (Owner.AGENT, "message.kept", False),
    ],
)
def test_asking_for_a_person_finds_one_once_and_never_costs_the_place(owner: Owner, rule: str, finds: bool) -> None:
    state = State(owner=owner, group_id=GROUP, agent_id=AGENTS[0] if owner is Owner.AGENT else None)
    decision = decide(state, CustomerWrote("text", asks_for_agent=True), a_policy(), NOON)
    assert decision.rule == rule
    assert (FindAgent(GROUP) in decision.effects) is finds
    assert (Note("asked_for_agent") in decision.effects) is finds
    if not finds:
        assert (decision.state.owner, decision.state.agent_id) == (state.owner, state.agent_id)
