"""The API's commands on messages that did not arrive for sure: send again, leave."""

from uuid import UUID

from fastapi import APIRouter, status

from moorage.conversations.routes import TheConversations
from moorage.conversations.showing import said_view
from moorage.conversations.views import MessageView
from moorage.core.ids import MessageId
from moorage.infra.database import Tx
from moorage.reception.resending import agent_leaves_message, agent_resends
from moorage.staff.guard import SignedInActor

router = APIRouter(tags=["conversations"])


@router.post("/messages/{message_id}/resend", status_code=status.HTTP_202_ACCEPTED)
async def resend_message(message_id: UUID, actor: SignedInActor, door: TheConversations) -> MessageView:
    """Send a message again that failed, or of which nobody knows whether it arrived."""

    async def resend_it(tx: Tx) -> MessageView:
        opened, message = await agent_resends(
            tx, actor=actor, message_id=MessageId(message_id), connectors=door.connectors
        )
        return said_view(opened, message)

    return await door.database.run(actor.workspace_id, resend_it)


@router.post("/messages/{message_id}/leave")
async def leave_message(message_id: UUID, actor: SignedInActor, door: TheConversations) -> MessageView:
    """Leave a message as it is, of which nobody knows whether it arrived."""

    async def leave_it(tx: Tx) -> MessageView:
        opened, message = await agent_leaves_message(
            tx, actor=actor, message_id=MessageId(message_id), connectors=door.connectors
        )
        return said_view(opened, message)

    return await door.database.run(actor.workspace_id, leave_it)
