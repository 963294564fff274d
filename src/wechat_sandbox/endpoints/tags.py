"""Tags on followers, and the blacklist."""

from collections.abc import Iterable

from pydantic import JsonValue

from wechat_sandbox.endpoints.call import OK, Call, Endpoint, JsonObject, list_of, object_of, text_of
from wechat_sandbox.errors import ApiRefusal
from wechat_sandbox.model import Account, Follower, Tag

_SETS = frozenset({2})
_MOST_TAGS = 100
_MOST_NAME_BYTES = 30
_MOST_TAGS_OF_ONE = 20
_MOST_TAGGED_AT_ONCE = 50
_MOST_BLACKLISTED_AT_ONCE = 20
_PAGE = 10_000
_LAST_SYSTEM_TAG = 2


def page_of(openids: Iterable[str], *, after: str) -> JsonObject:
    """Return one page of openids, those after the given one. Raises ApiRefusal 40003 for one not in the list."""
    known = list(openids)
    if after and after not in known:
        raise ApiRefusal(40003)
    start = known.index(after) + 1 if after else 0
    page: list[JsonValue] = list[JsonValue](known[start : start + _PAGE])
    answer: JsonObject = {"total": len(known), "count": len(page), "next_openid": page[-1] if page else ""}
    if page:
        answer["data"] = {"openid": page}
    return answer


def _create(call: Call) -> JsonObject:
    account = call.owner()
    name = _name_in(account, call.body())
    if len(account.tags) >= _MOST_TAGS:
        raise ApiRefusal(45056)
    account.last_tag_id += 1
    tag = account.tags[account.last_tag_id] = Tag(tag_id=account.last_tag_id, name=name)
    return {"tag": {"id": tag.tag_id, "name": tag.name}}


def _name_in(account: Account, body: JsonObject, *, tag: Tag | None = None) -> str:
    name = text_of(object_of(body, "tag"), "name")
    if not name.strip() or any(one.name == name and one is not tag for one in account.tags.values()):
        raise ApiRefusal(45157)
    if len(name.encode()) > _MOST_NAME_BYTES:
        raise ApiRefusal(45158)
    return name


def _tag(account: Account, tag_id: JsonValue) -> Tag:
    if isinstance(tag_id, int) and 0 <= tag_id <= _LAST_SYSTEM_TAG:
        raise ApiRefusal(45058)
    tag = account.tags.get(tag_id) if isinstance(tag_id, int) else None
    if tag is None:
        raise ApiRefusal(45159)
    return tag


def _list(call: Call) -> JsonObject:
    account = call.owner()
    tags: list[JsonValue] = [
        {"id": tag.tag_id, "name": tag.name, "count": len(_tagged(account, tag))} for tag in account.tags.values()
    ]
    return {"tags": tags}


def _tagged(account: Account, tag: Tag) -> list[str]:
    return [one.openid for one in account.followers.values() if one.subscribed and tag.tag_id in one.tags]


def _update(call: Call) -> JsonObject:
    account, body = call.owner(), call.body()
    tag = _tag(account, object_of(body, "tag").get("id"))
    tag.name = _name_in(account, body, tag=tag)
    return OK


def _delete(call: Call) -> JsonObject:
    account = call.owner()
    tag = _tag(account, object_of(call.body(), "tag").get("id"))
    for follower in account.followers.values():
        follower.tags = [one for one in follower.tags if one != tag.tag_id]
    del account.tags[tag.tag_id]
    return OK


def _members(call: Call) -> JsonObject:
    account, body = call.owner(), call.body()
    tag = _tag(account, body.get("tagid"))
    page = page_of(_tagged(account, tag), after=text_of(body, "next_openid"))
    return {key: value for key, value in page.items() if key != "total"}


def _named_followers(call: Call, *, most: int) -> list[Follower]:
    account = call.owner()
    openids = list_of(call.body(), "openid_list")
    if not 1 <= len(openids) <= most:
        raise ApiRefusal(40032)
    return [_follower(call, account, openid) for openid in openids]


def _follower(call: Call, account: Account, openid: JsonValue) -> Follower:
    if not isinstance(openid, str):
        raise ApiRefusal(40003)
    follower = account.followers.get(openid)
    if follower is None:
        others = call.sandbox.state.accounts.values()
        raise ApiRefusal(49003 if any(openid in one.followers for one in others) else 40003)
    return follower


def _tag_members(call: Call) -> JsonObject:
    tag = _tag(call.owner(), call.body().get("tagid"))
    followers = _named_followers(call, most=_MOST_TAGGED_AT_ONCE)
    if any(len({*one.tags, tag.tag_id}) > _MOST_TAGS_OF_ONE for one in followers):
        raise ApiRefusal(45059)
    for follower in followers:
        if tag.tag_id not in follower.tags:
            follower.tags.append(tag.tag_id)
    return OK


def _untag_members(call: Call) -> JsonObject:
    tag = _tag(call.owner(), call.body().get("tagid"))
    for follower in _named_followers(call, most=_MOST_TAGGED_AT_ONCE):
        follower.tags = [one for one in follower.tags if one != tag.tag_id]
    return OK


def _tags_of(call: Call) -> JsonObject:
    follower = _follower(call, call.owner(), call.body().get("openid"))
    return {"tagid_list": list[JsonValue](follower.tags)}


def _blacklist(call: Call) -> JsonObject:
    barred = (one.openid for one in call.owner().followers.values() if one.blacklisted)
    return page_of(barred, after=text_of(call.body(), "begin_openid"))


def _bar(call: Call) -> JsonObject:
    for follower in _named_followers(call, most=_MOST_BLACKLISTED_AT_ONCE):
        follower.blacklisted = True
    return OK


def _unbar(call: Call) -> JsonObject:
    for follower in _named_followers(call, most=_MOST_BLACKLISTED_AT_ONCE):
        follower.blacklisted = False
    return OK


ENDPOINTS = (
    Endpoint(path="/cgi-bin/tags/create", method="POST", answer=_create, sets=_SETS),
    Endpoint(path="/cgi-bin/tags/get", method="GET", answer=_list, sets=_SETS),
    Endpoint(path="/cgi-bin/tags/update", method="POST", answer=_update, sets=_SETS),
    Endpoint(path="/cgi-bin/tags/delete", method="POST", answer=_delete, sets=_SETS),
    Endpoint(path="/cgi-bin/user/tag/get", method="POST", answer=_members, sets=_SETS),
    Endpoint(path="/cgi-bin/tags/members/batchtagging", method="POST", answer=_tag_members, sets=_SETS),
    Endpoint(path="/cgi-bin/tags/members/batchuntagging", method="POST", answer=_untag_members, sets=_SETS),
    Endpoint(path="/cgi-bin/tags/getidlist", method="POST", answer=_tags_of, sets=_SETS),
    Endpoint(path="/cgi-bin/tags/members/getblacklist", method="POST", answer=_blacklist, sets=_SETS),
    Endpoint(path="/cgi-bin/tags/members/batchblacklist", method="POST", answer=_bar, sets=_SETS),
    Endpoint(path="/cgi-bin/tags/members/batchunblacklist", method="POST", answer=_unbar, sets=_SETS),
)
