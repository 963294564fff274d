"""The provider's test of our platform before it may be published: answered before any workspace is looked up.

It leaves nothing behind: no channel, no conversation, no stored push.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from moorage.channels.leases import failure_reason
from moorage.channels.platforms import Platform, platform_endpoint
from moorage.connectors.authorization import ProbeAnswer
from moorage.connectors.contract import Connector, Endpoint, Inbound, WireReply
from moorage.connectors.failures import ProviderFailure, TokenRefused
from moorage.connectors.registry import required_answering_power, required_platform_power
from moorage.infra.database import Database
from moorage.infra.secrets import SecretBox

SENT_WITHIN_S = 20.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ReleaseCheck:
    """Answers the test's pushes."""

    database: Database
    box: SecretBox

    def answer(
        self, connector: Connector, inbound: Inbound, *, credentials: Mapping[str, str], now: datetime
    ) -> tuple[WireReply, ProbeAnswer]:
        """Return the answer to a verified push, and what is to be done after it. Raises MalformedInput."""
        probe = required_platform_power(connector).answer_probe(inbound, now=now)
        if probe.reply is not None:
            reply = required_answering_power(connector).seal_reply(
                credentials=credentials, reply=probe.reply, context=inbound.reply_context, now=now
            )
            return reply, probe
        if probe.send is not None:
            return WireReply(body=b"", content_type="text/plain; charset=utf-8"), probe
        return connector.acknowledge(), probe

    async def finish(self, connector: Connector, platform: Platform, probe: ProbeAnswer) -> None:
        """Exchange the code that the test named and send what it waits for with the token that comes of it.

        A stored token would not do: the test wants to see its own code used.
        """
        if probe.code is None or probe.send is None:
            return
        deadline = asyncio.get_running_loop().time() + SENT_WITHIN_S
        endpoint = platform_endpoint(self.database, box=self.box, connector=connector, platform=platform)
        try:
            grant = await required_platform_power(connector).exchange_code(endpoint, code=probe.code, deadline=deadline)
            token = "" if grant.token is None else grant.token.token
            account = Endpoint(external_account_id=grant.external_id, credentials={}, tokens=_OneToken(token))
            await connector.send(account, probe.send, deadline=deadline)
        except ProviderFailure as failure:
            log.warning("release_check_failed", reason=failure_reason(failure), code=failure.external_code)
            return
        log.info("release_check_sent")


class _OneToken:
    """A source with one token and no other."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self, *, deadline: float) -> str:  # noqa: ARG002 -- nothing is waited for
        return self._token

    async def after_refusal(self, *, failed: str, deadline: float) -> str:  # noqa: ARG002 -- as above
        raise TokenRefused(external_code=None, detail="no other token", reason="token_refused")
