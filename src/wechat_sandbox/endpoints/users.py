"""What the API tells about followers."""

from pydantic import JsonValue

from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject, list_of, text_of
from wechat_sandbox.endpoints.tags import page_of
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, Follower

_SETS = frozenset({2})
_MOST_AT_ONCE = 100
_MOST_REMARK_CHARACTERS = 29


def _user_info(call: Call) -> JsonObject:
    return _known(_follower(call.owner(), call.query.get("openid")), lang=call.query.get("lang"))


def _user_infos(call: Call) -> JsonObject:
    account, asked = call.owner(), list_of(call.body(), "user_list")
    if not 1 <= len(asked) <= _MOST_AT_ONCE:
        raise ApiRefusal(40032)
    users = [one for one in asked if isinstance(one, dict)]
    infos: list[JsonValue] = [
        _known(_follower(account, text_of(one, "openid")), lang=text_of(one, "lang")) for one in users
    ]
    return {"user_info_list": infos}


def _follower(account: Account, openid: str | None) -> Follower:
    if not openid:
        raise ApiRefusal(41009)
    follower = account.followers.get(openid)
    if follower is None:
        raise ApiRefusal(40003)
    return follower


def _known(follower: Follower, *, lang: str | None) -> JsonObject:
    if not follower.subscribed:
        return {"subscribe": 0, "openid": follower.openid} | _union(follower)
    # Names, pictures and regions have not been given out since 2021; the fields remain, empty.
    info: JsonObject = {
        "subscribe": 1,
        "openid": follower.openid,
        "nickname": "",
        "sex": 0,
        "language": lang or "zh_CN",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "subscribe_time": int(follower.subscribed_at or 0),
        "remark": follower.remark,
        "groupid": follower.tags[0] if follower.tags else 0,
        "tagid_list": list[JsonValue](follower.tags),
        "subscribe_scene": follower.subscribe_scene,
        "qr_scene": int(follower.qr_scene_str) if follower.qr_scene_str.isdecimal() else 0,
        "qr_scene_str": "" if follower.qr_scene_str.isdecimal() else follower.qr_scene_str,
    }
    return info | _union(follower)


def _union(follower: Follower) -> JsonObject:
    return {"unionid": follower.unionid} if follower.unionid else {}


def _users(call: Call) -> JsonObject:
    following = (one.openid for one in call.owner().followers.values() if one.subscribed)
    return page_of(following, after=call.query.get("next_openid", ""))


def _update_remark(call: Call) -> JsonObject:
    body = call.body()
    follower, remark = _follower(call.owner(), text_of(body, "openid")), text_of(body, "remark")
    if len(remark) > _MOST_REMARK_CHARACTERS:
        raise ApiRefusal(40035)
    follower.remark = remark
    return OK


ENDPOINTS = (
    Endpoint(path="/cgi-bin/user/info", method="GET", answer=_user_info, sets=_SETS),
    Endpoint(path="/cgi-bin/user/info/batchget", method="POST", answer=_user_infos, sets=_SETS),
    Endpoint(path="/cgi-bin/user/info/updateremark", method="POST", answer=_update_remark, sets=_SETS),
    Endpoint(path="/cgi-bin/user/get", method="GET", answer=_users, sets=_SETS),
)
