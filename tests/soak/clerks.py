"""Agents who answer whoever is theirs, in words and pictures, and end what is answered."""

import asyncio
import random
from dataclasses import dataclass, field

import httpx

from tests.kill.stage import Person
from tests.pictures import a_picture

PICTURES = 0.04
ENDS = 0.35


@dataclass
class Clerk:
    """One agent; `said` holds the texts that were taken for sending, each of which is like no other."""

    agent: Person
    name: str
    said: list[str] = field(default_factory=list[str])
    refused: int = 0
    pictures: float = PICTURES
    _tries: int = 0

    async def answer_until(self, over: asyncio.Event, *, chance: random.Random) -> None:
        """Answer one customer after the other until `over` is set."""
        while not over.is_set():
            mine = await self.agent.conversations("mine")
            for conversation in mine:
                await self._serve(str(conversation["id"]), chance)
                await asyncio.sleep(chance.uniform(0, 0.1))  # people's pauses; nothing waits for this
            if not mine:
                await asyncio.sleep(0.1)

    async def _serve(self, conversation_id: str, chance: random.Random) -> None:
        if chance.random() < self.pictures:
            await self._show_picture(conversation_id)
        else:
            await self._say(conversation_id)
        if chance.random() < ENDS:
            await self.agent.call("POST", f"/api/conversations/{conversation_id}/end")

    async def _say(self, conversation_id: str) -> None:
        words = f"<{self.name} {self._tries}>"
        answer = await self._send(conversation_id, {"type": "text", "text": words})
        if answer.is_success or "already_carried_out" in answer.text:
            self.said.append(words)
        else:  # what cannot be sent is refused while it is still in the composer
            assert answer.status_code in {404, 409}, answer.text
            self.refused += 1

    async def _show_picture(self, conversation_id: str) -> None:
        files = {"file": ("picture.jpg", a_picture(), "image/jpeg")}
        taken = await self.agent.client.post(f"/api/conversations/{conversation_id}/uploads", files=files)
        if taken.is_success:
            await self._send(conversation_id, {"type": "image", "upload_id": taken.json()["id"]})

    async def _send(self, conversation_id: str, content: dict[str, str]) -> httpx.Response:
        self._tries += 1
        key = f"{self.name}-{self._tries}".replace(" ", "-")
        return await self.agent.call("POST", f"/api/conversations/{conversation_id}/messages", key=key, content=content)
