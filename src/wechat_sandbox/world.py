"""The one object that holds the running stand-in together."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from wechat_sandbox.calls import CallLog
from wechat_sandbox.clock import SandboxClock
from wechat_sandbox.components.notifications import Notifications
from wechat_sandbox.components.tickets import TicketSender
from wechat_sandbox.faults import FaultBoard
from wechat_sandbox.media.blobs import BlobStore
from wechat_sandbox.pushes import PushEngine
from wechat_sandbox.settings import Settings
from wechat_sandbox.storage import StateKeeper, load_state


class Sandbox:
    """State, clock, push engine and logs of one stand-in."""

    def __init__(self, *, settings: Settings) -> None:
        self.settings = settings
        self.clock = SandboxClock(clock_file=settings.clock_file)
        self.state = load_state(file=settings.state_file)
        self.blobs = BlobStore(folder=_blob_folder(settings))
        self.keeper = StateKeeper(state=self.state, blobs=self.blobs, file=settings.state_file)
        self.pushes = PushEngine(state=self.state, clock=self.clock, settings=settings, keeper=self.keeper)
        self.notifications = Notifications(state=self.state, clock=self.clock, pushes=self.pushes)
        self.tickets = TicketSender(
            state=self.state,
            clock=self.clock,
            settings=settings,
            pushes=self.pushes,
            notifications=self.notifications,
        )
        self.release_checks: set[str] = set()
        self.faults = FaultBoard()
        self.calls = CallLog()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Deliver pushes, send tickets and save changes while the block runs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.keeper.run())
            try:
                async with self.pushes.running(), asyncio.TaskGroup() as senders:
                    senders.create_task(self.tickets.run())
                    try:
                        yield
                    finally:
                        self.tickets.stop()
            finally:
                self.keeper.stop()


def _blob_folder(settings: Settings) -> Path | None:
    file = settings.state_file
    return None if file is None else file.with_name(f"{file.name}.media")
