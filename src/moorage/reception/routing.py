"""Which agent gets the next conversation."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from moorage.conversations.model import Conversation, Thread
from moorage.core.ids import AgentId, GroupId
from moorage.infra.database import Tx
from moorage.staff.seats import Candidate, eligible_agents, take_seat, take_untouched_seat

NEVER = datetime.min.replace(tzinfo=UTC)


def choose(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates in the order in which to ask them: least busy first, then who has been idle longest.

    Who never had a conversation has been idle longest of all. Those at their cap are left out.
    """
    return sorted((candidate for candidate in candidates if candidate.open < candidate.most), key=_turn)


def preferred_agents(
    thread: Thread, newest: Conversation | None, *, last_served_for: timedelta, now: datetime
) -> tuple[AgentId, ...]:
    """Return who should have the customer's next conversation, most wanted first.

    That is the agent who wrote to them after the last one, then the agent who served them last. `newest` is what
    the thread had before the conversation that is to be given to somebody.
    """
    found: list[AgentId] = []
    if thread.designated_agent_id is not None and thread.designated_until is not None and now < thread.designated_until:
        found.append(thread.designated_agent_id)
    if newest is not None and newest.closed_at is not None and now < newest.closed_at + last_served_for:
        found += [] if newest.owner_agent_id is None else [newest.owner_agent_id]
    return tuple(dict.fromkeys(found))


async def seat_for(tx: Tx, *, group_id: GroupId, preferred: Sequence[AgentId] = ()) -> AgentId | None:
    """Take a seat of the best agent of the group and return whose it is, or None where nobody is free.

    `preferred` agents come before the others if they are eligible. Candidates are read without locks; taking the seat
    checks again, and who lost the race asks the next one.
    """
    for candidate in await _candidates(tx, group_id=group_id, preferred=preferred):
        if await take_seat(tx, agent_id=candidate.agent_id):
            return candidate.agent_id
    return None


async def untouched_seat_for(tx: Tx, *, group_id: GroupId, preferred: Sequence[AgentId] = ()) -> AgentId | None:
    """Take a seat of a preferred agent, or of the best one to whom nobody else is giving a conversation just now.

    It waits for preferred agents only. So many customers who come at once each ask another agent, not all the same.
    """
    for candidate in await _candidates(tx, group_id=group_id, preferred=preferred):
        if candidate.agent_id in preferred:
            taken = await take_seat(tx, agent_id=candidate.agent_id)
        else:
            taken = await take_untouched_seat(tx, candidate=candidate)
        if taken:
            return candidate.agent_id
    return None


async def _candidates(tx: Tx, *, group_id: GroupId, preferred: Sequence[AgentId]) -> list[Candidate]:
    places = {agent_id: place for place, agent_id in enumerate(preferred)}
    candidates = choose(await eligible_agents(tx, group_id=group_id))
    return sorted(candidates, key=lambda each: places.get(each.agent_id, len(places)))


def _turn(candidate: Candidate) -> tuple[int, datetime, datetime]:
    return candidate.open, candidate.idle_since or NEVER, candidate.last_assigned_at or NEVER
