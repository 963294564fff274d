"""A file as the answer to a request: the whole, a part, or that nothing has changed."""

from dataclasses import dataclass
from http import HTTPStatus

from fastapi.responses import Response, StreamingResponse

from moorage.conversations.media_serving import etag_of, headers_of, part_of
from moorage.infra.blobs import Blob, BlobStore


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request's headers say about how much is wanted."""

    range: str | None = None
    none_match: str | None = None
    if_range: str | None = None


async def give_out(blobs: BlobStore, blob: Blob, *, name: str, download: bool, asked: Asked) -> Response:
    """Return the answer with `blob`, or as much of it as is asked for. Raises BlobMissing."""
    headers = dict(headers_of(blob, name=name, download=download))
    if asked.none_match == etag_of(blob):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    size = blob.size_bytes
    try:
        part = part_of(asked.range if asked.if_range in (None, etag_of(blob)) else None, size=size)
    except ValueError:
        headers = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    start, end = (0, size) if part is None else (part.start, part.end)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(
        await blobs.part(blob, start=start, end=end),
        status_code=HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT,
        headers=headers,
    )
