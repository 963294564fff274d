"""The product-facing API: one pipeline for every call, whatever its endpoint."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from wechat_sandbox import identifiers, quotas
from wechat_sandbox.callers import Caller, admit, caller_of
from wechat_sandbox.calls import CallRecord
from wechat_sandbox.endpoints.call import Binary, Call, Endpoint, Form, JsonObject, UploadedFile
from wechat_sandbox.errors import ApiRefusal, not_in_whitelist
from wechat_sandbox.faults import FaultOrder
from wechat_sandbox.world import Sandbox

_LOGGED_CHARS = 4000
_MOST_BODY_BYTES = 64 * 1024 * 1024
_CONTENT_TYPE = "application/json; encoding=utf-8"
_WEB_CONTENT_TYPE = "text/plain"
"""What calls of web authorization, below `/sns`, call the same JSON."""


class CutOffResponse(Response):
    """Promises a body and closes the connection after half of what it has, which may be nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 (ASGI signature)
        """Send less than was promised; the server then closes the connection because the rest never came."""
        content = bytes(self.body)
        headers = [(b"content-type", _CONTENT_TYPE.encode()), (b"content-length", str(len(content) or 64).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if content:
            half = content[: len(content) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})


@dataclass(slots=True)
class _Trace:
    appid: str | None = None
    component: str | None = None
    errcode: int = 0
    rid: str = ""


@dataclass(frozen=True, slots=True)
class _Arrived:
    request: Request
    path: str
    raw: bytes
    form: Form


class ProductApi:
    """Answers calls the way WeChat does: status 200 and an error code for everything that is refused."""

    def __init__(self, *, sandbox: Sandbox, endpoints: Mapping[str, Endpoint]) -> None:
        self._sandbox = sandbox
        self._endpoints = endpoints

    async def answer(self, request: Request) -> Response:
        """Return the answer to one call, with the fault that was ordered for it."""
        started, at = time.monotonic(), self._sandbox.clock.now_s()
        if int(request.headers.get("content-length", "0")) > _MOST_BODY_BYTES:
            return PlainTextResponse("Request Entity Too Large", status_code=413)
        raw = await request.body()
        form = await _form_of(request)
        path = request.url.path
        fault = self._sandbox.faults.take(path=path)
        trace = _Trace()
        happens = fault is None or fault.applied or fault.kind in {"merge", "slow", "half_body"}
        arrived = _Arrived(request=request, path=path, raw=raw, form=form)
        body = self._respond(arrived, trace=trace) if happens else self._only_noted(arrived, trace=trace)
        response = (
            _response(body)
            if fault is None
            else await self._faulty(fault, body=body, trace=trace, client_ip=_client_ip(request))
        )
        if path.startswith("/sns/") and response.headers.get("content-type") == _CONTENT_TYPE:
            response.headers["content-type"] = _WEB_CONTENT_TYPE
        self._log(request, raw=raw, response=response, trace=trace, fault=fault, at=at, started=started)
        return response

    def _respond(self, arrived: _Arrived, *, trace: _Trace) -> JsonObject | Binary:
        try:
            return self._called(self._endpoint(arrived.path), arrived=arrived, trace=trace)
        except ApiRefusal as refusal:
            trace.errcode = refusal.errcode
            return self._error_body(refusal, trace=trace)

    def _only_noted(self, arrived: _Arrived, *, trace: _Trace) -> JsonObject:
        """Note whose call it is that goes no further, for the log and for who asks about it."""
        with suppress(ApiRefusal):
            endpoint = self._endpoint(arrived.path)
            if endpoint.auth != "none":
                self._caller(endpoint, arrived=arrived, trace=trace)
        return {}

    def _endpoint(self, path: str) -> Endpoint:
        endpoint = self._endpoints.get(path)
        if endpoint is None:
            raise ApiRefusal(40066)
        return endpoint

    def _called(self, endpoint: Endpoint, *, arrived: _Arrived, trace: _Trace) -> JsonObject | Binary:
        if endpoint.method == "GET" != arrived.request.method:
            raise ApiRefusal(43001)
        if endpoint.method == "POST" != arrived.request.method:
            raise ApiRefusal(43002)
        call = self._call(endpoint, arrived=arrived, trace=trace)
        if call.account is not None:
            quotas.count_call(call.account, path=arrived.path, now_s=call.now_s)
        try:
            return endpoint.answer(call)
        finally:
            self._note_caller(trace, appid=call.caller_appid)
            self._sandbox.keeper.changed()

    def _call(self, endpoint: Endpoint, *, arrived: _Arrived, trace: _Trace) -> Call:
        now_s = self._sandbox.clock.now_s()
        query = dict(arrived.request.query_params)
        client_ip = _client_ip(arrived.request)
        caller = Caller()
        if endpoint.auth != "none":
            caller = self._caller(endpoint, arrived=arrived, trace=trace)
            admit(caller, endpoint=endpoint, client_ip=client_ip)
        return Call(
            sandbox=self._sandbox,
            query=query,
            raw=arrived.raw,
            form=arrived.form,
            now_s=now_s,
            client_ip=client_ip,
            base_url=str(arrived.request.base_url).rstrip("/"),
            account=caller.account,
            component=caller.component,
            authorization=caller.authorization,
        )

    def _caller(self, endpoint: Endpoint, *, arrived: _Arrived, trace: _Trace) -> Caller:
        """Return whose token it is, and note it. Raises ApiRefusal."""
        query = dict(arrived.request.query_params)
        caller = caller_of(self._sandbox.state, query=query, endpoint=endpoint, now_s=self._sandbox.clock.now_s())
        trace.component = caller.component.appid if caller.component else None
        trace.appid = caller.account.appid if caller.account else trace.component
        return caller

    def _note_caller(self, trace: _Trace, *, appid: str | None) -> None:
        trace.appid = appid or trace.appid
        if appid in self._sandbox.state.components:
            trace.component = appid

    def _error_body(self, refusal: ApiRefusal, *, trace: _Trace) -> JsonObject:
        trace.rid = identifiers.new_request_id(now_s=self._sandbox.clock.now_s())
        return {"errcode": refusal.errcode, "errmsg": f"{refusal.errmsg} rid: {trace.rid}"}

    async def _faulty(self, fault: FaultOrder, *, body: JsonObject | Binary, trace: _Trace, client_ip: str) -> Response:
        match fault.kind:
            case "merge" | "slow" | "half_body":
                return await _spoilt(fault, body=body)
            case "errcode":
                trace.errcode = fault.errcode
                usual = not_in_whitelist(client_ip) if fault.errcode == 40164 else None
                return _response(self._error_body(ApiRefusal(fault.errcode, detail=fault.errmsg or usual), trace=trace))
            case "http500":
                return PlainTextResponse("Internal Server Error", status_code=fault.status)
            case "html":
                return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>")
            case "timeout" | "drop":
                await asyncio.sleep(fault.timeout_s if fault.kind == "timeout" else 0)
                return CutOffResponse()

    def _log(
        self,
        request: Request,
        *,
        raw: bytes,
        response: Response,
        trace: _Trace,
        fault: FaultOrder | None,
        at: float,
        started: float,
    ) -> None:
        cut = isinstance(response, CutOffResponse)
        self._sandbox.calls.add(
            CallRecord(
                call_id=self._sandbox.calls.next_id(),
                at=at,
                appid=trace.appid,
                component=trace.component,
                method=request.method,
                path=request.url.path,
                request=_logged(raw),
                status=None if cut else response.status_code,
                errcode=trace.errcode,
                answer="" if cut else _logged(bytes(response.body)),
                latency_ms=round((time.monotonic() - started) * 1000, 1),
                fault=fault.kind if fault else None,
                rid=trace.rid,
                query=request.url.query,
                client_ip=_client_ip(request),
            )
        )


async def _spoilt(fault: FaultOrder, *, body: JsonObject | Binary) -> Response:
    """Return the true answer changed, late or in half."""
    if fault.kind == "merge":
        return _response(body if isinstance(body, Binary) else body | fault.body)
    if fault.kind == "slow":
        await asyncio.sleep(fault.delay_s)
        return _response(body)
    return CutOffResponse(_response(body).body)


def _client_ip(request: Request) -> str:
    return request.client.host if request.client else "127.0.0.1"


def _logged(content: bytes) -> str:
    return content[: 4 * _LOGGED_CHARS].decode(errors="replace")[:_LOGGED_CHARS]


async def _form_of(request: Request) -> Form:
    """Return the multipart body, an empty form if there is none or it cannot be read."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return Form()
    try:
        async with request.form() as fields:
            # A part without a file name is no file to WeChat, which then calls the file missing.
            files = {
                name: UploadedFile(name=part.filename, media_type=part.content_type or "", content=await part.read())
                for name, part in fields.items()
                if isinstance(part, UploadFile) and part.filename
            }
            return Form(files=files, texts={name: part for name, part in fields.items() if isinstance(part, str)})
    except HTTPException:
        return Form()


def _response(body: JsonObject | Binary) -> Response:
    if isinstance(body, Binary):
        disposition = f'attachment; filename="{body.file_name}"'
        return Response(body.content, media_type=body.media_type, headers={"content-disposition": disposition})
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content=content, headers={"content-type": _CONTENT_TYPE})
