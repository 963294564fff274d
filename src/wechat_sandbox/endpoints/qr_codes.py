"""QR codes with a scene: made here, drawn by `showqrcode`, scanned by phones."""

from wechat_sandbox import identifiers
from wechat_sandbox.endpoints.call import Call, Endpoint, JsonObject, object_of, text_of
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import SceneCode

_LONGEST_S = 2_592_000
_USUAL_S = 60
_MOST_PERMANENT_ID = 100_000
_MOST_SCENE_CHARACTERS = 64
_TEMPORARY = frozenset({"QR_SCENE", "QR_STR_SCENE"})
_PERMANENT = frozenset({"QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"})


def _create(call: Call) -> JsonObject:
    body = call.body()
    action = text_of(body, "action_name")
    if action not in _TEMPORARY | _PERMANENT:
        raise ApiRefusal(40035)
    account, code = call.owner(), _code(body, action=action, now_s=call.now_s)
    account.scene_codes[code.ticket] = code
    answer: JsonObject = {"ticket": code.ticket, "url": code.url}
    return answer if code.expires_at is None else answer | {"expire_seconds": int(code.expires_at - call.now_s)}


def _code(body: JsonObject, *, action: str, now_s: float) -> SceneCode:
    lifetime_s = None
    if action in _TEMPORARY:
        lifetime_s = body.get("expire_seconds", _USUAL_S)
        if not isinstance(lifetime_s, int) or not 1 <= lifetime_s <= _LONGEST_S:
            raise ApiRefusal(40035)
    return SceneCode(
        ticket=identifiers.new_media_id(kind="gQ"),
        url=f"http://weixin.qq.com/q/{identifiers.new_secret()}",
        scene=_scene(body, action=action),
        expires_at=None if lifetime_s is None else now_s + lifetime_s,
    )


def _scene(body: JsonObject, *, action: str) -> str:
    """Return the scene; beside `action_info.scene` it counts for nothing, and the code is good but says nothing."""
    scene = object_of(object_of(body, "action_info"), "scene")
    if not scene:
        return ""
    if action.endswith("STR_SCENE"):
        text = text_of(scene, "scene_str")
        if not 1 <= len(text) <= _MOST_SCENE_CHARACTERS:
            raise ApiRefusal(40035)
        return text
    number, most = scene.get("scene_id"), _MOST_PERMANENT_ID if action in _PERMANENT else 2**32 - 1
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= most:
        raise ApiRefusal(40035)
    return str(number)


ENDPOINTS = (Endpoint(path="/cgi-bin/qrcode/create", method="POST", answer=_create, sets=frozenset({3})),)
