"""Signed links: addresses that open one page for one customer until they expire, and nothing else.

A link carries what it is for, so that one made for reading a file never answers a question. It holds no secret: whoever
has it may use it, as with any link, and the signature only keeps it from being made up or changed.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Final
from uuid import UUID

from moorage.core.errors import DomainError
from moorage.core.ids import ThreadId, WorkspaceId

LONGEST_TOKEN = 1000
SIGNATURE_BYTES: Final = 16
"""Of an HMAC with SHA-256: enough that nobody guesses one, and short, since the address stands in chats."""

_CLAIMS = struct.Struct(">16s16sIB")
_LASTING_BYTES: Final = 32
_ABOUT_TEXT, _ABOUT_ID = 0, 1
"""How `about` is written: as UTF-8, or an id in half as many bytes."""


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


@dataclass(frozen=True, slots=True)
class LastingLink:
    """What an address is good for that never ends: one `purpose`, and the one thing of a workspace it is `about`."""

    purpose: str
    workspace_id: WorkspaceId
    about: UUID


class SignedLinks:
    """Makes links with the first key and reads those of all, so that keys can be exchanged one after the other."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are those that seal secrets; what signs here is derived from them and opens nothing sealed."""
        self._keys = [hashlib.sha256(b"moorage signed links" + key).digest() for key in keys]

    def token(self, link: SignedLink) -> str:
        """Return the part of an address that carries `link`: letters, digits, `-` and `_`."""
        said = _packed(link)
        return _letters(said + _signature(self._keys[0], purpose=link.purpose, said=said))

    def read(self, token: str, *, purpose: str, now: datetime) -> SignedLink:
        """Return the link that `token` carries. Raises LinkInvalid or LinkExpired."""
        link = _unpacked(self._genuine(token, purpose=purpose), purpose=purpose)
        if now >= link.expires_at:
            raise LinkExpired(expired_at=link.expires_at)
        return link

    def lasting_token(self, link: LastingLink) -> str:
        """Return the part of an address that carries `link`: always the same one, as long as the first key is."""
        said = link.workspace_id.bytes + link.about.bytes
        return _letters(said + _signature(self._keys[0], purpose=_lasting(link.purpose), said=said))

    def read_lasting(self, token: str, *, purpose: str) -> LastingLink:
        """Return the link that `token` carries. Raises LinkInvalid, also for one that ends."""
        said = self._genuine(token, purpose=_lasting(purpose))
        if len(said) != _LASTING_BYTES:
            raise LinkInvalid
        workspace_id, about = UUID(bytes=said[:16]), UUID(bytes=said[16:])
        return LastingLink(purpose=purpose, workspace_id=WorkspaceId(workspace_id), about=about)

    def _genuine(self, token: str, *, purpose: str) -> bytes:
        """Return what was signed for a purpose. Raises LinkInvalid."""
        whole = _bytes_of(token)
        said, signature = whole[:-SIGNATURE_BYTES], whole[-SIGNATURE_BYTES:]
        signatures = [_signature(key, purpose=purpose, said=said) for key in self._keys]
        if not any(hmac.compare_digest(signature, one) for one in signatures):
            raise LinkInvalid
        return said


def _lasting(purpose: str) -> str:
    """Return what a lasting link of a purpose is signed for: no other link's purpose has two words."""
    return f"lasting {purpose}"


def _signature(key: bytes, *, purpose: str, said: bytes) -> bytes:
    own = hmac.digest(key, f"moorage link {purpose}".encode(), "sha256")
    return hmac.digest(own, said, "sha256")[:SIGNATURE_BYTES]


def _packed(link: SignedLink) -> bytes:
    how, about = _ABOUT_TEXT, link.about.encode()
    if (named := _id_of(link.about)) is not None:
        how, about = _ABOUT_ID, named.bytes
    claims = _CLAIMS.pack(link.workspace_id.bytes, link.thread_id.bytes, int(link.expires_at.timestamp()), how)
    return claims + about


def _unpacked(said: bytes, *, purpose: str) -> SignedLink:
    """Return what was signed. It is ours, so it is well-formed; raises LinkInvalid all the same where it is not."""
    try:
        workspace, thread, expires_s, how = _CLAIMS.unpack_from(said)
        about = said[_CLAIMS.size :]
        return SignedLink(
            purpose=purpose,
            workspace_id=WorkspaceId(UUID(bytes=workspace)),
            thread_id=ThreadId(UUID(bytes=thread)),
            expires_at=datetime.fromtimestamp(expires_s, UTC),
            about=UUID(bytes=about).hex if how == _ABOUT_ID else about.decode(),
        )
    except (struct.error, ValueError) as error:
        raise LinkInvalid from error


def _id_of(about: str) -> UUID | None:
    """Return the id that `about` names in the one writing that is read back the same."""
    try:
        named = UUID(hex=about)
    except ValueError:
        return None
    return named if named.hex == about else None


def _letters(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes_of(token: str) -> bytes:
    """Return what a token's letters say. Raises LinkInvalid, also for another writing of the same bytes."""
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise LinkInvalid
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise LinkInvalid from error
    if _letters(content) != token:
        raise LinkInvalid
    return content
