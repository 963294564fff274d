"""The web chat as a kind of channel: the contract, joined from the parts beside this file."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from moorage.connectors.contract import Endpoint, Inbound, Outbound, RawRequest, Sent, WireReply
from moorage.connectors.failures import MalformedInput
from moorage.connectors.manifest import Manifest
from moorage.connectors.sendable import check_sendable
from moorage.connectors.web.manifest import AHEAD_WITHIN, MANIFEST, MOST_BODY_BYTES, WRITTEN_WITHIN
from moorage.connectors.web.tokens import read_visitor_token
from moorage.connectors.web.visitors import ForVisitor, Visitors
from moorage.connectors.web.wire import kept_body, read_envelope, read_kept


class WebChat:
    """Connects the visitors of web pages. There is no provider beside us: what is sent is handed to `visitors`."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(self, *, visitors: Visitors) -> None:
        self._visitors = visitors

    def receive(self, *, credentials: Mapping[str, str], request: RawRequest, now: datetime) -> Inbound:
        """Verify and parse one message of a visitor. Raises MalformedInput."""
        _check_frame(request)
        token, message = read_envelope(request.body)
        site_id = credentials["site_id"]
        visitor_id = read_visitor_token(token, key=credentials["key"], site_id=site_id, now=now)
        inbound = read_kept(kept_body(site_id=site_id, visitor_id=visitor_id, message=message))
        if not now - WRITTEN_WITHIN <= inbound.happened_at <= now + AHEAD_WITHIN:
            raise MalformedInput(reason="stale_timestamp")
        return inbound

    def replay(self, *, body: bytes) -> Inbound:
        """Parse a stored message again. Raises MalformedInput."""
        return read_kept(body)

    def acknowledge(self) -> WireReply:
        """Return the answer that says: taken. What is said to the visitor reaches them another way."""
        return WireReply(body=b'{"taken":true}', content_type="application/json")

    async def send(self, endpoint: Endpoint, message: Outbound, *, deadline: float) -> Sent:
        """Hand one message to the visitor; who is not there finds it in their thread. Raises a provider failure."""
        content = message.content
        check_sendable(content, manifest=MANIFEST)
        for_visitor = ForVisitor(
            site_id=endpoint.external_account_id,
            visitor_id=message.external_customer_id,
            message_id=message.message_id,
            content=content,
        )
        await self._visitors.deliver(for_visitor, deadline=deadline)
        return Sent()


def _check_frame(request: RawRequest) -> None:
    if request.method != "POST":
        raise MalformedInput(reason="wrong_method")
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        raise MalformedInput(reason="wrong_content_type")
    if len(request.body) > MOST_BODY_BYTES:
        raise MalformedInput(reason="body_too_large")
