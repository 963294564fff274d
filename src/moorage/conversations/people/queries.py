"""Reading a customer as agents see them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from moorage.channels.queries import read_channel
from moorage.connectors.registry import Connectors
from moorage.conversations.people.profiles import profiles_reason
from moorage.conversations.people.views import (
    CompanyIdentityView,
    CustomerChannelView,
    CustomerView,
    LinkedConversationView,
    LinkedCustomerView,
    RemarkView,
)
from moorage.conversations.queries import may_read_thread
from moorage.core.errors import Missing
from moorage.core.ids import ConversationId, CustomerId, ThreadId
from moorage.customers.model import CustomerRecord, avatar_address
from moorage.customers.records import read_customer
from moorage.infra.database import Tx
from moorage.staff.model import Actor

MOST_LINKED = 20


async def describe_customer(tx: Tx, *, actor: Actor, customer_id: CustomerId, connectors: Connectors) -> CustomerView:
    """Return a customer. Raises Missing also where the actor may not know of them."""
    thread = await tx.row(
        _ThreadRow,
        "SELECT id FROM threads WHERE workspace_id = %s AND customer_id = %s ORDER BY created_at LIMIT 1",
        [tx.workspace_id, customer_id],
    )
    if thread is None or not await may_read_thread(tx, actor=actor, thread_id=thread.id):
        raise Missing(what="customer")
    customer = await read_customer(tx, customer_id=customer_id)
    channel = await read_channel(tx, channel_id=customer.channel_id)
    return CustomerView(
        id=customer.id,
        channel=CustomerChannelView(id=channel.id, name=channel.name, kind=channel.kind),
        name=customer.shown_name,
        known_name=customer.name,
        own_name=customer.own_name,
        avatar_url=avatar_address(customer_id=customer.id, blob_id=customer.avatar_blob_id),
        remark=RemarkView(
            name=customer.remark_name,
            state=customer.remark_state,
            reason=customer.remark_reason,
            most_characters=connectors[channel.kind].manifest.most_remark_characters,
        ),
        language=customer.profile.language,
        followed_at=customer.profile.followed_at,
        came_by=customer.profile.came_by,
        scene=customer.profile.scene,
        tags=list(customer.profile.tags),
        profile_read_at=customer.profile_read_at,
        profile_reason=await profiles_reason(tx, channel_id=channel.id),
        company=_company(customer),
        linked=await _linked(tx, actor=actor, customer=customer),
        erased_at=customer.erased_at,
        version=customer.version,
    )


def _company(customer: CustomerRecord) -> CompanyIdentityView | None:
    if customer.company_user_id is None or customer.company_bound_at is None:
        return None
    return CompanyIdentityView(
        user_id=customer.company_user_id,
        attributes=customer.company_attributes,
        bound_at=customer.company_bound_at,
    )


async def _linked(tx: Tx, *, actor: Actor, customer: CustomerRecord) -> list[LinkedCustomerView]:
    if customer.union_id is None:
        return []
    rows = await tx.rows(
        _LinkedRow,
        """
        SELECT u.id, coalesce(u.remark_name, u.name) AS name, h.id AS channel_id, h.name AS channel_name,
               h.kind AS channel_kind, t.id AS thread_id, c.id AS conversation_id, c.last_message_at
        FROM customer_identities i
        JOIN customers u ON u.workspace_id = i.workspace_id AND u.id = i.customer_id
        JOIN channels h ON h.workspace_id = i.workspace_id AND h.id = i.channel_id
        LEFT JOIN threads t ON t.workspace_id = i.workspace_id AND t.channel_id = i.channel_id
          AND t.external_customer_id = i.external_customer_id
        LEFT JOIN LATERAL (
          SELECT id, last_message_at FROM conversations o
          WHERE o.workspace_id = t.workspace_id AND o.thread_id = t.id ORDER BY opened_at DESC, id DESC LIMIT 1
        ) c ON true
        WHERE i.workspace_id = %s AND i.union_id = %s AND i.customer_id <> %s
        ORDER BY c.last_message_at DESC NULLS LAST, u.id LIMIT %s
        """,
        [tx.workspace_id, customer.union_id, customer.id, MOST_LINKED],
    )
    return [
        row.view(readable=row.thread_id is not None and await may_read_thread(tx, actor=actor, thread_id=row.thread_id))
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class _ThreadRow:
    id: ThreadId


@dataclass(frozen=True, slots=True)
class _LinkedRow:
    id: UUID
    name: str
    channel_id: UUID
    channel_name: str
    channel_kind: str
    thread_id: ThreadId | None
    conversation_id: ConversationId | None
    last_message_at: datetime | None

    def view(self, *, readable: bool) -> LinkedCustomerView:
        last = None
        if readable and self.conversation_id is not None and self.last_message_at is not None:
            last = LinkedConversationView(id=self.conversation_id, last_message_at=self.last_message_at)
        return LinkedCustomerView(
            id=self.id,
            name=self.name,
            channel=CustomerChannelView(id=self.channel_id, name=self.channel_name, kind=self.channel_kind),
            last_conversation=last,
        )
