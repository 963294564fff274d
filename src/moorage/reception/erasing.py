"""Doing with what we keep of a customer as they wish, by the provider: read it anew, forget it, erase everything."""

from dataclasses import dataclass

import structlog

from moorage.conversations.people.erasing import erase_customer, forget_name_and_picture
from moorage.conversations.people.profiles import Profiles
from moorage.core.ids import CustomerId, WorkspaceId
from moorage.customers.records import read_customer
from moorage.infra.blobs import Blob, BlobStore
from moorage.infra.database import Database, Tx

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wishes:
    """Carries customers' wishes out. Doing one twice finds nothing left to do."""

    database: Database
    blobs: BlobStore
    profiles: Profiles

    async def carry_out(self, *, workspace_id: WorkspaceId, customer_id: CustomerId, wish: str) -> None:
        """Do what the customer wishes: `refresh`, `forget_profile` or `erase`."""
        if wish == "refresh":
            await self.profiles.read(workspace_id=workspace_id, customer_id=customer_id)
            return

        async def forget(tx: Tx) -> list[Blob]:
            if wish == "forget_profile":
                return await forget_name_and_picture(tx, customer_id=customer_id)
            removed = await erase_customer(tx, customer_id=customer_id)
            await _empty_pushes(tx, customer_id=customer_id)
            return removed

        for blob in await self.database.run(workspace_id, forget):
            await self.blobs.remove(blob)  # only now nothing refers to it; what a crash leaves here is never shown
        log.info("customer_data_forgotten", customer_id=str(customer_id), workspace_id=str(workspace_id), wish=wish)


async def _empty_pushes(tx: Tx, *, customer_id: CustomerId) -> None:
    """Empty the stored pushes of a customer that were taken in; what makes each come once stays."""
    customer = await read_customer(tx, customer_id=customer_id)
    await tx.execute(
        """
        UPDATE pushes SET body = ''::bytea, reply = NULL
        WHERE workspace_id = %s AND channel_id = %s AND external_customer_id = %s AND taken_in_at IS NOT NULL
        """,
        [tx.workspace_id, customer.channel_id, customer.external_customer_id],
    )
