"""Refusals of the product-facing API, with the texts WeChat uses."""

from collections.abc import Mapping

_MESSAGES: Mapping[int, str] = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40005: "invalid file type",
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40009: "invalid image size",
    40010: "invalid voice size",
    40011: "invalid video size",
    40012: "invalid thumb size",
    40013: "invalid appid",
    40014: "invalid access_token",
    40033: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    40066: "invalid url",
    40097: "invalid args",
    40121: "invalid media_id type",
    40125: "invalid appsecret",
    40164: "invalid ip, not in whitelist",
    40165: "invalid weapp pagepath",
    40166: "invalid weapp appid",
    40170: "args count exceed count limit",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41005: "media data missing",
    41006: "media_id missing",
    41009: "missing openid",
    41018: "missing component_appid",
    41021: "missing component_access_token",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43019: "require remove blacklist",
    44001: "empty media data",
    44002: "empty post data",
    44003: "empty news data",
    44004: "empty content",
    45001: "media size out of limit",
    45002: "content size out of limit",
    45005: "url size out of limit",
    45006: "picurl size out of limit",
    45007: "playtime out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    45072: "invalid command",
    45080: "no interaction with the user in the last 30 seconds",
    45081: "already typing",
    45098: "msgmenu list size out of limit",
    45099: "msgmenu item size out of limit",
    46001: "media data no exist",
    47001: "data format error",
    48001: "api unauthorized",
    48002: "user block receive message",
    48006: "forbid to clear quota because of reaching the limit",
    48008: "no permission for this msgtype",
    61003: "component is not authorized by this account",
    61004: "access clientip is not registered",
    61005: "component ticket is expired",
    61006: "component ticket is invalid",
    61007: "api is unauthorized to component",
    61009: "code is invalid",
    61010: "code is expired",
    61011: "invalid component",
    61012: "invalid option name",
    61013: "invalid option value",
    61014: "must use component token for component api",
    61015: "must use biz account token for not component api",
    61023: "refresh_token is invalid",
    61024: "must use api(api_component_token) to get token for component acct",
    65400: "please enable new custom service, or wait for a while if you have enabled",
}


def not_in_whitelist(address: str) -> str:
    """Return the text of 40164, which names the address to add."""
    return f"invalid ip {address} ipv6 ::ffff:{address}, not in whitelist"


class ApiRefusal(Exception):
    """A call that WeChat answers with an error code; `detail` replaces the usual text."""

    def __init__(self, errcode: int, *, detail: str | None = None) -> None:
        super().__init__(errcode)
        self.errcode = errcode
        self.errmsg = detail or _MESSAGES.get(errcode, "system error")
