"""The token that a channel's calls carry: issued against its credentials, or renewed by what it has granted us."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

from moorage.channels.credentials import read_credentials, replace_credentials
from moorage.channels.leases import FAILURES_TO_CIRCUIT, LeasedTokens, NewToken, Shelf, TokenOwner, failure_reason
from moorage.channels.model import Channel
from moorage.channels.platforms import open_platform
from moorage.channels.queries import read_channel
from moorage.channels.states import mark_deauthorized, mark_failing, mark_reachable, mark_restricted
from moorage.connectors.contract import Connector, IssuesTokens
from moorage.connectors.failures import CredentialsInvalid, CredentialsReason, ProviderFailure, RefusalReason, Refused
from moorage.connectors.registry import required_platform_power, token_power
from moorage.core.errors import DomainError, Missing
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox

REFRESH_TOKEN = "refresh_token"  # noqa: S105 -- a name among the credentials
"""The credential by which the tokens of a channel docked by authorization are renewed."""
WITHOUT_AUTHORIZATION = frozenset({"deauthorized", "undocked"})


def channel_tokens(
    database: Database,
    *,
    box: SecretBox,
    connector: Connector,
    workspace_id: WorkspaceId,
    channel: Channel,
    credentials: Mapping[str, str],
) -> LeasedTokens | None:
    """Return the source of the tokens of `channel`, whichever way it was docked; None for a kind without tokens."""
    owner: TokenOwner
    issuer = token_power(connector)
    if channel.docked_by == "authorization":
        owner = _ByAuthorization(database, box=box, workspace_id=workspace_id, channel=channel, connector=connector)
    elif issuer is not None:
        owner = _ByCredentials(
            database, workspace_id=workspace_id, channel=channel, issuer=issuer, credentials=credentials
        )
    else:
        return None
    return LeasedTokens(box=box, owner=owner)


class WithoutTokens:
    """The source of a channel whose kind works without tokens. Asking it is a defect of the connector."""

    async def token(self, *, deadline: float) -> str:  # noqa: ARG002 -- the protocol's
        """Raise TypeError."""
        raise TypeError("a channel of this kind has no tokens")

    async def after_refusal(self, *, failed: str, deadline: float) -> str:  # noqa: ARG002 -- the protocol's
        """Raise TypeError."""
        raise TypeError("a channel of this kind has no tokens")


def channel_token_context(channel_id: ChannelId) -> str:
    """Return what a channel's token is sealed for."""
    return f"channel-token:{channel_id}"


class _OfChannel:
    """What both ways have in common: where the token lies, and what a renewal says about the channel."""

    def __init__(self, database: Database, *, workspace_id: WorkspaceId, channel: Channel) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._channel = channel
        self.shelf = Shelf(
            table="channel_tokens",
            where="workspace_id = %(workspace_id)s AND channel_id = %(channel_id)s",
            key={"workspace_id": workspace_id, "channel_id": channel.id},
            context=channel_token_context(channel.id),
        )

    def transaction(self) -> AbstractAsyncContextManager[Tx]:
        return self._database.in_workspace(self._workspace_id)

    def absent(self) -> DomainError:
        return Missing(what="channel")

    async def on_renewed(self, tx: Tx, new: NewToken, *, had_failed: bool) -> None:  # noqa: ARG002 -- for those who keep more of it
        if had_failed:
            await mark_reachable(tx, channel_id=self._channel.id)

    async def on_failed(self, tx: Tx, failure: ProviderFailure, *, failures: int) -> None:
        reason = failure_reason(failure)
        if reason == CredentialsReason.AUTHORIZATION_GONE:
            await mark_deauthorized(tx, channel_id=self._channel.id, reason=reason)
        elif reason == RefusalReason.API_NOT_ALLOWED:
            await mark_restricted(tx, channel_id=self._channel.id, reason=reason)
        elif isinstance(failure, CredentialsInvalid) or failures >= FAILURES_TO_CIRCUIT:
            await mark_failing(tx, channel_id=self._channel.id, reason=reason)


class _ByCredentials(_OfChannel):
    def __init__(
        self,
        database: Database,
        *,
        workspace_id: WorkspaceId,
        channel: Channel,
        issuer: IssuesTokens,
        credentials: Mapping[str, str],
    ) -> None:
        super().__init__(database, workspace_id=workspace_id, channel=channel)
        self._issuer = issuer
        self._credentials = credentials

    async def issue(self, *, force: bool, deadline: float) -> NewToken:
        issued = await self._issuer.issue_token(credentials=self._credentials, force=force, deadline=deadline)
        return NewToken(token=issued.token, lasts=issued.lasts)


class _ByAuthorization(_OfChannel):
    def __init__(
        self, database: Database, *, box: SecretBox, workspace_id: WorkspaceId, channel: Channel, connector: Connector
    ) -> None:
        super().__init__(database, workspace_id=workspace_id, channel=channel)
        self._box = box
        self._connector = connector

    async def issue(self, *, force: bool, deadline: float) -> NewToken:  # noqa: ARG002 -- each renewal gives another token
        refresh_token = await self._refresh_token()
        platform = await open_platform(self._database, box=self._box, connector=self._connector)
        renewed = await required_platform_power(self._connector).renew_authorization(
            platform, external_id=self._channel.external_id, refresh_token=refresh_token, deadline=deadline
        )
        return NewToken(
            token=renewed.token.token, lasts=renewed.token.lasts, refresh_token=renewed.refresh_token or None
        )

    async def _refresh_token(self) -> str:
        """Return the stored refresh token as it is now: another process may have docked the account anew meanwhile."""
        async with self.transaction() as tx:
            channel = await read_channel(tx, channel_id=self._channel.id)
            credentials = await read_credentials(tx, box=self._box, channel_id=channel.id)
        if channel.state in WITHOUT_AUTHORIZATION:
            raise CredentialsInvalid(external_code=None, detail="", reason=CredentialsReason.AUTHORIZATION_GONE)
        if not credentials.get(REFRESH_TOKEN):  # the account has no right to the API, so it was given none
            raise Refused(external_code=None, detail="", reason=RefusalReason.API_NOT_ALLOWED)
        return credentials[REFRESH_TOKEN]

    async def on_renewed(self, tx: Tx, new: NewToken, *, had_failed: bool) -> None:
        await keep_refresh_token(tx, box=self._box, channel_id=self._channel.id, refresh_token=new.refresh_token)
        await super().on_renewed(tx, new, had_failed=had_failed)


async def keep_refresh_token(tx: Tx, *, box: SecretBox, channel_id: ChannelId, refresh_token: str | None) -> None:
    """Store the refresh token that came with an answer, if it is another one. Nothing never replaces something."""
    if not refresh_token:
        return
    before = await read_credentials(tx, box=box, channel_id=channel_id)
    if before.get(REFRESH_TOKEN) != refresh_token:
        await replace_credentials(
            tx, box=box, channel_id=channel_id, credentials={**before, REFRESH_TOKEN: refresh_token}
        )
