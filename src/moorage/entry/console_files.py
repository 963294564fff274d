"""The console's built files, and its start page for every address that is the console's to route."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parents[1] / "console_dist"

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
SERVERS_OWN = ("api", "wechat", "assets")
"""First parts of paths that are never the console's to route: what is not there is missing."""


class ConsoleFiles(StaticFiles):
    """Serves the console. Files under `assets/` carry a hash in their name and never change; all others may."""

    def __init__(self, *, folder: Path = FOLDER) -> None:
        super().__init__(directory=folder, html=False, check_dir=False)

    async def check_config(self) -> None:
        """Accept a folder that is not there: a server without a built console still serves the API."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file at `path`, or the start page where the console routes that address itself."""
        try:
            answer = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or not _is_page(path):
                raise
            answer = await super().get_response("index.html", scope)
        answer.headers["Cache-Control"] = FOREVER if path.startswith("assets/") else ASK_AGAIN
        return answer


def _is_page(path: str) -> bool:
    first, last = path.split("/", 1)[0], path.rsplit("/", 1)[-1]
    return first not in SERVERS_OWN and "." not in last.removeprefix(".")
