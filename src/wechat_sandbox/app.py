"""Putting the stand-in's web application together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, RedirectResponse
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wechat_sandbox.api import ProductApi
from wechat_sandbox.components.pages import page_router
from wechat_sandbox.control import control_router, install_refusals
from wechat_sandbox.endpoints.registry import ENDPOINTS
from wechat_sandbox.media.routes import file_router
from wechat_sandbox.oauth.pages import oauth_router
from wechat_sandbox.scanning import code_router
from wechat_sandbox.world import Sandbox

_STATIC = Path(__file__).parent / "static"
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def create_app(*, sandbox: Sandbox) -> FastAPI:
    """Return the application that serves the API, the control API and the pages."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        async with sandbox.running():
            yield

    # No generated API pages: they would load scripts from the internet.
    app = FastAPI(title="WeChat sandbox", lifespan=lifespan, docs_url=None, redoc_url=None)
    install_refusals(app)
    app.add_middleware(_Dated, sandbox=sandbox)
    app.include_router(control_router(sandbox))
    app.include_router(page_router(sandbox))
    app.include_router(file_router(sandbox))
    app.include_router(code_router(sandbox))
    app.include_router(oauth_router(sandbox))
    _add_pages(app)
    _add_product_api(app, api=ProductApi(sandbox=sandbox, endpoints=ENDPOINTS))
    return app


class _Dated:
    """Lets every answer carry the stand-in's own time, as callers compare their clock with it."""

    def __init__(self, app: ASGIApp, *, sandbox: Sandbox) -> None:
        self._app = app
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                now = formatdate(self._sandbox.clock.now_s(), usegmt=True)
                message["headers"] = [*message.get("headers", []), (b"date", now.encode())]
            await send(message)

        await self._app(scope, receive, dated)


def _add_product_api(app: FastAPI, *, api: ProductApi) -> None:
    async def answer(request: Request) -> Response:
        return await api.answer(request)

    for root in ("/cgi-bin", "/sns"):
        app.add_api_route(f"{root}/{{path:path}}", answer, methods=_METHODS, include_in_schema=False)


def _add_pages(app: FastAPI) -> None:
    app.mount("/sandbox/static", StaticFiles(directory=_STATIC), name="static")

    async def start() -> RedirectResponse:
        return RedirectResponse("/phone")

    async def phone() -> FileResponse:
        return FileResponse(_STATIC / "phone.html", headers={"cache-control": "no-cache"})

    async def back_office() -> FileResponse:
        return FileResponse(_STATIC / "backoffice.html", headers={"cache-control": "no-cache"})

    app.add_api_route("/", start, include_in_schema=False)
    app.add_api_route("/phone", phone, include_in_schema=False, response_class=FileResponse)
    app.add_api_route("/backoffice", back_office, include_in_schema=False, response_class=FileResponse)
