"""The promises that every kind of channel keeps. `test_contract.py` runs them for each registered kind."""

import json
import re
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.connectors.content import CONTENT, Choice, Choices, Content, Location, News, Text
from moorage.connectors.contract import (
    AddressVerified,
    AnswersRequests,
    Connector,
    CustomerMessage,
    Inbound,
    RawRequest,
)
from moorage.connectors.failures import MalformedInput, Refused, UnsupportedInput
from moorage.connectors.manifest import Manifest
from moorage.connectors.registry import answering_power, media_power
from moorage.connectors.strings import LOCALES, read_strings
from moorage.core.errors import DomainError
from tests.connectors.samples import SAMPLES, KindSamples
from tests.connectors.tokens import NoTokens


def samples_of(connector: Connector) -> KindSamples:
    """Return the kind's samples; a kind without any fails by name."""
    kind = connector.manifest.kind
    if kind not in SAMPLES:
        pytest.fail(f"the kind {kind} has no samples in tests/connectors/samples.py")
    return SAMPLES[kind]


def received(connector: Connector, request: RawRequest) -> Inbound:
    samples = samples_of(connector)
    inbound = connector.receive(credentials=samples.credentials, request=request, now=samples.now)
    assert isinstance(inbound, Inbound)
    return inbound


def answering_powers(connector: Connector) -> list[AnswersRequests]:
    """Return the power to answer requests, or nothing for a kind that has none."""
    power = answering_power(connector)
    return [] if power is None else [power]


def beyond_limits(manifest: Manifest) -> list[Content]:
    """Return choices and cards that each go beyond one limit of the kind's, as far as it carries them."""
    contents: list[Content] = []
    if (most := manifest.choices) is not None:
        two = (Choice(id="1", text="one"), Choice(id="2", text="two"))
        contents += [
            Choices(text="Which?", items=tuple(Choice(id=str(n), text=str(n)) for n in range(most.most_items + 1))),
            Choices(text="Which?", items=(Choice(id="1", text="a" * (most.most_item_bytes + 1)),)),
            Choices(text="a" * (most.most_words_bytes + 1), items=two),
            Choices(text="Which?", items=two, tail="a" * (most.most_words_bytes + 1)),
        ]
    if (limits := manifest.news) is not None:
        url = "https://example.com/"
        contents += [
            News(title="a" * (limits.most_title_bytes + 1), url=url),
            News(title="a", description="a" * (limits.most_description_bytes + 1), url=url),
            News(title="a", url=url + "a" * limits.most_url_bytes),
        ]
    return contents


def words_of(error: DomainError) -> str:
    return f"{error} {error.details()}"


class ConnectorContract:
    """Run with a fixture `connector`."""

    def test_a_kind_brings_samples_of_what_customers_do(self, connector: Connector) -> None:
        assert len(samples_of(connector).pushes) >= 2

    def test_each_push_becomes_a_value_with_a_key_of_its_own(self, connector: Connector) -> None:
        pushes = samples_of(connector).pushes
        keys = {received(connector, request).once_key for request in pushes.values()}
        assert len(keys) == len(pushes)

    def test_a_redelivery_has_the_same_key_and_the_same_meaning(self, connector: Connector) -> None:
        samples = samples_of(connector)
        for request in samples.pushes.values():
            first, second = received(connector, request), received(connector, samples.again(request))
            assert first.once_key == second.once_key
            assert first.what == second.what

    def test_keys_fit_an_index(self, connector: Connector) -> None:
        for request in samples_of(connector).pushes.values():
            assert len(received(connector, request).once_key) <= 400

    def test_a_stored_body_is_read_again_as_it_was(self, connector: Connector) -> None:
        for request in samples_of(connector).pushes.values():
            inbound = received(connector, request)
            assert connector.replay(body=inbound.body) == replace(inbound, reply_context={}, uncovered=None, mode=None)

    def test_content_survives_the_database(self, connector: Connector) -> None:
        for request in samples_of(connector).pushes.values():
            match received(connector, request).what:
                case CustomerMessage(content=content):
                    assert CONTENT.validate_python(json.loads(CONTENT.dump_json(content))) == content
                case _:
                    continue

    def test_a_forged_push_is_refused(self, connector: Connector) -> None:
        samples = samples_of(connector)
        question = () if samples.verification is None else (samples.verification[0],)
        for request in (*samples.pushes.values(), *question):
            with pytest.raises(MalformedInput, match="invalid_signature"):
                connector.receive(credentials=samples.credentials, request=samples.forged(request), now=samples.now)

    def test_a_push_of_another_account_is_refused(self, connector: Connector) -> None:
        with pytest.raises(MalformedInput):
            received(connector, samples_of(connector).foreign)

    def test_a_push_of_another_time_is_refused(self, connector: Connector) -> None:
        with pytest.raises(MalformedInput, match="stale_timestamp"):
            received(connector, samples_of(connector).stale)

    def test_the_providers_question_is_answered_literally_where_it_asks_one(self, connector: Connector) -> None:
        samples = samples_of(connector)
        assert (samples.verification is not None) == connector.manifest.verifies_address
        for request, answer in [samples.verification] if samples.verification else []:
            verified = connector.receive(credentials=samples.credentials, request=request, now=samples.now)
            assert verified == AddressVerified(body=answer)

    def test_a_question_that_nobody_of_the_kind_asks_is_refused(self, connector: Connector) -> None:
        with pytest.raises(MalformedInput):
            received(connector, replace(samples_of(connector).answerable, method="GET", query={}))

    def test_a_truncated_or_oversized_push_is_refused_by_name(self, connector: Connector) -> None:
        request = samples_of(connector).answerable
        for body in (b"", request.body[:1], request.body[:-9], request.body[9:], b"<xml>" + b"x" * 10_000_000):
            with pytest.raises(MalformedInput):
                received(connector, replace(request, body=body))

    @settings(
        max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    )
    @given(body=st.binary(max_size=300), query=st.dictionaries(st.text(max_size=12), st.text(max_size=12)))
    def test_any_request_gives_a_value_or_a_named_error(
        self, connector: Connector, body: bytes, query: dict[str, str]
    ) -> None:
        samples = samples_of(connector)
        genuine = {name: value for name, value in samples.answerable.query.items() if name not in query}
        content_type = samples.answerable.content_type
        request = RawRequest(method="POST", query={**genuine, **query}, content_type=content_type, body=body)
        with suppress(MalformedInput, UnsupportedInput):
            connector.receive(credentials=samples.credentials, request=request, now=samples.now)
        with suppress(MalformedInput, UnsupportedInput):
            connector.replay(body=body)

    def test_errors_never_carry_credentials(self, connector: Connector) -> None:
        samples = samples_of(connector)
        with pytest.raises(MalformedInput) as caught:
            received(connector, samples.forged(samples.answerable))
        assert not any(value in words_of(caught.value) for value in samples.credentials.values() if len(value) > 6)

    def test_a_kind_answers_requests_if_its_manifest_says_so(self, connector: Connector) -> None:
        has_power = all(hasattr(connector, name) for name in ("passive_reply", "seal_reply"))
        assert has_power == connector.manifest.passive_reply == (answering_power(connector) is not None)

    def test_an_answer_differs_from_the_acknowledgement(self, connector: Connector) -> None:
        samples = samples_of(connector)
        inbound = received(connector, samples.answerable)
        for power in answering_powers(connector):
            reply = power.passive_reply(inbound=inbound, content=Text(text="ok"), now=samples.now)
            assert reply is not None
            sealed = power.seal_reply(
                credentials=samples.credentials, reply=reply, context=inbound.reply_context, now=samples.now
            )
            assert sealed.body
            assert connector.acknowledge().body != sealed.body

    def test_a_text_one_byte_too_long_is_no_passive_reply(self, connector: Connector) -> None:
        samples = samples_of(connector)
        inbound = received(connector, samples.answerable)
        long = Text(text="a" * (connector.manifest.max_text_bytes + 1))
        for power in answering_powers(connector):
            assert power.passive_reply(inbound=inbound, content=long, now=samples.now) is None

    async def test_a_text_one_byte_too_long_is_refused_before_it_is_sent(self, connector: Connector) -> None:
        long = Text(text="字" * (connector.manifest.max_text_bytes // 3 + 1))
        with pytest.raises(Refused, match="too_long"):
            await NoTokens(samples_of(connector).credentials).send(connector, long)

    async def test_nothing_and_what_the_kind_cannot_carry_are_refused_before_they_are_sent(
        self, connector: Connector
    ) -> None:
        unsendable = Location(latitude=31.23, longitude=121.47)
        assert unsendable.type not in connector.manifest.sendable
        for content, reason in ((Text(text=" \n"), "empty"), (unsendable, "kind_not_sendable")):
            with pytest.raises(Refused, match=reason):
                await NoTokens(samples_of(connector).credentials).send(connector, content)

    async def test_choices_and_cards_one_byte_too_long_are_refused_before_they_are_sent(
        self, connector: Connector
    ) -> None:
        for content in beyond_limits(connector.manifest):
            with pytest.raises(Refused, match="too_long"):
                await NoTokens(samples_of(connector).credentials).send(connector, content)

    def test_limits_and_fields_of_the_manifest_make_sense(self, connector: Connector) -> None:
        manifest = connector.manifest
        assert "text" in manifest.sendable
        assert manifest.account_field in {field.name for field in manifest.credential_fields}
        assert "{external_id}" in manifest.push_path
        assert manifest.sendable_media.keys() <= manifest.sendable
        assert manifest.fetchable_media.keys() == set() or media_power(connector) is not None
        assert manifest.default_preset is None or manifest.default_preset in manifest.budget_presets
        assert manifest.sendable_media.keys() == manifest.sendable - {"text", "choices", "news"}
        assert ("choices" in manifest.sendable) == (manifest.choices is not None)
        assert ("news" in manifest.sendable) == (manifest.news is not None)
        assert all(
            one.most_bytes > 0 and bool(one.media_types) == (kind != "file")
            for kind, one in manifest.sendable_media.items()
        )
        assert bool(manifest.fetchable_media) == (media_power(connector) is not None)
        assert not manifest.fetchable_media or manifest.media_kept_for > timedelta()
        for rules in manifest.budget_presets.values():
            assert all(rule.most > 0 and timedelta() <= rule.ends_early < rule.lasts for rule in rules.values())
        for field in (*manifest.credential_fields, *manifest.optional_credential_fields):
            assert re.fullmatch(field.pattern, field.example), field.name
            assert field.default is None or re.fullmatch(field.pattern, field.default), field.name
        assert {field.name for field in manifest.credential_fields} <= samples_of(connector).credentials.keys()

    def test_every_text_exists_in_each_language(self, connector: Connector) -> None:
        manifest = connector.manifest
        words = read_strings(manifest.kind)
        fields = (*manifest.credential_fields, *manifest.optional_credential_fields)
        wanted = {f"field.{field.name}.{part}" for field in fields for part in ("label", "help", "mismatch")}
        for locale in LOCALES:
            assert wanted | {"kind"} <= words[locale].keys()
            assert words[locale].keys() == words[LOCALES[0]].keys()
            assert all(text.strip() for text in words[locale].values())
