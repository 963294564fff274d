"""Choosing ports for programs that other processes will run."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

from moorage.core.errors import DomainError


@dataclass(eq=False)
class PortTaken(DomainError):
    """The port that was asked for is in use."""

    code: ClassVar[str] = "entry.port_taken"
    kind: ClassVar[str] = "conflict"
    port: int

    def __str__(self) -> str:
        return f"Port {self.port} is in use: name another one with --port, or none to have a free one chosen."


def reserve_port(stack: ExitStack, *, bind: str, preferred: int) -> int:
    """Return `preferred`, or a free port if that is taken, and keep other demos from choosing it while `stack` lasts.

    Between the choice and the start of the program that will listen, somebody else could choose the same. Demos agree
    through a name in the kernel's abstract socket namespace, which vanishes with its process.
    """
    for port in (preferred, *(0 for _ in range(20))):
        chosen = _free(bind, port)
        if chosen and _mark(stack, chosen):
            return chosen
    raise PortTaken(port=preferred)


def reserve_exactly(stack: ExitStack, *, bind: str, port: int) -> int:
    """Return `port`, reserved. Raises PortTaken."""
    if _free(bind, port) == port and _mark(stack, port):
        return port
    raise PortTaken(port=port)


def _free(bind: str, port: int) -> int:
    """Return `port`, or any free one for 0; 0 if it is taken."""
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def _mark(stack: ExitStack, port: int) -> bool:
    mark = stack.enter_context(socket.socket(socket.AF_UNIX))
    try:
        mark.bind(f"\0moorage-demo-port-{port}")
    except OSError:
        return False
    return True
