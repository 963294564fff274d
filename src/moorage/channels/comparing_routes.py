"""The API of the comparison with a provider's list of accounts, for the installation's operators only."""

from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from moorage.channels.authorization_errors import AuthorizationFailed
from moorage.channels.authorization_routes import ThisDoor
from moorage.channels.comparing import Comparing, Comparison, read_comparison
from moorage.channels.leases import failure_reason
from moorage.channels.platform_routes import DEFAULT_KIND, Operator
from moorage.channels.platforms import authorizing_connector, find_platform
from moorage.channels.routes import ChannelsDoor, TheDoor
from moorage.connectors.failures import ProviderFailure
from moorage.infra.audit import write_audit
from moorage.infra.database import Tx
from moorage.staff.guard import remote_address_of

MOST_ID: Final = 128

router = APIRouter(prefix="/installation/accounts", tags=["installation"])


class ComparisonView(BaseModel):
    """What the provider lists and is not docked here is among the unclaimed; `unlisted` is the other way round."""

    compared_at: datetime | None
    listed_at: datetime | None
    reason: str | None
    """Why the list could not be read, a word that the kind has a sentence for."""
    listed: int
    unlisted: list[str]


class ComparedAccountView(BaseModel):
    """Whether the authorization of an account is gone, by the provider's word; then its channel is deauthorized."""

    gone: bool


class UnlistedAccount(BaseModel):
    """An account that is docked here and not listed at the provider."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(default=DEFAULT_KIND, max_length=40)
    external_id: str = Field(max_length=MOST_ID)


@router.get("")
async def read_account_comparison(live: Operator, door: TheDoor, kind: str = DEFAULT_KIND) -> ComparisonView:  # noqa: ARG001 -- the guard
    """Tell what the last comparison with the provider's list found."""
    connector = door.connectors[_known(door, kind)]
    async with door.database.in_platform() as tx:
        platform = await find_platform(tx, box=door.box, connector=connector)
        return _view(None if platform is None else await read_comparison(tx, platform=platform))


@router.post("/compare")
async def compare_accounts(
    live: Operator,  # noqa: ARG001 -- the guard
    door: TheDoor,
    authorizations: ThisDoor,
    kind: str = DEFAULT_KIND,
) -> ComparisonView:
    """Read the provider's list now and hold it against ours."""
    return _view(await _comparing(door, authorizations).compare(kind=_known(door, kind)))


@router.post("/confirm")
async def confirm_account_gone(
    account: UnlistedAccount,
    request: Request,
    live: Operator,
    door: TheDoor,
    authorizations: ThisDoor,
) -> ComparedAccountView:
    """Ask the provider about one account that it does not list. If it knows us no more, the channel is deauthorized."""
    try:
        gone = await _comparing(door, authorizations).confirm_gone(
            kind=_known(door, account.kind), external_id=account.external_id
        )
    except ProviderFailure as failure:
        raise AuthorizationFailed(reason=failure_reason(failure), external_code=failure.external_code) from failure

    async def audit(tx: Tx) -> None:
        await write_audit(
            tx,
            by=live.person.id,
            remote_address=remote_address_of(request),
            act="installation.account_confirmed_gone",
            object_kind="channel",
            object_id=None,
            after={"external_id": account.external_id, "gone": gone},
        )

    await door.database.run(live.actor.workspace_id, audit)
    return ComparedAccountView(gone=gone)


def _known(door: ChannelsDoor, kind: str) -> str:
    """Return `kind` if it is docked by authorization. Raises Missing."""
    return authorizing_connector(door.connectors, kind=kind).manifest.kind


def _comparing(door: ChannelsDoor, authorizations: ThisDoor) -> Comparing:
    return Comparing(
        database=door.database,
        box=door.box,
        connectors=door.connectors,
        accounts=authorizations.authorizations.accounts,
    )


def _view(found: Comparison | None) -> ComparisonView:
    if found is None:
        return ComparisonView(compared_at=None, listed_at=None, reason=None, listed=0, unlisted=[])
    return ComparisonView(
        compared_at=found.compared_at,
        listed_at=found.listed_at,
        reason=found.reason,
        listed=found.listed,
        unlisted=list(found.unlisted),
    )
