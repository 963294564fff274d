"""Publishing and deleting what customers see, each in three steps: lease, call with no transaction open, record."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

import structlog

from moorage.channels.endpoints import open_endpoint
from moorage.channels.menus.checking import Fault, Ground, faults_of, faults_of_rule, ground_of, suspects
from moorage.channels.menus.compiling import compiled
from moorage.channels.menus.leasing import Lease, Publication, begin_version, give_back, next_number, take_lease
from moorage.channels.menus.operations import By, audit
from moorage.channels.menus.outcomes import NO_ANSWER, NOT_LIVE, MenuNotTaken, Outcome, judge, say_of_channel
from moorage.channels.menus.queries import StoredConditional, read_conditional
from moorage.channels.menus.storing import (
    forget_published,
    keep_external,
    mark_published,
    settle_version,
    store_live,
    store_published,
)
from moorage.channels.queries import read_channel
from moorage.connectors.contract import Endpoint
from moorage.connectors.failures import ProviderFailure, Refused
from moorage.connectors.menus import LiveMenu, MenuReason, ProviderMenu, PublishesMenus
from moorage.connectors.registry import Connectors, menu_power
from moorage.core.errors import DomainError, Missing, StaleVersion
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox
from moorage.staff.queries import list_groups

CALL_WITHIN_S = 9.0
READ_BACK_WITHIN_S = 6.0

log = structlog.get_logger()


@dataclass(eq=False)
class MenuFaulty(DomainError):
    """The menu cannot be published as it is; `faults` say what to change where."""

    code: ClassVar[str] = "channels.menu_faulty"
    kind: ClassVar[str] = "malformed"
    faults: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class Menus:
    """What changes the menus of channels at their providers."""

    database: Database
    box: SecretBox
    connectors: Connectors

    def power(self, kind: str) -> PublishesMenus:
        """Return the power of a kind. Raises Missing for one without menus."""
        connector = self.connectors.get(kind)
        power = None if connector is None else menu_power(connector)
        if power is None:
            raise Missing(what="menu")
        return power

    async def ground(self, tx: Tx, *, kind: str) -> Ground:
        """Return what the menus of a kind are held against in this workspace. Raises Missing."""
        self.power(kind)
        groups = await list_groups(tx)
        ground = ground_of(self.connectors[kind].manifest, group_ids=[group.id for group in groups])
        if ground is None:
            raise Missing(what="menu")
        return ground

    async def open(self, workspace_id: WorkspaceId, channel_id: ChannelId) -> tuple[PublishesMenus, Endpoint]:
        """Return the power over a channel's menus, and the channel as it sees it. Raises Missing."""
        async with self.database.in_workspace(workspace_id) as tx:
            kind = (await read_channel(tx, channel_id=channel_id)).kind
        endpoint = await open_endpoint(
            self.database, box=self.box, connectors=self.connectors, workspace_id=workspace_id, channel_id=channel_id
        )
        return self.power(kind), endpoint

    # ------------------------------------------------------------ the menu for everybody

    async def publish(self, *, workspace_id: WorkspaceId, channel_id: ChannelId, version: int, by: By) -> Outcome:
        """Publish the draft that the person saw as `version`, and return what is known of it.

        Where no answer comes, what is live tells. Raises Missing, ChannelUndocked, StaleVersion, MenuFaulty, MenuBusy,
        or MenuNotTaken for a menu that is surely not published.
        """

        async def begin(tx: Tx) -> Publication:
            return await self._begin(tx, channel_id=channel_id, version=version, by=by)

        power, endpoint = await self.open(workspace_id, channel_id)
        publication = await self.database.run(workspace_id, begin)
        failure = await _failure_of(
            lambda: power.publish_menu(endpoint, menu=publication.given, deadline=_within(CALL_WITHIN_S))
        )
        outcome = judge(failure)
        if outcome.state == "unknown":
            outcome = await _read_back(power, endpoint, given=publication.given, outcome=outcome)
        await self._record(workspace_id, publication, outcome)
        _raise_if_failed(publication, outcome)
        return outcome

    async def delete_all(self, *, workspace_id: WorkspaceId, channel_id: ChannelId, by: By) -> None:
        """Delete every menu of the account, the conditional ones too; drafts and versions stay.

        Raises Missing, ChannelUndocked, MenuBusy or MenuNotTaken.
        """

        async def begin(tx: Tx) -> Lease:
            return (await take_lease(tx, channel_id=channel_id, by=by))[1]

        power, endpoint = await self.open(workspace_id, channel_id)
        lease = await self.database.run(workspace_id, begin)
        failure = await _failure_of(lambda: power.delete_menus(endpoint, deadline=_within(CALL_WITHIN_S)))
        outcome = judge(failure)

        async def record(tx: Tx) -> None:
            if outcome.state == "published":
                await forget_published(tx, channel_id)
                await store_live(tx, channel_id=channel_id, live=LiveMenu.nothing())
            await self._settle(tx, lease, outcome, act="deleted", after={})

        await self.database.run(workspace_id, record)
        _raise_if_not_done(outcome)

    # ------------------------------------------------------------ menus for some

    async def publish_conditional(
        self, *, workspace_id: WorkspaceId, channel_id: ChannelId, conditional_id: UUID, version: int, by: By
    ) -> None:
        """Publish a conditional menu as a new one, then delete the one it takes the place of: the newest match wins.

        Raises as `publish`, and MenuNotTaken also where no answer came: a second try may leave two, of which one is
        seen and both are listed.
        """

        async def begin(tx: Tx) -> Publication:
            return await self._begin_conditional(
                tx, channel_id=channel_id, conditional_id=conditional_id, version=version, by=by
            )

        power, endpoint = await self.open(workspace_id, channel_id)
        publication = await self.database.run(workspace_id, begin)
        rule = publication.rule
        if rule is None:
            raise TypeError("a conditional menu has a rule")
        added: list[str] = []

        async def add() -> None:
            added.append(
                await power.add_conditional_menu(
                    endpoint, menu=publication.given, rule=rule, deadline=_within(CALL_WITHIN_S)
                )
            )

        outcome = judge(await _failure_of(add))
        if added and publication.replaces is not None:
            await _delete_old(power, endpoint, publication.replaces)
        await self._record(workspace_id, publication, outcome, external_menu_id=added[0] if added else None)
        _raise_if_failed(publication, outcome)
        _raise_if_not_done(outcome)

    async def delete_conditional(
        self, *, workspace_id: WorkspaceId, channel_id: ChannelId, conditional_id: UUID, by: By
    ) -> None:
        """Delete a conditional menu here and at the provider. Raises as `delete_all`."""

        async def begin(tx: Tx) -> tuple[StoredConditional, Lease]:
            conditional = await read_conditional(tx, channel_id=channel_id, conditional_id=conditional_id)
            return conditional, (await take_lease(tx, channel_id=channel_id, by=by))[1]

        power, endpoint = await self.open(workspace_id, channel_id)
        conditional, lease = await self.database.run(workspace_id, begin)
        outcome = judge(None)
        if conditional.external_menu_id is not None:
            outcome = await _delete_one(power, endpoint, conditional.external_menu_id)

        async def record(tx: Tx) -> None:
            if outcome.state == "published":
                await tx.execute(
                    "DELETE FROM conditional_menus WHERE workspace_id = %s AND id = %s",
                    [tx.workspace_id, conditional_id],
                )
            await self._settle(tx, lease, outcome, act="conditional_deleted", after={"name": conditional.name})

        await self.database.run(workspace_id, record)
        _raise_if_not_done(outcome)

    async def delete_foreign(
        self, *, workspace_id: WorkspaceId, channel_id: ChannelId, external_menu_id: str, by: By
    ) -> None:
        """Delete a conditional menu that another platform has made. Raises as `delete_all`."""

        async def begin(tx: Tx) -> Lease:
            return (await take_lease(tx, channel_id=channel_id, by=by))[1]

        power, endpoint = await self.open(workspace_id, channel_id)
        lease = await self.database.run(workspace_id, begin)
        outcome = await _delete_one(power, endpoint, external_menu_id)

        async def record(tx: Tx) -> None:
            after: dict[str, object] = {"external_menu_id": external_menu_id}
            await self._settle(tx, lease, outcome, act="foreign_deleted", after=after)

        await self.database.run(workspace_id, record)
        _raise_if_not_done(outcome)

    # ------------------------------------------------------------ the steps

    async def _begin(self, tx: Tx, *, channel_id: ChannelId, version: int, by: By) -> Publication:
        channel = await read_channel(tx, channel_id=channel_id)
        stored, lease = await take_lease(tx, channel_id=channel_id, by=by)
        if stored.version != version:
            raise StaleVersion(version=stored.version)
        _check_faults(faults_of(stored.draft, ground=await self.ground(tx, kind=channel.kind)))
        number = await next_number(tx, channel_id=channel_id)
        publication = Publication(
            lease=lease, number=number, menu=stored.draft, given=compiled(stored.draft, number=number)
        )
        await begin_version(tx, publication)
        return publication

    async def _begin_conditional(
        self, tx: Tx, *, channel_id: ChannelId, conditional_id: UUID, version: int, by: By
    ) -> Publication:
        channel = await read_channel(tx, channel_id=channel_id)
        _, lease = await take_lease(tx, channel_id=channel_id, by=by)
        conditional = await read_conditional(tx, channel_id=channel_id, conditional_id=conditional_id)
        if conditional.version != version:
            raise StaleVersion(version=conditional.version)
        ground = await self.ground(tx, kind=channel.kind)
        _check_faults(
            (*faults_of_rule(conditional.rule, limits=ground.limits), *faults_of(conditional.menu, ground=ground))
        )
        number = await next_number(tx, channel_id=channel_id)
        publication = Publication(
            lease=lease,
            number=number,
            menu=conditional.menu,
            given=compiled(conditional.menu, number=number),
            conditional_id=conditional_id,
            rule=conditional.rule,
            replaces=conditional.external_menu_id,
        )
        await begin_version(tx, publication)
        return publication

    async def _record(
        self,
        workspace_id: WorkspaceId,
        publication: Publication,
        outcome: Outcome,
        *,
        external_menu_id: str | None = None,
    ) -> None:
        async def record(tx: Tx) -> None:
            channel_id = publication.lease.channel_id
            await settle_version(tx, publication, outcome)
            if external_menu_id is not None:
                await keep_external(tx, publication, external_menu_id)
            elif outcome.state == "published" and publication.conditional_id is None:
                await mark_published(tx, channel_id=channel_id, number=publication.number)
                await store_published(tx, channel_id=channel_id, given=publication.given)
            after: dict[str, object] = {"version": publication.number, "state": outcome.state, "reason": outcome.reason}
            act = "published" if publication.conditional_id is None else "conditional_published"
            await self._settle(tx, publication.lease, outcome, act=act, after=after)

        await self.database.run(workspace_id, record)

    async def _settle(self, tx: Tx, lease: Lease, outcome: Outcome, *, act: str, after: dict[str, object]) -> None:
        """Say what the outcome means for the channel, write down who did it, and end the lease."""
        channel = await read_channel(tx, channel_id=lease.channel_id)
        await say_of_channel(tx, channel_id=lease.channel_id, state_reason=channel.state_reason, outcome=outcome)
        told: dict[str, object] = {**after, "outcome": outcome.state}
        await audit(tx, channel_id=lease.channel_id, act=act, by=lease.by, after=told)
        await give_back(tx, lease)


# ---------------------------------------------------------------- calls


def _within(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def _failure_of(call: Callable[[], Awaitable[None]]) -> ProviderFailure | None:
    """Return how `call` failed, or None."""
    try:
        await call()
    except ProviderFailure as failure:
        return failure
    return None


async def _read_back(power: PublishesMenus, endpoint: Endpoint, *, given: ProviderMenu, outcome: Outcome) -> Outcome:
    """Return what the live menu tells of a publication without an answer."""
    try:
        live = await power.read_menus(endpoint, deadline=_within(READ_BACK_WITHIN_S))
    except ProviderFailure:
        return outcome
    if live.menu is not None and live.menu.digest == given.digest:
        return replace(judge(None), details=outcome.details)
    return replace(outcome, state="failed", reason=NOT_LIVE)


async def _delete_one(power: PublishesMenus, endpoint: Endpoint, external_menu_id: str) -> Outcome:
    """Return what came of deleting a conditional menu; one that is gone already is deleted."""
    failure = await _failure_of(
        lambda: power.delete_conditional_menu(
            endpoint, external_menu_id=external_menu_id, deadline=_within(CALL_WITHIN_S)
        )
    )
    return judge(None if isinstance(failure, Refused) and failure.reason == MenuReason.GONE else failure)


async def _delete_old(power: PublishesMenus, endpoint: Endpoint, external_menu_id: str) -> None:
    """Delete what a newer menu has replaced. Where that fails, nobody sees it, and it is listed as made elsewhere."""
    outcome = await _delete_one(power, endpoint, external_menu_id)
    if outcome.state != "published":
        log.warning("old_conditional_menu_not_deleted", reason=outcome.reason)


def _check_faults(faults: tuple[Fault, ...]) -> None:
    if faults:
        raise MenuFaulty(faults=tuple(_told(fault) for fault in faults))


def _told(fault: Fault) -> dict[str, object]:
    return {"item_id": fault.item_id, "field": fault.at, "reason": fault.reason, "values": dict(fault.values)}


def _raise_if_failed(publication: Publication, outcome: Outcome) -> None:
    if outcome.state == "failed":
        raise _not_taken(outcome, suspects(publication.menu, at=outcome.at, level=outcome.level))


def _raise_if_not_done(outcome: Outcome) -> None:
    if outcome.state != "published":
        raise _not_taken(outcome, ())


def _not_taken(outcome: Outcome, accused: tuple[str, ...]) -> MenuNotTaken:
    code, detail = outcome.details.get("external_code"), outcome.details.get("detail")
    return MenuNotTaken(
        reason=outcome.reason or NO_ANSWER,
        external_code=code if isinstance(code, int) else None,
        detail=str(detail or ""),
        suspects=accused,
    )
