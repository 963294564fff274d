"""Which agent gets the next conversation."""

from collections.abc import Sequence
from datetime import UTC, datetime

from moorage.core.ids import AgentId, GroupId
from moorage.infra.database import Tx
from moorage.staff.seats import Candidate, eligible_agents, take_seat

NEVER = datetime.min.replace(tzinfo=UTC)


def choose(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates in the order in which to ask them: least busy first, then who has been idle longest.

    Who never had a conversation has been idle longest of all. Those at their cap are left out.
    """
    return sorted((candidate for candidate in candidates if candidate.open < candidate.most), key=_turn)


async def seat_for(tx: Tx, *, group_id: GroupId) -> AgentId | None:
    """Take a seat of the best agent of the group and return whose it is, or None where nobody is free.

    Candidates are read without locks; taking the seat checks again, and who lost the race asks the next one.
    """
    for candidate in choose(await eligible_agents(tx, group_id=group_id)):
        if await take_seat(tx, agent_id=candidate.agent_id):
            return candidate.agent_id
    return None


def _turn(candidate: Candidate) -> tuple[int, datetime, datetime]:
    return candidate.open, candidate.idle_since or NEVER, candidate.last_assigned_at or NEVER
