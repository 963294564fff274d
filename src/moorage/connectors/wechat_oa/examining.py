"""Looking at an account: whether WeChat answers it, what is left of its quotas, whether voices are recognised.

Source: WeChat Official Account docs, "API quota management", "Get API domain addresses", "Network detection"; WeChat
Open Platform docs, "Authorizer options".
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

from moorage.connectors.contract import Endpoint
from moorage.connectors.examining import HealthReason, Ping, Quota, QuotaCall, RefusedCall
from moorage.connectors.failures import Refused
from moorage.connectors.wechat_oa.client import WechatApi, detail_of, errcode_of, not_wechat
from moorage.connectors.wechat_oa.refusals import failure_of, failure_of_platform_call
from moorage.connectors.wechat_oa.tokens import with_token

PATHS: Mapping[QuotaCall, str] = {
    "send": "/cgi-bin/message/custom/send",
    "upload": "/cgi-bin/media/upload",
    "menu": "/cgi-bin/menu/create",
}
UNCOUNTED = frozenset({76003, 76022})
"""The path is unknown to the account, or has no limit."""
PLATFORM_TOKEN_WANTED = frozenset({61014, 40066})
"""The call wants the platform's token, or is not there: the documents disagree about both."""
LONGEST_ANSWER_CHARACTERS = 2000
LONGEST_ADDRESS_CHARACTERS = 64
_YEAR_3000 = 32_503_680_000
_REQUEST = re.compile(r"\brid: ?([0-9a-f]{8}(?:-[0-9a-f]{8}){2})\b")
_SECRETS = re.compile(r'("(?:component_|authorizer_)?(?:access|refresh)_token" ?: ?")[^"]+')
VOICE = "voice_recognize"
OPTIONS = "/cgi-bin/component"

Answer = Mapping[str, object]


class WechatExamination:
    """Examines Official Accounts. A refused token is renewed and the call repeated once."""

    def __init__(self, *, api: WechatApi) -> None:
        self._api = api

    async def reach(self, endpoint: Endpoint, *, deadline: float) -> datetime | None:
        """Ask for WeChat's addresses, which nobody else is counted for; return WeChat's time. Raises a failure."""

        async def ask(token: str) -> datetime | None:
            answer, said = await self._api.get_dated("/cgi-bin/get_api_domain_ip", token=token, deadline=deadline)
            _check(answer)
            return _time(said)

        return await with_token(endpoint, ask, deadline=deadline)

    async def quotas(self, endpoint: Endpoint, *, calls: Sequence[QuotaCall], deadline: float) -> Sequence[Quota]:
        """Return what is left of the quotas of these calls. Raises a provider failure."""

        async def ask(token: str) -> list[Quota]:
            found = [await self._quota(call, token=token, deadline=deadline) for call in calls]
            return [quota for quota in found if quota is not None]

        return await with_token(endpoint, ask, deadline=deadline)

    async def _quota(self, call: QuotaCall, *, token: str, deadline: float) -> Quota | None:
        asked = {"cgi_path": PATHS[call]}
        answer = await self._api.post("/cgi-bin/openapi/quota/get", asked, token=token, deadline=deadline)
        if errcode_of(answer) in UNCOUNTED:
            return None
        _check(answer)
        quota = answer.get("quota")
        told = cast("dict[str, object]", quota) if isinstance(quota, dict) else {}
        limit, used = told.get("daily_limit"), told.get("used")
        if not isinstance(limit, int) or not isinstance(used, int):
            raise not_wechat(detail="an answer without a quota")
        return Quota(call=call, limit=limit, used=used)

    async def reset_quotas(self, endpoint: Endpoint, *, deadline: float) -> None:
        """Set the account's counts to zero, 10 times a month at most. Raises a provider failure."""

        async def ask(token: str) -> None:
            asked = {"appid": endpoint.external_account_id}
            answer = await self._api.post("/cgi-bin/clear_quota", asked, token=token, deadline=deadline)
            _check(answer)

        await with_token(endpoint, ask, deadline=deadline)

    async def ping_address(self, endpoint: Endpoint, *, deadline: float) -> Sequence[Ping]:
        """Let WeChat find and ping the server that is set in its back office. Raises a provider failure."""

        async def ask(token: str) -> Answer:
            asked = {"action": "all", "check_operator": "DEFAULT"}
            answer = await self._api.post("/cgi-bin/callback/check", asked, token=token, deadline=deadline)
            _check(answer, own={40201: HealthReason.ADDRESS_NOT_SET})
            return answer

        answer = await with_token(endpoint, ask, deadline=deadline)
        pings = {str(one.get("ip")): one for one in _objects(answer.get("ping"))}
        # What was found and not pinged has not answered either.
        found = (str(one.get("ip")) for one in _objects(answer.get("dns")))
        return [_ping(address, pings.get(address, {})) for address in dict.fromkeys((*found, *pings))]

    def request_in(self, detail: str) -> str | None:
        """Return the `rid` that stands at the end of WeChat's error texts, or None."""
        found = _REQUEST.search(detail)
        return found[1] if found else None

    async def refused_call(self, endpoint: Endpoint, *, request: str, deadline: float) -> RefusedCall:
        """Return what WeChat remembers of a call by its `rid`, for seven days. Raises a provider failure."""

        async def ask(token: str) -> Answer:
            answer = await self._api.post("/cgi-bin/openapi/rid/get", {"rid": request}, token=token, deadline=deadline)
            _check(answer, own={76001: HealthReason.REQUEST_UNKNOWN})
            return answer

        told = (await with_token(endpoint, ask, deadline=deadline)).get("request")
        return _refused_call(cast("Answer", told) if isinstance(told, dict) else {})

    async def voice_recognition(self, endpoint: Endpoint, platform: Endpoint, *, deadline: float) -> bool:
        """Return whether WeChat recognises what customers say. Raises a provider failure."""
        answer = await self._option("get", endpoint, platform, {"option_name": VOICE}, deadline=deadline)
        return str(answer.get("option_value")) == "1"

    async def switch_voice_recognition(
        self, endpoint: Endpoint, platform: Endpoint, *, on: bool, deadline: float
    ) -> None:
        """Switch the recognition of voices on or off. Raises a provider failure."""
        asked = {"option_name": VOICE, "option_value": "1" if on else "0"}
        await self._option("set", endpoint, platform, asked, deadline=deadline)

    async def _option(
        self, verb: str, endpoint: Endpoint, platform: Endpoint, asked: Mapping[str, str], *, deadline: float
    ) -> Answer:
        """Return the answer to the present call, which takes the account's token, or where WeChat refuses that, to the
        older one, which names the account beside the platform's token."""

        async def as_account(token: str) -> Answer:
            answer = await self._api.post(f"{OPTIONS}/{verb}_authorizer_option", asked, token=token, deadline=deadline)
            _check(answer)
            return answer

        async def as_platform(token: str) -> Answer:
            named = {
                "component_appid": platform.external_account_id,
                "authorizer_appid": endpoint.external_account_id,
                **asked,
            }
            answer = await self._api.post(
                f"{OPTIONS}/api_{verb}_authorizer_option", named, token=token, deadline=deadline
            )
            if errcode := errcode_of(answer):
                raise failure_of_platform_call(errcode=errcode, detail=detail_of(answer))
            return answer

        try:
            return await with_token(endpoint, as_account, deadline=deadline)
        except Refused as refusal:
            if refusal.external_code not in PLATFORM_TOKEN_WANTED:
                raise
        return await with_token(platform, as_platform, deadline=deadline)


def _check(answer: Answer, *, own: Mapping[int, str] | None = None) -> None:
    """Return if WeChat did what was asked. `own`: codes that mean this to the one call. Raises a provider failure."""
    errcode = errcode_of(answer)
    if reason := (own or {}).get(errcode):
        raise Refused(external_code=errcode, detail=detail_of(answer), reason=reason)
    if errcode:
        raise failure_of(errcode=errcode, detail=detail_of(answer))


def _time(said: str | None) -> datetime | None:
    """Return the time in the `Date` of an answer, or None where it tells none."""
    if said is None:
        return None
    try:
        told = parsedate_to_datetime(said)
    except ValueError:
        return None
    return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)


def _objects(told: object) -> list[Answer]:
    listed = cast("list[object]", told) if isinstance(told, list) else []
    return [cast("Answer", one) for one in listed if isinstance(one, dict)]


def _ping(address: str, told: Answer) -> Ping:
    """Return a ping's outcome. WeChat sends one packet, so that all or nothing is lost."""
    return Ping(address=address, answered=told.get("package_loss") == "0%", took_ms=_milliseconds(told.get("time")))


def _milliseconds(told: object) -> float | None:
    try:
        took_ms = float(str(told).removesuffix("ms"))
    except ValueError:
        return None
    return took_ms if math.isfinite(took_ms) else None


def _refused_call(told: Answer) -> RefusedCall:
    called_at, took_ms = told.get("invoke_time"), told.get("cost_in_ms")
    if not isinstance(called_at, int) or not isinstance(took_ms, int | float) or not 0 <= called_at < _YEAR_3000:
        raise not_wechat(detail="an answer without the call that was asked about")
    return RefusedCall(
        called_at=datetime.fromtimestamp(called_at, UTC),
        took_ms=round(took_ms),
        from_address=str(told.get("client_ip", ""))[:LONGEST_ADDRESS_CHARACTERS],
        answer=_SECRETS.sub(r"\1***", str(told.get("response_body", "")))[:LONGEST_ANSWER_CHARACTERS],
    )
