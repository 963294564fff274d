"""Who may do what."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.core.ids import AgentId, GroupId, PersonId, WorkspaceId, new_id
from moorage.staff.model import Actor, Role
from moorage.staff.rights import Act, Forbidden, audience_tokens, may, require, rights_of

ME, SOMEBODY = AgentId(new_id()), AgentId(new_id())
MY_GROUP, OTHER_GROUP = GroupId(new_id()), GroupId(new_id())
WORKSPACE, PERSON = WorkspaceId(new_id()), PersonId(new_id())
ROLES: tuple[Role, ...] = ("owner", "admin", "supervisor", "agent")


@dataclass(frozen=True)
class Talk:
    owner_kind: str
    owner_agent_id: AgentId | None = None
    group_id: GroupId | None = None


MINE = Talk("agent", ME, MY_GROUP)
THEIRS = Talk("agent", SOMEBODY, MY_GROUP)
QUEUED_HERE = Talk("queue", None, MY_GROUP)
QUEUED_ELSEWHERE = Talk("queue", None, OTHER_GROUP)
QUEUED_ANYWHERE = Talk("queue", None, None)
WITH_THE_BOT = Talk("bot", None, MY_GROUP)
ALL_TALKS = (MINE, THEIRS, QUEUED_HERE, QUEUED_ELSEWHERE, QUEUED_ANYWHERE, WITH_THE_BOT, Talk("nobody"))


def a_person(role: Role) -> Actor:
    return Actor(
        person_id=PERSON, agent_id=ME, workspace_id=WORKSPACE, role=role, group_ids=frozenset({MY_GROUP}), name="Anna"
    )


@pytest.mark.parametrize(
    ("talk", "readable"),
    [
        (MINE, True),
        (THEIRS, False),
        (QUEUED_HERE, True),
        (QUEUED_ANYWHERE, True),
        (QUEUED_ELSEWHERE, False),
        (WITH_THE_BOT, False),
        (Talk("nobody"), False),
    ],
)
def test_agents_read_and_take_their_own_conversations_and_the_queue_of_their_groups(talk: Talk, readable: bool) -> None:
    assert may(a_person("agent"), Act.CONVERSATION_READ, talk) is readable
    assert may(a_person("agent"), Act.CONVERSATION_TAKE, talk) is readable


@pytest.mark.parametrize("role", ["owner", "admin", "supervisor"])
def test_supervisors_read_take_and_end_every_conversation(role: Role) -> None:
    for talk in ALL_TALKS:
        for act in (Act.CONVERSATION_READ, Act.CONVERSATION_TAKE, Act.CONVERSATION_END):
            assert may(a_person(role), act, talk)


@given(st.sampled_from(ROLES), st.sampled_from(ALL_TALKS))
def test_only_the_owner_of_a_conversation_writes_in_it(role: Role, talk: Talk) -> None:
    assert may(a_person(role), Act.CONVERSATION_WRITE, talk) is (talk is MINE)


@given(st.sampled_from(ALL_TALKS))
def test_an_agent_ends_only_their_own_conversation(talk: Talk) -> None:
    assert may(a_person("agent"), Act.CONVERSATION_END, talk) is (talk is MINE)


@given(st.sampled_from(ROLES), st.sampled_from(list(Act)), st.sampled_from(ALL_TALKS))
def test_who_may_never_do_an_act_may_not_do_it_to_any_conversation(role: Role, act: Act, talk: Talk) -> None:
    actor = a_person(role)
    assert may(actor, act) or not may(actor, act, talk)


@given(st.sampled_from(list(Act)), st.sampled_from([None, *ALL_TALKS]))
def test_a_higher_role_never_loses_a_right(act: Act, talk: Talk | None) -> None:
    rising = [may(a_person(role), act, talk) for role in reversed(ROLES)]
    assert rising == sorted(rising)


def test_only_owner_and_admin_manage_channels_staff_and_see_the_audit_log() -> None:
    for act in (Act.CHANNELS_MANAGE, Act.STAFF_MANAGE, Act.AUDIT_READ):
        assert [may(a_person(role), act) for role in ROLES] == [True, True, False, False]
        with pytest.raises(Forbidden):
            require(a_person("agent"), act)
        require(a_person("owner"), act)


def test_everybody_reads_channels_and_the_console_is_told_what_to_offer() -> None:
    assert rights_of(a_person("agent")) == [
        "channels.read",
        "conversation.read",
        "conversation.write",
        "conversation.write_after",
        "conversation.take",
        "conversation.end",
    ]
    assert rights_of(a_person("owner")) == [act.value for act in Act]


def test_audience_tokens_name_the_person_their_groups_and_their_sight() -> None:
    assert audience_tokens(a_person("agent")) == {"all", f"agent:{ME}", f"group:{MY_GROUP}"}
    assert audience_tokens(a_person("supervisor")) - audience_tokens(a_person("agent")) == {"role:supervisor"}
