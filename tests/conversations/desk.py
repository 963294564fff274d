"""A company with a docked account, people who answer, and customers who write: for conversations and reception."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Literal, cast

from moorage.channels.addresses import find_address
from moorage.channels.model import Address, Channel
from moorage.connectors.content import Text
from moorage.connectors.contract import Inbound, RawRequest, WireReply
from moorage.connectors.registry import Connectors, ProviderUrls, open_connectors
from moorage.connectors.wechat_oa.fields import write_fields
from moorage.conversations.queries import Card, Scope, list_cards, list_messages
from moorage.conversations.showing import said_view
from moorage.conversations.views import ConversationView, MessageView
from moorage.core.ids import AgentId, ConversationId, GroupId, PersonId, ThreadId, WorkspaceId, new_id
from moorage.infra.database import Database, Tx
from moorage.infra.http_client import open_provider_client
from moorage.reception.intake import Intake
from moorage.reception.operations import Said, agent_ends, agent_replies, agent_takes
from moorage.staff.model import Actor, Role, Status
from moorage.staff.operations import add_agent, create_workspace
from moorage.staff.presence import agent_seen, set_status
from moorage.staff.queries import default_group
from tests.channels.docking import BOX, a_channel, some_credentials
from tests.connectors.wechat_requests import sealed_push
from tests.links import OUTGOING

NOWHERE = "http://127.0.0.1:9"
_message_ids = count(24_000_000_000)


def an_openid() -> str:
    return f"o{secrets.token_hex(13)}"


@dataclass
class Desk:
    """One company's side of the conversation, and the customer's keyboard."""

    database: Database
    connectors: Connectors
    workspace_id: WorkspaceId
    group_id: GroupId
    channel: Channel
    address: Address
    credentials: dict[str, str]
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(database=self.database, connectors=self.connectors, box=BOX, links=OUTGOING)

    def be_impatient(self) -> None:
        """Wait for locks for a moment only, so that a test need not wait for two seconds."""
        self.intake = Intake(
            database=self.database,
            connectors=self.connectors,
            box=BOX,
            links=OUTGOING,
            lock_timeout=timedelta(milliseconds=100),
        )

    # ------------------------------------------------------------ customers

    def said(self, text: str = "你好", *, by: str, at: datetime | None = None, message_id: int | None = None) -> bytes:
        """Return the body of a text message."""
        return self._body(
            by, at, MsgType="text", Content=text, MsgId=next(_message_ids) if message_id is None else message_id
        )

    def happened(self, event: str, *, by: str, at: datetime | None = None, **fields: str) -> bytes:
        """Return the body of an event."""
        return self._body(by, at, MsgType="event", Event=event, **fields)

    def sent(self, kind: str, *, by: str, at: datetime | None = None, **fields: str) -> bytes:
        """Return the body of a message of any kind."""
        return self._body(by, at, MsgType=kind, MsgId=next(_message_ids), **fields)

    def _body(self, by: str, at: datetime | None, **fields: str | int) -> bytes:
        created = int((at or self.database.clock.now()).timestamp())
        head = {"ToUserName": "gh_5b8e21a7c4d9", "FromUserName": by, "CreateTime": created}
        return write_fields({**head, **fields}, format="xml")

    def pushed(self, body: bytes) -> Inbound:
        """Return what a genuine push with this body is to intake."""
        request: RawRequest = sealed_push(
            body,
            at=self.database.clock.now(),
            appid=self.credentials["appid"],
            aes_key=self.credentials["aes_key"],
            token=self.credentials["token"],
        )
        connector = self.connectors[self.channel.kind]
        inbound = connector.receive(credentials=self.credentials, request=request, now=self.database.clock.now())
        return cast("Inbound", inbound)

    async def push(self, body: bytes, *, within_s: float = 4.2) -> WireReply:
        """Push a body as the provider does, and return the answer."""
        deadline = asyncio.get_running_loop().time() + within_s
        return await self.intake.receive(address=self.address, inbound=self.pushed(body), deadline=deadline)

    async def hears(self, text: str = "你好", *, by: str) -> WireReply:
        """Let a customer write."""
        return await self.push(self.said(text, by=by))

    # ------------------------------------------------------------ staff

    async def an_agent(
        self,
        *,
        name: str = "Anna",
        role: Role = "agent",
        most_conversations: int = 10,
        status: Status = "online",
        group_ids: Sequence[GroupId] | None = None,
    ) -> Actor:
        """Return somebody who is at work with a connected workbench."""
        person_id = PersonId(new_id())
        async with self.database.in_platform() as tx:
            await tx.execute(
                "INSERT INTO persons (id, email, name, password_hash, created_at) VALUES (%s, %s, %s, 'none', %s)",
                [person_id, f"{person_id}@harbour.example", name, tx.now],
            )
        async with self.database.in_workspace(self.workspace_id) as tx:
            agent_id = await add_agent(
                tx,
                person_id=person_id,
                name=name,
                role=role,
                most_conversations=most_conversations,
                group_ids=group_ids,
            )
            await set_status(tx, agent_id=agent_id, status=status)
            await agent_seen(tx, agent_id=agent_id)
        groups = [self.group_id] if group_ids is None else group_ids
        return Actor(
            person_id=person_id,
            agent_id=AgentId(agent_id),
            workspace_id=self.workspace_id,
            role=role,
            group_ids=frozenset(groups),
            name=name,
        )

    async def replies(self, actor: Actor, conversation_id: ConversationId, text: str = "您好") -> MessageView:
        async def reply(tx: Tx) -> MessageView:
            opened, message = await agent_replies(
                tx,
                actor=actor,
                conversation_id=conversation_id,
                content=Text(text=text),
                connectors=self.connectors,
            )
            views, _ = await list_messages(tx, thread_id=opened.thread.id, before=message.seq + 1, limit=1)
            return views[0]

        return await self.database.run(self.workspace_id, reply)

    async def says(self, actor: Actor, conversation_id: ConversationId, content: Said) -> MessageView:
        """Let an agent say anything, and return it as it is shown."""

        async def say(tx: Tx) -> MessageView:
            opened, message = await agent_replies(
                tx, actor=actor, conversation_id=conversation_id, content=content, connectors=self.connectors
            )
            return said_view(opened, message)

        return await self.database.run(self.workspace_id, say)

    async def ends(self, actor: Actor, conversation_id: ConversationId) -> None:
        async def end(tx: Tx) -> None:
            await agent_ends(tx, actor=actor, conversation_id=conversation_id, connectors=self.connectors)

        await self.database.run(self.workspace_id, end)

    async def takes(self, actor: Actor, conversation_id: ConversationId) -> None:
        async def take(tx: Tx) -> None:
            await agent_takes(tx, actor=actor, conversation_id=conversation_id, connectors=self.connectors)

        await self.database.run(self.workspace_id, take)

    # ------------------------------------------------------------ what is to be seen

    async def cards(
        self, actor: Actor, *, scope: Scope = "all", state: Literal["open", "closed"] = "open"
    ) -> Sequence[Card]:
        async with self.database.in_workspace(self.workspace_id) as tx:
            page = await list_cards(
                tx, actor=actor, scope=scope, state=state, cursor=None, limit=100, connectors=self.connectors
            )
        return page.items

    async def conversation_of(self, customer: str) -> ConversationView:
        """Return the customer's newest conversation."""
        found = await self.value(
            """
            SELECT c.id FROM conversations c JOIN threads t ON t.workspace_id = c.workspace_id AND t.id = c.thread_id
            WHERE t.external_customer_id = %s ORDER BY c.opened_at DESC, c.id DESC LIMIT 1
            """,
            customer,
        )
        everybody = Actor(
            person_id=PersonId(new_id()),
            agent_id=AgentId(new_id()),
            workspace_id=self.workspace_id,
            role="owner",
            group_ids=frozenset(),
            name="Owner",
        )
        for state in ("open", "closed"):
            for card in await self.cards(everybody, state=state):
                if card.conversation.id == found:
                    return card.view()
        raise LookupError("the customer has no conversation")

    async def messages_of(self, customer: str) -> Sequence[MessageView]:
        """Return the customer's thread from its beginning."""
        thread_id = await self.value("SELECT id FROM threads WHERE external_customer_id = %s", customer)
        async with self.database.in_workspace(self.workspace_id) as tx:
            views, _ = await list_messages(tx, thread_id=cast("ThreadId", thread_id), before=None, limit=500)
        return views

    async def value(self, query: str, *parameters: object) -> object | None:
        """Return one value of a query in the workspace."""
        async with self.database.in_workspace(self.workspace_id) as tx:
            return await tx.value(query, list(parameters))  # pyright: ignore[reportArgumentType] -- a test's own words


@asynccontextmanager
async def a_desk(
    database: Database, *, provider_url: str = NOWHERE, verified: bool | None = None
) -> AsyncGenerator[Desk]:
    """Yield the desk of a new company whose account is docked and whose agents are yet to come."""
    workspace_id = await create_workspace(database, name="Harbour Tea")
    async with open_provider_client() as http:
        credentials = {**some_credentials(), "mode": "secure"}
        channel = await a_channel(database, workspace_id, credentials=credentials, name="Harbour", verified=verified)
        async with database.in_platform() as tx:
            address = await find_address(tx, kind=channel.kind, external_id=channel.external_id)
        async with database.in_workspace(workspace_id) as tx:
            group_id = await default_group(tx)
        yield Desk(
            database=database,
            connectors=open_connectors(http=http, urls=ProviderUrls(wechat_api=provider_url)),
            workspace_id=workspace_id,
            group_id=group_id,
            channel=channel,
            address=address,
            credentials=credentials,
        )
