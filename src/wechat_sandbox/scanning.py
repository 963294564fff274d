"""Scanning a code with a scene: the picture of the code, and what the scan does."""

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel
from starlette.responses import Response

from wechat_sandbox.components.pictures import qr_jpeg
from wechat_sandbox.followers import send_payload, subscribe
from wechat_sandbox.model import Account, Follower, Push, SceneCode
from wechat_sandbox.payloads import payload_from
from wechat_sandbox.world import Sandbox


class CodeUnknown(Exception):
    """No account has a code with this ticket, or its time is over."""


class ScanForm(BaseModel, extra="forbid"):
    """The ticket of the code in front of the camera."""

    ticket: str


REFUSALS: dict[type[Exception], tuple[int, str]] = {CodeUnknown: (409, "code_unknown")}


def scan(sandbox: Sandbox, account: Account, follower: Follower, *, ticket: str) -> list[Push]:
    """Let the person scan a code of the account: they follow, or the account hears SCAN. Raises CodeUnknown."""
    code = _living(account, ticket, now_s=sandbox.clock.now_s())
    if not follower.subscribed:
        return subscribe(sandbox, account, follower, scene=code.scene, ticket=ticket)
    description = {"type": "event", "event": "SCAN", "event_key": code.scene, "ticket": ticket}
    return send_payload(sandbox, account, follower, payload_from(description))


def _living(account: Account, ticket: str, *, now_s: float) -> SceneCode:
    code = account.scene_codes.get(ticket)
    if code is None or (code.expires_at is not None and now_s >= code.expires_at):
        raise CodeUnknown
    return code


def code_router(sandbox: Sandbox) -> APIRouter:
    """Return the route of the codes' pictures; a scanned one opens the phone page, which scans it for good."""
    router = APIRouter(include_in_schema=False)

    @router.get("/cgi-bin/showqrcode")
    def show(request: Request, ticket: str = "") -> Response:
        owner = next((one for one in sandbox.state.accounts.values() if ticket in one.scene_codes), None)
        if owner is None:
            raise HTTPException(404, "no such code")
        base_url = str(request.base_url).rstrip("/")
        return Response(qr_jpeg(f"{base_url}/phone?account={owner.appid}&scan={ticket}"), media_type="image/jpeg")

    return router
