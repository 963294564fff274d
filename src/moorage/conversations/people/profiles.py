"""Profiles of customers: read from the provider by a job, never while a push waits, and written down.

An account that may not read profiles is not asked again for a day, whichever of its customers comes.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import structlog

from moorage.channels.endpoints import open_endpoint
from moorage.channels.pictures import picture_type
from moorage.channels.queries import read_channel
from moorage.channels.states import note_missing_permission
from moorage.connectors.failures import CredentialsInvalid, ProviderFailure, Refused
from moorage.connectors.people import CustomerProfile, KnowsCustomers
from moorage.connectors.registry import Connectors, people_power
from moorage.conversations.budgets import MUTE_CHANNEL_STATES
from moorage.conversations.people.telling import lock_customer, tell_of_customer
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, CustomerId, WorkspaceId, new_id
from moorage.customers.model import CustomerRecord
from moorage.customers.operations import fallback_name
from moorage.customers.records import PROFILE_EVERY, read_customer, store_profile
from moorage.infra.blobs import Blob, BlobStore, record_blob
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox, SecretUnreadable

READ_WITHIN_S = 20.0
PICTURE_WITHIN_S = 15.0
LARGEST_PICTURE_BYTES = 2 * 1024 * 1024

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Wanted:
    customer: CustomerRecord
    power: KnowsCustomers


@dataclass(frozen=True, slots=True)
class Profiles:
    """Reads profiles, one call each."""

    database: Database
    connectors: Connectors
    box: SecretBox
    blobs: BlobStore

    async def read(self, *, workspace_id: WorkspaceId, customer_id: CustomerId) -> None:
        """Read the profile of a customer and write it down. What a repetition may mend is raised."""
        wanted = await self._wanted(workspace_id, customer_id)
        if wanted is None:
            return
        try:
            endpoint = await open_endpoint(
                self.database,
                box=self.box,
                connectors=self.connectors,
                workspace_id=workspace_id,
                channel_id=wanted.customer.channel_id,
            )
            profile = await wanted.power.read_profile(
                endpoint, external_customer_id=wanted.customer.external_customer_id, deadline=_within(READ_WITHIN_S)
            )
        except (Refused, CredentialsInvalid) as failure:
            await self._note_refusal(workspace_id, wanted, failure)
        except SecretUnreadable:
            log.warning("profile_not_read", customer_id=str(customer_id), reason="secret_unreadable")
        else:
            await self.keep(workspace_id=workspace_id, customer_id=wanted.customer.id, profile=profile)

    async def keep(self, *, workspace_id: WorkspaceId, customer_id: CustomerId, profile: CustomerProfile) -> None:
        """Write down what the provider tells of a customer, with their picture where there is one."""
        async with self.database.in_workspace(workspace_id) as tx:
            before = await read_customer(tx, customer_id=customer_id)
            kind = (await read_channel(tx, channel_id=before.channel_id)).kind
        power = people_power(self.connectors[kind])
        picture = None
        if power is not None and profile.avatar_url not in (None, before.avatar_url):
            picture = await self._picture(workspace_id, power, url=profile.avatar_url or "")

        async def keep(tx: Tx) -> None:
            await _keep(tx, customer_id=customer_id, profile=profile, picture=picture)

        await self.database.run(workspace_id, keep)

    async def _wanted(self, workspace_id: WorkspaceId, customer_id: CustomerId) -> _Wanted | None:
        async with self.database.in_workspace(workspace_id) as tx:
            try:
                customer = await read_customer(tx, customer_id=customer_id)
            except Missing:
                return None
            channel = await read_channel(tx, channel_id=customer.channel_id)
            refused_until = await _refused_until(tx, channel_id=channel.id)
        power = people_power(self.connectors[channel.kind])
        mute = channel.state in MUTE_CHANNEL_STATES or customer.erased_at is not None
        if power is None or mute or (refused_until is not None and self.database.clock.now() < refused_until):
            return None
        return _Wanted(customer=customer, power=power)

    async def _picture(self, workspace_id: WorkspaceId, power: KnowsCustomers, *, url: str) -> Blob | None:
        """Return the customer's picture, stored; None where there is none to be had. The name counts without it."""
        try:
            content = await power.fetch_picture(url=url, deadline=_within(PICTURE_WITHIN_S))
        except ProviderFailure as failure:
            log.warning("customer_picture_not_fetched", detail=failure.detail)
            return None
        media_type = picture_type(content)
        if media_type is None or len(content) > LARGEST_PICTURE_BYTES:
            log.warning("customer_picture_not_usable", size=len(content))
            return None
        return await self.blobs.keep(
            workspace_id=workspace_id, blob_id=new_id(), content=content, media_type=media_type
        )

    async def _note_refusal(
        self, workspace_id: WorkspaceId, wanted: _Wanted, failure: Refused | CredentialsInvalid
    ) -> None:
        """Leave the account alone for a day where it lacks the right; other refusals concern this customer alone."""
        log.warning("profile_not_read", customer_id=str(wanted.customer.id), reason=failure.reason)
        if failure.reason not in LACKING:
            return

        async def note(tx: Tx) -> None:
            await _note_refused(tx, channel_id=wanted.customer.channel_id, reason=failure.reason)
            await note_missing_permission(tx, channel_id=wanted.customer.channel_id, failure=failure)

        await self.database.run(workspace_id, note)


LACKING = frozenset({"api_not_allowed", "permission_missing"})


async def _keep(tx: Tx, *, customer_id: CustomerId, profile: CustomerProfile, picture: Blob | None) -> None:
    await lock_customer(tx, customer_id=customer_id)
    before = await read_customer(tx, customer_id=customer_id)
    if before.erased_at is not None:
        return  # while we asked, perhaps
    if picture is not None:
        await record_blob(tx, picture)
    await store_profile(
        tx,
        before=before,
        profile=profile,
        fallback=await fallback_of(tx, customer=before),
        avatar_blob_id=None if picture is None else picture.id,
    )
    await tx.execute(
        "UPDATE channel_identity SET profiles_reason = NULL, profiles_refused_until = NULL "
        "WHERE workspace_id = %s AND channel_id = %s AND profiles_reason IS NOT NULL",
        [tx.workspace_id, before.channel_id],
    )
    await tell_of_customer(tx, customer_id=customer_id)


async def fallback_of(tx: Tx, *, customer: CustomerRecord) -> str:
    """Return the name of a customer whose own is not known."""
    channel = await read_channel(tx, channel_id=customer.channel_id)
    return fallback_name(channel_name=channel.name, external_customer_id=customer.external_customer_id)


async def _refused_until(tx: Tx, *, channel_id: ChannelId) -> datetime | None:
    found = await tx.value(
        "SELECT profiles_refused_until FROM channel_identity WHERE workspace_id = %s AND channel_id = %s",
        [tx.workspace_id, channel_id],
    )
    return found if isinstance(found, datetime) else None


async def profiles_reason(tx: Tx, *, channel_id: ChannelId) -> str | None:
    """Return why the provider tells no profiles of this account's customers, as far as we know."""
    found = await tx.value(
        "SELECT profiles_reason FROM channel_identity WHERE workspace_id = %s AND channel_id = %s",
        [tx.workspace_id, channel_id],
    )
    return found if isinstance(found, str) else None


async def _note_refused(tx: Tx, *, channel_id: ChannelId, reason: str) -> None:
    await tx.execute(
        """
        INSERT INTO channel_identity (workspace_id, channel_id, profiles_reason, profiles_refused_until)
        VALUES (%(workspace_id)s, %(channel_id)s, %(reason)s, %(until)s)
        ON CONFLICT (workspace_id, channel_id) DO UPDATE
        SET profiles_reason = excluded.profiles_reason, profiles_refused_until = excluded.profiles_refused_until
        """,
        {
            "workspace_id": tx.workspace_id,
            "channel_id": channel_id,
            "reason": reason,
            "until": tx.now + PROFILE_EVERY,
        },
    )


def _within(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds
