"""A call to a provider fails knowing whether the request left this machine."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from moorage.infra.http_client import LARGEST_ANSWER_BYTES, CallFailed, call, open_provider_client

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _provider(answer: Answer) -> AsyncGenerator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answer(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _call(url: str, *, within_s: float = 5.0) -> httpx.Response:
    async with open_provider_client() as client:
        request = client.build_request("POST", url, params={"access_token": "hidden"}, json={"a": 1})
        return await call(client, request, deadline=asyncio.get_running_loop().time() + within_s)


def _saying(raw: bytes) -> Answer:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return answer


async def test_an_answer_of_any_status_is_handed_on() -> None:
    async with _provider(_saying(b"HTTP/1.1 503 x\r\nContent-Length: 2\r\n\r\nhi")) as url:
        response = await _call(url)
    assert (response.status_code, response.text) == (503, "hi")


async def test_a_redirect_is_not_followed() -> None:
    async with _provider(
        _saying(b"HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    ) as url:
        assert (await _call(url)).status_code == 302


async def test_a_refused_connection_wrote_nothing() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(CallFailed) as caught:
            await _call(f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert caught.value.written is False


async def test_a_cut_connection_may_have_been_heard() -> None:
    async with _provider(_saying(b"")) as url:
        with pytest.raises(CallFailed) as caught:
            await _call(url)
    assert caught.value.written is True


async def test_silence_until_the_deadline_may_have_been_heard() -> None:
    released = asyncio.Event()

    async def say_nothing(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await released.wait()

    async with _provider(say_nothing) as url:
        with pytest.raises(CallFailed) as caught:
            await _call(url, within_s=0.1)
        released.set()
    assert (caught.value.written, caught.value.detail) == (True, "deadline")


async def test_an_endless_answer_is_cut_off() -> None:
    endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(LARGEST_ANSWER_BYTES + 1)
    async with _provider(_saying(endless)) as url:
        with pytest.raises(CallFailed) as caught:
            await _call(url)
    assert caught.value.detail == "answer_too_large"


async def test_a_failure_shows_neither_address_nor_token() -> None:
    async with _provider(_saying(b"nonsense\r\n\r\n")) as url:
        with pytest.raises(CallFailed) as caught:
            await _call(url)
    assert "hidden" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


class _LostAtOnce(httpx.AsyncBaseTransport):
    """The other side closes between accepting and the first look at the connection, as the real transport tells it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise AttributeError("'NoneType' object has no attribute 'getpeername'")


async def test_connection_lost_before_it_was_looked_at_has_written_nothing() -> None:
    async with httpx.AsyncClient(transport=_LostAtOnce()) as client:
        deadline = asyncio.get_running_loop().time() + 5
        with pytest.raises(CallFailed) as failed:
            await call(client, client.build_request("GET", "http://127.0.0.1:9"), deadline=deadline)
    assert (failed.value.written, failed.value.detail) == (False, "lost_while_connecting")
