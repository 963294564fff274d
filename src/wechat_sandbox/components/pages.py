"""The pages people see on the way to a grant, and the pictures of accounts."""

import html
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from pathlib import Path
from string import Template

import segno
from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.requests import Request
from starlette.responses import Response

from wechat_sandbox.components.authorizing import PageRefused, open_request
from wechat_sandbox.components.permissions import known_set
from wechat_sandbox.components.pictures import avatar_png, qr_png
from wechat_sandbox.components.texts import Language, texts_in
from wechat_sandbox.model import Account, AuthorizationRequest, Component
from wechat_sandbox.world import Sandbox

_STATIC = Path(__file__).parents[1] / "static"
_NO_CACHE = {"cache-control": "no-cache"}
# WeChat's documents name both; the second is the older address on the other host.
_H5_PATHS = ("/wxaopen/safe/bindcomponent", "/safe/bindcomponent")


def page_router(sandbox: Sandbox) -> APIRouter:
    """Return the routes of the authorization page, the administrator's pages and the platform's back office."""
    router = APIRouter(include_in_schema=False)
    router.include_router(_authorization_routes(sandbox))
    router.include_router(_picture_routes(sandbox))
    for path, name in (
        ("/admin/scan", "scan.html"),
        ("/admin/authorizations", "authorizations.html"),
        ("/platform", "platform.html"),
    ):
        router.add_api_route(path, _static_page(name), response_class=FileResponse)
    return router


def _static_page(name: str) -> Callable[[], Awaitable[FileResponse]]:
    async def page() -> FileResponse:
        return FileResponse(_STATIC / name, headers=_NO_CACHE)

    return page


def _authorization_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter()

    @router.get("/cgi-bin/componentloginpage")
    async def with_code(request: Request) -> HTMLResponse:
        language = _language(request)
        try:
            # The page's own link to the other language comes back with the visit that is under way.
            visit = _known_visit(sandbox, request) or _new_visit(sandbox, request)
        except PageRefused as refused:
            return _refusal(refused, language=language)
        component = sandbox.state.components[visit.component_appid]
        scan_url = f"{str(request.base_url).rstrip('/')}{_scan_path(visit, language=language)}"
        return HTMLResponse(_code_page(component, visit, scan_url=scan_url, language=language))

    async def without_code(request: Request) -> Response:
        language = _language(request)
        try:
            _check_h5_form(request)
            visit = _new_visit(sandbox, request)
        except PageRefused as refused:
            return _refusal(refused, language=language)
        return RedirectResponse(f"{_scan_path(visit, language=language)}&h5=1", status_code=302)

    for path in _H5_PATHS:
        router.add_api_route(path, without_code, response_class=Response)
    return router


def _picture_routes(sandbox: Sandbox) -> APIRouter:
    router = APIRouter(prefix="/sandbox")

    def account(appid: str) -> Account:
        found = sandbox.state.accounts.get(appid)
        if found is None:
            raise HTTPException(404, "no such account")
        return found

    # Plain functions, so that drawing happens in a thread.
    @router.get("/avatars/{appid}.png")
    def avatar(appid: str) -> Response:
        return Response(avatar_png(account(appid).name), media_type="image/png")

    @router.get("/qrcodes/{appid}.png")
    def qr_code(appid: str, request: Request) -> Response:
        phone = f"{str(request.base_url).rstrip('/')}/phone?account={account(appid).appid}"
        return Response(qr_png(phone), media_type="image/png")

    return router


def _check_h5_form(request: Request) -> None:
    if request.query_params.get("action") != "bindcomponent" or request.query_params.get("no_scan") != "1":
        raise PageRefused("parameter")


def _language(request: Request) -> Language:
    return "en" if request.query_params.get("lang") == "en" else "zh-CN"


def _known_visit(sandbox: Sandbox, request: Request) -> AuthorizationRequest | None:
    return sandbox.state.authorization_requests.get(request.query_params.get("request", ""))


def _new_visit(sandbox: Sandbox, request: Request) -> AuthorizationRequest:
    return open_request(sandbox, query=request.query_params, referer=request.headers.get("referer", ""))


def _scan_path(visit: AuthorizationRequest, *, language: Language) -> str:
    return f"/admin/scan?request={visit.request_id}{'&lang=en' if language == 'en' else ''}"


def _code_page(component: Component, visit: AuthorizationRequest, *, scan_url: str, language: Language) -> str:
    texts = texts_in(language)
    code = segno.make(scan_url, error="m", micro=False)
    return _filled(
        "authorize.html",
        _frame(language)
        | {
            "other_url": f"?request={visit.request_id}{'' if language == 'en' else '&amp;lang=en'}",
            "wants": html.escape(texts["wants"].format(name=component.name)),
            "request_id": visit.request_id,
            "scan_url": html.escape(scan_url),
            "code": code.svg_inline(scale=5, border=2, omitsize=True),
            "sets": "".join(_set_item(set_id, language=language) for set_id in component.permission_sets),
        },
    )


def _set_item(set_id: int, *, language: Language) -> str:
    known = known_set(set_id)
    name = known.name_en if language == "en" else known.name_zh
    mark = f"<small>{texts_in(language)['exclusive']}</small>" if known.exclusive else ""
    return f"<li>{html.escape(name)}{mark}</li>"


def _refusal(refused: PageRefused, *, language: Language) -> HTMLResponse:
    texts = texts_in(language)
    values = {name: value or texts["empty"] for name, value in refused.values_by_name.items()}
    reason = html.escape(texts[refused.code].format(**values))
    return HTMLResponse(_filled("authorize_refused.html", _frame(language) | {"reason": reason}))


def _frame(language: Language) -> dict[str, str]:
    return {name: html.escape(text) for name, text in texts_in(language).items()} | {"lang": language}


def _filled(name: str, values: Mapping[str, str]) -> str:
    return _template(name).substitute(values)


@lru_cache
def _template(name: str) -> Template:
    return Template((_STATIC / name).read_text(encoding="utf-8"))
