"""Where providers' pushes arrive: one address for each docked account, as its kind's manifest says.

Refusals are logged once and counted, and touch nothing else: until the signature has been found genuine, a request
costs one read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from fastapi import Request, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from moorage.channels.addresses import AddressBook, mark_verified
from moorage.channels.credentials import open_verification, verifies_itself
from moorage.channels.health.watch import PushWatch
from moorage.channels.model import Address
from moorage.connectors.contract import AddressVerified, Connector, RawRequest, WireReply
from moorage.connectors.failures import MalformedInput, UnsupportedInput
from moorage.connectors.manifest import Manifest
from moorage.connectors.registry import Connectors
from moorage.core.errors import Missing
from moorage.entry.counters import Counters
from moorage.entry.problems import problem
from moorage.infra.database import Database, Tx
from moorage.infra.secrets import SecretBox
from moorage.reception.intake import Intake

log = structlog.get_logger()

ANSWERED_WITHIN_S = 4.2
"""WeChat hangs up after 5 s, measured at its side."""
INTAKE_OVERTIME_S = 0.6
"""What intake may take beyond its deadline to say who carries the answer. After that WeChat is told to come again."""
READ_WITHIN_S = 3.0

STATUS_BY_REASON = {
    "body_too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "wrong_method": HTTPStatus.METHOD_NOT_ALLOWED,
    "wrong_content_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "invalid_signature": HTTPStatus.FORBIDDEN,
    "replayed_signature": HTTPStatus.FORBIDDEN,
    "stale_timestamp": HTTPStatus.FORBIDDEN,
    "expired_token": HTTPStatus.FORBIDDEN,
    "foreign_account": HTTPStatus.FORBIDDEN,
}
"""What a refused push is answered with; any other reason is a 400."""


@dataclass(frozen=True, slots=True)
class PushDoor:
    """What the push routes need of the process; the application keeps it as `app.state.push_door`."""

    database: Database
    connectors: Connectors
    box: SecretBox
    addresses: AddressBook
    intake: Intake
    counters: Counters
    watch: PushWatch


def push_routes(manifests: Sequence[Manifest]) -> list[Route]:
    """Return the routes of these kinds, each where its manifest says.

    They are plain ones, as every message of a customer passes here and the framework's reading of arguments costs
    more than ours.
    """
    return [
        _PatternRoute(
            manifest.push_path,
            _route(manifest.kind),
            methods=["GET", "POST"],
            name=f"push_{manifest.kind}",
        )
        for manifest in manifests
    ]


class _PatternRoute(Route):
    """A route that names itself, so that the log shows its pattern instead of an account's id."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope["route"] = self
        await super().handle(scope, receive, send)


def _route(kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def receive_push(request: Request) -> Response:
        door = push_door(request)
        external_id = str(request.path_params["external_id"])
        deadline = asyncio.get_running_loop().time() + ANSWERED_WITHIN_S
        with structlog.contextvars.bound_contextvars(channel_kind=kind):
            try:
                async with asyncio.timeout_at(deadline + INTAKE_OVERTIME_S):
                    reply = await _answer(door, kind, external_id, request, deadline=deadline)
            except MalformedInput as error:
                return refused(door, error.reason)
        return Response(reply.body, media_type=reply.content_type)

    return receive_push


async def _answer(door: PushDoor, kind: str, external_id: str, request: Request, *, deadline: float) -> WireReply:
    """Return the answer to a genuine request. Raises MalformedInput, Missing, or what kept the push from storage."""
    body = await read_body(request)
    connector = door.connectors[kind]
    address = await _address(door, kind, external_id)
    credentials = open_verification(door.box, address)
    if not verifies_itself(credentials):
        return _leave(door, connector, request)
    now = door.database.clock.now()
    try:
        received = connector.receive(credentials=credentials, request=raw_request(request, body), now=now)
    except MalformedInput as error:
        door.watch.refused(address, reason=error.reason, now=now)
        raise
    except UnsupportedInput as error:
        log.warning("push_not_supported", reason=error.reason, channel_id=str(address.channel_id))
        door.counters.count(f"pushes_unsupported.{error.reason}")
        return connector.acknowledge()
    if isinstance(received, AddressVerified):
        await _mark_verified(door, address)
        return WireReply(body=received.body, content_type="text/plain; charset=utf-8")
    reply = await door.intake.receive(address=address, inbound=received, credentials=credentials, deadline=deadline)
    door.watch.arrived(address, mode=received.mode, now=now)
    if address.verified_at is None:  # a genuine push proves as much as the question does, and it may come alone
        await _mark_verified(door, address)
    return reply


async def read_body(request: Request) -> bytes:
    """Return what a provider sent. Raises MalformedInput if it takes too long."""
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            return await request.body()
    except TimeoutError as error:
        raise MalformedInput(reason="body_too_slow") from error


async def _address(door: PushDoor, kind: str, external_id: str) -> Address:
    try:
        return await door.addresses.find(kind=kind, external_id=external_id)
    except Missing:
        door.counters.count("pushes_refused.unknown_address")
        raise


def _leave(door: PushDoor, connector: Connector, request: Request) -> WireReply:
    """Answer for an account that is docked by our platform alone, and still pushes to an address of its own as well.

    Nothing here can verify that, so nothing comes of it. But customers are shown a fault if any of an account's
    servers does not answer.
    """
    if request.method == "GET":
        raise Missing(what="channel address")
    door.counters.count("pushes_ignored.docked_by_platform")
    return connector.acknowledge()


async def _mark_verified(door: PushDoor, address: Address) -> None:
    async def mark(tx: Tx) -> None:
        await mark_verified(tx, channel_id=address.channel_id)

    await door.database.run(address.workspace_id, mark)


def raw_request(request: Request, body: bytes) -> RawRequest:
    """Return the request as connectors read it."""
    return RawRequest(
        method="GET" if request.method == "GET" else "POST",
        query=dict(request.query_params),
        content_type=request.headers.get("content-type", ""),
        body=body,
    )


def refused(door: PushDoor, reason: str) -> Response:
    """Return the answer to a request that is not the provider's, counted and logged once."""
    log.warning("push_refused", reason=reason)
    door.counters.count(f"pushes_refused.{reason}")
    status = STATUS_BY_REASON.get(reason, HTTPStatus.BAD_REQUEST)
    return problem(status=status, code=MalformedInput.code, details={"reason": reason})


def push_door(request: Request) -> PushDoor:
    """Return the door that the application put in its state."""
    door: object = request.app.state.push_door
    if not isinstance(door, PushDoor):
        raise TypeError("app.state.push_door must be a PushDoor")
    return door
