"""Docking by authorization as people meet it: an attempt is begun, leads to the provider, and comes back with a code.

What the code is worth is settled in `attempt_settling`, whoever brings it: a browser, a phone or the provider's push.
"""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

import structlog

from moorage.channels.accounts import Accounts
from moorage.channels.attempt_settling import AttemptSettler
from moorage.channels.attempts import (
    Attempt,
    AttemptState,
    Way,
    add_attempt,
    attempt_of_state,
    is_overdue,
    onward_url_context,
    pushed_code_context,
    read_attempt,
)
from moorage.channels.authorization_errors import (
    AttemptExpired,
    AttemptForeign,
    AttemptUnknown,
    AuthorizationFailed,
    CodeRefused,
    OtherAccount,
    authorization_error,
)
from moorage.channels.docking import AlreadyDocked
from moorage.channels.platforms import Platform, authorizing_connector, find_platform, platform_endpoint
from moorage.channels.queries import read_channel
from moorage.connectors.authorization import AuthorizesByPlatform, PlatformReason, StartedAuthorization
from moorage.connectors.contract import Connector
from moorage.connectors.failures import ProviderFailure
from moorage.connectors.registry import Connectors, required_platform_power
from moorage.core.errors import Missing
from moorage.core.ids import ChannelId, WorkspaceId, new_id
from moorage.infra.database import Database
from moorage.infra.links import LinkExpired, LinkInvalid
from moorage.infra.secrets import SecretBox
from moorage.staff.model import Actor

RETURN_PATH = "/channels/authorized"
"""The console's page that the provider leads back to."""
LINK_PATH = "/c/authorize/"
LINK_RETURN_PATH = "/c/authorized/"
"""The pages, without a sign-in, of whoever was sent the link: before the provider's page, and after it."""
BEGUN_WITHIN_S = 15.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BegunAttempt:
    """An attempt that waits for the account's administrator at `url`, until `expires_at`."""

    id: UUID
    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class OpenedLink:
    """What a link leads on to, and who asks: whoever was sent it has to know whom they grant their account to."""

    url: str
    company: str
    person: str
    state: AttemptState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Authorizations:
    """Begins attempts, and takes in what comes back from them."""

    database: Database
    box: SecretBox
    connectors: Connectors
    accounts: Accounts
    public_url: str

    async def begin(
        self, *, actor: Actor, kind: str, channel_id: ChannelId | None, remote_address: str, way: Way = "code"
    ) -> BegunAttempt:
        """Begin an attempt, for one of the actor's channels if `channel_id` is given, and return where it goes on.

        By `link` it goes on at a page of ours that needs no sign-in, on whosever phone: the provider wants its page to
        be opened from one of ours, so that its own address is nothing to send around.

        Raises Missing or AuthorizationFailed.
        """
        connector = authorizing_connector(self.connectors, kind=kind)
        external_id = await self._external_id(actor.workspace_id, kind, channel_id)
        platform, begun = await self._announce(connector)
        state = secrets.token_urlsafe(32)
        attempt_id = new_id()
        onward_url = self._onward_url(
            required_platform_power(connector),
            way=way,
            platform_id=platform.id,
            attempt_code=begun.attempt_code,
            state=state,
            external_id=external_id,
        )
        attempt = Attempt(
            id=attempt_id,
            kind=kind,
            platform_id=platform.id,
            workspace_id=actor.workspace_id,
            person_id=actor.person_id,
            remote_address=remote_address,
            channel_id=channel_id,
            state="open",
            reason=None,
            external_id=external_id,
            pushed_code=None,
            expires_at=self.database.clock.now() + begun.lasts,
            way=way,
            onward_url=None if way == "code" else self._sealed_url(onward_url, attempt_id=attempt_id),
        )
        async with self.database.in_platform() as tx:
            await add_attempt(tx, attempt, state=state, attempt_code=begun.attempt_code)
        log.info("authorization_begun", attempt_id=str(attempt.id), workspace_id=str(actor.workspace_id))
        url = onward_url if way == "code" else f"{self.public_url}{LINK_PATH}{state}"
        return BegunAttempt(id=attempt.id, url=url, expires_at=attempt.expires_at)

    async def read_link(self, *, state: str) -> OpenedLink:
        """Return what whoever was sent a link needs to go on. Raises LinkInvalid or LinkExpired."""
        attempt = await self._linked(state)
        if attempt.state == "open" and self.database.clock.now() >= attempt.expires_at:
            raise LinkExpired(expired_at=attempt.expires_at)
        async with self.database.in_workspace(attempt.workspace_id) as tx:
            company = await tx.value("SELECT name FROM workspaces WHERE id = %s", [attempt.workspace_id])
            person = await tx.value("SELECT name FROM persons WHERE id = %s", [attempt.person_id])
        sealed = attempt.onward_url or b""
        return OpenedLink(
            url=self.box.open(sealed, context=onward_url_context(attempt.id)).decode(),
            company=str(company),
            person=str(person),
            state=attempt.state,
            expires_at=attempt.expires_at,
        )

    async def complete_link(self, *, state: str, code: str) -> None:
        """Finish the attempt that somebody's phone comes back from; it was begun by who is signed in elsewhere.

        Raises LinkInvalid, AttemptExpired, or what `complete` raises of the provider and the account.
        """
        attempt = await self._linked(state)
        if is_overdue(attempt, now=self.database.clock.now()):
            raise AttemptExpired
        await self._settle(attempt, code=code)

    async def complete(self, *, actor: Actor, state: str, code: str) -> ChannelId:
        """Finish the attempt that the actor's browser comes back from, and return the channel.

        Doing it again returns the same. Raises AttemptUnknown, AttemptForeign, AttemptExpired, AlreadyDocked,
        OtherAccount, CodeRefused, AuthorizationFailed or StillExchanging.
        """
        async with self.database.in_platform() as tx:
            attempt = await attempt_of_state(tx, state=state)
        if attempt is None:
            raise AttemptUnknown
        if (attempt.person_id, attempt.workspace_id) != (actor.person_id, actor.workspace_id):
            log.warning("authorization_foreign", attempt_id=str(attempt.id))
            raise AttemptForeign
        if is_overdue(attempt, now=self.database.clock.now()):
            raise AttemptExpired
        return await self._settle(attempt, code=code)

    async def settle_pushed(self, *, workspace_id: WorkspaceId, attempt_id: UUID) -> None:
        """Finish an attempt by the code that the provider pushed. A job: what a repetition may mend is raised."""
        async with self.database.in_workspace(workspace_id) as tx:
            attempt = await read_attempt(tx, attempt_id=attempt_id)
        if attempt.state == "done" or attempt.pushed_code is None:
            return
        code = self.box.open(attempt.pushed_code, context=pushed_code_context(attempt.id)).decode()
        try:
            await self._settle(attempt, code=code)
        except (AlreadyDocked, OtherAccount, CodeRefused) as error:
            log.warning("authorization_not_settled", attempt_id=str(attempt.id), code=error.code)

    async def read(self, *, workspace_id: WorkspaceId, attempt_id: UUID) -> Attempt:
        """Return an attempt of the workspace. Raises Missing."""
        async with self.database.in_platform() as tx:
            attempt = await read_attempt(tx, attempt_id=attempt_id)
        if attempt.workspace_id != workspace_id:
            raise Missing(what="authorization")
        return attempt

    async def _announce(self, connector: Connector) -> tuple[Platform, StartedAuthorization]:
        """Tell the provider that an attempt begins, and return by which platform. Raises AuthorizationFailed."""
        async with self.database.in_platform() as tx:
            platform = await find_platform(tx, box=self.box, connector=connector)
        if platform is None:
            raise AuthorizationFailed(reason=PlatformReason.NOT_CONFIGURED, external_code=None)
        endpoint = platform_endpoint(self.database, box=self.box, connector=connector, platform=platform)
        power = required_platform_power(connector)
        deadline = asyncio.get_running_loop().time() + BEGUN_WITHIN_S
        try:
            return platform, await power.begin_authorization(endpoint, deadline=deadline)
        except ProviderFailure as failure:
            raise authorization_error(failure) from failure

    def _onward_url(
        self,
        power: AuthorizesByPlatform,
        *,
        way: Way,
        platform_id: str,
        attempt_code: str,
        state: str,
        external_id: str | None,
    ) -> str:
        """Return the provider's page of an attempt: with a code to scan, or for the phone that holds the link."""
        if way == "link":
            return power.phone_authorization_url(
                platform_id=platform_id,
                attempt_code=attempt_code,
                return_url=f"{self.public_url}{LINK_RETURN_PATH}{state}",
                external_id=external_id,
            )
        return power.authorization_url(
            platform_id=platform_id,
            attempt_code=attempt_code,
            return_url=f"{self.public_url}{RETURN_PATH}?{urlencode({'state': state})}",
            external_id=external_id,
        )

    def _sealed_url(self, url: str, *, attempt_id: UUID) -> bytes:
        return self.box.seal(url.encode(), context=onward_url_context(attempt_id))

    async def _linked(self, state: str) -> Attempt:
        async with self.database.in_platform() as tx:
            attempt = await attempt_of_state(tx, state=state)
        if attempt is None or attempt.way != "link":
            raise LinkInvalid
        return attempt

    async def _settle(self, attempt: Attempt, *, code: str) -> ChannelId:
        settler = AttemptSettler(
            database=self.database, box=self.box, connectors=self.connectors, accounts=self.accounts
        )
        return await settler.settle(attempt, code=code)

    async def _external_id(self, workspace_id: WorkspaceId, kind: str, channel_id: ChannelId | None) -> str | None:
        if channel_id is None:
            return None
        async with self.database.in_workspace(workspace_id) as tx:
            channel = await read_channel(tx, channel_id=channel_id)
        if channel.kind != kind:
            raise Missing(what="channel")
        return channel.external_id
