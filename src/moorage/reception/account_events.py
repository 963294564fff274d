"""Events about an account, pushed in the name of somebody who need not be a customer: no thread is made for them.

Where the sender has a thread, a customer or an administrator who also writes, such an event leaves a line there like
any other.
"""

from dataclasses import dataclass

import structlog

from moorage.channels.reports import take_report
from moorage.connectors.contract import Inbound, OtherEvent
from moorage.connectors.failures import MalformedInput, UnsupportedInput
from moorage.connectors.manifest import Manifest
from moorage.connectors.registry import Connectors
from moorage.conversations.open_thread import Whose
from moorage.core.ids import ChannelId
from moorage.infra.database import Tx
from moorage.reception.pushes import Settlement, WaitingPush, settle_pushes

OUTCOME = "account.noted"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Known:
    channel_kind: str
    has_thread: bool


async def settle_if_nobodys(tx: Tx, *, connectors: Connectors, push: WaitingPush) -> bool:
    """Settle a push that tells of the account alone, and whose sender has no thread; False for every other."""
    known = await _known(tx, push.whose)
    if known is None or known.has_thread:
        return False
    try:
        inbound = connectors[known.channel_kind].replay(body=push.body)
    except (MalformedInput, UnsupportedInput):
        return False
    if not tells_of_account(inbound):
        return False
    settlement = Settlement(push=push, outcome=OUTCOME, decisions=(), reply=None, reply_message_id=None)
    await settle_pushes(tx, settlements=[settlement])
    await report(tx, manifest=connectors[known.channel_kind].manifest, channel_id=push.channel_id, inbound=inbound)
    return True


async def report(tx: Tx, *, manifest: Manifest, channel_id: ChannelId, inbound: Inbound) -> None:
    """Keep what happened, if it concerns the account, where who looks after that sees it."""
    if not isinstance(inbound.what, OtherEvent) or inbound.what.about != "account":
        return
    happened_at = min(inbound.happened_at, tx.now)
    await take_report(tx, channel_id=channel_id, manifest=manifest, event=inbound.what, happened_at=happened_at)
    log.info("account_event_noted", channel_id=str(channel_id), name=inbound.what.name)


def tells_of_account(inbound: Inbound) -> bool:
    """Return whether what happened concerns the account and no customer of it."""
    return isinstance(inbound.what, OtherEvent) and inbound.what.about == "account"


async def _known(tx: Tx, whose: Whose) -> _Known | None:
    return await tx.row(
        _Known,
        """
        SELECT h.kind AS channel_kind, EXISTS (
                 SELECT 1 FROM threads t WHERE t.workspace_id = h.workspace_id AND t.channel_id = h.id
                   AND t.external_customer_id = %(external_customer_id)s) AS has_thread
        FROM channels h WHERE h.workspace_id = %(workspace_id)s AND h.id = %(channel_id)s
        """,
        {"workspace_id": tx.workspace_id, **whose.as_row()},
    )
