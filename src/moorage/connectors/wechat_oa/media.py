"""Files at WeChat: those of customers are fetched, ours are uploaded and then sent by the id that WeChat gave them.

Source: WeChat Official Account docs, "Temporary media", "Customer service messages".
"""

from collections.abc import Mapping

from moorage.connectors.content import Media
from moorage.connectors.contract import Endpoint, MediaSource, Outbound, Sent
from moorage.connectors.failures import RefusalReason, Refused, Unreachable
from moorage.connectors.manifest import MediaLimits
from moorage.connectors.wechat_oa.client import WechatApi
from moorage.connectors.wechat_oa.manifest import MANIFEST, MOST_THUMB_BYTES
from moorage.connectors.wechat_oa.tokens import with_token

THUMB = "thumb"
THUMB_LIMITS = MediaLimits(most_bytes=MOST_THUMB_BYTES, media_types=frozenset({"image/jpeg"}))


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

    async def send(self, endpoint: Endpoint, message: Outbound, *, deadline: float) -> Sent:
        """Hand one picture, voice or video over. Raises a provider failure.

        What is at WeChat already is not uploaded again, unless WeChat says that it has forgotten it.
        """
        kind, sources = message.content.type, _sources_of(message)
        named = {name: await source.external_id() for name, (_, source) in sources.items()}
        known = {name: media_id for name, media_id in named.items() if media_id is not None}
        if known.keys() == sources.keys():
            try:
                return await self._send(endpoint, kind, known, message=message, deadline=deadline)
            except Refused as refusal:
                if refusal.reason != RefusalReason.MEDIA_GONE:
                    raise
            known = {}
        for name, (uploaded_as, source) in sources.items():
            if name not in known:
                known[name] = await self._upload(endpoint, source, kind=uploaded_as, deadline=deadline)
        return await self._send(endpoint, kind, known, message=message, deadline=deadline)

    async def _send(
        self, endpoint: Endpoint, kind: str, named: Mapping[str, str], *, message: Outbound, deadline: float
    ) -> Sent:
        openid = message.external_customer_id
        return await with_token(
            endpoint,
            lambda token: self._api.send_media(token=token, openid=openid, kind=kind, named=named, deadline=deadline),
            deadline=deadline,
        )

    async def _upload(self, endpoint: Endpoint, source: MediaSource, *, kind: str, deadline: float) -> str:
        """Return WeChat's id of the file. However it fails, nothing has been sent yet: it may be tried again."""
        file = await source.file()
        limits = THUMB_LIMITS if kind == THUMB else MANIFEST.sendable_media[kind]
        if file.media_type not in limits.media_types:
            raise Refused(external_code=None, detail=file.media_type, reason=RefusalReason.FORMAT_REFUSED)
        if len(file.content) > limits.most_bytes:
            raise Refused(external_code=None, detail=f"{len(file.content)} bytes", reason=RefusalReason.TOO_LARGE)
        try:
            media_id = await with_token(
                endpoint,
                lambda token: self._api.upload_media(token=token, kind=kind, file=file, deadline=deadline),
                deadline=deadline,
            )
        except Unreachable as failure:
            raise Unreachable(
                external_code=failure.external_code, detail=f"upload: {failure.detail}", written=False
            ) from failure
        await source.keep_external_id(media_id)
        return media_id


def _sources_of(message: Outbound) -> Mapping[str, tuple[str, MediaSource]]:
    """Return what has to be at WeChat before `message` can be sent: by its name there, as what it is uploaded."""
    media, poster = message.media, message.poster
    if media is None or (message.content.type == "video" and poster is None):
        raise Refused(external_code=None, detail="a file is missing", reason=RefusalReason.KIND_NOT_SENDABLE)
    sources = {"media_id": (message.content.type, media)}
    return sources if poster is None else {**sources, "thumb_media_id": (THUMB, poster)}
