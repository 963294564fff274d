"""The signed link: its canonical form, and what is not accepted. The vector is the one in the documents."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage.customers.identity_links import (
    LONGEST_LIFE,
    IdentityLinkRefused,
    canonical,
    read_link,
    sign,
)

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SECRET = "vGf3kX0m2ZqY8s1LwR7tUoPcNbJhD4eA9iQxKyMzTlE"
VECTOR = {"user": "u-1001", "expires": "1795523400", "name": "王 小美", "level": "gold & vip~"}

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True).filter(
    lambda name: name not in {"user", "expires", "customer", "signature"}
)


def a_link(**changed: str) -> dict[str, str]:
    expires = int((NOW + timedelta(minutes=10)).timestamp())
    parameters = {"user": "u-1001", "expires": str(expires), **changed}
    return {**parameters, "signature": sign(parameters, secret=SECRET)}


def reason_of(parameters: list[tuple[str, str]], *secrets: str, now: datetime = NOW) -> str:
    with pytest.raises(IdentityLinkRefused) as refused:
        read_link(parameters, secrets=secrets or (SECRET,), allowed={"name"}, now=now)
    return refused.value.reason


def test_the_documents_example_is_true() -> None:
    assert canonical(VECTOR) == (
        "expires=1795523400&level=gold%20%26%20vip~&name=%E7%8E%8B%20%E5%B0%8F%E7%BE%8E&user=u-1001"
    )
    assert sign(VECTOR, secret=SECRET) == "62137e27c042f0fcdb4d6d9480152971de10028906b1ee4c8a0f69761e6c3182"


@given(st.dictionaries(names, texts, max_size=6), st.sampled_from([quote, quote_plus]))
def test_a_link_says_what_was_signed_however_its_query_was_spelt(attributes: dict[str, str], spell: object) -> None:
    assert callable(spell)
    link = a_link(**attributes)
    query = "&".join(f"{spell(name)}={spell(value)}" for name, value in reversed(list(link.items())))
    read = read_link(parse_qsl(query, keep_blank_values=True), secrets=[SECRET], allowed=set(attributes), now=NOW)
    assert read.user_id == "u-1001"
    assert set(read.attributes) <= set(attributes)
    for name, value in read.attributes.items():
        assert value in "".join(one if one.isprintable() else " " for one in attributes[name])


@given(st.dictionaries(names, texts, min_size=1, max_size=4), st.data())
def test_a_link_that_was_changed_anywhere_is_refused(attributes: dict[str, str], data: st.DataObject) -> None:
    link = a_link(**attributes)
    name = data.draw(st.sampled_from(sorted(link)))
    other = data.draw(texts.filter(lambda value: value != link[name]))
    assert reason_of(list({**link, name: other}.items())) == "invalid"


@given(st.lists(st.tuples(texts, texts), max_size=8))
def test_any_parameters_are_a_link_or_refused(parameters: list[tuple[str, str]]) -> None:
    assert reason_of(parameters) in {"invalid", "incomplete", "expired", "lasts_too_long"}


@given(st.dictionaries(names, texts, max_size=4), st.dictionaries(names, texts, max_size=4))
def test_two_links_that_say_different_things_never_share_a_canonical_form(
    one: dict[str, str], other: dict[str, str]
) -> None:
    assert (canonical(one) == canonical(other)) == (one == other)


def test_what_is_wrong_with_a_link_is_told_apart() -> None:
    assert reason_of([*a_link().items(), ("user", "u-2")]) == "invalid"
    assert reason_of(list(a_link().items()), "another secret") == "invalid"
    assert reason_of([]) == "invalid"
    assert reason_of(list(a_link().items()), now=NOW + timedelta(minutes=10)) == "expired"
    late = str(int((NOW + LONGEST_LIFE + timedelta(seconds=1)).timestamp()))
    assert reason_of(list(a_link(expires=late).items())) == "lasts_too_long"
    assert reason_of(list(a_link(user=" ").items())) == "incomplete"
    assert reason_of(list(a_link(expires="soon").items())) == "incomplete"


def test_both_secrets_count_while_one_is_being_exchanged() -> None:
    link = read_link(list(a_link().items()), secrets=["the new one", SECRET], allowed=set(), now=NOW)
    assert link.user_id == "u-1001"


def test_what_the_channel_does_not_allow_is_left_out() -> None:
    link = read_link(list(a_link(name="小美", phone="1").items()), secrets=[SECRET], allowed={"name"}, now=NOW)
    assert link.attributes == {"name": "小美"}
