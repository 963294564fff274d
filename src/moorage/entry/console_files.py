"""The console's built files, and the start pages for every address that a page routes itself.

Addresses below `c/` belong to the pages that customers open by a signed link; all others are the console's.
"""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parents[1] / "console_dist"

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
SERVERS_OWN = ("api", "wechat", "assets")
"""First parts of paths that no page routes: what is not there is missing."""
CUSTOMERS = "c"
CARDS = "cards/"
"""Pictures that stand in other people's chats: nothing else here may be shown by another site."""


class ConsoleFiles(StaticFiles):
    """Serves the console. Files under `assets/` carry a hash in their name and never change; all others may."""

    def __init__(self, *, folder: Path = FOLDER) -> None:
        super().__init__(directory=folder, html=False, check_dir=False)

    async def check_config(self) -> None:
        """Accept a folder that is not there: a server without a built console still serves the API."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file at `path`, or the start page where a page routes that address itself."""
        try:
            answer = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or not _is_page(path):
                raise
            answer = await super().get_response(_start_page(path), scope)
        answer.headers["Cache-Control"] = FOREVER if path.startswith("assets/") else ASK_AGAIN
        if path.startswith(CARDS):
            answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer


def _is_page(path: str) -> bool:
    first, last = path.split("/", 1)[0], path.rsplit("/", 1)[-1]
    return first == CUSTOMERS or (first not in SERVERS_OWN and "." not in last.removeprefix("."))


def _start_page(path: str) -> str:
    return "customer.html" if path.split("/", 1)[0] == CUSTOMERS else "index.html"
