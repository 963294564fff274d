"""What higher rooms may react to."""

from dataclasses import dataclass

from moorage.core.ids import AgentId
from moorage.infra.database import DomainEvent


@dataclass(frozen=True, slots=True)
class AgentAvailable(DomainEvent):
    """An agent can be given one more conversation: they came online, connected, or a seat of theirs fell free.

    React `later`: the agent's row is locked in the publishing transaction, and threads come before it in the lock
    order.
    """

    agent_id: AgentId
