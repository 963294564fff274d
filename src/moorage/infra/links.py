"""Signed links: addresses that open one page for one customer until they expire, and nothing else.

A link carries what it is for, so that one made for reading a file never answers a question. It holds no secret: whoever
has it may use it, as with any link, and the signature only keeps it from being made up or changed.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, cast
from uuid import UUID

from itsdangerous import BadData, URLSafeSerializer

from moorage.core.errors import DomainError
from moorage.core.ids import ThreadId, WorkspaceId

LONGEST_TOKEN = 1000


@dataclass(eq=False)
class LinkInvalid(DomainError):
    """The address was not made here, was changed, or is for something else."""

    code: ClassVar[str] = "links.invalid"
    kind: ClassVar[str] = "missing"


@dataclass(eq=False)
class LinkExpired(DomainError):
    """The address was good once; its time is over."""

    code: ClassVar[str] = "links.expired"
    kind: ClassVar[str] = "gone"
    expired_at: datetime


@dataclass(frozen=True, slots=True)
class SignedLink:
    """What a link is good for: one `purpose`, one customer on one channel, and what it is `about` there."""

    purpose: str
    workspace_id: WorkspaceId
    thread_id: ThreadId
    expires_at: datetime
    about: str = ""


class SignedLinks:
    """Makes links with the first key and reads those of all, so that keys can be exchanged one after the other."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are those that seal secrets; what signs here is derived from them and opens nothing sealed."""
        self._keys = [hashlib.sha256(b"moorage signed links" + key).digest() for key in reversed(keys)]

    def token(self, link: SignedLink) -> str:
        """Return the part of an address that carries `link`: letters, digits, `-`, `_` and `.`."""
        claims = [link.workspace_id.hex, link.thread_id.hex, int(link.expires_at.timestamp()), link.about]
        return str(self._serializer(link.purpose).dumps(claims))

    def read(self, token: str, *, purpose: str, now: datetime) -> SignedLink:
        """Return the link that `token` carries. Raises LinkInvalid or LinkExpired."""
        if len(token) > LONGEST_TOKEN:
            raise LinkInvalid
        try:
            claims = cast("object", self._serializer(purpose).loads(token))
        except BadData as error:
            raise LinkInvalid from error
        match claims:
            case [str(workspace), str(thread), int(expires_s), str(about)]:
                expires_at = datetime.fromtimestamp(expires_s, UTC)
            case _:
                raise LinkInvalid
        if now >= expires_at:
            raise LinkExpired(expired_at=expires_at)
        return SignedLink(
            purpose=purpose,
            workspace_id=WorkspaceId(UUID(hex=workspace)),
            thread_id=ThreadId(UUID(hex=thread)),
            expires_at=expires_at,
            about=about,
        )

    def _serializer(self, purpose: str) -> URLSafeSerializer:
        return URLSafeSerializer(
            self._keys,
            salt=f"moorage link {purpose}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
