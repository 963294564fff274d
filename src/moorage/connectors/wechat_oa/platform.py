"""The third-party platform as a power: accounts authorize it, and it acts for them.

Source: WeChat Open Platform docs, "Third-party platforms": tokens, authorization page, account information.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar
from urllib.parse import urlencode

from moorage.connectors.authorization import (
    AccountProfile,
    Grant,
    ListedAccount,
    Notice,
    PlatformManifest,
    ProbeAnswer,
    RenewedGrant,
    StartedAuthorization,
)
from moorage.connectors.contract import AddressVerified, Endpoint, Inbound, IssuedToken, RawRequest
from moorage.connectors.failures import CredentialsInvalid, MalformedInput, TokenRefused
from moorage.connectors.wechat_oa.client import WechatApi, detail_of, errcode_of, not_wechat, token_of
from moorage.connectors.wechat_oa.envelope import check_frame
from moorage.connectors.wechat_oa.grants import Answer, read_accounts, read_grant, read_profile, read_renewal
from moorage.connectors.wechat_oa.notices import MOST_CODE_CHARACTERS, read_notice
from moorage.connectors.wechat_oa.permissions import PLATFORM_MANIFEST
from moorage.connectors.wechat_oa.refusals import failure_of_platform_call
from moorage.connectors.wechat_oa.release_check import PROBES, answer_probe

ROOT = "/cgi-bin/component"
OFFICIAL_ACCOUNTS_ONLY = "1"
LONGEST_ATTEMPT_S = 3600
ACCOUNTS_A_PAGE = 500
"""More at once is refused with 40170."""
MOST_PAGES = 200
REFRESH_TOKEN_INVALID = 61023

Result = TypeVar("Result")


class WechatPlatform:
    """Lets Official Accounts be docked by scanning a code."""

    manifest: ClassVar[PlatformManifest] = PLATFORM_MANIFEST

    def __init__(
        self,
        *,
        api: WechatApi,
        mp_url: str,
        open_url: str = "https://open.weixin.qq.com",
        configured: Mapping[str, str] | None,
    ) -> None:
        self._api = api
        self._mp_url = mp_url.rstrip("/")
        self._open_url = open_url.rstrip("/")
        self.configured = configured

    # ------------------------------------------------------------ pure

    def read_notice(
        self, *, credentials: Mapping[str, str], request: RawRequest, now: datetime
    ) -> Notice | AddressVerified:
        """Verify, open and parse a notice. Raises MalformedInput."""
        return read_notice(credentials=credentials, request=request, now=now)

    def push_credentials(self, *, credentials: Mapping[str, str], external_account_id: str | None) -> Mapping[str, str]:
        """Return the platform's own keys and id, which seal the pushes of all its accounts. Secure mode only."""
        kept = {name: value for name, value in credentials.items() if name != "secret"}
        return {**kept, "mode": "secure", "original_id": external_account_id or ""}

    def verify_address(
        self, *, credentials: Mapping[str, str], request: RawRequest, now: datetime
    ) -> AddressVerified | None:
        """Return the answer to WeChat's question whether an address is ours. Raises MalformedInput."""
        return check_frame(credentials=credentials, request=request, now=now)

    def authorization_url(
        self, *, platform_id: str, attempt_code: str, return_url: str, external_id: str | None
    ) -> str:
        """Return WeChat's page with the code to scan. It must be opened by navigation from a page of ours."""
        asked = {
            "component_appid": platform_id,
            "pre_auth_code": attempt_code,
            "redirect_uri": return_url,
            "auth_type": OFFICIAL_ACCOUNTS_ONLY,
        }
        if external_id is not None:
            asked["biz_appid"] = external_id
        return f"{self._mp_url}/cgi-bin/componentloginpage?{urlencode(asked)}"

    def phone_authorization_url(
        self, *, platform_id: str, attempt_code: str, return_url: str, external_id: str | None
    ) -> str:
        """Return WeChat's page for the administrator's own phone. It too must be opened from a page of ours."""
        asked = {
            "action": "bindcomponent",
            "no_scan": "1",
            "component_appid": platform_id,
            "pre_auth_code": attempt_code,
            "redirect_uri": return_url,
            "auth_type": OFFICIAL_ACCOUNTS_ONLY,
            **({} if external_id is None else {"biz_appid": external_id}),
        }
        return f"{self._open_url}/wxaopen/safe/bindcomponent?{urlencode(asked)}#wechat_redirect"

    def is_probe(self, *, external_id: str) -> bool:
        """Tell whether an account belongs to WeChat's release check."""
        return external_id in PROBES

    def answer_probe(self, inbound: Inbound, *, now: datetime) -> ProbeAnswer:
        """Return what the release check expects. Raises MalformedInput for what is sent in another account's name."""
        if inbound.external_account_id not in PROBES.values():
            raise MalformedInput(reason="foreign_account")
        return answer_probe(inbound, now=now)

    # ------------------------------------------------------------ calls

    async def issue_platform_token(
        self, *, credentials: Mapping[str, str], ticket: str, deadline: float
    ) -> IssuedToken:
        """Return a token of the platform. Raises a provider failure."""
        asked = {
            "component_appid": credentials["appid"],
            "component_appsecret": credentials["secret"],
            "component_verify_ticket": ticket,
        }
        answer = await self._api.post(f"{ROOT}/api_component_token", asked, deadline=deadline)
        _check(answer)
        return token_of(answer, "component_access_token")

    async def begin_authorization(self, platform: Endpoint, *, deadline: float) -> StartedAuthorization:
        """Return a pre-auth code, good for one authorization. Raises a provider failure."""
        answer = await self._asked(platform, "api_create_preauthcode", {}, deadline=deadline)
        code, lasts_s = answer.get("pre_auth_code"), answer.get("expires_in")
        if not isinstance(code, str) or not 0 < len(code) <= MOST_CODE_CHARACTERS or not isinstance(lasts_s, int):
            raise not_wechat(detail="an answer without a code")
        return StartedAuthorization(attempt_code=code, lasts=timedelta(seconds=max(0, min(lasts_s, LONGEST_ATTEMPT_S))))

    async def exchange_code(self, platform: Endpoint, *, code: str, deadline: float) -> Grant:
        """Return what an authorization code is worth; it works once. Raises a provider failure."""
        return read_grant(
            await self._asked(platform, "api_query_auth", {"authorization_code": code}, deadline=deadline)
        )

    async def renew_authorization(
        self, platform: Endpoint, *, external_id: str, refresh_token: str, deadline: float
    ) -> RenewedGrant:
        """Return a new token for an account. Raises a provider failure.

        An account that authorized us anew, and whose browser then lost its way back, has another refresh token by now:
        WeChat still tells it.
        """
        try:
            return await self._renewed(platform, external_id, refresh_token, deadline=deadline)
        except CredentialsInvalid as failure:
            if failure.external_code != REFRESH_TOKEN_INVALID:
                raise
            known = (await self.account_profile(platform, external_id=external_id, deadline=deadline)).refresh_token
            if known in {None, refresh_token}:
                raise
        renewed = await self._renewed(platform, external_id, known or "", deadline=deadline)
        return replace(renewed, refresh_token=renewed.refresh_token or known)

    async def _renewed(
        self, platform: Endpoint, external_id: str, refresh_token: str, *, deadline: float
    ) -> RenewedGrant:
        asked = {"authorizer_appid": external_id, "authorizer_refresh_token": refresh_token}
        return read_renewal(await self._asked(platform, "api_authorizer_token", asked, deadline=deadline))

    async def account_profile(self, platform: Endpoint, *, external_id: str, deadline: float) -> AccountProfile:
        """Return how WeChat describes an account. Raises a provider failure."""
        asked = {"authorizer_appid": external_id}
        answer = await self._asked(platform, "api_get_authorizer_info", asked, deadline=deadline)
        return read_profile(answer, external_id=external_id)

    async def list_accounts(self, platform: Endpoint, *, deadline: float) -> Sequence[ListedAccount]:
        """Return every account that WeChat lists, page by page. One that is on two pages counts once.

        Raises a provider failure.
        """
        listed: dict[str, ListedAccount] = {}
        for page in range(MOST_PAGES):
            asked = {"offset": page * ACCOUNTS_A_PAGE, "count": ACCOUNTS_A_PAGE}
            answer = await self._asked(platform, "api_get_authorizer_list", asked, deadline=deadline)
            rows, total = read_accounts(answer)
            listed.update({row.external_id: row for row in rows})
            if not rows or (page + 1) * ACCOUNTS_A_PAGE >= total:
                break
        return tuple(listed.values())

    async def fetch_picture(self, *, url: str, deadline: float) -> bytes:
        """Return the picture at `url`, which WeChat has named. Raises Unreachable."""
        return await self._api.fetch(url, deadline=deadline)

    async def _asked(self, platform: Endpoint, call: str, asked: Mapping[str, str | int], *, deadline: float) -> Answer:
        """Return the answer to a call of the platform. A refused token is renewed and the call repeated once."""

        async def ask(token: str) -> Answer:
            body = {"component_appid": platform.external_account_id, **asked}
            answer = await self._api.post(f"{ROOT}/{call}", body, token=token, deadline=deadline)
            _check(answer)
            return answer

        return await _with_token(platform, ask, deadline=deadline)


async def _with_token(platform: Endpoint, ask: Callable[[str], Awaitable[Result]], *, deadline: float) -> Result:
    token = await platform.tokens.token(deadline=deadline)
    try:
        return await ask(token)
    except TokenRefused:
        return await ask(await platform.tokens.after_refusal(failed=token, deadline=deadline))


def _check(answer: Answer) -> None:
    """Return if WeChat did what was asked. Raises a provider failure."""
    if errcode := errcode_of(answer):
        raise failure_of_platform_call(errcode=errcode, detail=detail_of(answer))
