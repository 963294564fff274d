"""A third-party platform for the tests: its server, and the calls it makes."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree.ElementTree import Element

from tests.sandbox.receiver import Received, Receiver, running_receiver
from tests.sandbox.world import APPID, Json, World, running_world, until
from wechat_sandbox.crypto import Seal
from wechat_sandbox.wire import child_text, parse

COMPONENT = "wxc0ffee1234567890"
SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
TOKEN = "PlatformToken42"
AES_KEY = "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9d"
START_DOMAIN = "platform.example.com"
ROOT = "/cgi-bin/component"
SEAL = Seal(token=TOKEN, aes_key=AES_KEY, appid=COMPONENT)


@dataclass(slots=True)
class Platform:
    """One platform and the server behind its two addresses."""

    world: World
    receiver: Receiver
    appid: str = COMPONENT
    seal: Seal = SEAL
    token: str = ""
    _seen: int = field(default=0)

    async def call(self, name: str, body: Json = None, *, token: str | None = None) -> Json:
        """Return the answer to a component call with the platform's own token and name filled in."""
        used = self.token if token is None else token
        return await self.world.call(f"{ROOT}/{name}", {"component_appid": self.appid} | (body or {}), token=used)

    async def control(self, path: str, body: Json = None) -> Json:
        return await self.world.control(f"/components/{self.appid}{path}", body)

    async def new_token(self) -> Json:
        ticket = self.notices("component_verify_ticket")[-1]
        body = {
            "component_appid": self.appid,
            "component_appsecret": SECRET,
            "component_verify_ticket": child_text(ticket, "ComponentVerifyTicket"),
        }
        return await self.world.call(f"{ROOT}/api_component_token", body)

    async def sign_in(self) -> None:
        """Wait for the first ticket and fetch a component token with it."""
        await until(lambda: bool(self.notices("component_verify_ticket")))
        self.token = (await self.new_token())["component_access_token"]

    async def pre_auth_code(self) -> str:
        return (await self.call("api_create_preauthcode"))["pre_auth_code"]

    async def authorize(self, *, account: str = APPID, **form: object) -> Json:
        """Return what the administrator's word brought."""
        code = form.pop("pre_auth_code", None) or await self.pre_auth_code()
        answer = await self.control("/authorize", {"pre_auth_code": code, "account_appid": account} | form)
        if answer["push_id"] is not None and form.get("order") != "redirect_first":
            await self.world.settled(answer["push_id"])
        return answer

    async def exchange(self, code: str) -> Json:
        return await self.call("api_query_auth", {"authorization_code": code})

    async def dock(self, *, account: str = APPID, **form: object) -> Json:
        """Return the exchanged authorization of an account."""
        code = (await self.authorize(account=account, **form))["auth_code"]
        return (await self.exchange(code))["authorization_info"]

    def notices(self, kind: str) -> list[Element]:
        """Return the notifications of a kind that came, every check of the seal passed."""
        documents = [self.opened(push) for push in self.receiver.pushes if push.path == "/callback/events"]
        return [document for document in documents if child_text(document, "InfoType") == kind]

    def messages(self) -> list[tuple[Received, Element]]:
        """Return the pushes that came to the message address, opened."""
        return [(push, self.opened(push)) for push in self.receiver.pushes if push.path.startswith("/callback/wx")]

    def opened(self, push: Received) -> Element:
        query = push.query
        message = self.seal.open(
            encrypt=child_text(parse(push.body), "Encrypt") or "",
            timestamp=query["timestamp"],
            nonce=query["nonce"],
            signature=query["msg_signature"],
        )
        return parse(message)


async def a_platform(world: World, receiver: Receiver, **seed: object) -> Platform:
    """Return a platform that the stand-in knows, signed in unless it gets no tickets."""
    base: dict[str, object] = {
        "appid": COMPONENT,
        "secret": SECRET,
        "token": TOKEN,
        "aes_key": AES_KEY,
        "name": "云帆客服",
        "event_url": f"{receiver.url}/events",
        "message_url": f"{receiver.url}/wx/$APPID$/messages",
        "start_domain": START_DOMAIN,
    }
    appid = (await world.control("/components", base | seed))["appid"]
    platform = Platform(world=world, receiver=receiver, appid=appid, seal=Seal(TOKEN, AES_KEY, appid))
    if seed.get("ticket_state", "on") == "on":
        await platform.sign_in()
    return platform


@asynccontextmanager
async def running_platform(folder: Path, *, deadline_s: float = 5.0, **seed: object) -> AsyncGenerator[Platform]:
    """Yield a signed-in platform in a stand-in that has the usual account too."""
    async with running_receiver() as receiver, running_world(folder, deadline_s=deadline_s) as world:
        await world.account(name="晨光文具")
        yield await a_platform(world, receiver, **seed)
