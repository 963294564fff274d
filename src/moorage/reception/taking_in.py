"""Taking pushes in: under the thread's lock, oldest first, each decided about and settled."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from moorage.connectors.content import Text, Unsupported
from moorage.connectors.contract import (
    Connector,
    CustomerDataConcerned,
    CustomerMessage,
    Followed,
    Inbound,
    MenuUsed,
    OtherEvent,
    Unfollowed,
)
from moorage.connectors.failures import MalformedInput, UnsupportedInput
from moorage.connectors.registry import Connectors, answering_power
from moorage.conversations.charging import open_budget
from moorage.conversations.choice_words import ChoiceWords
from moorage.conversations.hearing import hear_customer, note_following
from moorage.conversations.link_words import locale_of
from moorage.conversations.model import FollowState, Message
from moorage.conversations.open_thread import LockedThread, OpenThread, Whose, ask_for_threads, opened_threads
from moorage.conversations.outgoing_links import OutgoingLinks
from moorage.conversations.speaking import say_as_answer
from moorage.conversations.waiting import answer_with_waiting, as_answered, joined, send_waiting
from moorage.conversations.writing import save_all
from moorage.core.ids import MessageId, new_id
from moorage.customers.operations import add_customer
from moorage.infra.database import Tx
from moorage.reception import model
from moorage.reception.account_events import report, settle_if_nobodys, tells_of_account
from moorage.reception.acquaintance import ask_for_profile, pass_on_wish
from moorage.reception.applying import Incoming, Turn, begin_asking, begin_turn, react, say_words
from moorage.reception.follow_replies import NOTHING, prepare_follow_reply, told_of_following
from moorage.reception.menu_uses import read_menu_use, told_by
from moorage.reception.prompts import heard_as
from moorage.reception.pushes import (
    AnswerBy,
    Settlement,
    StoredPush,
    WaitingPush,
    ask_for_waiting,
    oldest_waiting_push,
    read_push,
    settle_answered,
    settle_pushes,
)

MOST_ATTEMPTS = 5
"""How often a push may fail to be taken in before it is shown as unreadable: what stands behind it must go on."""
UNREADABLE = Unsupported(kind="unreadable")


@dataclass(frozen=True, slots=True)
class Request:
    """The push of a request that waits for its answer. `may_answer` tells whether it can still carry one, and `links`
    makes those of customers' pages for it.
    """

    push: StoredPush
    inbound: Inbound
    may_answer: Callable[[], bool]
    links: OutgoingLinks

    @property
    def whose(self) -> Whose:
        """Return whose push it is."""
        return Whose(channel_id=self.push.channel_id, external_customer_id=self.inbound.external_customer_id)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a request carries back, and how much that is of what waited and of what is new."""

    reply: bytes
    waiting: int
    words: int
    words_of: ChoiceWords


@dataclass(slots=True)
class _Round:
    """Threads that one transaction works on, and what is written for all of them at its end."""

    tx: Tx
    connectors: Connectors
    opened: list[OpenThread] = field(default_factory=list[OpenThread])
    settlements: list[Settlement] = field(default_factory=list[Settlement])

    async def finish(self) -> None:
        """Write what is left to be written."""
        await settle_pushes(self.tx, settlements=self.settlements)
        await save_all(self.tx, opened=self.opened)
        self.settlements, self.opened = [], []


async def take_in_request(tx: Tx, *, connectors: Connectors, request: Request) -> StoredPush:
    """Take in a request's push, and before it every older one of the customer that waits; return how it stands then.

    The answer of its own push may go out with the request; those of the others go through the API.
    """
    if tells_of_account(request.inbound):
        own = _waiting(request)
        if await settle_if_nobodys(tx, connectors=connectors, push=own):
            return await read_push(tx, push_id=own.id, day=own.day)
    return (await take_in_requests(tx, connectors=connectors, requests=[request]))[request.whose]


async def take_in_requests(tx: Tx, *, connectors: Connectors, requests: Sequence[Request]) -> dict[Whose, StoredPush]:
    """Take in the pushes of requests, none of which tells of an account, and return how they stand then.

    Each is of another customer. Their threads are locked in the order given, all before anything else is.
    """
    asked = await ask_for_threads(tx, customers=[request.whose for request in requests])
    asked_waiting = await ask_for_waiting(tx, up_to=[(request.whose, request.push) for request in requests])
    threads = await opened_threads(tx, asked=asked, connectors=connectors)
    waiting: dict[Whose, list[WaitingPush]] = {request.whose: [] for request in requests}
    for push in await asked_waiting.rows():
        waiting[push.whose].append(push)
    round_ = _Round(tx, connectors)
    settled: dict[Whose, StoredPush | None] = {
        request.whose: await _take_in_all(round_, *threads[request.whose], waiting[request.whose], request)
        for request in requests
    }
    await round_.finish()
    return {
        request.whose: settled[request.whose] or await read_push(tx, push_id=request.push.id, day=request.push.day)
        for request in requests
    }


async def take_in_oldest(tx: Tx, *, connectors: Connectors, whose: Whose) -> bool:
    """Take in the customer's push that has waited longest; False where none waits."""
    waiting = await oldest_waiting_push(tx, whose=whose)
    if not waiting:
        return False
    if await settle_if_nobodys(tx, connectors=connectors, push=waiting[0]):
        return True
    asked = await ask_for_threads(tx, customers=[whose])
    # Only now it is sure which one that is: somebody else may have held the lock.
    waiting = await oldest_waiting_push(tx, whose=whose)
    threads = await opened_threads(tx, asked=asked, connectors=connectors)
    round_ = _Round(tx, connectors)
    await _take_in_all(round_, *threads[whose], waiting, None)
    await round_.finish()
    return True


def _waiting(request: Request) -> WaitingPush:
    push = request.push
    return WaitingPush(
        id=push.id,
        day=push.day,
        channel_id=push.channel_id,
        external_customer_id=request.inbound.external_customer_id,
        body=request.inbound.body,
        received_at=push.received_at,
        attempts=0,
    )


async def _take_in_all(
    round_: _Round, opened: OpenThread, locked: LockedThread, waiting: Sequence[WaitingPush], request: Request | None
) -> StoredPush | None:
    """Take in the waiting pushes of a locked thread, and return how the request's own one stands if it was there."""
    if not waiting:
        return None
    if locked.made:
        await add_customer(
            round_.tx,
            customer_id=locked.customer_id,
            channel_id=locked.channel_id,
            external_customer_id=locked.external_customer_id,
            name=opened.around.customer_name,
        )
    connector = round_.connectors[opened.around.channel_kind]
    turn = begin_turn(round_.tx, opened=opened)
    own: StoredPush | None = None
    for push in waiting:
        if request is not None and push.id == request.push.id:
            own = await _take_in_own(turn, connector, push, request, round_)
        else:
            await _take_in_replayed(turn, connector, push, round_)
    round_.opened.append(opened)
    if opened.owners_changed:
        await round_.finish()  # who is given the next customer depends on who has this one
    await ask_for_profile(round_.tx, opened=opened, connector=connector)
    return own


async def _take_in_own(
    turn: Turn, connector: Connector, push: WaitingPush, request: Request, round_: _Round
) -> StoredPush:
    await _decide(turn, connector, request.inbound)
    answer = _passive_answer(turn, connector, request)
    answer_by = await _settle(turn, push, round_, answer=answer)
    reply = answer.reply if answer is not None and answer_by == "passive" else None
    return replace(request.push, taken_in=True, answer_by=answer_by, reply=reply)


async def _take_in_replayed(turn: Turn, connector: Connector, push: WaitingPush, round_: _Round) -> None:
    """Take in a push from its stored body; one that failed too often is shown without asking the engine again."""
    if push.attempts >= MOST_ATTEMPTS:
        hear_customer(turn.opened, content=UNREADABLE, sent_at=push.received_at)
    else:
        await _decide_replayed(turn, connector, push)
    await _settle(turn, push, round_, answer=None)


async def _decide_replayed(turn: Turn, connector: Connector, push: WaitingPush) -> None:
    try:
        inbound = connector.replay(body=push.body)
    except (MalformedInput, UnsupportedInput):
        incoming = Incoming(happened_at=push.received_at, content=UNREADABLE)
        await react(turn, model.CustomerWrote(UNREADABLE.type), incoming=incoming)
    else:
        await _decide(turn, connector, inbound)


async def _decide(turn: Turn, connector: Connector, inbound: Inbound) -> None:
    """Let the engine decide about what happened, after what holds whoever decides: following, and budgets."""
    opened, at = turn.opened, inbound.happened_at
    match inbound.what:
        case CustomerMessage(content=content):
            note_following(opened, follow_state=_writing_follow_state(opened), happened_at=at)
            open_budget(opened, trigger="message", happened_at=at)
            event, heard = heard_as(opened, content=content, at=at, agent_words=turn.policy.agent_words)
            send_waiting(opened)
            await react(turn, event, incoming=Incoming(happened_at=at, content=heard))
        case Followed(scene=scene):
            await _follow(turn, inbound, scene)
        case Unfollowed():
            event = model.Unfollowed() if _is_newest(opened, inbound) else model.EventSeen("unfollowed")
            note_following(opened, follow_state="unfollowed", happened_at=at)
            await react(turn, event, incoming=Incoming(happened_at=at, details={"how": "unfollowed"}))
        case MenuUsed() as used:
            await _menu_used(turn, used, at)
        case OtherEvent(name=name, fields=fields, opens=opens, line=line) as other:
            await report(turn.tx, manifest=connector.manifest, channel_id=opened.thread.channel_id, inbound=inbound)
            if isinstance(other, CustomerDataConcerned):
                pass_on_wish(turn, other)
            if opens is not None:
                open_budget(opened, trigger=opens, happened_at=at)
            details = {**_words_of(fields), **line}
            await react(turn, model.EventSeen(name), incoming=Incoming(happened_at=at, details=details))


async def _menu_used(turn: Turn, used: MenuUsed, at: datetime) -> None:
    if used.opens is not None:
        open_budget(turn.opened, trigger=used.opens, happened_at=at)
    event = await read_menu_use(turn.tx, channel_id=turn.opened.thread.channel_id, used=used)
    details = {**_words_of(used.fields), **told_by(used)}
    await react(turn, event, incoming=Incoming(happened_at=at, details=details))


async def _follow(turn: Turn, inbound: Inbound, scene: str | None) -> None:
    opened, at = turn.opened, inbound.happened_at
    reply, event = NOTHING, model.EventSeen("followed")
    if _is_newest(opened, inbound):
        reply = await prepare_follow_reply(
            turn.tx,
            opened=opened,
            scene=scene,
            told=told_of_following(opened),
            guidance=turn.policy.follow_guidance,
        )
        event = model.Followed(reply=reply.variant, prompt_id=reply.prompt_id)
    note_following(opened, follow_state="following", happened_at=at)
    opened.around = replace(opened.around, profile_due_at=None)  # whoever follows anew came another way
    open_budget(opened, trigger="follow", happened_at=at)
    details = {"how": "followed"} if scene is None else {"how": "followed_by_code", "scene": scene}
    await react(turn, event, incoming=Incoming(happened_at=at, details=details, prepared=reply.contents))


def _is_newest(opened: OpenThread, inbound: Inbound) -> bool:
    """Return whether nothing newer is known of the customer: news that came late must not undo it."""
    latest = opened.thread.last_provider_at
    return latest is None or inbound.happened_at >= latest


def _writing_follow_state(opened: OpenThread) -> FollowState:
    """Return what it says that the customer writes: who had left is back; whoever never told may write all the same."""
    return "following" if opened.thread.follow_state == "unfollowed" else opened.thread.follow_state


def _words_of(fields: Mapping[str, object]) -> dict[str, str]:
    """Return the event's fields as a line can carry them."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in fields.items()
    }


def _passive_answer(turn: Turn, connector: Connector, request: Request) -> _Answer | None:
    """Return the answer that the request itself can carry, while there is time; None where it can carry none.

    An account that can send answers so if one message is all that is to be said. One that cannot says as much as fits:
    what has waited for this message of the customer, then what is new.
    """
    power = answering_power(connector)
    if power is None or not request.may_answer():
        return None
    waiting: Sequence[Message] = ()
    if turn.opened.around.passive_only:
        waiting = turn.opened.waiting if isinstance(request.inbound.what, CustomerMessage) else ()
    elif len(turn.words) != 1 or not isinstance(turn.words[0].content, Text):
        return None  # choices can be tapped only if they go through the API
    words_of = _choice_words(turn, connector, request)
    contents = [*(message.content for message in waiting), *(words.content for words in turn.words)]
    text, count = joined(contents, most_bytes=words_of.most_bytes, words_of=words_of)
    reply = power.passive_reply(inbound=request.inbound, content=Text(text=text), now=turn.tx.now) if count else None
    if reply is None:
        return None
    from_waiting = min(count, len(waiting))
    return _Answer(reply=reply, waiting=from_waiting, words=count - from_waiting, words_of=words_of)


def _choice_words(turn: Turn, connector: Connector, request: Request) -> ChoiceWords:
    return ChoiceWords(
        links=request.links,
        workspace_id=turn.tx.workspace_id,
        thread_id=turn.opened.thread.id,
        locale=locale_of(turn.opened.around.channel_settings),
        most_bytes=connector.manifest.max_text_bytes,
        now=turn.tx.now,
    )


async def _settle(turn: Turn, push: WaitingPush, round_: _Round, *, answer: _Answer | None) -> AnswerBy:
    """Settle who carries the answer, then say it that way."""
    waited = turn.opened.waiting[0].id if answer is not None and answer.waiting else None
    message_id = waited or MessageId(new_id())
    settlement = Settlement(
        push=push,
        outcome=turn.decisions[-1].decision.rule if turn.decisions else "unreadable",
        decisions=turn.decisions,
        reply=None if answer is None else answer.reply,
        reply_message_id=None if answer is None else message_id,
    )
    turn.decisions = []
    answer_by: AnswerBy = "api"
    if answer is None:
        round_.settlements.append(settlement)
    else:
        answer_by = await settle_answered(turn.tx, settlement=settlement)
    if answer is not None and answer_by == "passive":
        answer_with_waiting(turn.opened, count=answer.waiting, words_of=answer.words_of)
        for number, words in enumerate(turn.words[: answer.words]):
            new = message_id if number == 0 and waited is None else MessageId(new_id())
            content = as_answered(words.content, words_of=answer.words_of)
            begin_asking(turn, say_as_answer(turn.opened, message_id=new, author=words.author, content=content))
        turn.words = turn.words[answer.words :]
    say_words(turn)
    return answer_by
