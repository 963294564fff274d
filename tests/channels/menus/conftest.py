"""A docked channel, an admin, and WeChat at the wire."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from moorage.channels.menus.described import describe_menu
from moorage.channels.menus.live import LiveMenus
from moorage.channels.menus.model import Menu
from moorage.channels.menus.operations import By, save_draft
from moorage.channels.menus.publishing import Menus
from moorage.channels.menus.queries import StoredMenu
from moorage.channels.menus.views import MenuView
from moorage.channels.model import Channel
from moorage.channels.queries import read_channel
from moorage.connectors.registry import ProviderUrls, open_connectors
from moorage.core.ids import WorkspaceId
from moorage.infra.database import Database
from moorage.infra.http_client import open_provider_client
from moorage.staff.operations import create_workspace
from moorage.staff.passwords import Passwords
from tests.channels.docking import BOX, a_channel
from tests.channels.menus.wechat import MenuWechat
from tests.connectors.provider import Provider, running_provider
from tests.staff.people import a_colleague


@dataclass(frozen=True)
class MenuDesk:
    """An admin in front of one channel's menu."""

    company: WorkspaceId
    channel: Channel
    menus: Menus
    by: By

    async def save(self, menu: Menu) -> StoredMenu:
        version = (await self.view()).version
        async with self.menus.database.in_workspace(self.company) as tx:
            return await save_draft(tx, channel_id=self.channel.id, draft=menu, version=version, by=self.by)

    async def publish(self, menu: Menu | None = None) -> str:
        """Save `menu` if there is one, publish the draft, and return the state of the version."""
        if menu is not None:
            await self.save(menu)
        version = (await self.view()).version
        outcome = await self.menus.publish(
            workspace_id=self.company, channel_id=self.channel.id, version=version, by=self.by
        )
        return outcome.state

    async def compare(self) -> MenuView:
        await LiveMenus(self.menus).compare(workspace_id=self.company, channel_id=self.channel.id)
        return await self.view()

    async def view(self) -> MenuView:
        async with self.menus.database.in_workspace(self.company) as tx:
            ground = await self.menus.ground(tx, kind=self.channel.kind)
            return await describe_menu(tx, channel_id=self.channel.id, ground=ground)

    async def channel_now(self) -> Channel:
        async with self.menus.database.in_workspace(self.company) as tx:
            return await read_channel(tx, channel_id=self.channel.id)


@pytest.fixture
def wechat() -> MenuWechat:
    return MenuWechat()


@pytest.fixture
async def provider(wechat: MenuWechat) -> AsyncIterator[Provider]:
    async with running_provider(wechat.answer) as running:
        yield running


@pytest.fixture
async def desk(database: Database, passwords: Passwords, provider: Provider) -> AsyncIterator[MenuDesk]:
    company = await create_workspace(database, name="Harbour Tea")
    admin = await a_colleague(database, passwords, company=company, role="admin", name="Ada")
    channel = await a_channel(database, company, verified=True)
    async with open_provider_client() as http:
        connectors = open_connectors(http=http, urls=ProviderUrls(wechat_api=provider.url))
        yield MenuDesk(
            company=company,
            channel=channel,
            menus=Menus(database=database, box=BOX, connectors=connectors),
            by=By(person_id=admin.person_id, remote_address="127.0.0.1"),
        )
