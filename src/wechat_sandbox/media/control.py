"""The part of the control API about files and published articles."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, File, Form, HTTPException, UploadFile
from pydantic import BaseModel, Field
from starlette.responses import Response

from wechat_sandbox import identifiers
from wechat_sandbox.media.converting import NotConvertible, as_voice
from wechat_sandbox.media.follower_files import FileNotSendable, take_file
from wechat_sandbox.media.samples import SampleName, sample
from wechat_sandbox.model import Account, Article, MediaKind, StoredMedia
from wechat_sandbox.world import Sandbox

REFUSALS: dict[type[Exception], tuple[int, str]] = {
    FileNotSendable: (422, "file_not_sendable"),
    NotConvertible: (422, "not_convertible"),
}


class MediaView(BaseModel):
    """A file under its media id; `url` serves its bytes for as long as the stand-in lives."""

    media_id: str
    type: MediaKind
    media_type: str
    size_bytes: int
    duration_s: float | None
    created_at: float
    expires_at: float | None
    url: str


class ArticleForm(BaseModel, extra="forbid"):
    """An article to publish; its id is made up unless given."""

    title: str
    digest: str = ""
    url: str = ""
    article_id: str = Field(default="", max_length=64)


def media_router(sandbox: Sandbox) -> APIRouter:
    """Return the routes for a follower's files, an account's files and articles, and the samples."""
    router = APIRouter()

    def account(appid: str) -> Account:
        found = sandbox.state.accounts.get(appid)
        if found is None:
            raise HTTPException(404, "no such account")
        return found

    @router.post("/accounts/{appid}/followers/{openid}/media")
    async def upload(
        appid: str,
        openid: str,
        file: Annotated[UploadFile, File()],
        kind: Annotated[str | None, Form(alias="type")] = None,
    ) -> MediaView:
        owner = account(appid)
        if openid not in owner.followers:
            raise HTTPException(404, "no such follower")
        return _view(take_file(sandbox, owner, content=await file.read(), kind=kind or None))

    @router.post("/accounts/{appid}/followers/{openid}/recording")
    async def take_recording(appid: str, openid: str, file: Annotated[UploadFile, File()]) -> MediaView:
        owner = account(appid)
        if openid not in owner.followers:
            raise HTTPException(404, "no such follower")
        voice = await asyncio.to_thread(as_voice, await file.read())
        return _view(take_file(sandbox, owner, content=voice, kind="voice"))

    @router.get("/accounts/{appid}/media")
    async def list_media(appid: str) -> list[MediaView]:
        return [_view(stored) for stored in account(appid).media.values()]

    @router.post("/accounts/{appid}/articles")
    async def publish_article(appid: str, form: ArticleForm) -> Article:
        article = Article(
            article_id=form.article_id or identifiers.new_media_id(kind="article"),
            title=form.title,
            digest=form.digest,
            url=form.url,
        )
        account(appid).articles[article.article_id] = article
        sandbox.keeper.changed()
        return article

    @router.get("/samples/{name}")
    def show_sample(name: SampleName) -> Response:
        return Response(sample(name), media_type="application/octet-stream")

    return router


def _view(stored: StoredMedia) -> MediaView:
    return MediaView(
        media_id=stored.media_id,
        type=stored.kind,
        media_type=stored.media_type,
        size_bytes=stored.size_bytes,
        duration_s=stored.duration_s,
        created_at=stored.created_at,
        expires_at=stored.expires_at,
        url=f"/sandbox/blobs/{stored.blob}",
    )
