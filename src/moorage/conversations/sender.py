"""The loop that hands messages over to the providers: many threads at once, each thread in order, each message once.

Three steps a message, as always when sending outside: lease in one transaction, call with none open, record in another.
Any number of senders may run, in one process or many.
"""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from uuid import UUID

import psycopg
import structlog

from moorage.channels.endpoints import open_endpoint
from moorage.channels.states import (
    mark_active,
    mark_deauthorized,
    mark_failing,
    mark_restricted,
    note_refused_choices,
)
from moorage.connectors.content import Choices, File, Media, News, Text
from moorage.connectors.failures import CredentialsInvalid, Refused
from moorage.connectors.registry import Connectors
from moorage.conversations.budgets import MUTE_CHANNEL_STATES
from moorage.conversations.choice_words import ChoiceWords
from moorage.conversations.deliveries import (
    Handover,
    claim_deliveries,
    find_lost_deliveries,
    read_handover,
    record_lost,
    record_outcome,
)
from moorage.conversations.media_uploads import StoredMedia
from moorage.conversations.model import ClaimedDelivery, DeliveryReason
from moorage.conversations.offering import Offered, Way, offer
from moorage.conversations.outcomes import Outcome, channel_mute, judge
from moorage.conversations.outgoing_links import Addressee, OutgoingLinks
from moorage.conversations.writing import SENDER_CHANNEL
from moorage.core.ids import ChannelId, new_id
from moorage.infra.blobs import BlobStore
from moorage.infra.database import Database, Tx
from moorage.infra.listening import wake_ups
from moorage.infra.secrets import SecretBox, SecretUnreadable

AT_ONCE = 16
SEND_WITHIN_S = 15.0
"""Below the lease, so that whoever still sends still holds it."""
LOOKS_EVERY_S = 1.0
PAUSE_AFTER_FAILURE_S = 1.0
LOST_AT_ONCE = 100

log = structlog.get_logger()


class Sender:
    """Claims what is to be sent, sends it, records what became of it; until it is told to stop."""

    def __init__(
        self,
        *,
        database: Database,
        connectors: Connectors,
        box: SecretBox,
        blobs: BlobStore,
        links: OutgoingLinks,
        at_once: int = AT_ONCE,
        within_s: float = SEND_WITHIN_S,
    ) -> None:
        """`within_s` is how long one message may take; at most `SEND_WITHIN_S`."""
        self._database = database
        self._blobs = blobs
        self._links = links
        self._connectors = connectors
        self._box = box
        self._at_once = at_once
        self._within_s = within_s
        self._busy = 0
        self._wake = asyncio.Event()
        self._look_for_lost_at = 0.0

    async def run(self, *, stop: asyncio.Event, listen_url: str) -> None:
        """Send until `stop` is set; then what is being sent is ended and recorded. `listen_url` is for LISTEN."""
        async with asyncio.TaskGroup() as sends:
            wakers = [sends.create_task(self._listen(listen_url)), sends.create_task(self._wake_on(stop))]
            try:
                while not stop.is_set():
                    await self._turn(sends)
            finally:
                for waker in wakers:
                    waker.cancel()

    async def send_waiting(self) -> int:
        """Send what is due now, each thread's first message, and return how many were tried."""
        async with asyncio.TaskGroup() as sends:
            return await self._start_sends(sends)

    async def let_go_of_lost(self) -> None:
        """Let go of what a sender has not told of within its lease: nobody knows whether that has arrived."""
        async with self._database.as_system() as tx:
            lost = await find_lost_deliveries(tx, most=LOST_AT_ONCE)
        for delivery in lost:
            log.warning("delivery_lost", delivery_id=str(delivery.id), workspace_id=str(delivery.workspace_id))

            async def record(tx: Tx, delivery: ClaimedDelivery = delivery) -> None:
                await record_lost(tx, delivery=delivery, connectors=self._connectors)

            await self._database.run(delivery.workspace_id, record)

    async def _turn(self, sends: asyncio.TaskGroup) -> None:
        """Start what can be started, or wait for a reason to look again."""
        self._wake.clear()
        try:
            await self._look_for_lost()
            started = await self._start_sends(sends)
        except psycopg.OperationalError:
            log.warning("sender_interrupted")
            await asyncio.sleep(PAUSE_AFTER_FAILURE_S)
            return
        if started == 0:
            await self._wait()

    async def _look_for_lost(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._look_for_lost_at:
            self._look_for_lost_at = now + LOOKS_EVERY_S
            await self.let_go_of_lost()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOKS_EVERY_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _listen(self, url: str) -> None:
        async with aclosing(wake_ups(url=url, channel=SENDER_CHANNEL, at_least_every_s=LOOKS_EVERY_S)) as calls:
            async for _ in calls:
                self._wake.set()

    async def _wake_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _start_sends(self, sends: asyncio.TaskGroup) -> int:
        free = self._at_once - self._busy
        if free <= 0:
            return 0
        async with self._database.as_system() as tx:
            claimed = await claim_deliveries(tx, lease_id=new_id(), most=free)
        self._busy += len(claimed)
        for delivery in claimed:
            sends.create_task(self._supervise(delivery))
        return len(claimed)

    async def _supervise(self, delivery: ClaimedDelivery) -> None:
        """Carry out one delivery. Whatever goes wrong in it, the others go on, and its lease makes it unconfirmed."""
        try:
            await self._deliver(delivery)
        except Exception:
            log.exception(
                "delivery_not_recorded", delivery_id=str(delivery.id), workspace_id=str(delivery.workspace_id)
            )
        finally:
            self._busy -= 1
            self._wake.set()

    async def _deliver(self, delivery: ClaimedDelivery) -> None:
        handover = await self._read(delivery)
        await self._record(delivery, handover, await self._try(delivery, handover))

    async def _read(self, delivery: ClaimedDelivery) -> Handover:
        async with self._database.in_workspace(delivery.workspace_id) as tx:
            return await read_handover(tx, delivery=delivery)

    async def _try(self, delivery: ClaimedDelivery, handover: Handover) -> Outcome:
        if handover.channel_state in MUTE_CHANNEL_STATES:
            return channel_mute(handover.channel_state)
        offered = await self._hand_over(delivery, handover)
        answer = offered.answer
        if isinstance(answer, Refused):  # perhaps because the customer has left meanwhile
            handover = await self._read(delivery)
        outcome = judge(
            answer,
            attempts=delivery.attempts,
            waited_s=delivery.waited_s,
            reachable=handover.reachable,
            drops_repetitions=self._connectors[handover.channel_kind].manifest.drops_repetitions,
        )
        return offered.told(outcome)

    async def _hand_over(self, delivery: ClaimedDelivery, handover: Handover) -> Offered:
        deadline = asyncio.get_running_loop().time() + self._within_s
        try:
            endpoint = await open_endpoint(
                self._database,
                box=self._box,
                connectors=self._connectors,
                workspace_id=delivery.workspace_id,
                channel_id=delivery.channel_id,
            )
        except SecretUnreadable:
            unreadable = CredentialsInvalid(external_code=None, detail="", reason=DeliveryReason.SECRET_UNREADABLE)
            return Offered(unreadable)
        connector = self._connectors[handover.channel_kind]
        return await offer(connector, endpoint, self._ways(delivery, handover), deadline=deadline)

    def _ways(self, delivery: ClaimedDelivery, handover: Handover) -> Sequence[Way]:
        """Return how the message can be handed over, the best way first: with its files, as what it is, or in words."""
        outbound, content = handover.outbound, handover.outbound.content
        match content:
            case Media():
                media = self._stored(delivery, handover, content.blob_id, name=content.name)
                poster = self._stored(delivery, handover, content.poster_blob_id, name="poster.jpg")
                return [Way(replace(outbound, media=media, poster=poster))]
            case Choices():
                spoken = self._choice_words(delivery, handover).forms(content)
                words = [Way(replace(outbound, content=Text(text=one.text)), one.form) for one in spoken]
                return words if handover.choices_as_text else [Way(outbound), *words]
            case File():
                return self._linked(delivery, handover)
            case News():
                card = self._links.with_picture(content, workspace_id=delivery.workspace_id)
                return [Way(replace(outbound, content=card))]
            case _:
                in_words = self._links.in_words(content, addressee=_addressee(delivery, handover))
                return [Way(replace(outbound, content=in_words))]

    def _linked(self, delivery: ClaimedDelivery, handover: Handover) -> Sequence[Way]:
        outbound, addressee = handover.outbound, _addressee(delivery, handover)
        limits = self._connectors[handover.channel_kind].manifest.news
        card = self._links.as_card(outbound.content, addressee=addressee, limits=limits)
        words = Way(replace(outbound, content=self._links.in_words(outbound.content, addressee=addressee)), "text")
        return [words] if card is None else [Way(replace(outbound, content=card)), words]

    def _choice_words(self, delivery: ClaimedDelivery, handover: Handover) -> ChoiceWords:
        return ChoiceWords(
            links=self._links,
            workspace_id=delivery.workspace_id,
            thread_id=delivery.thread_id,
            locale=handover.locale,
            most_bytes=self._connectors[handover.channel_kind].manifest.max_text_bytes,
            now=self._database.clock.now(),
        )

    def _stored(
        self, delivery: ClaimedDelivery, handover: Handover, blob_id: str | None, *, name: str | None
    ) -> StoredMedia | None:
        if blob_id is None:
            return None
        return StoredMedia(
            database=self._database,
            blobs=self._blobs,
            workspace_id=delivery.workspace_id,
            channel_id=delivery.channel_id,
            file_id=UUID(blob_id),
            name=name or "file",
            manifest=self._connectors[handover.channel_kind].manifest,
        )

    async def _record(self, delivery: ClaimedDelivery, handover: Handover, outcome: Outcome) -> None:
        async def record(tx: Tx) -> bool:
            recorded = await record_outcome(tx, delivery=delivery, outcome=outcome, connectors=self._connectors)
            if recorded:
                await _tell_channel(tx, delivery.channel_id, handover, outcome)
            return recorded

        recorded = await self._database.run(delivery.workspace_id, record)
        log.info(
            "delivery_tried",
            delivery_id=str(delivery.id),
            workspace_id=str(delivery.workspace_id),
            outcome=str(outcome.state),
            reason=outcome.reason,
            recorded=recorded,
        )


def _addressee(delivery: ClaimedDelivery, handover: Handover) -> Addressee:
    return Addressee(
        workspace_id=delivery.workspace_id,
        thread_id=delivery.thread_id,
        message_id=delivery.message_id,
        locale=handover.locale,
        time_zone=handover.time_zone,
    )


async def _tell_channel(tx: Tx, channel_id: ChannelId, handover: Handover, outcome: Outcome) -> None:
    """Change how the channel stands, where the provider's answer says something about it."""
    reason = outcome.channel_reason or outcome.reason or ""
    if outcome.refuses_choices:
        await note_refused_choices(tx, channel_id=channel_id)
    match outcome.channel:
        case "active" if handover.channel_state == "failing":
            await mark_active(tx, channel_id=channel_id)
        case "failing":
            await mark_failing(tx, channel_id=channel_id, reason=reason)
        case "restricted":
            await mark_restricted(tx, channel_id=channel_id, reason=reason)
        case "deauthorized":
            await mark_deauthorized(tx, channel_id=channel_id, reason=reason)
        case _:
            return
