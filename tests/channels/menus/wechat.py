"""WeChat's menu endpoints at the wire: they keep what is published, and fail as a test decides."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from tests.connectors.provider import WITHOUT_ANSWER, Call, answered

OK: dict[str, object] = {"errcode": 0, "errmsg": "ok"}
NO_MENU: dict[str, object] = {"errcode": 46003, "errmsg": "menu no exist"}
HTML = answered(b"<html><body>Bad gateway</body></html>", content_type="text/html")


@dataclass
class MenuWechat:
    """One account's menus. `fails` answers a path in place of WeChat, after what was asked is done if in `late`."""

    menu: list[Any] | None = None
    conditional: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    fails: dict[str, object] = field(default_factory=dict[str, object])
    late: set[str] = field(default_factory=set[str])
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    created: int = 0
    numbers: int = 1000

    def __post_init__(self) -> None:
        self.gate.set()

    async def answer(self, call: Call) -> bytes:
        path = call.path.removeprefix("/cgi-bin/")
        if path == "stable_token":
            return answered({"access_token": "T1", "expires_in": 7200})
        if path == "menu/create":
            self.asked.set()
            await self.gate.wait()
        if path in self.fails and path not in self.late:
            return _failing(self.fails[path])
        said = self._done(path, call)
        return _failing(self.fails[path]) if path in self.fails else answered(said)

    def _done(self, path: str, call: Call) -> object:  # noqa: PLR0911 -- an endpoint each
        match path:
            case "menu/create":
                self.created += 1
                self.menu = json.loads(call.body)["button"]
                return OK
            case "menu/delete":
                self.menu, self.conditional = None, []
                return OK
            case "menu/get":
                if self.menu is None:
                    return NO_MENU
                return {"menu": {"button": self.menu}, "conditionalmenu": self.conditional}
            case "get_current_selfmenu_info":
                if self.menu is None:
                    return {"is_menu_open": 0}
                return {"is_menu_open": 1, "selfmenu_info": {"button": [_nested(button) for button in self.menu]}}
            case "menu/addconditional":
                self.numbers += 1
                asked = json.loads(call.body)
                self.conditional.insert(0, {**asked, "menuid": self.numbers})
                return {"menuid": str(self.numbers)}
            case "menu/delconditional":
                wanted = json.loads(call.body)["menuid"]
                self.conditional = [one for one in self.conditional if str(one["menuid"]) != wanted]
                return OK
            case "menu/trymatch":
                return {"button": self.menu}
            case _:
                return OK

    def names(self) -> list[str]:
        return [button["name"] for button in self.menu or []]


def _nested(button: dict[str, Any]) -> dict[str, Any]:
    return {**button, "sub_button": {"list": button["sub_button"]}} if "sub_button" in button else button


def _failing(failure: object) -> bytes:
    return failure if isinstance(failure, bytes) else answered(failure)


CUT = WITHOUT_ANSWER
