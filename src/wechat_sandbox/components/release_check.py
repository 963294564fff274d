"""The full-network release check: five groups of test accounts, each case as WeChat drives it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from wechat_sandbox import followers
from wechat_sandbox.components import grants
from wechat_sandbox.model import Account, AuthorizationCode, CheckResult, Component, Follower, Push
from wechat_sandbox.payloads import payload_from
from wechat_sandbox.world import Sandbox

TEST_ACCOUNTS: tuple[tuple[str, str], ...] = (
    ("wx570bc396a51b8ff8", "gh_3c884a361561"),
    ("wx9252c5e0bb1836fc", "gh_c0f28a78b318"),
    ("wx8e1097c5bc82cde9", "gh_3f222ed8d140"),
    ("wx14550af28c71a144", "gh_26128078e9ab"),
    ("wxa35b9c23cfe664eb", "gh_2b3713f184a6"),
)
"""Appid and original id of the official account of each group, in WeChat's order."""
TEXT = "TESTCOMPONENT_MSG_TYPE_TEXT"
_EVENT = "LOCATION"
_LOOK_EVERY_S = 0.05
_EXTRA_S = 5.0
"""How much longer than all deliveries together the check waits for a push to settle."""


@dataclass(slots=True)
class _Case:
    """One group on its way through the check."""

    sandbox: Sandbox
    component: Component
    group: int
    account: Account
    follower: Follower

    async def push_settled(self, push: Push) -> Push:
        settings = self.sandbox.settings
        within_s = settings.deliveries * max(settings.deadline_s, settings.retry_interval_s) + _EXTRA_S
        await self.sandbox.pushes.settled(push, within_s=within_s)
        return push

    def result(self, push: Push, *, case: str, expected: str, came: str) -> CheckResult:
        return CheckResult(
            group=self.group,
            appid=self.account.appid,
            case=case,
            expected=expected,
            came=came,
            passed=came == expected and len(push.deliveries) == 1,
            latency_ms=push.deliveries[0].latency_ms if push.deliveries else 0.0,
        )


class CheckRunning(Exception):
    """The platform is being checked at this moment."""


async def check_release(sandbox: Sandbox, component: Component) -> list[CheckResult]:
    """Run every case for all five groups and return what was expected and what came; the platform keeps it too.

    Raises CheckRunning.
    """
    if component.appid in sandbox.release_checks:
        raise CheckRunning
    sandbox.release_checks.add(component.appid)
    try:
        return await _check_groups(sandbox, component)
    finally:
        sandbox.release_checks.discard(component.appid)


async def _check_groups(sandbox: Sandbox, component: Component) -> list[CheckResult]:
    async with asyncio.TaskGroup() as running:
        tasks = [
            running.create_task(_check_group(sandbox, component, group=group))
            for group in range(1, len(TEST_ACCOUNTS) + 1)
        ]
    component.release_check = [result for task in tasks for result in task.result()]
    component.release_checked_at = sandbox.clock.now_s()
    sandbox.keeper.changed()
    return component.release_check


async def _check_group(sandbox: Sandbox, component: Component, *, group: int) -> list[CheckResult]:
    appid, username = TEST_ACCOUNTS[group - 1]
    account = _test_account(sandbox, appid=appid, username=username)
    follower = followers.add_follower(sandbox, account, openid=None, nickname=f"release check {group}")
    follower.subscribed, follower.subscribed_at = True, sandbox.clock.now_s()
    case = _Case(sandbox=sandbox, component=component, group=group, account=account, follower=follower)
    results = [await _notified(case, "ticket", sandbox.tickets.send_now(component))]
    code, push = _authorized(case)
    results.append(await _notified(case, "authorized", push))
    if 1 in component.permission_sets:
        # Without message management WeChat leaves the message cases out.
        results.append(await _answered(case, "text", {"type": "text", "content": TEXT}, expected=f"{TEXT}_callback"))
        event: dict[str, JsonValue] = {"type": "event", "event": _EVENT}
        results.append(await _answered(case, "event", event, expected=f"{_EVENT}from_callback"))
        results.append(await _sent_through_api(case, code=code))
    results.append(await _notified(case, "unauthorized", grants.revoke(sandbox, component, account)))
    return results


def _test_account(sandbox: Sandbox, *, appid: str, username: str) -> Account:
    account = sandbox.state.accounts.get(appid)
    if account is None:
        account = Account(appid=appid, secret="", username=username, name=username, special=True)
        sandbox.state.accounts[appid] = account
    return account


def _authorized(case: _Case) -> tuple[AuthorizationCode, Push]:
    """Grant the test account, whatever the platform's state, with a code that only the API case shall exchange."""
    sandbox, component = case.sandbox, case.component
    pre_auth_code = grants.new_pre_auth_code(component, now_s=sandbox.clock.now_s()).value
    authorization, code = grants.grant_unasked(sandbox, component, case.account, pre_auth_code=pre_auth_code)
    return code, sandbox.notifications.authorized(component, authorization, code=code)


async def _notified(case: _Case, name: str, push: Push) -> CheckResult:
    await case.push_settled(push)
    return case.result(push, case=name, expected="success", came=_answer_of(push))


async def _answered(case: _Case, name: str, description: Mapping[str, JsonValue], *, expected: str) -> CheckResult:
    push = await case.push_settled(_sent(case, description))
    shown = (entry.text for entry in case.follower.chat if entry.push_id == push.push_id and entry.via == "passive")
    return case.result(push, case=name, expected=expected, came=next(shown, "") or _answer_of(push))


async def _sent_through_api(case: _Case, *, code: AuthorizationCode) -> CheckResult:
    expected = f"{code.value}_from_api"
    known = len(case.follower.chat)
    push = await case.push_settled(_sent(case, {"type": "text", "content": f"QUERY_AUTH_CODE:{code.value}"}))
    if push.outcome not in {"empty", "success"}:
        return case.result(push, case="api_text", expected=expected, came=_answer_of(push))
    came = await _first(lambda: _custom_text(case.follower, after=known), within_s=case.sandbox.settings.deadline_s)
    return case.result(push, case="api_text", expected=expected, came=came)


def _sent(case: _Case, description: Mapping[str, JsonValue]) -> Push:
    """Send straight to the platform that is checked, whatever sets and other platforms there are."""
    copies = followers.send_payload(
        case.sandbox, case.account, case.follower, payload_from(description), only=case.component
    )
    return copies[0]


def _custom_text(follower: Follower, *, after: int) -> str:
    sent = [entry.text for entry in follower.chat[after:] if entry.via == "custom"]
    return sent[-1] if sent else ""


async def _first(look: Callable[[], str], *, within_s: float) -> str:
    """Return the first text that comes, "" if none does in time."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within_s
    while not (found := look()) and loop.time() < end:  # noqa: ASYNC110 (a chat has no event to wait for)
        await asyncio.sleep(_LOOK_EVERY_S)
    return found


def _answer_of(push: Push) -> str:
    """Return what came instead of a reply: `success`, or why there is none."""
    if push.outcome in {"success", "empty"}:
        return push.outcome
    return push.reason or push.outcome or "no_answer"
