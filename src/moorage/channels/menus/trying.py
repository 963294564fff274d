"""Which menu one customer sees, as the provider tells it."""

import asyncio
import secrets

from moorage.channels.menus.compiling import understood
from moorage.channels.menus.model import Menu
from moorage.channels.menus.outcomes import MenuNotTaken, judge
from moorage.channels.menus.publishing import CALL_WITHIN_S, Menus
from moorage.channels.menus.queries import known_items
from moorage.connectors.failures import ProviderFailure
from moorage.core.ids import ChannelId, WorkspaceId


async def menu_for(menus: Menus, *, workspace_id: WorkspaceId, channel_id: ChannelId, customer: str) -> Menu:
    """Return the menu that the provider shows `customer`. Raises Missing, or MenuNotTaken where it does not tell."""
    power, endpoint = await menus.open(workspace_id, channel_id)
    deadline = asyncio.get_running_loop().time() + CALL_WITHIN_S
    try:
        matched = await power.try_match(endpoint, customer=customer.strip(), deadline=deadline)
    except ProviderFailure as failure:
        raise MenuNotTaken(
            reason=judge(failure).reason or "", external_code=failure.external_code, detail=failure.detail
        ) from failure
    async with menus.database.in_workspace(workspace_id) as tx:
        known = await known_items(tx, channel_id=channel_id, menu=matched)
    return understood(matched, known=known, fresh_id=lambda: secrets.token_hex(4))
