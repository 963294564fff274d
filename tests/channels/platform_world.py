"""WeChat's side of a third-party platform at the wire, and ours with everything that docks by it."""

import asyncio
import json
import secrets
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from moorage.channels.accounts import Accounts
from moorage.channels.attempts import Attempt
from moorage.channels.authorizations import Authorizations, BegunAttempt
from moorage.channels.events import AccountAuthorizedUs, AuthorizationPushed
from moorage.channels.model import Channel
from moorage.channels.notices import Notices
from moorage.channels.platforms import Platform, find_platform
from moorage.channels.queries import list_channels
from moorage.connectors.authorization import AuthorizesByPlatform, Notice
from moorage.connectors.contract import RawRequest
from moorage.connectors.registry import Connectors, ProviderUrls, open_connectors, required_platform_power
from moorage.core.ids import AgentId, ChannelId, WorkspaceId, new_id
from moorage.infra.blobs import open_blob_folder
from moorage.infra.database import Database
from moorage.infra.http_client import open_provider_client
from moorage.staff.model import Actor
from moorage.staff.operations import add_person
from moorage.staff.passwords import Passwords
from tests.channels.docking import BOX
from tests.conftest import Heard
from tests.connectors.platform_requests import PLATFORM, a_ticket, authorized, unauthorized
from tests.connectors.provider import Call, Provider, answered, running_provider

KIND = "wechat_oa"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
ALL_SETS = (1, 2, 3, 4, 7, 11, 15)


@dataclass
class Grant:
    """What an account has granted the platform."""

    sets: tuple[int, ...]
    refresh_token: str
    tokens: set[str] = field(default_factory=set[str])


@dataclass
class Wechat:
    """The provider's side: codes work once, each authorization has a refresh token of its own."""

    pre_auth_codes: list[str] = field(default_factory=list[str])
    codes: dict[str, str] = field(default_factory=dict[str, str])
    grants: dict[str, Grant] = field(default_factory=dict[str, Grant])
    calls: Counter[str] = field(default_factory=Counter[str])
    failures: dict[str, object] = field(default_factory=dict[str, object])
    """Call -> what is answered instead; bytes go out as they are."""
    gates: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    asked: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    about: dict[str, object] = field(default_factory=dict[str, object])
    renewed_refresh_token: object = "same"
    """What a renewal answers as refresh token; `same`: the one it was asked with."""
    gives_tokens: bool = True
    sent: list[str] = field(default_factory=list[str])
    url: str = ""
    quotas: dict[str, tuple[int, int]] = field(
        default_factory=lambda: {"/cgi-bin/message/custom/send": (3, 500), "/cgi-bin/menu/create": (1, 1000)}
    )
    voice: str = "1"

    def authorize(self, appid: str, *, sets: tuple[int, ...] = ALL_SETS) -> str:
        """Let an account's administrator confirm; return the code. What was granted before is void."""
        code = f"queryauthcode@@@{secrets.token_hex(8)}"
        self.codes[code] = appid
        self.grants[appid] = Grant(sets=sets, refresh_token=f"refreshtoken@@@{secrets.token_hex(8)}")
        return code

    def kill_tokens(self, appid: str) -> None:
        """Let every token of an account be dead."""
        self.grants[appid].tokens.clear()

    async def answer(self, call: Call) -> bytes:
        name = call.path.rsplit("/", 1)[-1]
        self.calls[name] += 1
        if name in self.asked:
            self.asked[name].set()
        if name in self.gates:
            await self.gates[name].wait()
        if name in self.failures:
            return answered(self.failures[name])
        if name == "avatar.png":
            return answered(PNG, content_type="image/png")
        return answered(self._answer(name, call))

    def _answer(self, name: str, call: Call) -> Mapping[str, object]:
        answers: Mapping[str, Callable[[Call], Mapping[str, object]]] = {
            "api_component_token": self._component_token,
            "api_create_preauthcode": self._pre_auth_code,
            "api_query_auth": self._query_auth,
            "api_authorizer_token": self._renew,
            "api_get_authorizer_info": self._info,
            "send": self._send,
            "get_api_domain_ip": self._addresses,
            "get": self._quota,
            "get_authorizer_option": self._option,
            "set_authorizer_option": self._set_option,
            "api_get_authorizer_list": self._list,
            "clear_quota": self._clear_quota,
        }
        return answers[name](call)

    def _component_token(self, _call: Call) -> Mapping[str, object]:
        return {"component_access_token": f"C{self.calls['api_component_token']}", "expires_in": 7200}

    def _pre_auth_code(self, _call: Call) -> Mapping[str, object]:
        self.pre_auth_codes.append(f"preauthcode@@@{secrets.token_hex(8)}")
        return {"pre_auth_code": self.pre_auth_codes[-1], "expires_in": 600}

    def _query_auth(self, call: Call) -> Mapping[str, object]:
        appid = self.codes.pop(str(call.asked["authorization_code"]), None)
        if appid is None:
            return {"errcode": 61009, "errmsg": "code is invalid"}
        info = self._authorization(appid)
        if self.gives_tokens:
            info |= {"authorizer_access_token": self._new_token(appid), "expires_in": 7200}
        return {"authorization_info": info}

    def _authorization(self, appid: str) -> dict[str, object]:
        grant = self.grants[appid]
        info: dict[str, object] = {
            "authorizer_appid": appid,
            "func_info": [{"funcscope_category": {"id": one}} for one in grant.sets],
        }
        return info | ({"authorizer_refresh_token": grant.refresh_token} if self.gives_tokens else {})

    def _new_token(self, appid: str) -> str:
        token = f"A{self.calls.total()}-{appid[-4:]}"
        self.grants[appid].tokens.add(token)
        return token

    def _renew(self, call: Call) -> Mapping[str, object]:
        appid, refresh_token = str(call.asked["authorizer_appid"]), call.asked["authorizer_refresh_token"]
        grant = self.grants.get(appid)
        if grant is None:
            return {"errcode": 61003, "errmsg": "component is not authorized by this account"}
        if refresh_token != grant.refresh_token:
            return {"errcode": 61023, "errmsg": "refresh_token is invalid"}
        told = refresh_token if self.renewed_refresh_token == "same" else self.renewed_refresh_token
        if isinstance(told, str) and told:
            grant.refresh_token = told
        return {
            "authorizer_access_token": self._new_token(appid),
            "expires_in": 7200,
            "authorizer_refresh_token": told,
        }

    def _info(self, call: Call) -> Mapping[str, object]:
        appid = str(call.asked["authorizer_appid"])
        if appid not in self.grants:
            return {"errcode": 61003, "errmsg": "component is not authorized by this account"}
        about: dict[str, object] = {
            "nick_name": "码头茶馆",
            "head_img": f"{self.url}/avatar.png",
            "user_name": f"gh_{appid[-12:]}",
            "service_type_info": {"id": 2},
            "verify_type_info": {"id": 0},
            "principal_name": "码头茶馆有限公司",
        }
        return {"authorizer_info": {**about, **self.about}, "authorization_info": self._authorization(appid)}

    def _addresses(self, call: Call) -> Mapping[str, object]:
        if not any(call.query["access_token"] in grant.tokens for grant in self.grants.values()):
            return {"errcode": 42001, "errmsg": "access_token expired"}
        return {"ip_list": ["127.0.0.1"]}

    def _quota(self, call: Call) -> Mapping[str, object]:
        if call.asked["cgi_path"] not in self.quotas:
            return {"errcode": 76022, "errmsg": "could not use this cgi_path"}
        used, limit = self.quotas[str(call.asked["cgi_path"])]
        return {"errcode": 0, "quota": {"daily_limit": limit, "used": used, "remain": limit - used}}

    def _clear_quota(self, _call: Call) -> Mapping[str, object]:
        self.quotas = {path: (0, limit) for path, (_, limit) in self.quotas.items()}
        return {"errcode": 0, "errmsg": "ok"}

    def _option(self, call: Call) -> Mapping[str, object]:
        return {"option_name": call.asked["option_name"], "option_value": self.voice}

    def _set_option(self, call: Call) -> Mapping[str, object]:
        self.voice = str(call.asked["option_value"])
        return {"errcode": 0, "errmsg": "ok"}

    def _list(self, call: Call) -> Mapping[str, object]:
        offset, count = int(str(call.asked["offset"])), int(str(call.asked["count"]))
        rows = [
            {"authorizer_appid": appid, "refresh_token": grant.refresh_token, "auth_time": 1767225600}
            for appid, grant in self.grants.items()
        ]
        return {"total_count": len(rows), "list": rows[offset : offset + count]}

    def _send(self, call: Call) -> Mapping[str, object]:
        if not any(call.query["access_token"] in grant.tokens for grant in self.grants.values()):
            return {"errcode": 42001, "errmsg": "access_token expired"}
        self.sent.append(json.loads(call.body)["text"]["content"])
        return {"errcode": 0, "errmsg": "ok"}


@dataclass
class Desk:
    """Our side: one process's worth of what docks accounts."""

    database: Database
    connectors: Connectors
    authorizations: Authorizations
    notices: Notices
    wechat: Wechat
    heard: Heard
    provider: Provider

    @property
    def power(self) -> AuthorizesByPlatform:
        return required_platform_power(self.connectors[KIND])

    async def platform(self) -> Platform:
        async with self.database.in_platform() as tx:
            platform = await find_platform(tx, box=BOX, connector=self.connectors[KIND])
        assert platform is not None
        return platform

    async def begin(self, actor: Actor, *, channel_id: ChannelId | None = None) -> BegunAttempt:
        return await self.authorizations.begin(
            actor=actor, kind=KIND, channel_id=channel_id, remote_address="127.0.0.1"
        )

    async def told(self, request: RawRequest) -> None:
        """Take a notice in as the address for notices does."""
        notice = self.power.read_notice(credentials=PLATFORM, request=request, now=self.database.clock.now())
        assert isinstance(notice, Notice)
        await self.notices.take(notice, platform=await self.platform(), power=self.power)

    async def pushed(self, begun: BegunAttempt, code: str, appid: str, *, kind: str = "authorized") -> None:
        """Let WeChat tell of an authorization, and do the work that it leaves to the worker."""
        now = self.database.clock.now()
        await self.told(authorized(appid, code, attempt_code_of(begun), at=now, kind=kind))

    async def ticket(self) -> None:
        await self.told(a_ticket(f"ticket@@@{secrets.token_hex(4)}", at=self.database.clock.now()))

    async def withdraw(self, appid: str, *, at: datetime | None = None) -> None:
        self.wechat.grants.pop(appid, None)
        await self.told(unauthorized(appid, at=at or self.database.clock.now()))

    async def work(self, workspace_id: WorkspaceId) -> None:
        """Run the jobs that the published events stand for, as a worker would."""
        events, self.heard.events[:] = list(self.heard.events), []
        for event in events:
            match event:
                case AuthorizationPushed(attempt_id=attempt_id):
                    await self.authorizations.settle_pushed(workspace_id=workspace_id, attempt_id=attempt_id)
                case AccountAuthorizedUs(channel_id=channel_id):
                    await self.authorizations.accounts.refresh_by_job(workspace_id=workspace_id, channel_id=channel_id)
                case _:
                    continue

    async def dock(self, actor: Actor, appid: str, *, sets: tuple[int, ...] = ALL_SETS) -> Channel:
        begun = await self.begin(actor)
        code = self.wechat.authorize(appid, sets=sets)
        channel_id = await self.authorizations.complete(actor=actor, state=state_of(begun), code=code)
        return await self.channel(actor.workspace_id, channel_id)

    async def channel(self, workspace_id: WorkspaceId, channel_id: ChannelId) -> Channel:
        return next(one for one in await self.channels(workspace_id) if one.id == channel_id)

    async def channels(self, workspace_id: WorkspaceId) -> list[Channel]:
        async with self.database.in_workspace(workspace_id) as tx:
            return list((await list_channels(tx)).items)

    async def attempt(self, begun: BegunAttempt, workspace_id: WorkspaceId) -> Attempt:
        return await self.authorizations.read(workspace_id=workspace_id, attempt_id=begun.id)


@asynccontextmanager
async def a_desk(database: Database, heard: Heard, folder: Path, *, configured: bool = True) -> AsyncGenerator[Desk]:
    """Yield our side, connected to WeChat's."""
    wechat = Wechat()
    async with running_provider(wechat.answer) as provider, open_provider_client() as http:
        wechat.url = provider.url
        connectors = open_connectors(
            http=http,
            urls=ProviderUrls(wechat_api=provider.url, wechat_mp=provider.url),
            platforms={KIND: PLATFORM} if configured else None,
        )
        accounts = Accounts(database=database, box=BOX, connectors=connectors, blobs=open_blob_folder(folder))
        yield Desk(
            database=database,
            connectors=connectors,
            authorizations=Authorizations(
                database=database,
                box=BOX,
                connectors=connectors,
                accounts=accounts,
                public_url="https://desk.example.org",
            ),
            notices=Notices(database=database, box=BOX),
            wechat=wechat,
            heard=heard,
            provider=provider,
        )


async def an_actor(database: Database, passwords: Passwords, workspace_id: WorkspaceId) -> Actor:
    """Return an admin of the workspace, as the guard would."""
    person_id = await add_person(
        database, passwords, email=f"{secrets.token_hex(8)}@example.org", name="Anna", password="correct horse"
    )
    return Actor(
        person_id=person_id,
        agent_id=AgentId(new_id()),
        workspace_id=workspace_id,
        role="admin",
        group_ids=frozenset(),
        name="Anna",
    )


def an_appid() -> str:
    return f"wx{secrets.token_hex(8)}"


def state_of(begun: BegunAttempt) -> str:
    """Return the state that travels in the address which the provider leads back to."""
    back = parse_qs(urlsplit(begun.url).query)["redirect_uri"][0]
    return parse_qs(urlsplit(back).query)["state"][0]


def attempt_code_of(begun: BegunAttempt) -> str:
    return parse_qs(urlsplit(begun.url).query)["pre_auth_code"][0]
