"""What WeChat answers about an account's authorization, as typed values. Pure.

Source: WeChat Open Platform docs, "Get authorization information", "Get or refresh the authorizer's token", "Get the
authorizer's account information".
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, cast

from moorage.connectors.authorization import AccountProfile, Grant, ListedAccount, RenewedGrant
from moorage.connectors.wechat_oa.client import not_wechat, token_of

MOST_REFRESH_TOKEN_CHARACTERS = 1024
MOST_TEXT_CHARACTERS = 200
MOST_URL_CHARACTERS = 2000

Answer = Mapping[str, object]


def read_grant(answer: Answer) -> Grant:
    """Return what a code was worth. An account without API rights grants sets but gives no tokens.

    Raises Unreachable for an answer that is none.
    """
    info = _object(answer, "authorization_info")
    external_id = _text(info, "authorizer_appid")
    if info is None or external_id is None:
        raise not_wechat(detail="an authorization without an account")
    refresh_token = _refresh_token(info)
    has_token = isinstance(info.get("authorizer_access_token"), str) and info["authorizer_access_token"] != ""
    return Grant(
        external_id=external_id,
        refresh_token=refresh_token,
        token=token_of(info, "authorizer_access_token") if has_token else None,
        permission_sets=_permission_sets(info) or frozenset(),
    )


def read_renewal(answer: Answer) -> RenewedGrant:
    """Return an account's new token, and the refresh token if one came with it. Raises Unreachable."""
    return RenewedGrant(token=token_of(answer, "authorizer_access_token"), refresh_token=_refresh_token(answer))


def read_profile(answer: Answer, *, external_id: str) -> AccountProfile:
    """Return how WeChat describes the account. What it leaves out is None. Raises Unreachable."""
    about = _object(answer, "authorizer_info")
    if about is None:
        raise not_wechat(detail="an answer without an account")
    granted = _object(answer, "authorization_info") or {}
    return AccountProfile(
        external_id=external_id,
        name=_printable(_text(about, "nick_name")) or external_id,
        external_account_id=_text(about, "user_name"),
        account_type=_account_type(_number(about, "service_type_info")),
        verified=_verified(_number(about, "verify_type_info")),
        principal_name=_printable(_text(about, "principal_name")),
        avatar_url=_url(about.get("head_img")),
        refresh_token=_refresh_token(granted),
        permission_sets=_permission_sets(granted),
    )


def read_accounts(answer: Answer) -> tuple[Sequence[ListedAccount], int]:
    """Return a page of the accounts that WeChat lists, and how many there are in all. Raises Unreachable."""
    rows, total = answer.get("list"), answer.get("total_count")
    if not isinstance(rows, list) or not isinstance(total, int):
        raise not_wechat(detail="an answer without a list")
    accounts: list[ListedAccount] = []
    for row in cast("list[object]", rows):
        info = cast("dict[str, object]", row) if isinstance(row, dict) else {}
        external_id, at = _text(info, "authorizer_appid"), info.get("auth_time")
        if external_id is not None:
            known = isinstance(at, int) and 0 < at < 2**33
            accounts.append(ListedAccount(external_id, datetime.fromtimestamp(at, UTC) if known else None))  # pyright: ignore[reportArgumentType] -- a number by then
    return accounts, total


def _account_type(number: int | None) -> Literal["service", "subscription"] | None:
    """0 and 1 are subscription accounts, 2 is a service account; mini programs reuse the numbers and are not docked."""
    if number is None:
        return None
    return "service" if number == 2 else "subscription" if number in {0, 1} else None


def _verified(number: int | None) -> bool | None:
    """Tell whether the account is certified: by WeChat (0), or as a company whose name is still being checked (3 to 5),
    which opens the APIs at once. A certificate of another network alone (1, 2) opens nothing."""
    return None if number is None else number in {0, 3, 4, 5}


def _permission_sets(info: Answer) -> frozenset[int] | None:
    listed = info.get("func_info")
    if not isinstance(listed, list):
        return None
    categories = [_object({"one": one}, "one") for one in cast("list[object]", listed)]
    numbers = [_number(category, "funcscope_category") for category in categories if category is not None]
    return frozenset(number for number in numbers if number is not None)


def _refresh_token(info: Answer) -> str | None:
    """Return the refresh token, or None for every way in which WeChat says that there is none."""
    value = info.get("authorizer_refresh_token")
    return value if isinstance(value, str) and 0 < len(value.strip()) <= MOST_REFRESH_TOKEN_CHARACTERS else None


def _object(answer: Answer, name: str) -> Answer | None:
    value = answer.get(name)
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def _text(info: Answer | None, name: str) -> str | None:
    value = None if info is None else info.get(name)
    return value.strip()[:MOST_TEXT_CHARACTERS] or None if isinstance(value, str) else None


def _number(info: Answer, name: str) -> int | None:
    """Return the id in a field of the form {"id": 2}."""
    value = (_object(info, name) or {}).get("id")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value + 1 < 2**31 else None


def _printable(text: str | None) -> str | None:
    if text is None:
        return None
    return "".join(character if character.isprintable() else " " for character in text).strip() or None


def _url(value: object) -> str | None:
    if not isinstance(value, str) or len(value) > MOST_URL_CHARACTERS:
        return None
    return value if value.startswith(("http://", "https://")) else None
