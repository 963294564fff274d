"""One agent's socket from its first frame to its last."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress

import psycopg
import structlog
from fastapi import WebSocket
from psycopg_pool import PoolTimeout
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from moorage.infra.database import Database, Tx
from moorage.infra.events import Position
from moorage.realtime.hub import Hub, Joined, LogCut, Member
from moorage.realtime.model import PONG, SAID, CloseCode, Ping, Presence, facts, hello, resync
from moorage.realtime.outbox import Closed
from moorage.staff.presence import agent_gone, agent_seen
from moorage.staff.sessions import session_lives

log = structlog.get_logger()

SILENCE_S = 60.0
"""A client says `ping` every 15 s. One that has been silent for so long is not there any more."""
SEND_LIMIT_S = 10.0
CLOSE_LIMIT_S = 5.0
CHECKS_EVERY_S = 5.0
LONGEST_SAID = 1000


class AgentSocket:
    """Sends the facts that its agent may see, and takes their heartbeat for their presence."""

    def __init__(self, *, websocket: WebSocket, hub: Hub, database: Database, joined: Joined) -> None:
        self._websocket = websocket
        self._hub = hub
        self._database = database
        self._joined = joined
        self._member: Member = joined.member
        self._outbox = joined.member.outbox
        self._workbench = False
        self._checked_at = float("-inf")

    async def serve(self) -> None:
        """Serve until the client goes or has to go.

        The session is looked at once more at the start: it may have ended before this socket heard of such things.
        """
        await self._keep_session()
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen())
            code = await self._send_all()
            listening.cancel()
        with suppress(WebSocketDisconnect, TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._websocket.close(code)

    async def _send_all(self) -> CloseCode:
        """Send what was missed and then what comes; return the code with which to close."""
        try:
            await self._catch_up()
            while True:
                for frame in await self._outbox.take():
                    await self._send(frame)
        except Closed as closed:
            return closed.code
        except TimeoutError:
            return CloseCode.TOO_SLOW
        except WebSocketDisconnect:
            return CloseCode.COME_AGAIN

    async def _catch_up(self) -> None:
        joined = self._joined
        if joined.resync is not None:
            await self._send(resync(joined.start, reason=joined.resync))
            return
        await self._send(hello(Position(epoch=joined.start.epoch, seq=joined.after)))
        try:
            async for page in self._hub.missed(joined):
                visible = [line for line in page if line.visible_to(self._outbox.tokens)]
                await self._send(facts(visible, Position(epoch=joined.start.epoch, seq=page[-1].seq)))
        except LogCut:
            await self._send(resync(joined.start, reason="too_old"))

    async def _send(self, frame: str) -> None:
        closing = self._outbox.closing
        if closing is not None and closing is not CloseCode.COME_AGAIN:
            raise Closed(closing)  # who has signed out is sent nothing more
        async with asyncio.timeout(SEND_LIMIT_S):
            await self._websocket.send_text(frame)

    async def _listen(self) -> None:
        """Take what the client says until it goes, falls silent or says what nobody understands."""
        while self._outbox.closing is None:
            try:
                async with asyncio.timeout(SILENCE_S):
                    message = await self._websocket.receive()
            except TimeoutError:
                self._outbox.close(CloseCode.COME_AGAIN)
                return
            if message["type"] == "websocket.disconnect":
                self._outbox.close(CloseCode.COME_AGAIN)
                return
            await self._take(message.get("text"))

    async def _take(self, text: str | None) -> None:
        try:
            said = SAID.validate_json(text) if text is not None and len(text) <= LONGEST_SAID else None
        except ValidationError:
            said = None
        match said:
            case Ping():
                self._outbox.answer(PONG)
                await self._heartbeat()
            case Presence(workbench=workbench):
                await self._set_workbench(opened=workbench)
            case None:
                self._outbox.close(CloseCode.NOT_UNDERSTOOD)

    async def _heartbeat(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._checked_at >= CHECKS_EVERY_S:
            self._checked_at = now
            await self._keep_session()

    async def _keep_session(self) -> None:
        """Prolong the agent's presence, and close if the session is over."""
        with self._without_database():
            if not await session_lives(self._database, session_id=self._member.session_id):
                self._outbox.close(CloseCode.SIGNED_OUT)
            elif self._workbench:
                await self._database.run(self._member.actor.workspace_id, self._seen)

    async def _set_workbench(self, *, opened: bool) -> None:
        if opened == self._workbench:
            return
        self._workbench = opened
        with self._without_database():
            if opened:
                self._hub.opened_workbench(self._member)
                await self._database.run(self._member.actor.workspace_id, self._seen)
            elif self._hub.closed_workbench(self._member):
                await self._database.run(self._member.actor.workspace_id, self._gone)

    @contextmanager
    def _without_database(self) -> Generator[None]:
        """Let a database that is away end no socket: the next heartbeat tries again."""
        try:
            yield
        except (psycopg.OperationalError, PoolTimeout) as error:
            log.warning("presence_not_kept", agent_id=str(self._member.actor.agent_id), error=type(error).__name__)

    async def _seen(self, tx: Tx) -> None:
        await agent_seen(tx, agent_id=self._member.actor.agent_id)

    async def _gone(self, tx: Tx) -> None:
        await agent_gone(tx, agent_id=self._member.actor.agent_id)
