"""Our platform at a provider: its credentials, the ticket that the provider sends, and the token got with it.

Credentials come from the environment, or are entered by the operator and stored sealed. Everything else about a
platform hangs on its id, so that another platform's ticket or token is never used for this one.
"""

import json
import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, cast

from moorage.channels.leases import LeasedTokens, NewToken, Shelf
from moorage.connectors.authorization import AuthorizesByPlatform, PlatformManifest, PlatformReason
from moorage.connectors.contract import Connector, Endpoint
from moorage.connectors.failures import CredentialsInvalid, ProviderFailure
from moorage.connectors.registry import Connectors, platform_power, required_platform_power
from moorage.core.errors import DomainError, Malformed, Missing
from moorage.core.ids import PersonId
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox

PREVIOUS_KEY = "previous_aes_key"

Source = Literal["env", "stored"]
TicketAge = Literal["never", "fresh", "old"]


@dataclass(frozen=True, slots=True)
class Platform:
    """Our platform of one kind, with its credentials opened."""

    kind: str
    id: str
    credentials: Mapping[str, str] = field(repr=False)
    source: Source


@dataclass(frozen=True, slots=True)
class TicketState:
    """When the provider last sent a ticket, and whether tokens can still be got with it."""

    received_at: datetime | None
    age: TicketAge


@dataclass(frozen=True, slots=True)
class PlatformHealth:
    """What is known of a platform's ticket and token."""

    ticket: TicketState
    token_reason: str | None
    """Why the last attempt to get a token failed; None where it did not."""


def authorizing_connector(connectors: Connectors, *, kind: str) -> Connector:
    """Return the connector of a kind that is docked by authorization. Raises Missing for any other word."""
    connector = connectors.get(kind)
    if connector is None or platform_power(connector) is None:
        raise Missing(what="channel kind")
    return connector


async def find_platform(tx: Tx, *, box: SecretBox, connector: Connector) -> Platform | None:
    """Return the platform that counts for a kind, or None where none is set up. Any transaction will do."""
    power = platform_power(connector)
    if power is None:
        return None
    kind = connector.manifest.kind
    if power.configured is not None:
        return _platform(kind, power.manifest, power.configured, source="env")
    sealed = await tx.value("SELECT credentials FROM platform_credentials WHERE kind = %s", [kind])
    if not isinstance(sealed, bytes):
        return None
    opened = cast("dict[str, str]", json.loads(box.open(sealed, context=_credentials_context(kind))))
    return _platform(kind, power.manifest, opened, source="stored")


def _platform(kind: str, manifest: PlatformManifest, credentials: Mapping[str, str], *, source: Source) -> Platform:
    return Platform(kind=kind, id=credentials[manifest.platform_field], credentials=credentials, source=source)


def check_platform_credentials(manifest: PlatformManifest, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return the platform's credentials, trimmed. Raises Malformed with the field and `missing` or `mismatch`."""
    checked: dict[str, str] = {}
    for wanted in manifest.credential_fields:
        value = given.get(wanted.name, "").strip()
        if not value:
            raise Malformed(field=wanted.name, reason="missing")
        if not re.fullmatch(wanted.pattern, value):
            raise Malformed(field=wanted.name, reason="mismatch")
        checked[wanted.name] = value
    return checked


async def store_platform(
    tx: Tx, *, box: SecretBox, kind: str, manifest: PlatformManifest, given: Mapping[str, str], by: PersonId
) -> Platform:
    """Store what the operator entered, and return the platform. A secret that is left out stays as it was.

    A key that is replaced is kept as the previous one: the provider may go on using it for a while. Raises Malformed.
    """
    before = await _stored_credentials(tx, box=box, kind=kind)
    same = before.get(manifest.platform_field) == given.get(manifest.platform_field, "").strip()
    kept = {name: value for name, value in before.items() if same}
    checked = check_platform_credentials(manifest, {**kept, **{name: text for name, text in given.items() if text}})
    replaced = bool(kept) and kept["aes_key"] != checked["aes_key"]
    previous = kept["aes_key"] if replaced else kept.get(PREVIOUS_KEY, "")
    credentials = {**checked, PREVIOUS_KEY: previous}
    platform = _platform(kind, manifest, credentials, source="stored")
    await tx.execute(
        """
        INSERT INTO platform_credentials AS known (kind, platform_id, credentials, changed_at, changed_by)
        VALUES (%(kind)s, %(platform_id)s, %(credentials)s, %(now)s, %(by)s)
        ON CONFLICT (kind) DO UPDATE
        SET platform_id = %(platform_id)s, credentials = %(credentials)s, changed_at = %(now)s, changed_by = %(by)s,
            version = known.version + 1
        """,
        {
            "kind": kind,
            "platform_id": platform.id,
            "credentials": box.seal(json.dumps(credentials).encode(), context=_credentials_context(kind)),
            "now": tx.now,
            "by": by,
        },
    )
    await _let_ask_again(tx, platform)
    return platform


async def _stored_credentials(tx: Tx, *, box: SecretBox, kind: str) -> Mapping[str, str]:
    sealed = await tx.value("SELECT credentials FROM platform_credentials WHERE kind = %s FOR UPDATE", [kind])
    if not isinstance(sealed, bytes):
        return {}
    return cast("dict[str, str]", json.loads(box.open(sealed, context=_credentials_context(kind))))


# ---------------------------------------------------------------- the ticket


async def store_ticket(tx: Tx, *, box: SecretBox, platform: Platform, ticket: str, signed_at: datetime) -> None:
    """Keep the ticket that the provider sent, unless a newer one is known. A circuit that was open closes."""
    await tx.execute(
        """
        INSERT INTO platform_tokens AS known (kind, platform_id, ticket, ticket_signed_at, ticket_received_at)
        VALUES (%(kind)s, %(platform_id)s, %(ticket)s, %(signed_at)s, %(now)s)
        ON CONFLICT (kind, platform_id) DO UPDATE
        SET ticket = %(ticket)s, ticket_signed_at = %(signed_at)s, ticket_received_at = %(now)s, failures = 0,
            circuit_until = NULL
        WHERE known.ticket_signed_at IS NULL OR known.ticket_signed_at <= %(signed_at)s
        """,
        {
            "kind": platform.kind,
            "platform_id": platform.id,
            "ticket": box.seal(ticket.encode(), context=_ticket_context(platform)),
            "signed_at": signed_at,
            "now": tx.now,
        },
    )


async def _let_ask_again(tx: Tx, platform: Platform) -> None:
    """Forget a token that belongs to credentials of before, and close the circuit that they opened."""
    await tx.execute(
        """
        UPDATE platform_tokens SET token = NULL, expires_at = NULL, version = version + 1, renewing_until = NULL,
               renewing_by = NULL, failures = 0, circuit_until = NULL, last_error = NULL
        WHERE kind = %s AND platform_id = %s
        """,
        [platform.kind, platform.id],
    )


@dataclass(frozen=True, slots=True)
class _HealthRow:
    ticket_received_at: datetime | None
    token_reason: str | None


async def read_health(tx: Tx, *, platform: Platform, manifest: PlatformManifest) -> PlatformHealth:
    """Return how the platform's ticket and token stand."""
    row = await tx.row(
        _HealthRow,
        """
        SELECT ticket_received_at, last_error ->> 'reason' AS token_reason FROM platform_tokens
        WHERE kind = %s AND platform_id = %s
        """,
        [platform.kind, platform.id],
    ) or _HealthRow(ticket_received_at=None, token_reason=None)
    return PlatformHealth(
        ticket=TicketState(
            received_at=row.ticket_received_at,
            age=_age(row.ticket_received_at, now=tx.now, lasts=manifest.ticket_lasts),
        ),
        token_reason=row.token_reason,
    )


def _age(received_at: datetime | None, *, now: datetime, lasts: timedelta) -> TicketAge:
    if received_at is None:
        return "never"
    return "fresh" if now - received_at < lasts else "old"


def ticket_reason(ticket: TicketState) -> PlatformReason | None:
    """Return what is wrong with the ticket, or None where tokens can be got with it."""
    match ticket.age:
        case "never":
            return PlatformReason.TICKET_MISSING
        case "old":
            return PlatformReason.TICKET_OLD
        case "fresh":
            return None


# ---------------------------------------------------------------- the token


async def open_platform(database: Database, *, box: SecretBox, connector: Connector) -> Endpoint:
    """Return our platform as its connector sees it. Raises CredentialsInvalid where none is set up."""
    async with database.in_platform() as tx:
        platform = await find_platform(tx, box=box, connector=connector)
    if platform is None:
        raise CredentialsInvalid(external_code=None, detail="", reason=PlatformReason.NOT_CONFIGURED)
    return platform_endpoint(database, box=box, connector=connector, platform=platform)


def platform_endpoint(database: Database, *, box: SecretBox, connector: Connector, platform: Platform) -> Endpoint:
    """Return `platform` with the source of its tokens."""
    owner = _OfPlatform(database, box=box, power=required_platform_power(connector), platform=platform)
    return Endpoint(
        external_account_id=platform.id,
        credentials=platform.credentials,
        tokens=LeasedTokens(box=box, owner=owner),
    )


class _OfPlatform:
    """The owner of a platform's token."""

    def __init__(self, database: Database, *, box: SecretBox, power: AuthorizesByPlatform, platform: Platform) -> None:
        self._database = database
        self._box = box
        self._power = power
        self._platform = platform
        self.shelf = Shelf(
            table="platform_tokens",
            where="kind = %(kind)s AND platform_id = %(platform_id)s",
            key={"kind": platform.kind, "platform_id": platform.id},
            context=f"platform-token:{platform.kind}:{platform.id}",
        )

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        return self._database.in_platform()

    def absent(self) -> DomainError:
        return CredentialsInvalid(external_code=None, detail="", reason=PlatformReason.TICKET_MISSING)

    async def issue(self, *, force: bool, deadline: float) -> NewToken:  # noqa: ARG002 -- each call gives another token
        ticket = await self._ticket()
        issued = await self._power.issue_platform_token(
            credentials=self._platform.credentials, ticket=ticket, deadline=deadline
        )
        return NewToken(token=issued.token, lasts=issued.lasts)

    async def _ticket(self) -> str:
        async with self.transaction() as tx:
            health = await read_health(tx, platform=self._platform, manifest=self._power.manifest)
            sealed = await tx.value(
                "SELECT ticket FROM platform_tokens WHERE kind = %s AND platform_id = %s",
                [self._platform.kind, self._platform.id],
            )
        if reason := ticket_reason(health.ticket):
            raise CredentialsInvalid(external_code=None, detail="", reason=reason)
        if not isinstance(sealed, bytes):
            raise self.absent()
        return self._box.open(sealed, context=_ticket_context(self._platform)).decode()

    async def on_renewed(self, tx: Tx, new: NewToken, *, had_failed: bool) -> None:
        """Nothing else hangs on a platform's token: its row says how it stands."""

    async def on_failed(self, tx: Tx, failure: ProviderFailure, *, failures: int) -> None:
        """The row holds the failure; the installation page shows it."""


def _credentials_context(kind: str) -> str:
    return f"platform-credentials:{kind}"


def _ticket_context(platform: Platform) -> str:
    return f"platform-ticket:{platform.kind}:{platform.id}"
