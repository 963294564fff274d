"""Live checks of a docked channel: what works, what does not, and what the admin should do about it."""

from datetime import datetime

from moorage.channels.credentials import read_credentials
from moorage.channels.leases import LeasedTokens, failure_reason
from moorage.channels.platforms import find_platform, read_health, ticket_reason
from moorage.channels.queries import read_channel
from moorage.channels.tokens import channel_tokens
from moorage.channels.undocking import ChannelUndocked
from moorage.channels.views import CheckView
from moorage.connectors.authorization import PlatformReason
from moorage.connectors.contract import Connector
from moorage.connectors.failures import AddressNotAllowed, ChannelReason, CredentialsInvalid, ProviderFailure
from moorage.connectors.registry import Connectors, required_platform_power
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Database
from moorage.infra.secrets import SecretBox


async def run_checks(
    database: Database,
    *,
    box: SecretBox,
    connectors: Connectors,
    workspace_id: WorkspaceId,
    channel_id: ChannelId,
    deadline: float,
) -> list[CheckView]:
    """Return how each step of docking stands now. The provider is asked, with no transaction open.

    Raises Missing or ChannelUndocked.
    """
    async with database.in_workspace(workspace_id) as tx:
        channel = await read_channel(tx, channel_id=channel_id)
        if channel.state == "undocked":
            raise ChannelUndocked
        credentials = await read_credentials(tx, box=box, channel_id=channel_id)
    tokens = channel_tokens(
        database,
        box=box,
        connector=connectors[channel.kind],
        workspace_id=workspace_id,
        channel=channel,
        credentials=credentials,
    )
    checks: list[CheckView] = []
    if channel.docked_by == "authorization":
        checks.append(await _notice_check(database, box=box, connector=connectors[channel.kind]))
    elif connectors[channel.kind].manifest.verifies_address:
        checks.append(_server_check(channel.server_verified_at))
    if tokens is not None:
        checks += await _token_checks(tokens, deadline=deadline)
    return checks


async def _notice_check(database: Database, *, box: SecretBox, connector: Connector) -> CheckView:
    """Return whether the provider reaches us: where our platform's tickets arrive, its accounts' pushes do too."""
    async with database.in_platform() as tx:
        platform = await find_platform(tx, box=box, connector=connector)
        if platform is None:
            return CheckView(name="server_verified", state="failed", reason=PlatformReason.NOT_CONFIGURED)
        manifest = required_platform_power(connector).manifest
        ticket = (await read_health(tx, platform=platform, manifest=manifest)).ticket
    if ticket_reason(ticket) is not None:
        return CheckView(name="server_verified", state="failed", reason=ticket_reason(ticket))
    return _server_check(ticket.received_at)


def _server_check(verified_at: datetime | None) -> CheckView:
    if verified_at is None:
        return CheckView(name="server_verified", state="unknown", reason=ChannelReason.NOT_ASKED_YET)
    return CheckView(name="server_verified", state="ok", details={"at": verified_at.isoformat()})


async def _token_checks(tokens: LeasedTokens, *, deadline: float) -> list[CheckView]:
    try:
        await tokens.check(deadline=deadline)
    except AddressNotAllowed as failure:
        listed = {**_details(failure), "ip": failure.address}
        return [
            CheckView(name="token", state="unknown", reason=failure.reason),
            CheckView(name="ip_allowed", state="failed", reason=failure.reason, details=listed),
        ]
    except CredentialsInvalid as failure:
        return [
            CheckView(name="token", state="failed", reason=failure.reason, details=_details(failure)),
            CheckView(name="ip_allowed", state="unknown", reason=failure.reason),
        ]
    except ProviderFailure as failure:
        reason = failure_reason(failure)
        return [
            CheckView(name="token", state="failed", reason=reason, details=_details(failure)),
            CheckView(name="ip_allowed", state="unknown", reason=reason),
        ]
    return [CheckView(name="token", state="ok"), CheckView(name="ip_allowed", state="ok")]


def _details(failure: ProviderFailure) -> dict[str, str]:
    code = {} if failure.external_code is None else {"external_code": str(failure.external_code)}
    return {**code, "detail": failure.detail} if failure.detail else code
