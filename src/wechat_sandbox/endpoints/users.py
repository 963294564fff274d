"""What the API tells about a follower."""

from wechat_sandbox.endpoints.call import Call, Endpoint, JsonObject
from wechat_sandbox.errors import ApiRefusal


def _user_info(call: Call) -> JsonObject:
    openid = call.query.get("openid", "")
    if not openid:
        raise ApiRefusal(41009)
    follower = call.owner().followers.get(openid)
    if follower is None:
        raise ApiRefusal(40003)
    if not follower.subscribed:
        return {"subscribe": 0, "openid": openid}
    # Names, pictures and regions have not been given out since 2021; the fields remain, empty.
    return {
        "subscribe": 1,
        "openid": openid,
        "nickname": "",
        "sex": 0,
        "language": call.query.get("lang", "zh_CN"),
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "subscribe_time": int(follower.subscribed_at or 0),
        "remark": "",
        "groupid": 0,
        "tagid_list": [],
        "subscribe_scene": follower.subscribe_scene,
        "qr_scene": 0,
        "qr_scene_str": follower.qr_scene_str,
    }


ENDPOINTS = (Endpoint(path="/cgi-bin/user/info", method="GET", answer=_user_info, sets=frozenset({2})),)
