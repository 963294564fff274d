"""The web process: every room's routes under `/api`, the providers' pushes, the console's files, and their guards."""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import psycopg
import structlog
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from psycopg_pool import PoolTimeout
from starlette.requests import HTTPConnection
from starlette.types import Lifespan

from moorage.channels.authorization_routes import router as authorization_router
from moorage.channels.budget_routes import router as budget_router
from moorage.channels.comparing_routes import router as comparing_router
from moorage.channels.follow_replies.routes import router as follow_replies_router
from moorage.channels.health.routes import router as channel_health_router
from moorage.channels.menus.routes import router as menus_router
from moorage.channels.platform_routes import router as platform_router
from moorage.channels.routes import router as channels_router
from moorage.connectors.registry import manifests, platform_manifests
from moorage.conversations.card_pictures import router as card_pictures_router
from moorage.conversations.file_pages import router as file_pages_router
from moorage.conversations.media import MOST_UPLOAD_BYTES, UploadTooLarge
from moorage.conversations.media_routes import router as media_router
from moorage.conversations.people.enterprise_routes import router as enterprise_router
from moorage.conversations.people.identify_routes import router as identify_router
from moorage.conversations.people.identity_page_routes import router as identity_pages_router
from moorage.conversations.people.routes import router as people_router
from moorage.conversations.routes import router as conversations_router
from moorage.core.ids import PersonId
from moorage.entry import health
from moorage.entry.console_files import ConsoleFiles
from moorage.entry.container import Container, open_container
from moorage.entry.counters import Counters
from moorage.entry.described import DescribedApp, Problem
from moorage.entry.doors import furnish
from moorage.entry.idempotency import Idempotency
from moorage.entry.platform_push_routes import platform_push_router
from moorage.entry.problems import add_problem_handlers, domain_problem
from moorage.entry.push_routes import PushDoor, push_routes
from moorage.entry.request_log import API, RequestLog
from moorage.entry.safety import BodyLimit, LargerBody, SafetyHeaders
from moorage.infra.settings import Settings
from moorage.realtime.hub import Hub
from moorage.realtime.routes import router as realtime_router
from moorage.reception.choice_routes import router as choice_router
from moorage.reception.file_routes import router as file_router
from moorage.reception.leaving_routes import router as leaving_router
from moorage.reception.resend_routes import router as resend_router
from moorage.reception.routes import router as reception_router
from moorage.reception.undock_routes import router as undock_router
from moorage.staff.guard import COOKIE, database_of
from moorage.staff.routes import router as staff_router
from moorage.staff.sessions import find_session

log = structlog.get_logger()

RESTART_AFTER_S = 1.0
WATCH_WRITTEN_EVERY_S = 2.0
ROUTERS: Sequence[APIRouter] = (
    staff_router,
    channels_router,
    channel_health_router,
    menus_router,
    follow_replies_router,
    budget_router,
    authorization_router,
    platform_router,
    comparing_router,
    conversations_router,
    media_router,
    card_pictures_router,
    file_pages_router,
    people_router,
    enterprise_router,
    identity_pages_router,
    reception_router,
    choice_router,
    file_router,
    leaving_router,
    resend_router,
    undock_router,
    realtime_router,
)


UPLOADS = LargerBody(
    path=re.compile(rf"{API}/(conversations/[^/]+/uploads|pages/upload/files|channels/[^/]+/follow-reply/pictures)"),
    most_bytes=MOST_UPLOAD_BYTES + 64 * 1024,  # for what stands around the file
    refusal=lambda size, _: domain_problem(
        UploadTooLarge(reason="too_large", bytes=size, most_bytes=MOST_UPLOAD_BYTES)
    ),
)


def create_app(settings: Settings) -> FastAPI:
    """Return the web application. It opens what it needs when it is started, and closes that when it is stopped."""
    app = DescribedApp(
        title="Moorage",
        version="1",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(settings),
        generate_unique_id_function=_operation_id,
        responses={"default": {"model": Problem, "description": "What went wrong"}},
    )
    app.state.counters = Counters()
    add_problem_handlers(app)
    # The first ones to be looked at, as most requests go there.
    app.router.routes.extend(push_routes(manifests()))
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    app.include_router(platform_push_router(platform_manifests()))
    app.include_router(identify_router)
    app.include_router(health.router)
    app.mount("/", ConsoleFiles(), name="console")
    # The last one added is the first to see a request.
    app.add_middleware(Idempotency, database=lambda: _container(app).database, whose=_whose)
    app.add_middleware(BodyLimit, counters=app.state.counters, larger=(UPLOADS,))
    app.add_middleware(SafetyHeaders, https=settings.serves_https)
    app.add_middleware(RequestLog)
    return app


def _lifespan(settings: Settings) -> Lifespan[FastAPI]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_container(settings) as container, asyncio.TaskGroup() as tasks:
            hub = Hub(database=container.database, url=container.database_url)
            furnish(app, container, hub)
            loops = [
                tasks.create_task(_hand_out_facts(hub)),
                tasks.create_task(_keep_watch(app.state.push_door)),
                tasks.create_task(container.clock.keep_measuring(container.pool)),
            ]
            yield
            for loop in loops:
                loop.cancel()

    return lifespan


async def _hand_out_facts(hub: Hub) -> None:
    """Run the hub until cancelled. A defect in it must not leave a process that serves and tells nobody anything."""
    while True:
        try:
            await hub.run()
        except Exception:
            log.exception("hub_failed")
        await asyncio.sleep(RESTART_AFTER_S)


async def _keep_watch(door: PushDoor) -> None:
    """Write down now and then what arrived, until cancelled. A database that is away is waited for."""
    while True:
        await asyncio.sleep(WATCH_WRITTEN_EVERY_S)
        try:
            await door.watch.write()
        except (psycopg.OperationalError, PoolTimeout):
            log.warning("watch_not_written")
        except Exception:
            log.exception("watch_failed")


def _container(app: FastAPI) -> Container:
    container: Container = app.state.container
    return container


async def _whose(connection: HTTPConnection) -> PersonId | None:
    """Return whose keys a command's key is one of; nobody's before signing in."""
    token = connection.cookies.get(COOKIE)
    live = await find_session(database_of(connection), token=token) if token else None
    return live.person.id if live is not None else None


def _operation_id(route: APIRoute) -> str:
    return route.name
