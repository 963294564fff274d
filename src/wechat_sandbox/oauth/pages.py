"""The page on which a follower lets a website know who they are."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.requests import Request
from starlette.responses import Response

from wechat_sandbox import identifiers
from wechat_sandbox.components.grants import standing
from wechat_sandbox.components.pictures import avatar_png
from wechat_sandbox.followers import add_follower
from wechat_sandbox.model import Account, Follower
from wechat_sandbox.oauth.grants import new_code
from wechat_sandbox.world import Sandbox

_SCOPES = frozenset({"snsapi_base", "snsapi_userinfo"})
_STATE = re.compile(r"[a-zA-Z0-9]{0,128}")
_WEB_SERVICE = 4

_PAGE = Template(
    """<!doctype html><html lang="$lang"><head><meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" /><title>$title</title>
<link rel="icon" href="data:," /><link rel="stylesheet" href="/sandbox/static/consent.css" /></head>
<body><main><h1>$title</h1><p>$lead</p>$choices</main></body></html>"""
)
_TEXTS = {
    "zh-CN": {
        "title": "微信授权",
        "lead": "{name} 申请使用你的昵称和头像",
        "silent": "以谁的身份打开 {name} 的网页？",
        "allow": "{person}：允许",
        "as": "{person}",
        "snapshot": "虚拟的快照用户",
        "refuse": "拒绝",
        "error": "无法授权",
    },
    "en": {
        "title": "WeChat authorization",
        "lead": "{name} asks for your name and picture",
        "silent": "Who opens the page of {name}?",
        "allow": "{person}: allow",
        "as": "{person}",
        "snapshot": "A virtual snapshot user",
        "refuse": "Refuse",
        "error": "Not possible",
    },
}


class PageError(Exception):
    """WeChat shows an error and its number in place of the page."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(number)
        self.number = number
        self.text = text


@dataclass(frozen=True, slots=True)
class _Asked:
    account: Account
    redirect_uri: str
    scope: str
    state: str
    component_appid: str | None


def oauth_router(sandbox: Sandbox) -> APIRouter:
    """Return the authorization page, the answer to it, and people's pictures."""
    router = APIRouter(include_in_schema=False)

    @router.get("/connect/oauth2/authorize")
    async def authorize(request: Request) -> Response:
        try:
            asked = _asked(sandbox, request.query_params)
        except PageError as error:
            return _error_page(request, error)
        # The phone page leaves the name of its owner in a cookie; a test may give it in the address.
        person = request.query_params.get("person") or request.cookies.get("phone", "")
        answer = request.query_params.get("answer", "")
        if answer or (person and asked.scope == "snsapi_base"):
            return _returned(sandbox, asked, person=person, answer=answer)
        return _choice_page(request, asked, person=person)

    @router.get("/sandbox/portraits/{name}.png")
    def portrait(name: str) -> Response:
        return Response(avatar_png(name), media_type="image/png")

    return router


def _asked(sandbox: Sandbox, query: Mapping[str, str]) -> _Asked:
    """Return what the address asks for. Raises PageError in WeChat's order of checks."""
    account = sandbox.state.accounts.get(query.get("appid", ""))
    if account is None:
        raise PageError(10012, "appid")
    redirect_uri, scope, state = query.get("redirect_uri", ""), query.get("scope", ""), query.get("state", "")
    if not redirect_uri:
        raise PageError(10011, "redirect_uri")
    if not scope:
        raise PageError(10010, "scope")
    if scope not in _SCOPES or query.get("response_type") != "code" or not account.verified:
        raise PageError(10005, "scope")
    if not _STATE.fullmatch(state):
        raise PageError(10013, "state")
    component_appid = query.get("component_appid") or None
    if component_appid is None:
        _check_host(redirect_uri, domains=account.web_domains)
    else:
        _check_platform(sandbox, account, component_appid, redirect_uri=redirect_uri)
    return _Asked(account, redirect_uri, scope, state, component_appid)


def _check_platform(sandbox: Sandbox, account: Account, component_appid: str, *, redirect_uri: str) -> None:
    component = sandbox.state.components.get(component_appid)
    authorization = standing(component, account.appid) if component else None
    if component is None or authorization is None or _WEB_SERVICE not in authorization.sets:
        raise PageError(10015, "component_appid")
    domains = component.web_domains
    filled = None if domains is None else [one.replace("$APPID$", account.appid) for one in domains]
    _check_host(redirect_uri, domains=filled)


def _check_host(redirect_uri: str, *, domains: list[str] | None) -> None:
    parts = urlsplit(redirect_uri)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise PageError(10003, "redirect_uri")
    if domains is not None and parts.netloc not in domains and parts.hostname not in domains:
        raise PageError(10003, "redirect_uri")


def _returned(sandbox: Sandbox, asked: _Asked, *, person: str, answer: str) -> Response:
    """Go back to the website: with a code, or without one if the person refused."""
    query: dict[str, str] = {}
    if answer != "refuse":
        snapshot = answer == "snapshot"
        follower = _person(sandbox, asked.account, name="" if snapshot else person)
        code = new_code(
            asked.account,
            openid=follower.openid,
            scope=asked.scope,
            component_appid=asked.component_appid,
            snapshot=snapshot,
            now_s=sandbox.clock.now_s(),
        )
        query["code"] = code.value
        sandbox.keeper.changed()
    query["state"] = asked.state
    if asked.component_appid is not None:
        query["appid"] = asked.account.appid
    # The query goes before the fragment, whatever that is.
    address, mark, fragment = asked.redirect_uri.partition("#")
    target = f"{address}{'&' if '?' in address else '?'}{urlencode(query)}{mark}{fragment}"
    return RedirectResponse(target, status_code=302)


def _person(sandbox: Sandbox, account: Account, *, name: str) -> Follower:
    if identifiers.is_openid(name) and name in account.followers:
        return account.followers[name]
    return add_follower(sandbox, account, openid=None, nickname=name or f"snapshot {len(account.web_codes)}")


def _choice_page(request: Request, asked: _Asked, *, person: str) -> HTMLResponse:
    texts, silent = _texts(request), asked.scope == "snsapi_base"
    names = [person] if person else [one.nickname for one in asked.account.followers.values()][:20]
    wording = "as" if silent else "allow"
    links = [_link(request, texts[wording].format(person=name), person=name, answer="allow") for name in names]
    links.append(_link(request, texts["snapshot"], person="", answer="snapshot"))
    if not silent:
        links.append(_link(request, texts["refuse"], person=person, answer="refuse"))
    lead = texts["silent" if silent else "lead"].format(name=asked.account.name)
    return HTMLResponse(_filled(request, lead=lead, choices="".join(links)))


def _link(request: Request, label: str, *, person: str, answer: str) -> str:
    given = {**request.query_params, "person": person, "answer": answer}
    return f'<a class="{answer}" href="?{html.escape(urlencode(given, quote_via=quote))}">{html.escape(label)}</a>'


def _error_page(request: Request, error: PageError) -> HTMLResponse:
    lead = f"{_texts(request)['error']}: {error.text} ({error.number})"
    return HTMLResponse(_filled(request, lead=lead, choices=""))


def _texts(request: Request) -> dict[str, str]:
    return _TEXTS["en" if request.query_params.get("lang") == "en" else "zh-CN"]


def _filled(request: Request, *, lead: str, choices: str) -> str:
    lang = "en" if request.query_params.get("lang") == "en" else "zh-CN"
    title = html.escape(_texts(request)["title"])
    return _PAGE.substitute(lang=lang, title=title, lead=html.escape(lead), choices=choices)
