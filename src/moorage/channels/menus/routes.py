"""The API of a channel's menu: draft, publish, versions, what is live, menus for some customers."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response, status
from pydantic import BaseModel, ConfigDict, Field

from moorage.channels.menus.checking import faults_of, faults_of_rule
from moorage.channels.menus.described import describe_menu
from moorage.channels.menus.live import LiveMenus
from moorage.channels.menus.model import Menu
from moorage.channels.menus.operations import By, add_conditional, change_conditional, restore_version, save_draft
from moorage.channels.menus.publishing import Menus
from moorage.channels.menus.queries import list_versions
from moorage.channels.menus.trying import menu_for
from moorage.channels.menus.views import (
    MatchedMenuView,
    MenuFaultsView,
    MenuFaultView,
    MenuVersionsView,
    MenuVersionView,
    MenuView,
)
from moorage.channels.queries import read_channel
from moorage.connectors.menus import MatchRule
from moorage.core.ids import ChannelId, WorkspaceId
from moorage.infra.database import Tx
from moorage.staff.guard import SignedInActor, remote_address_of, require_right
from moorage.staff.model import Actor
from moorage.staff.rights import Act, require

router = APIRouter(prefix="/channels/{channel_id}/menu", tags=["menus"])


@dataclass(frozen=True, slots=True)
class MenusDoor:
    """What these routes need of the process; the application keeps it as `app.state.menus_door`."""

    menus: Menus

    @property
    def live(self) -> LiveMenus:
        """Return what reads live menus."""
        return LiveMenus(self.menus)

    async def view(self, workspace_id: WorkspaceId, channel_id: UUID) -> MenuView:
        """Return what the API says about a channel's menu. Raises Missing."""
        async with self.menus.database.in_workspace(workspace_id) as tx:
            channel = await read_channel(tx, channel_id=ChannelId(channel_id))
            ground = await self.menus.ground(tx, kind=channel.kind)
            return await describe_menu(tx, channel_id=channel.id, ground=ground)


def menus_door(request: Request) -> MenusDoor:
    """Return the door that the application put in its state."""
    door: object = request.app.state.menus_door
    if not isinstance(door, MenusDoor):
        raise TypeError("app.state.menus_door must be a MenusDoor")
    return door


TheDoor = Annotated[MenusDoor, Depends(menus_door)]
ChannelManager = Annotated[Actor, Depends(require_right(Act.CHANNELS_MANAGE))]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MenuDraft(_Asked):
    """A draft, finished or not, and the version of the one that the person has seen."""

    draft: Menu
    version: int


class MenuSeen(_Asked):
    """The version of the draft that the person has seen."""

    version: int


class MenuToCheck(_Asked):
    """A menu to be checked, and for whom it is if not for everybody."""

    menu: Menu
    rule: MatchRule | None = None


class NewConditionalMenu(_Asked):
    """A menu for those whom `rule` describes."""

    name: str = Field(max_length=200)
    rule: MatchRule
    menu: Menu


class ConditionalMenuChange(NewConditionalMenu):
    """The same in place of what the person has seen as `version`."""

    version: int


class MenuTry(_Asked):
    """Whose menu to look up: a customer's id or name at the provider."""

    customer: str = Field(min_length=1, max_length=128)


def _by(actor: Actor, request: Request) -> By:
    return By(person_id=actor.person_id, remote_address=remote_address_of(request))


# ---------------------------------------------------------------- the menu for everybody


@router.get("")
async def read_channel_menu(channel_id: UUID, actor: SignedInActor, door: TheDoor) -> MenuView:
    """Tell everything about a channel's menu, as it was when the provider was last asked."""
    require(actor, Act.CHANNELS_READ)
    return await door.view(actor.workspace_id, channel_id)


@router.post("/compare")
async def compare_channel_menu(channel_id: UUID, actor: ChannelManager, door: TheDoor) -> MenuView:
    """Ask the provider what is live now, and tell everything about the menu."""
    await door.live.compare(workspace_id=actor.workspace_id, channel_id=ChannelId(channel_id))
    return await door.view(actor.workspace_id, channel_id)


@router.put("/draft")
async def save_menu_draft(
    channel_id: UUID, asked: MenuDraft, request: Request, actor: ChannelManager, door: TheDoor
) -> MenuView:
    """Keep a draft. It need not be finished; its faults come with the answer."""

    async def save(tx: Tx) -> None:
        await save_draft(
            tx, channel_id=ChannelId(channel_id), draft=asked.draft, version=asked.version, by=_by(actor, request)
        )

    await door.menus.database.run(actor.workspace_id, save)
    return await door.view(actor.workspace_id, channel_id)


@router.post("/validate")
async def validate_menu(channel_id: UUID, asked: MenuToCheck, actor: ChannelManager, door: TheDoor) -> MenuFaultsView:
    """Tell what keeps a menu from being published, without keeping it."""
    async with door.menus.database.in_workspace(actor.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))
        ground = await door.menus.ground(tx, kind=channel.kind)
    of_rule = () if asked.rule is None else faults_of_rule(asked.rule, limits=ground.limits)
    faults = (*of_rule, *faults_of(asked.menu, ground=ground))
    return MenuFaultsView(items=[MenuFaultView.of(fault) for fault in faults])


@router.post("/publish")
async def publish_menu(
    channel_id: UUID, asked: MenuSeen, request: Request, actor: ChannelManager, door: TheDoor
) -> MenuView:
    """Publish the draft in place of whatever is live. Without an answer of the provider's, `last_try` says so."""
    await door.menus.publish(
        workspace_id=actor.workspace_id,
        channel_id=ChannelId(channel_id),
        version=asked.version,
        by=_by(actor, request),
    )
    return await door.view(actor.workspace_id, channel_id)


@router.post("/delete")
async def delete_menu(channel_id: UUID, request: Request, actor: ChannelManager, door: TheDoor) -> MenuView:
    """Delete every menu of the account at the provider. Draft and versions stay here."""
    await door.menus.delete_all(
        workspace_id=actor.workspace_id, channel_id=ChannelId(channel_id), by=_by(actor, request)
    )
    return await door.view(actor.workspace_id, channel_id)


@router.post("/import")
async def import_menu(
    channel_id: UUID, asked: MenuSeen, request: Request, actor: ChannelManager, door: TheDoor
) -> MenuView:
    """Make what is live now the draft."""
    await door.live.import_live(
        workspace_id=actor.workspace_id,
        channel_id=ChannelId(channel_id),
        version=asked.version,
        by=_by(actor, request),
    )
    return await door.view(actor.workspace_id, channel_id)


@router.get("/versions")
async def read_menu_versions(channel_id: UUID, actor: SignedInActor, door: TheDoor) -> MenuVersionsView:
    """List what was published when by whom, newest first, and what could not be."""
    require(actor, Act.CHANNELS_READ)
    async with door.menus.database.in_workspace(actor.workspace_id) as tx:
        channel = await read_channel(tx, channel_id=ChannelId(channel_id))
        versions = await list_versions(tx, channel_id=channel.id)
    return MenuVersionsView(items=[MenuVersionView.of(version) for version in versions])


@router.post("/versions/{number}/restore")
async def restore_menu_version(
    *, channel_id: UUID, number: int, asked: MenuSeen, request: Request, actor: ChannelManager, door: TheDoor
) -> MenuView:
    """Make an earlier version the draft. Customers see it once it is published."""

    async def restore(tx: Tx) -> None:
        await restore_version(
            tx, channel_id=ChannelId(channel_id), number=number, version=asked.version, by=_by(actor, request)
        )

    await door.menus.database.run(actor.workspace_id, restore)
    return await door.view(actor.workspace_id, channel_id)


# ---------------------------------------------------------------- menus for some


@router.post("/conditional", status_code=status.HTTP_201_CREATED)
async def add_conditional_menu(
    channel_id: UUID, asked: NewConditionalMenu, request: Request, actor: ChannelManager, door: TheDoor
) -> MenuView:
    """Add a menu for some customers; nobody sees it before it is published."""

    async def add(tx: Tx) -> None:
        await add_conditional(
            tx,
            channel_id=ChannelId(channel_id),
            name=asked.name,
            rule=asked.rule,
            menu=asked.menu,
            by=_by(actor, request),
        )

    await door.menus.database.run(actor.workspace_id, add)
    return await door.view(actor.workspace_id, channel_id)


@router.put("/conditional/{conditional_id}")
async def change_conditional_menu(
    *,
    channel_id: UUID,
    conditional_id: UUID,
    asked: ConditionalMenuChange,
    request: Request,
    actor: ChannelManager,
    door: TheDoor,
) -> MenuView:
    """Change a menu for some customers; what they see changes when it is published."""

    async def change(tx: Tx) -> None:
        await change_conditional(
            tx,
            channel_id=ChannelId(channel_id),
            conditional_id=conditional_id,
            name=asked.name,
            rule=asked.rule,
            menu=asked.menu,
            version=asked.version,
            by=_by(actor, request),
        )

    await door.menus.database.run(actor.workspace_id, change)
    return await door.view(actor.workspace_id, channel_id)


@router.post("/conditional/{conditional_id}/publish")
async def publish_conditional_menu(
    *, channel_id: UUID, conditional_id: UUID, asked: MenuSeen, request: Request, actor: ChannelManager, door: TheDoor
) -> MenuView:
    """Publish a menu for some customers. Among several that match, they see the one published last."""
    await door.menus.publish_conditional(
        workspace_id=actor.workspace_id,
        channel_id=ChannelId(channel_id),
        conditional_id=conditional_id,
        version=asked.version,
        by=_by(actor, request),
    )
    return await door.view(actor.workspace_id, channel_id)


@router.delete("/conditional/{conditional_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_conditional_menu(
    channel_id: UUID, conditional_id: UUID, request: Request, actor: ChannelManager, door: TheDoor
) -> Response:
    """Delete a menu for some customers, here and at the provider."""
    await door.menus.delete_conditional(
        workspace_id=actor.workspace_id,
        channel_id=ChannelId(channel_id),
        conditional_id=conditional_id,
        by=_by(actor, request),
    )
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.delete("/foreign/{external_menu_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_foreign_menu(
    channel_id: UUID, external_menu_id: str, request: Request, actor: ChannelManager, door: TheDoor
) -> Response:
    """Delete a menu for some customers that another platform has made."""
    await door.menus.delete_foreign(
        workspace_id=actor.workspace_id,
        channel_id=ChannelId(channel_id),
        external_menu_id=external_menu_id[:64],
        by=_by(actor, request),
    )
    await door.live.compare(workspace_id=actor.workspace_id, channel_id=ChannelId(channel_id))
    return Response(status_code=status.HTTP_204_NO_CONTENT)


@router.post("/try")
async def try_menu(channel_id: UUID, asked: MenuTry, actor: ChannelManager, door: TheDoor) -> MatchedMenuView:
    """Tell which menu one customer sees now."""
    return MatchedMenuView(
        menu=await menu_for(
            door.menus, workspace_id=actor.workspace_id, channel_id=ChannelId(channel_id), customer=asked.customer
        )
    )
