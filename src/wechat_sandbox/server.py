"""Listening, and telling others when the stand-in serves."""

import ipaddress
import json
import socket
from pathlib import Path

import uvicorn
from pydantic import JsonValue

from wechat_sandbox.app import create_app
from wechat_sandbox.storage import replace_file
from wechat_sandbox.world import Sandbox

_STOP_WITHIN_S = 3


class ExposureRefused(Exception):
    """The address is reachable from other machines, and nobody agreed to that."""


def check_bind_address(*, bind: str, exposure_agreed: bool) -> None:
    """Return if the address is the machine's own or exposure was agreed to. Raises ExposureRefused."""
    if not exposure_agreed and not _is_loopback(bind):
        raise ExposureRefused


def serve(*, sandbox: Sandbox, bind: str, port: int, ready_file: Path | None) -> None:
    """Serve until a signal ends the process; port 0 picks a free one."""
    listener = _listener(bind=bind, port=port)
    host = f"[{bind}]" if ":" in bind else bind
    url = f"http://{host}:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        create_app(sandbox=sandbox),
        log_level="warning",
        access_log=False,
        lifespan="on",
        date_header=False,  # the application tells its own time, which tests move
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )
    _AnnouncingServer(config, sandbox=sandbox, url=url, ready_file=ready_file).run(sockets=[listener])


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, *, sandbox: Sandbox, url: str, ready_file: Path | None) -> None:
        super().__init__(config)
        self._sandbox = sandbox
        self._url = url
        self._ready_file = ready_file

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._ready_file is not None:
            self._ready_file.unlink(missing_ok=True)
        await super().startup(sockets=sockets)
        if self.started and self._ready_file is not None:
            replace_file(file=self._ready_file, content=json.dumps(_addresses(self._sandbox, url=self._url)))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._ready_file is not None:
            self._ready_file.unlink(missing_ok=True)
        await super().shutdown(sockets=sockets)


def _addresses(sandbox: Sandbox, *, url: str) -> dict[str, JsonValue]:
    addresses: dict[str, JsonValue] = {
        "url": url,
        "phone_url": f"{url}/phone",
        "backoffice_url": f"{url}/backoffice",
        "platform_url": f"{url}/platform",
        "authorizations_url": f"{url}/admin/authorizations",
    }
    first = next(iter(sandbox.state.components.values()), None)
    if first is not None:
        addresses["component"] = first.model_dump(include={"appid", "event_url", "message_url"})
    return addresses


def _is_loopback(bind: str) -> bool:
    try:
        return ipaddress.ip_address(bind).is_loopback
    except ValueError:
        return bind == "localhost"


def _listener(*, bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((bind, port))
    listener.set_inheritable(False)
    return listener
