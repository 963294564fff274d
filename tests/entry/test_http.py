"""Promises of the web process that no room makes alone."""

import re
from collections.abc import Iterator
from typing import cast
from uuid import UUID

import httpx
import pytest

from moorage.entry.http import create_app
from tests.entry.web import SignedIn, web_settings

GARBAGE = (
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe\x00",
    b'{"email": 1, "password": {}, "status": [], "kind": null, "version": "x", "seq": 1.5}',
    b'{"kind": "\\u0000", "name": "\\ud800", "credentials": {"appid": "\\u0000"}, "version": 1e400}',
    b'{"content": {"type": "text", "text": "\\u0000"}}',
    b'{"content": {"type": "text", "text": "\\ud83d"}}',
    b'{"content": {"type": "nothing"}}',
    b"[" * 50_000,
)
UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"
IDS = ("not-an-id", "%00", "%F0%28%8C%BC", "x" * 3000)


def operations() -> Iterator[tuple[str, str]]:
    """Yield every method and path of the API."""
    described = create_app(web_settings("postgresql://nowhere")).openapi()
    for path, methods in cast("dict[str, dict[str, object]]", described["paths"]).items():
        for method in methods:
            yield method.upper(), path


OPERATIONS = sorted(operations())


def is_problem(answer: httpx.Response) -> bool:
    return (
        answer.headers["content-type"] == "application/problem+json"
        and {"type", "title", "status", "code", "detail", "details"} <= answer.json().keys()
        and answer.json()["status"] == answer.status_code
    )


def test_every_operation_is_named_after_its_function_and_no_two_alike() -> None:
    described = create_app(web_settings("postgresql://nowhere")).openapi()
    methods = cast("dict[str, dict[str, dict[str, str]]]", described["paths"]).values()
    names = [operation["operationId"] for operations in methods for operation in operations.values()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z_]+", name) for name in names)


def test_every_answer_of_the_api_is_described() -> None:
    described = create_app(web_settings("postgresql://nowhere")).openapi()
    for path, method in ((path, method) for method, path in OPERATIONS):
        operation = described["paths"][path][method.lower()]
        for status, response in operation["responses"].items():
            if status == "default":
                assert list(response["content"]) == ["application/problem+json"]
            elif status != "204":
                assert all(content["schema"] for content in response["content"].values()), (method, path, status)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_garbage_is_answered_with_a_problem(owner: SignedIn, method: str, path: str) -> None:
    identifiers = IDS if "{" in path else IDS[:1]
    tries = [*((body, UNKNOWN_ID) for body in GARBAGE), *((b"{}", identifier) for identifier in identifiers)]
    for body, identifier in tries:
        address = re.sub(r"\{[^}]+\}", identifier, path)
        answer = await owner.client.request(method, address, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code < 500, (body, answer.text)
        assert answer.status_code < 400 or is_problem(answer), answer.text
        if answer.status_code < 400 and path == "/api/session" and method == "DELETE":
            return


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_strange_query_is_answered_with_a_problem_or_ignored(owner: SignedIn, method: str, path: str) -> None:
    if method != "GET":
        return
    address = re.sub(r"\{[^}]+\}", UNKNOWN_ID, path)
    for value in ("%00", "-1", "99999999999999999999", "%F0%28%8C%BC", "x" * 2000, ""):
        query = "&".join(f"{name}={value}" for name in ("cursor", "limit", "before", "scope", "state", "external_id"))
        answer = await owner.client.get(f"{address}?{query}")
        assert answer.status_code < 500, (value, answer.text)
        assert answer.status_code < 400 or is_problem(answer)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_nobody_is_told_anything_without_signing_in(client: httpx.AsyncClient, method: str, path: str) -> None:
    address = re.sub(r"\{[^}]+\}", UNKNOWN_ID, path)
    answer = await client.request(method, address, json={"email": "nobody@harbour.example", "password": "wrong one"})
    # Customers never sign in: they come with a link, and without one there is no such page, whatever is asked of it.
    assert answer.status_code in ((404, 422) if path.startswith("/api/pages/") else (401,))
    assert is_problem(answer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/nothing", 404), ("GET", "/api/", 404), ("GET", "/assets/missing.js", 404), ("POST", "/", 405)],
)
async def test_what_is_not_there_is_a_problem_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert is_problem(answer)


async def test_unsafe_request_without_its_token_is_refused(owner: SignedIn) -> None:
    answer = await owner.client.put("/api/me/status", json={"status": "busy"}, headers={"X-CSRF-Token": "guess"})
    assert (answer.status_code, answer.json()["code"]) == (403, "staff.wrong_csrf_token")


async def test_malformed_field_is_named(owner: SignedIn) -> None:
    answer = await owner.client.put("/api/me/status", json={"status": "asleep"})
    assert answer.status_code == 422
    assert answer.json()["code"] == "core.malformed"
    assert answer.json()["details"]["field"] == "status"


@pytest.mark.parametrize("chunked", [False, True])
async def test_huge_body_is_refused_before_it_is_read(owner: SignedIn, *, chunked: bool) -> None:
    body = b"x" * (10 * 1024 * 1024)

    async def pieces() -> object:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    content = pieces() if chunked else body
    answer = await owner.client.put("/api/me/status", content=content)  # type: ignore[arg-type] -- an async iterator is content too
    assert answer.status_code == 413
    assert answer.json()["code"] == "core.body_too_large"


async def test_every_answer_forbids_what_a_page_never_needs(client: httpx.AsyncClient) -> None:
    for path in ("/api/session", "/healthz", "/", "/api/nothing"):
        headers = (await client.get(path)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert "strict-transport-security" not in headers


async def test_answers_of_the_api_are_never_cached_and_carry_a_request_id(owner: SignedIn) -> None:
    answers = [await owner.client.get("/api/session") for _ in range(2)]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    ids = [UUID(answer.headers["x-request-id"]) for answer in answers]
    assert ids[0] != ids[1]


async def test_process_is_alive_and_ready(client: httpx.AsyncClient) -> None:
    assert (await client.get("/healthz")).json()["status"] == "ok"
    answer = await client.get("/readyz")
    assert answer.json() == {"status": "ok", "database": "ok", "migrations": "ok"}
    assert answer.status_code == 200
