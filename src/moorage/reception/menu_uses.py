"""From a provider's event about the menu to what the engine decides about: which item it was, and what that does."""

from collections.abc import Mapping

from moorage.channels.menus.model import SendText, TransferToAgent
from moorage.channels.menus.queries import find_item, find_linked_item
from moorage.connectors.contract import MenuUsed
from moorage.core.ids import ChannelId, GroupId
from moorage.infra.database import Tx
from moorage.reception import model
from moorage.staff.queries import find_group


async def read_menu_use(tx: Tx, *, channel_id: ChannelId, used: MenuUsed) -> model.MenuUsed:
    """Return the item that was used, also one of an older menu that the customer's phone still showed.

    What another platform has made is told by what it calls the item, and asks nothing of us.
    """
    item = await find_item(tx, channel_id=channel_id, key=used.key)
    if item is None:
        linked = await find_linked_item(tx, channel_id=channel_id, key=used.key) if used.use in _LINKS else None
        return model.MenuUsed(item=used.key if linked is None else linked.name, use=used.use)
    match item.action:
        case SendText(text=text) if used.use == "tap":
            return model.MenuUsed(item=item.name, use=used.use, does="message", text=text.strip())
        case TransferToAgent(group_id=group_id) if used.use == "tap":
            group = None if group_id is None else await find_group(tx, group_id=GroupId(group_id))
            return model.MenuUsed(item=item.name, use=used.use, does="agent", group_id=group)
        case _:
            return model.MenuUsed(item=item.name, use=used.use)


_LINKS = frozenset({"link", "mini_program"})


def told_by(used: MenuUsed) -> Mapping[str, str]:
    """Return what came of the use, for the line that it leaves; what the provider did not tell is empty."""
    blank = dict.fromkeys(("scanned", "label", "count"), "")
    place = used.result.get("label") or used.result.get("name") or ""
    return {**blank, **used.result, "label": place}
