"""A provider's own list of the accounts that authorized our platform, held against those that are docked here."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb

from moorage.channels.accounts import Accounts
from moorage.channels.addresses import find_address
from moorage.channels.credentials import PLATFORM_ID, open_verification
from moorage.channels.leases import failure_reason
from moorage.channels.model import Address
from moorage.channels.platforms import Platform, find_platform, platform_endpoint
from moorage.channels.queries import read_channel
from moorage.channels.unclaimed import add_unclaimed
from moorage.channels.undocking import ENDED_STATES
from moorage.connectors.authorization import ListedAccount
from moorage.connectors.contract import Connector
from moorage.connectors.failures import CredentialsInvalid, CredentialsReason, ProviderFailure
from moorage.connectors.registry import Connectors, platform_power, required_platform_power
from moorage.core.errors import Missing
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox

COMPARED_WITHIN_S: Final = 60.0
ASKED_WITHIN_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the last comparison found. `reason` says why the list could not be read, if it could not."""

    compared_at: datetime
    listed_at: datetime | None
    reason: str | None
    listed: int
    unlisted: Sequence[str]
    """Accounts that are docked here and that the provider does not list."""


async def read_comparison(tx: Tx, *, platform: Platform) -> Comparison | None:
    """Return what the last comparison found, or None where there was none."""
    return await tx.row(
        Comparison,
        """
        SELECT compared_at, listed_at, reason, listed, unlisted FROM platform_comparisons
        WHERE kind = %s AND platform_id = %s
        """,
        [platform.kind, platform.id],
    )


@dataclass(frozen=True, slots=True)
class Comparing:
    """Reads lists and compares."""

    database: Database
    box: SecretBox
    connectors: Connectors
    accounts: Accounts

    async def compare_all(self) -> None:
        """Compare for every kind with a platform; a job."""
        for kind in self.connectors:
            if platform_power(self.connectors[kind]) is not None:
                await self.compare(kind=kind)

    async def compare(self, *, kind: str) -> Comparison | None:
        """Read the provider's list, keep what differs, and return it; None where no platform is set up.

        Accounts that nobody has docked join the unclaimed ones. That the list cannot be read is kept too.
        """
        connector = self.connectors[kind]
        async with self.database.in_platform() as tx:
            platform = await find_platform(tx, box=self.box, connector=connector)
        if platform is None:
            return None
        endpoint = platform_endpoint(self.database, box=self.box, connector=connector, platform=platform)
        deadline = asyncio.get_running_loop().time() + COMPARED_WITHIN_S
        try:
            listed = await required_platform_power(connector).list_accounts(endpoint, deadline=deadline)
        except ProviderFailure as failure:
            async with self.database.in_platform() as tx:
                await _keep_failure(tx, platform, reason=failure_reason(failure))
                return await read_comparison(tx, platform=platform)
        return await self._keep(connector, platform, listed)

    async def confirm_gone(self, *, kind: str, external_id: str) -> bool:
        """Ask the provider about one unlisted account, and return whether its authorization is gone.

        If so its channel is deauthorized. Raises Missing, or a provider failure.
        """
        connector = self.connectors[kind]
        async with self.database.in_platform() as tx:
            platform = await find_platform(tx, box=self.box, connector=connector)
            address = await find_address(tx, kind=kind, external_id=external_id)
        if platform is None:
            raise Missing(what="platform")
        deadline = asyncio.get_running_loop().time() + ASKED_WITHIN_S
        gone = False
        try:
            await self.accounts.refresh(
                workspace_id=address.workspace_id, channel_id=address.channel_id, deadline=deadline
            )
        except CredentialsInvalid as failure:
            if failure.reason != CredentialsReason.AUTHORIZATION_GONE:
                raise
            gone = True
        async with self.database.in_platform() as tx:
            await tx.execute(
                "UPDATE platform_comparisons SET unlisted = unlisted - %s WHERE kind = %s AND platform_id = %s",
                [external_id, platform.kind, platform.id],
            )
        return gone

    async def _keep(
        self, connector: Connector, platform: Platform, listed: Sequence[ListedAccount]
    ) -> Comparison | None:
        power = required_platform_power(connector)
        ours = await self._docked_by(platform)
        known = {account.external_id for account in listed}
        unlisted = [one.external_id for one in ours if one.external_id not in known and await self._works(one)]
        fresh = [one for one in listed if not power.is_probe(external_id=one.external_id)]
        async with self.database.in_platform() as tx:
            docked = await _addressed(tx, kind=platform.kind, external_ids=[one.external_id for one in fresh])
            for account in fresh:
                if account.external_id not in docked:
                    at = account.authorized_at or tx.now
                    await add_unclaimed(tx, platform=platform, external_id=account.external_id, authorized_at=at)
            await _keep_list(tx, platform, listed=len(listed), unlisted=unlisted)
            return await read_comparison(tx, platform=platform)

    async def _docked_by(self, platform: Platform) -> Sequence[Address]:
        """Return the addresses of the accounts that are docked by this platform, of any workspace."""
        async with self.database.in_platform() as tx:
            addresses = await tx.rows(
                Address,
                """
                SELECT workspace_id, channel_id, kind, external_id, verification, verified_at
                FROM channel_addresses WHERE kind = %s ORDER BY external_id
                """,
                [platform.kind],
            )
        return [one for one in addresses if open_verification(self.box, one).get(PLATFORM_ID) == platform.id]

    async def _works(self, address: Address) -> bool:
        """Tell whether the account still counts as authorized here."""
        async with self.database.in_workspace(address.workspace_id) as tx:
            channel = await read_channel(tx, channel_id=address.channel_id)
        return channel.docked_by == "authorization" and channel.state not in ENDED_STATES


async def _addressed(tx: Tx, *, kind: str, external_ids: Collection[str]) -> frozenset[str]:
    """Return those of the accounts that are docked in some way, by another platform or by hand."""
    found = await tx.value(
        "SELECT array_agg(external_id) FROM channel_addresses WHERE kind = %s AND external_id = ANY(%s)",
        [kind, list(external_ids)],
    )
    return frozenset(str(one) for one in found) if isinstance(found, list) else frozenset()  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- texts


async def _keep_list(tx: Tx, platform: Platform, *, listed: int, unlisted: Sequence[str]) -> None:
    await tx.execute(
        """
        INSERT INTO platform_comparisons (kind, platform_id, compared_at, listed_at, reason, listed, unlisted)
        VALUES (%(kind)s, %(platform_id)s, %(now)s, %(now)s, NULL, %(listed)s, %(unlisted)s)
        ON CONFLICT (kind, platform_id) DO UPDATE
        SET compared_at = %(now)s, listed_at = %(now)s, reason = NULL, listed = %(listed)s, unlisted = %(unlisted)s
        """,
        {
            "kind": platform.kind,
            "platform_id": platform.id,
            "now": tx.now,
            "listed": listed,
            "unlisted": Jsonb(list(unlisted)),
        },
    )


async def _keep_failure(tx: Tx, platform: Platform, *, reason: str) -> None:
    await tx.execute(
        """
        INSERT INTO platform_comparisons (kind, platform_id, compared_at, reason)
        VALUES (%(kind)s, %(platform_id)s, %(now)s, %(reason)s)
        ON CONFLICT (kind, platform_id) DO UPDATE SET compared_at = %(now)s, reason = %(reason)s
        """,
        {"kind": platform.kind, "platform_id": platform.id, "now": tx.now, "reason": reason},
    )
