"""Remark names: what staff calls a customer. It counts at once, and the provider is told by a job."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import structlog

from moorage.channels.endpoints import open_endpoint
from moorage.channels.queries import read_channel
from moorage.channels.states import note_missing_permission
from moorage.connectors.failures import CredentialsInvalid, Refused
from moorage.connectors.registry import Connectors, people_power
from moorage.conversations.people.telling import lock_customer, tell_of_customer
from moorage.conversations.queries import may_read_thread
from moorage.core.errors import DomainError, Missing
from moorage.core.ids import CustomerId, WorkspaceId
from moorage.customers.model import RemarkChanged, RemarkState
from moorage.customers.records import read_customer, set_remark, settle_remark
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox, SecretUnreadable
from moorage.staff.model import Actor

WRITE_WITHIN_S = 20.0

log = structlog.get_logger()


@dataclass(eq=False)
class RemarkTooLong(DomainError):
    """The remark name has more characters than the channel's provider keeps."""

    code: ClassVar[str] = "customers.remark_too_long"
    kind: ClassVar[str] = "malformed"
    most_characters: int
    characters: int


async def change_remark(
    tx: Tx, *, actor: Actor, customer_id: CustomerId, remark: str | None, connectors: Connectors
) -> None:
    """Call a customer `remark` everywhere from now on; None or blank: by their own name again.

    Raises Missing also where the actor may not know of them, and RemarkTooLong.
    """
    thread_id = await lock_customer(tx, customer_id=customer_id)
    if not await may_read_thread(tx, actor=actor, thread_id=thread_id):
        raise Missing(what="customer")
    before = await read_customer(tx, customer_id=customer_id)
    connector = connectors[(await read_channel(tx, channel_id=before.channel_id)).kind]
    name = one_line(remark or "") or None
    most = connector.manifest.most_remark_characters
    if name is not None and len(name) > most:
        raise RemarkTooLong(most_characters=most, characters=len(name))
    if name == before.remark_name:
        return
    told = people_power(connector) is not None
    await set_remark(tx, customer_id=customer_id, remark=name, state="pending" if told else "kept_here")
    if told:
        tx.publish(RemarkChanged(customer_id=customer_id))
    await tell_of_customer(tx, customer_id=customer_id)


def one_line(text: str) -> str:
    """Return the text on one line, without what cannot be seen."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


@dataclass(frozen=True, slots=True)
class Remarks:
    """Tells the provider of remark names."""

    database: Database
    connectors: Connectors
    box: SecretBox

    async def push(self, *, workspace_id: WorkspaceId, customer_id: CustomerId) -> None:
        """Write the remark name that counts now at the provider. What a repetition may mend is raised."""
        async with self.database.in_workspace(workspace_id) as tx:
            customer = await read_customer(tx, customer_id=customer_id)
            channel = await read_channel(tx, channel_id=customer.channel_id)
        power = people_power(self.connectors[channel.kind])
        if power is None or customer.remark_state != "pending":
            return
        state: RemarkState = "saved"
        reason: str | None = None
        refusal: Refused | CredentialsInvalid | None = None
        try:
            endpoint = await open_endpoint(
                self.database,
                box=self.box,
                connectors=self.connectors,
                workspace_id=workspace_id,
                channel_id=channel.id,
            )
            await power.write_remark(
                endpoint,
                external_customer_id=customer.external_customer_id,
                remark=customer.remark_name or "",
                deadline=asyncio.get_running_loop().time() + WRITE_WITHIN_S,
            )
        except (Refused, CredentialsInvalid) as failure:
            state, reason, refusal = "refused", failure.reason, failure
        except SecretUnreadable:
            state, reason = "refused", "secret_unreadable"

        async def settle(tx: Tx) -> None:
            await lock_customer(tx, customer_id=customer_id)
            told = customer.remark_name
            if await settle_remark(tx, customer_id=customer_id, remark=told, state=state, reason=reason):
                await tell_of_customer(tx, customer_id=customer_id)
            if refusal is not None:
                await note_missing_permission(tx, channel_id=channel.id, failure=refusal)

        await self.database.run(workspace_id, settle)
