"""The API of customers: who they are, what staff calls them."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from moorage.conversations.media_routes import BYTES, TheMedia
from moorage.conversations.people.queries import describe_customer
from moorage.conversations.people.remarks import change_remark
from moorage.conversations.people.views import CustomerView
from moorage.conversations.routes import TheConversations
from moorage.core.errors import Missing
from moorage.core.ids import CustomerId
from moorage.customers.records import read_customer
from moorage.infra.blobs import find_blob
from moorage.infra.database import Tx
from moorage.staff.guard import SignedInActor

router = APIRouter(prefix="/customers", tags=["customers"])

PICTURE_HEADERS: Final = {
    "Cache-Control": "private, max-age=86400, immutable",
    "Content-Disposition": 'inline; filename="avatar"',
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}
"""A picture from outside is shown as a picture, and is nothing else to a browser."""


class RemarkChange(BaseModel):
    """What staff calls the customer from now on; null: their own name counts again."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str | None, Field(max_length=200)]


@router.get("/{customer_id}")
async def read_one_customer(customer_id: UUID, actor: SignedInActor, door: TheConversations) -> CustomerView:
    """Show one customer to who may read their history."""
    async with door.database.in_workspace(actor.workspace_id) as tx:
        return await describe_customer(tx, actor=actor, customer_id=CustomerId(customer_id), connectors=door.connectors)


@router.put("/{customer_id}/remark")
async def change_customer_remark(
    customer_id: UUID, asked: RemarkChange, actor: SignedInActor, door: TheConversations
) -> CustomerView:
    """Call a customer by a name of our own, here at once and at the provider soon."""

    async def change(tx: Tx) -> CustomerView:
        await change_remark(
            tx,
            actor=actor,
            customer_id=CustomerId(customer_id),
            remark=asked.name,
            connectors=door.connectors,
        )
        return await describe_customer(tx, actor=actor, customer_id=CustomerId(customer_id), connectors=door.connectors)

    return await door.database.run(actor.workspace_id, change)


@router.get(
    "/{customer_id}/avatar",
    response_class=Response,
    responses={200: {"content": BYTES, "description": "The customer's picture"}},
)
async def read_customer_avatar(
    customer_id: UUID, actor: SignedInActor, door: TheConversations, media: TheMedia
) -> Response:
    """Return the customer's picture, where they have let us know it."""
    async with door.database.in_workspace(actor.workspace_id) as tx:
        await describe_customer(tx, actor=actor, customer_id=CustomerId(customer_id), connectors=door.connectors)
        customer = await read_customer(tx, customer_id=CustomerId(customer_id))
        if customer.avatar_blob_id is None:
            raise Missing(what="avatar")
        blob = await find_blob(tx, blob_id=customer.avatar_blob_id)
    return Response(await media.blobs.read(blob), media_type=blob.media_type, headers=PICTURE_HEADERS)
