"""Finding out who opens a page: to the provider's page and back, once, within ten minutes, in one browser.

What they came for is kept with a random state; the state travels through the provider, a second secret stays in the
visitor's browser. So nobody is taken for somebody else by an address that was sent to them.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from moorage.channels.endpoints import open_endpoint
from moorage.channels.model import Channel
from moorage.channels.platforms import open_platform
from moorage.channels.queries import read_channel
from moorage.connectors.authorization import PlatformReason
from moorage.connectors.contract import Endpoint
from moorage.connectors.failures import CredentialsInvalid, ProviderFailure, Refused
from moorage.connectors.people import CustomerProfile, RecognisesVisitors, Visitor
from moorage.connectors.registry import Connectors, visitors_power
from moorage.conversations.budgets import MUTE_CHANNEL_STATES
from moorage.conversations.open_thread import Whose, ask_for_threads, opened_threads
from moorage.core.errors import DomainError, Missing
from moorage.core.ids import ChannelId, CustomerId, ThreadId, WorkspaceId, new_id
from moorage.customers.operations import add_customer
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox, SecretUnreadable

STATE_LASTS = timedelta(minutes=10)
EXCHANGE_WITHIN_S = 12.0
ROOT: Final = "/identify"
_STATE = re.compile(r"[0-9a-f]{64}")

log = structlog.get_logger()

VisitFault = Literal[
    "not_here",
    "off",
    "channel_off",
    "not_allowed",
    "declined",
    "state_invalid",
    "state_expired",
    "code_refused",
    "provider_failed",
    "virtual_visitor",
]


@dataclass(eq=False)
class VisitFailed(DomainError):
    """Nobody can be recognised. `reason` is a word that the page has a sentence for."""

    code: ClassVar[str] = "customers.visit_failed"
    kind: ClassVar[str] = "conflict"
    reason: VisitFault


@dataclass(frozen=True, slots=True)
class Place:
    """A channel as its address for visitors names it."""

    workspace_id: WorkspaceId
    channel_id: ChannelId

    @property
    def key(self) -> str:
        """Return what stands in the address."""
        return base64.urlsafe_b64encode(self.workspace_id.bytes + self.channel_id.bytes).decode().rstrip("=")

    @classmethod
    def of(cls, key: str) -> "Place":
        """Return the channel that an address names. Raises VisitFailed."""
        try:
            raw = base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))
        except (binascii.Error, ValueError) as error:
            raise VisitFailed(reason="not_here") from error
        if len(raw) != 32:
            raise VisitFailed(reason="not_here")
        place = cls(WorkspaceId(UUID(bytes=raw[:16])), ChannelId(UUID(bytes=raw[16:])))
        if place.key != key:
            raise VisitFailed(reason="not_here")
        return place


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser is to go, and what it must bring back."""

    url: str
    browser_token: str


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who was recognised, and what they came for."""

    place: Place
    purpose: str
    about: Mapping[str, object]
    customer_id: CustomerId
    thread_id: ThreadId
    visitor: Visitor

    @property
    def profile(self) -> CustomerProfile | None:
        """Return what they have let us know of themselves; None: nothing."""
        who = self.visitor
        if who.name is None and who.union_id is None and who.avatar_url is None:
            return None
        # Whether they follow was not asked: what is known of that stays.
        return CustomerProfile(follows=False, union_id=who.union_id, name=who.name, avatar_url=who.avatar_url)


@dataclass(frozen=True, slots=True)
class Visits:
    """Recognises visitors of pages."""

    database: Database
    connectors: Connectors
    box: SecretBox
    public_url: str

    def power(self, channel: Channel) -> RecognisesVisitors:
        """Return the power of a channel that can recognise visitors now. Raises VisitFailed."""
        power = visitors_power(self.connectors[channel.kind])
        if power is None:
            raise VisitFailed(reason="not_here")
        if channel.state in MUTE_CHANNEL_STATES:
            raise VisitFailed(reason="channel_off")
        return power

    async def channel(self, place: Place) -> Channel:
        """Return the channel of a place. Raises VisitFailed."""
        try:
            async with self.database.in_workspace(place.workspace_id) as tx:
                return await read_channel(tx, channel_id=place.channel_id)
        except Missing as error:
            raise VisitFailed(reason="not_here") from error

    async def begin(self, place: Place, *, purpose: str, about: Mapping[str, object], asks_profile: bool) -> Begun:
        """Return the provider's page that leads back to us. Raises VisitFailed."""
        channel = await self.channel(place)
        power = self.power(channel)
        platform = await self._platform(channel)
        state, browser_token = secrets.token_hex(32), secrets.token_urlsafe(32)
        async with self.database.in_workspace(place.workspace_id) as tx:
            await _keep(tx, place=place, state=state, browser=browser_token, purpose=purpose, about=about)
        url = power.visiting_url(
            external_id=channel.external_id,
            platform_id=None if platform is None else platform.external_account_id,
            return_url=f"{self.public_url.rstrip('/')}{ROOT}/{place.key}/return",
            state=state,
            asks_profile=asks_profile,
        )
        return Begun(url=url, browser_token=browser_token)

    async def complete(self, place: Place, *, query: Mapping[str, str], browser_token: str) -> Visit:
        """Return who has come back from the provider's page, and why they went there. Raises VisitFailed.

        The state is used up by this, whatever comes of it.
        """
        async with self.database.in_workspace(place.workspace_id) as tx:
            begun = await _use(tx, place=place, state=query.get("state", ""))
        if begun is None or not hmac.compare_digest(begun.browser_digest, _digest(browser_token)):
            raise VisitFailed(reason="state_invalid")
        if begun.expires_at <= self.database.clock.now():
            raise VisitFailed(reason="state_expired")
        channel = await self.channel(place)
        visitor = await self._read(place, channel, query)
        if visitor.is_virtual:
            raise VisitFailed(reason="virtual_visitor")

        async def meet(tx: Tx) -> tuple[CustomerId, ThreadId]:
            return await _meet(tx, channel_id=place.channel_id, visitor=visitor, connectors=self.connectors)

        customer_id, thread_id = await self.database.run(place.workspace_id, meet)
        return Visit(
            place=place,
            purpose=begun.purpose,
            about=begun.about,
            customer_id=customer_id,
            thread_id=thread_id,
            visitor=visitor,
        )

    async def _read(self, place: Place, channel: Channel, query: Mapping[str, str]) -> Visitor:
        """Return who the provider's code stands for: somebody of exactly this account. Raises VisitFailed."""
        power = self.power(channel)
        platform = await self._platform(channel)
        platform_id = None if platform is None else platform.external_account_id
        try:
            code = power.returned_code(query, external_id=channel.external_id, platform_id=platform_id)
            if code is None:
                raise VisitFailed(reason="declined")
            account = await open_endpoint(
                self.database,
                box=self.box,
                connectors=self.connectors,
                workspace_id=place.workspace_id,
                channel_id=channel.id,
            )
            deadline = asyncio.get_running_loop().time() + EXCHANGE_WITHIN_S
            return await power.read_visitor(account, platform=platform, code=code, deadline=deadline)
        except SecretUnreadable as error:
            raise VisitFailed(reason="provider_failed") from error
        except ProviderFailure as failure:
            raise _judged(channel, failure) from failure

    async def _platform(self, channel: Channel) -> Endpoint | None:
        """Return our platform, by which the provider tells us where the account is docked by authorization."""
        if channel.docked_by != "authorization":
            return None
        try:
            return await open_platform(self.database, box=self.box, connector=self.connectors[channel.kind])
        except CredentialsInvalid as failure:
            raise _judged(channel, failure) from failure


def _judged(channel: Channel, failure: ProviderFailure) -> VisitFailed:
    reason: VisitFault = "provider_failed"
    if isinstance(failure, Refused):
        refused: dict[str, VisitFault] = {
            PlatformReason.CODE_INVALID: "code_refused",
            PlatformReason.CODE_EXPIRED: "code_refused",
            "api_not_allowed": "not_allowed",
            "permission_missing": "not_allowed",
        }
        reason = refused.get(failure.reason, "provider_failed")
    log.warning("visitor_not_recognised", channel_id=str(channel.id), reason=reason, code=failure.external_code)
    return VisitFailed(reason=reason)


# ---------------------------------------------------------------- the rows


@dataclass(frozen=True, slots=True)
class _Begun:
    purpose: str
    about: Mapping[str, object]
    browser_digest: bytes
    expires_at: datetime


async def _keep(tx: Tx, *, place: Place, state: str, browser: str, purpose: str, about: Mapping[str, object]) -> None:
    await tx.execute(
        "DELETE FROM web_authorizations WHERE workspace_id = %s AND expires_at < %s",
        [tx.workspace_id, tx.now - STATE_LASTS],
    )
    await tx.execute(
        """
        INSERT INTO web_authorizations
               (workspace_id, id, channel_id, state_digest, browser_digest, purpose, about, created_at, expires_at)
        VALUES (%(workspace_id)s, %(id)s, %(channel_id)s, %(state)s, %(browser)s, %(purpose)s, %(about)s, %(now)s,
                %(expires_at)s)
        """,
        {
            "workspace_id": tx.workspace_id,
            "id": new_id(),
            "channel_id": place.channel_id,
            "state": _digest(state),
            "browser": _digest(browser),
            "purpose": purpose,
            "about": Jsonb(dict(about)),
            "now": tx.now,
            "expires_at": tx.now + STATE_LASTS,
        },
    )


async def _use(tx: Tx, *, place: Place, state: str) -> _Begun | None:
    """Use a state up and return what was begun with it; None for one that is unknown or was used.

    What a link said of somebody is not kept any longer.
    """
    if not _STATE.fullmatch(state):
        return None
    return await tx.row(
        _Begun,
        """
        WITH found AS (
          SELECT id, about FROM web_authorizations
          WHERE workspace_id = %s AND channel_id = %s AND state_digest = %s AND used_at IS NULL FOR UPDATE
        )
        UPDATE web_authorizations w SET used_at = %s, about = '{}'
        FROM found WHERE w.workspace_id = %s AND w.id = found.id
        RETURNING w.purpose, found.about, w.browser_digest, w.expires_at
        """,
        [tx.workspace_id, place.channel_id, _digest(state), tx.now, tx.workspace_id],
    )


async def _meet(
    tx: Tx, *, channel_id: ChannelId, visitor: Visitor, connectors: Connectors
) -> tuple[CustomerId, ThreadId]:
    """Return the customer who a visitor is, made if they never came before; their thread is locked."""
    whose = Whose(channel_id=channel_id, external_customer_id=visitor.external_customer_id)
    asked = await ask_for_threads(tx, customers=[whose])
    opened, locked = (await opened_threads(tx, asked=asked, connectors=connectors))[whose]
    if locked.made:
        await add_customer(
            tx,
            customer_id=locked.customer_id,
            channel_id=channel_id,
            external_customer_id=locked.external_customer_id,
            name=opened.around.customer_name,
        )
    return locked.customer_id, locked.id


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
