"""Files at WeChat: those of customers are fetched, ours are uploaded and then sent by the id that WeChat gave them.

Source: WeChat Official Account docs, "Temporary media", "Customer service messages".
"""

from moorage.connectors.content import Media
from moorage.connectors.contract import Endpoint, MediaSource, Sent
from moorage.connectors.failures import RefusalReason, Refused, Unreachable
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.manifest import MANIFEST
from moorage.connectors.wechat_oa.tokens import with_token


class WechatMedia:
    """What an Official Account can do with files."""

    def __init__(self, *, api: WechatApi) -> None:
        self._api = api

    async def fetch(self, endpoint: Endpoint, media: Media, *, most_bytes: int, deadline: float) -> bytes:
        """Return the bytes of a customer's file. Raises a provider failure."""
        media_id = media.external_media_id
        if not media_id:
            raise Refused(external_code=None, detail="", reason=RefusalReason.MEDIA_GONE)
        return await with_token(
            endpoint,
            lambda token: self._api.download_media(
                token=token, media_id=media_id, most_bytes=most_bytes, deadline=deadline
            ),
            deadline=deadline,
        )

    async def send_image(self, endpoint: Endpoint, source: MediaSource, *, openid: str, deadline: float) -> Sent:
        """Hand one picture over, uploaded before if it is not at WeChat already. Raises a provider failure."""
        known = await source.external_id()
        if known is not None:
            try:
                return await self._send(endpoint, known, openid=openid, deadline=deadline)
            except Refused as refusal:
                if refusal.reason != RefusalReason.MEDIA_GONE:
                    raise
        media_id = await self._upload(endpoint, source, deadline=deadline)
        return await self._send(endpoint, media_id, openid=openid, deadline=deadline)

    async def _send(self, endpoint: Endpoint, media_id: str, *, openid: str, deadline: float) -> Sent:
        return await with_token(
            endpoint,
            lambda token: self._api.send_image(token=token, openid=openid, media_id=media_id, deadline=deadline),
            deadline=deadline,
        )

    async def _upload(self, endpoint: Endpoint, source: MediaSource, *, deadline: float) -> str:
        """Return WeChat's id of the picture. However it fails, nothing has been sent yet: it may be tried again."""
        file = await source.file()
        limits = MANIFEST.sendable_media["image"]
        if file.media_type not in limits.media_types:
            raise Refused(external_code=None, detail=file.media_type, reason=RefusalReason.FORMAT_REFUSED)
        if len(file.content) > limits.most_bytes:
            raise Refused(external_code=None, detail=f"{len(file.content)} bytes", reason=RefusalReason.TOO_LARGE)
        try:
            media_id = await with_token(
                endpoint,
                lambda token: self._api.upload_media(token=token, kind="image", file=file, deadline=deadline),
                deadline=deadline,
            )
        except Unreachable as failure:
            raise Unreachable(
                external_code=failure.external_code, detail=f"upload: {failure.detail}", written=False
            ) from failure
        await source.keep_external_id(media_id)
        return media_id
