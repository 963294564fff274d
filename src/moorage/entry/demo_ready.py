"""When a demo serves, and how it says so."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import httpx

from moorage.core.errors import DomainError
from moorage.entry.demo_programs import Addresses, worker_ready_file
from moorage.entry.demo_record import DemoRecord, write_private
from moorage.infra.settings import Settings

READY_LIMIT_S = 90.0
LOOKS_EVERY_S = 0.1


@dataclass(eq=False)
class DemoNotReady(DomainError):
    """The processes run, but do not serve in time; their words are in the log above."""

    code: ClassVar[str] = "entry.demo_not_ready"
    kind: ClassVar[str] = "unavailable"
    waited_for: str

    def __str__(self) -> str:
        return f"The demo does not serve after {READY_LIMIT_S:.0f} s; it waited for {self.waited_for}."


async def until_ready(settings: Settings, addresses: Addresses) -> None:
    """Return once sandbox, web process and worker all serve. Raises DemoNotReady."""
    waited_for = "the sandbox"
    try:
        async with asyncio.timeout(READY_LIMIT_S), httpx.AsyncClient(trust_env=False) as client:
            await _until_answered(client, f"{addresses.sandbox}/sandbox/api/accounts")
            waited_for = "the web process"
            await _until_answered(client, f"http://{settings.bind}:{settings.port}/readyz")
            waited_for = "the worker"
            await _until_written(worker_ready_file(settings))
    except TimeoutError:
        raise DemoNotReady(waited_for=waited_for) from None


def announce(settings: Settings, record: DemoRecord, addresses: Addresses, ready_file: Path | None) -> None:
    """Write the ready file and print where everything is."""
    if ready_file is not None:
        ready_file.parent.mkdir(parents=True, exist_ok=True)
        write_private(ready_file, json.dumps(ready_content(settings, record, addresses), indent=2) + "\n")
    print(_box(settings, record, addresses), flush=True)


async def _until_written(file: Path) -> None:
    while not file.exists():  # noqa: ASYNC110, ASYNC240 -- another process writes it; one look takes microseconds
        await asyncio.sleep(LOOKS_EVERY_S)


async def _until_answered(client: httpx.AsyncClient, url: str) -> None:
    while True:
        try:
            answer = await client.get(url, timeout=5)
        except httpx.HTTPError:
            answer = None
        if answer is not None and answer.is_success:
            return
        await asyncio.sleep(LOOKS_EVERY_S)


def ready_content(settings: Settings, record: DemoRecord, addresses: Addresses) -> dict[str, object]:
    """Return what the ready file says."""
    return {
        "console_url": addresses.console,
        "api_url": f"{addresses.console}/api",
        "sandbox_url": addresses.sandbox,
        "phone_url": f"{addresses.sandbox}/phone",
        "owner": record.owner.model_dump(),
        "agents": [agent.model_dump() for agent in record.agents],
        "component": {
            "appid": settings.wechat_component_appid,
            "event_url": addresses.event_url,
            "message_url": addresses.message_url,
        },
        "oa": {**record.account.model_dump(), "callback_url": addresses.callback_of(record.account.appid)},
    }


def _box(settings: Settings, record: DemoRecord, addresses: Addresses) -> str:
    account = record.account
    lines = (
        "Moorage is running. Ctrl-C ends it.",
        "",
        f"Console          {addresses.console}",
        f"  owner          {record.owner.email}   password {record.owner.password}",
        *(f"  agent          {agent.email}   password {agent.password}" for agent in record.agents),
        "",
        "Official account to dock by hand (Channels, Add channel)",
        f"  AppID          {account.appid}",
        f"  AppSecret      {account.secret}",
        f"  Token          {account.token}",
        f"  EncodingAESKey {account.aes_key}",
        "",
        f"{len(record.scan_accounts)} more accounts, of every kind, wait to be docked by scanning a code",
        "",
        f"Customer phone   {addresses.sandbox}/phone?account={account.appid}",
        f"Back office      {addresses.sandbox}/backoffice",
        f"Data             {settings.data_dir}",
    )
    width = max(map(len, lines))
    rows = (f"│ {line:<{width}} │" for line in lines)
    return "\n".join((f"┌{'─' * (width + 2)}┐", *rows, f"└{'─' * (width + 2)}┘"))
