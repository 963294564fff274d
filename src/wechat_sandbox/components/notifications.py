"""What a platform is told at its authorization-event address."""

from pydantic import JsonValue

from wechat_sandbox.clock import SandboxClock
from wechat_sandbox.model import Authorization, AuthorizationCode, Component, Push, SealKind, State
from wechat_sandbox.pushes import PushEngine

Fields = dict[str, JsonValue]


class Notifications:
    """Composes notifications and hands them to the push engine."""

    def __init__(self, *, state: State, clock: SandboxClock, pushes: PushEngine) -> None:
        self._state = state
        self._clock = clock
        self._pushes = pushes

    def ticket(self, component: Component, *, value: str) -> Push:
        """Send a verify ticket."""
        return self.send(component, {"InfoType": "component_verify_ticket", "ComponentVerifyTicket": value})

    def authorized(
        self, component: Component, authorization: Authorization, *, code: AuthorizationCode, held_s: float = 0.0
    ) -> Push:
        """Tell that an account was granted; a held notification waits to be released."""
        return self.send(component, _grant_fields("authorized", authorization, code=code), held_s=held_s)

    def update_authorized(
        self, component: Component, authorization: Authorization, *, code: AuthorizationCode, held_s: float = 0.0
    ) -> Push:
        """Tell that other sets than before are granted."""
        return self.send(component, _grant_fields("updateauthorized", authorization, code=code), held_s=held_s)

    def unauthorized(self, component: Component, *, account_appid: str) -> Push:
        """Tell that an account took its grant back."""
        return self.send(component, {"InfoType": "unauthorized", "AuthorizerAppid": account_appid})

    def send(self, component: Component, fields: Fields, *, seal: SealKind = "good", held_s: float = 0.0) -> Push:
        """Send a notification of any kind; `AppId` and `CreateTime` are filled in unless they are given."""
        now_s = self._clock.now_s()
        self._state.last_push_id += 1
        push = Push(
            push_id=self._state.last_push_id,
            appid=component.appid,
            openid="",
            kind=str(fields.get("InfoType", "")),
            msg_id=None,
            create_time=int(now_s),
            queued_at=now_s,
            fields={"AppId": component.appid, "CreateTime": int(now_s)} | fields,
            visible=False,
            target="component_events",
            component_appid=component.appid,
            seal=seal,
        )
        self._pushes.submit(push, held_s=held_s)
        return push


def _grant_fields(info_type: str, authorization: Authorization, *, code: AuthorizationCode) -> Fields:
    return {
        "InfoType": info_type,
        "AuthorizerAppid": authorization.account_appid,
        "AuthorizationCode": code.value,
        # The documents say seconds; what platforms get is the instant.
        "AuthorizationCodeExpiredTime": int(code.expires_at),
        "PreAuthCode": authorization.pre_auth_code,
    }
