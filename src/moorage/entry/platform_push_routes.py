"""Where a provider's notices to our platform arrive, and the pushes of all accounts that authorized it.

The provider's own test accounts are answered before any workspace is looked up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask

from moorage.channels.credentials import EXTERNAL_ACCOUNT_ID, PLATFORM_ID, open_verification
from moorage.channels.model import Address
from moorage.channels.notices import Notices
from moorage.channels.platforms import Platform, find_platform
from moorage.channels.release_check import ReleaseCheck
from moorage.connectors.authorization import PlatformManifest
from moorage.connectors.contract import AddressVerified, Inbound, WireReply
from moorage.connectors.failures import MalformedInput, UnsupportedInput
from moorage.connectors.registry import required_platform_power
from moorage.core.errors import Missing
from moorage.entry.push_routes import (
    ANSWERED_WITHIN_S,
    INTAKE_OVERTIME_S,
    PushDoor,
    push_door,
    raw_request,
    read_body,
    refused,
)
from moorage.infra.database import Tx

log = structlog.get_logger()

PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class PlatformPushDoor:
    """What these routes need beside the push door; the application keeps it as `app.state.platform_push_door`."""

    notices: Notices
    release_check: ReleaseCheck


def platform_push_router(manifests: Mapping[str, PlatformManifest]) -> APIRouter:
    """Return the routes of every kind's platform: its notices, and the pushes of its accounts."""
    router = APIRouter(include_in_schema=False)
    for kind, manifest in manifests.items():
        router.add_api_route(manifest.event_path, _notice_route(kind), methods=["GET", "POST"], name=f"notice_{kind}")
        router.add_api_route(
            manifest.message_path, _message_route(kind), methods=["GET", "POST"], name=f"platform_push_{kind}"
        )
    return router


def _notice_route(kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def receive_notice(request: Request) -> Response:
        return await _answered(request, kind, lambda door: _take_notice(door, kind, request))

    return receive_notice


def _message_route(kind: str) -> Callable[[Request, str], Awaitable[Response]]:
    async def receive_platform_push(request: Request, external_id: str) -> Response:
        return await _answered(request, kind, lambda door: _take_push(door, kind, external_id, request))

    return receive_platform_push


async def _answered(request: Request, kind: str, take: Callable[[PushDoor], Awaitable[Response]]) -> Response:
    door = push_door(request)
    with structlog.contextvars.bound_contextvars(channel_kind=kind):
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S + INTAKE_OVERTIME_S):
                return await take(door)
        except MalformedInput as error:
            return refused(door, error.reason)


# ---------------------------------------------------------------- notices


async def _take_notice(door: PushDoor, kind: str, request: Request) -> Response:
    raw = raw_request(request, await read_body(request))
    connector = door.connectors[kind]
    async with door.database.in_platform() as tx:
        platform = await _platform(tx, door, kind)
    power = required_platform_power(connector)
    notice = power.read_notice(credentials=platform.credentials, request=raw, now=door.database.clock.now())
    if isinstance(notice, AddressVerified):
        return Response(notice.body, media_type=PLAIN)
    await _extras(request).notices.take(notice, platform=platform, power=power)
    return _response(connector.acknowledge())


async def _platform(tx: Tx, door: PushDoor, kind: str) -> Platform:
    platform = await find_platform(tx, box=door.box, connector=door.connectors[kind])
    if platform is None:
        door.counters.count("pushes_refused.no_platform")
        raise Missing(what="platform")
    return platform


# ---------------------------------------------------------------- pushes of accounts


async def _take_push(door: PushDoor, kind: str, external_id: str, request: Request) -> Response:
    deadline = asyncio.get_running_loop().time() + ANSWERED_WITHIN_S
    raw = raw_request(request, await read_body(request))
    connector, power = door.connectors[kind], required_platform_power(door.connectors[kind])
    now = door.database.clock.now()
    async with door.database.in_platform() as tx:
        platform = await _platform(tx, door, kind)
    if verified := power.verify_address(credentials=platform.credentials, request=raw, now=now):
        return Response(verified.body, media_type=PLAIN)
    is_probe = power.is_probe(external_id=external_id)
    address = None if is_probe else await _address(door, platform, external_id)
    credentials = power.push_credentials(
        credentials=platform.credentials, external_account_id=_known(door, address).get(EXTERNAL_ACCOUNT_ID)
    )
    try:
        inbound = connector.receive(credentials=credentials, request=raw, now=now)
    except MalformedInput as error:
        if address is not None:
            door.watch.refused(address, reason=error.reason, now=now)
        raise
    except UnsupportedInput as error:
        door.counters.count(f"pushes_unsupported.{error.reason}")
        return _response(connector.acknowledge())
    if isinstance(inbound, AddressVerified):
        return Response(inbound.body, media_type=PLAIN)
    if is_probe:
        return _answer_probe(door, request, platform, inbound, credentials=credentials)
    if address is None:
        return _leave(door, platform, external_id)
    reply = await door.intake.receive(address=address, inbound=inbound, credentials=credentials, deadline=deadline)
    door.watch.arrived(address, mode=inbound.mode, now=now)
    return _response(reply)


async def _address(door: PushDoor, platform: Platform, external_id: str) -> Address | None:
    """Return where the pushes of an account docked by this platform belong, or None."""
    try:
        address = await door.addresses.find(kind=platform.kind, external_id=external_id)
    except Missing:
        return None
    return address if _known(door, address).get(PLATFORM_ID) == platform.id else None


def _known(door: PushDoor, address: Address | None) -> Mapping[str, str]:
    return {} if address is None else open_verification(door.box, address)


def _answer_probe(
    door: PushDoor, request: Request, platform: Platform, inbound: Inbound, *, credentials: Mapping[str, str]
) -> Response:
    """Answer the provider's test; what it waits for afterwards is done when the answer has gone."""
    check = _extras(request).release_check
    connector = door.connectors[platform.kind]
    reply, probe = check.answer(connector, inbound, credentials=credentials, now=door.database.clock.now())
    log.info("release_check_answered", by_api=probe.send is not None)
    response = _response(reply)
    response.background = BackgroundTask(check.finish, connector, platform, probe)
    return response


def _leave(door: PushDoor, platform: Platform, external_id: str) -> Response:
    """Tell the provider that all is well: an account that nobody has docked is nobody's to answer for."""
    log.warning("push_of_undocked_account", external_id=external_id[:40])
    door.counters.count("pushes_unclaimed")
    return _response(door.connectors[platform.kind].acknowledge())


def _response(reply: WireReply) -> Response:
    return Response(reply.body, media_type=reply.content_type)


def _extras(request: Request) -> PlatformPushDoor:
    door: object = request.app.state.platform_push_door
    if not isinstance(door, PlatformPushDoor):
        raise TypeError("app.state.platform_push_door must be a PlatformPushDoor")
    return door
