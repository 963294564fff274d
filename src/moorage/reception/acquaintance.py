"""What a push means for what is known of a customer: their profile is due, or they wish something forgotten."""

from moorage.connectors.contract import Connector, CustomerDataConcerned
from moorage.connectors.registry import people_power
from moorage.conversations.open_thread import OpenThread
from moorage.customers.model import CustomerDataWished, ProfileDue
from moorage.customers.records import put_off_profile
from moorage.infra.database import Tx
from moorage.reception.applying import Turn


async def ask_for_profile(tx: Tx, *, opened: OpenThread, connector: Connector) -> None:
    """Have a job read the customer's profile if it is due: at the first contact, and later at most daily."""
    due_at = opened.around.profile_due_at
    if people_power(connector) is None or (due_at is not None and due_at > tx.now):
        return
    await put_off_profile(tx, customer_id=opened.thread.customer_id)
    tx.publish(ProfileDue(customer_id=opened.thread.customer_id))


def pass_on_wish(turn: Turn, concerned: CustomerDataConcerned) -> None:
    """Have a job do with what we keep of the customer as they wish."""
    turn.tx.publish(CustomerDataWished(customer_id=turn.opened.thread.customer_id, wish=concerned.wish))
