"""What the engine decides when a customer uses the account's menu. Pure, as the engine is.

Delayed assignment does not hold for an item that asks for a person: that is the customer's own request. A tap lets
little be said in little time, so the customer is asked to write.
"""

from dataclasses import replace

from moorage.core.ids import GroupId
from moorage.reception.model import (
    Answer,
    Decision,
    FindAgent,
    MenuUsed,
    Note,
    OpenConversation,
    Owner,
    Policy,
    State,
)


def menu_used(state: State, event: MenuUsed, policy: Policy) -> Decision:
    """Return what is to be done about a use of the menu. Each leaves a line that names the item."""
    note = Note("menu_used", {"how": event.use, "item": event.item})
    if policy.mute or event.does == "nothing":
        return Decision(state, (note,), "menu.noted", "The item asks nothing of us, or nothing can be sent.")
    if event.does == "message":
        effects = (note, Answer(event.text, "menu", guidance=policy.menu_guidance))
        return Decision(state, effects, "menu.answered", "The item answers with a text.")
    return _agent_asked(state, note, policy, group_id=event.group_id or policy.default_group_id)


def _agent_asked(state: State, note: Note, policy: Policy, *, group_id: GroupId) -> Decision:
    ask = Answer(policy.ask_to_write, "asked_for_agent")
    sought = replace(state, owner=Owner.QUEUE, group_id=group_id, searching=True)
    match state.owner:
        case Owner.NOBODY:
            effects = (OpenConversation(group_id), FindAgent(group_id), note, ask)
            return Decision(sought, effects, "menu.opens", "The customer asked for a person; nothing was open.")
        case Owner.BOT:
            return Decision(sought, (FindAgent(group_id), note, ask), "menu.transfers", "The bot had the conversation.")
        case Owner.QUEUE:
            return Decision(state, (note, ask), "menu.asked_again", "The customer waits already and keeps the place.")
        case Owner.AGENT:
            return Decision(state, (note,), "menu.asked_again", "A person has the conversation already.")
