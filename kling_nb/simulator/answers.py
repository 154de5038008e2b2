"""Answers over HTTP, good ones and those that a fault makes of them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from typing import Any

from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from kling_nb.simulator.faults import Fault
from kling_nb.simulator.refusals import GatewayRefused, Refused, code_of, request_id

__all__ = ["Connections", "faulty", "good", "plain", "refusal"]

_PAUSE = 0.1  # seconds between the pieces of a slow file
_PIECE = 65_536  # bytes of an endless file at a time


class Connections(H11Protocol):
    """HTTP over TCP as uvicorn does it; besides, an answer can cut the connection that it goes over."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._ends = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        _connections[self._ends] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _connections.pop(self._ends, None)
        super().connection_lost(exc)


_connections: dict[tuple[tuple[str, int], tuple[str, int]], asyncio.Transport] = {}
_LINGER = "hh" if os.name == "nt" else "ii"  # the two numbers of C's struct linger


def _connection(scope: Scope) -> asyncio.Transport:
    return _connections[tuple(scope["client"]), tuple(scope["server"])]


def plain(content: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON in ASCII, which can carry all that JSON can: half a surrogate pair has no form in UTF-8."""
    return Response(json.dumps(content), status, headers, media_type="application/json")


def good(data: object, fault: Fault | None = None) -> Response:
    """Kling's envelope around what was asked for; a fault may add when to ask again."""
    return plain({"code": 0, "message": "SUCCEED", "request_id": request_id(), "data": data}, headers=_hints(fault))


def refusal(refused: Refused, headers: dict[str, str] | None = None) -> Response:
    """A refusal in the envelope that belongs to it."""
    return plain(refused.body(), refused.status, headers)


def faulty(fault: Fault, answer: Response | None = None) -> Response:
    """What a fault makes of an answer; `answer` is the good one, where there is one."""
    headers = _hints(fault)
    match fault.how:
        case "status":
            message = fault.message or "simulated fault"
            if isinstance(fault.code, str):
                return refusal(GatewayRefused(fault.status, message, code=fault.code, kind="task"), headers)
            return refusal(Refused(fault.code or code_of(fault.status), message, fault.status), headers)
        case "html":
            title = f"{fault.status} {fault.message or 'Bad Gateway'}"
            page = f"<html><head><title>{title}</title></head>\r\n<body><center><h1>{title}</h1></center></body></html>"
            return HTMLResponse(page, fault.status, headers)
        case "malformed":
            return Response(b'{"code": 0, "message": "SUCCEED", "data": {"task_i', 200, headers, "application/json")
        case "hang":
            return _Hang()
        case "expired":
            page = "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
            return Response(page, 403, headers, "application/xml")
        case "endless":
            return _Endless(headers=headers, media_type="video/mp4")
        case "truncated" | "slow" if answer is not None:
            return _Hampered(answer, fault)
        case _:
            return _Reset()


def _hints(fault: Fault | None) -> dict[str, str]:
    return {"retry-after": fault.retry_after} if fault is not None and fault.retry_after is not None else {}


async def _gone(receive: Receive) -> None:
    """Wait until the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


class _Reset(Response):
    """No answer: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = _connection(scope)
        # Without lingering, closing a socket sends RST in place of FIN.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
        transport.abort()
        await _gone(receive)


class _Hang(Response):
    """No answer, for as long as the client waits."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _gone(receive)


class _Endless(Response):
    """Bytes without end and without a length."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.ensure_future(_gone(receive))
        while not gone.done():
            await send({"type": "http.response.body", "body": bytes(_PIECE), "more_body": True})
            await asyncio.sleep(0)


class _Hampered(Response):
    """A file that comes in small pieces with pauses between them, or only in part."""

    def __init__(self, answer: Response, fault: Fault) -> None:
        self._answer, self._fault = answer, fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left, cut = self._fault.after_bytes, False

        async def hampered(message: Any) -> None:
            nonlocal left, cut
            if message["type"] != "http.response.body":
                await send(message)
                return
            body, more = message["body"], message.get("more_body", False)
            if self._fault.how == "truncated":
                if cut:
                    return
                if left > 0:
                    await send(message | {"body": body[:left], "more_body": True})
                left -= len(body)
                if cut := left <= 0 or not more:
                    _connection(scope).close()
                return
            for start in range(0, max(1, len(body)), left):
                piece = body[start : start + left]
                await send({"type": "http.response.body", "body": piece, "more_body": more or start + left < len(body)})
                await asyncio.sleep(_PAUSE)

        await self._answer(scope, receive, hampered)
        if cut:
            await _gone(receive)
