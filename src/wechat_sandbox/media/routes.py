"""Files as browsers and servers fetch them, without a token."""

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from wechat_sandbox.media.converting import NotConvertible, as_mp3
from wechat_sandbox.media.formats import MEDIA_TYPES, format_of
from wechat_sandbox.media.keeping import find_media
from wechat_sandbox.world import Sandbox

_SAFE = {"x-content-type-options": "nosniff", "content-security-policy": "default-src 'none'; sandbox"}

_CONVERTED = frozenset({"amr", "amr_wb"})
"""Sounds that browsers do not play."""


def file_router(sandbox: Sandbox) -> APIRouter:
    """Return the routes of pictures' own addresses (`PicUrl`), of videos to download and of what the phone shows."""
    router = APIRouter(include_in_schema=False)

    def blob(name: str) -> Response:
        content = sandbox.blobs.get(name)
        if content is None:
            raise HTTPException(404, "no such file")
        found = format_of(content)
        return Response(content, media_type=MEDIA_TYPES[found] if found else "application/octet-stream", headers=_SAFE)

    # Plain functions, so that reading happens in a thread.
    @router.get("/mmbiz_jpg/{name}/0")
    def picture(name: str) -> Response:
        return blob(name)

    @router.get("/sandbox/blobs/{name}")
    def shown(name: str) -> Response:
        return blob(name)

    @router.get("/sandbox/blobs/{name}/playable")
    def playable(name: str) -> Response:
        content = sandbox.blobs.get(name)
        return blob(name) if content is None or format_of(content) not in _CONVERTED else _as_mp3(content)

    @router.get("/sandbox/videos/{appid}/{media_id}.mp4")
    def video(appid: str, media_id: str) -> Response:
        account = sandbox.state.accounts.get(appid)
        stored = None if account is None else find_media(account.media, media_id, now_s=sandbox.clock.now_s())
        if stored is None:
            raise HTTPException(404, "no such video")
        return blob(stored.blob)

    return router


def _as_mp3(voice: bytes) -> Response:
    # The bytes of a name never change, so a browser asks once.
    headers = _SAFE | {"cache-control": "private, max-age=86400, immutable"}
    try:
        return Response(as_mp3(voice), media_type="audio/mpeg", headers=headers)
    except NotConvertible as error:
        raise HTTPException(422, str(error)) from error
