"""Looking at an account: whether WeChat answers it, what is left of its quotas, whether voices are recognised.

Source: WeChat Official Account docs, "API quota management", "Get API domain addresses"; WeChat Open Platform docs,
"Authorizer options".
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

from moorage.connectors.contract import Endpoint
from moorage.connectors.examining import Quota, QuotaCall
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


def _check(answer: Answer) -> None:
    """Return if WeChat did what was asked. Raises a provider failure."""
    if errcode := errcode_of(answer):
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
