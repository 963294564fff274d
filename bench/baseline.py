"""The least that a server for WeChat's pushes can do: verify, decrypt, parse, commit one row, say `success`.

Same server, driver, pool and parsing as ours, and nothing else of what ours does. `bench.ingest` runs it as a process.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl

import uvicorn
from psycopg_pool import AsyncConnectionPool
from starlette.types import Message, Receive, Scope, Send

from moorage.connectors.wechat_oa import crypto
from moorage.connectors.wechat_oa.fields import read_fields, sealed_part
from moorage.infra.pool import open_pool

TABLE = "CREATE TABLE bench_rows (id bigserial PRIMARY KEY, once_key text UNIQUE, body bytea NOT NULL)"
GRANT = "GRANT INSERT, SELECT ON bench_rows TO moorage_app; GRANT USAGE ON bench_rows_id_seq TO moorage_app"
HEADERS = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"7")]


class Baseline:
    """An ASGI application without framework and middleware."""

    def __init__(self, *, url: str, pool_size: int, token: str, aes_key: str, appid: str) -> None:
        self._url, self._pool_size = url, pool_size
        self._token, self._key, self._appid = token, crypto.decode_aes_key(aes_key), appid
        self._pool: AsyncConnectionPool | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the process."""
        if scope["type"] == "lifespan":
            async with self._open(receive, send):
                return
        query = dict(parse_qsl(scope["query_string"].decode()))
        body = await _body(receive)
        encrypt = sealed_part(body)
        expected = crypto.sign_message(
            token=self._token, timestamp=query["timestamp"], nonce=query["nonce"], encrypt=encrypt
        )
        crypto.check_signature(expected=expected, given=query["msg_signature"])
        opened = crypto.unseal(encrypt, key=self._key, appid=self._appid)
        fields = read_fields(opened)
        await self._commit(f"{fields['FromUserName']}:{fields['MsgId']}", opened)
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": b"success"})

    async def _commit(self, once_key: str, body: bytes) -> None:
        assert self._pool is not None
        async with self._pool.connection() as connection:
            await connection.execute(
                "INSERT INTO bench_rows (once_key, body) VALUES (%s, %s) ON CONFLICT DO NOTHING", [once_key, body]
            )

    @asynccontextmanager
    async def _open(self, receive: Receive, send: Send) -> AsyncGenerator[None]:
        await receive()
        async with await open_pool(self._url, size=self._pool_size) as self._pool:
            await send({"type": "lifespan.startup.complete"})
            await receive()
            yield
        await send({"type": "lifespan.shutdown.complete"})


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message: Message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return body


def main() -> None:
    """Serve, with what `bench.ingest` put into the environment."""
    application = Baseline(
        url=os.environ["MOORAGE_DATABASE_URL"],
        pool_size=int(os.environ.get("MOORAGE_POOL_SIZE", "10")),
        token=os.environ["BENCH_TOKEN"],
        aes_key=os.environ["BENCH_AES_KEY"],
        appid=os.environ["BENCH_APPID"],
    )
    port = int(os.environ["MOORAGE_PORT"])
    uvicorn.run(application, host="127.0.0.1", port=port, log_config=None, access_log=False, server_header=False)


if __name__ == "__main__":
    main()
