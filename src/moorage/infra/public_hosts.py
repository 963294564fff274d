"""Which addresses that an answer names may be asked: public ones, so that nobody makes us knock on doors inside."""

import asyncio
import socket
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}


def host_of(url: str) -> str:
    """Return host and port of `url` as `host:port`, or "" where it is no HTTP address."""
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.hostname}:{port}" if parts.scheme in PORTS and parts.hostname else ""


async def is_fetchable(url: str, *, allowed: Collection[str]) -> bool:
    """Tell whether `url` is on one of the `allowed` hosts (`host:port`), or on one whose every address is public.

    Such a host could still change its address before it is asked; what it answers is only ever shown as a picture.
    """
    host = host_of(url)
    if not host or host in allowed:
        return bool(host)
    name, _, port = host.rpartition(":")
    if int(port) not in PORTS.values():
        return False
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # no such name, or none that a name server could be asked for
        return False
    return bool(found) and all(ip_address(str(entry[4][0]).partition("%")[0]).is_global for entry in found)
