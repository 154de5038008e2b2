"""The ASGI application: Kling's paths at both prefixes, its media, and the record of all that was asked."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kling_nb.simulator.access import Access
from kling_nb.simulator.answers import faulty, good, refusal
from kling_nb.simulator.faults import Fault, Faults
from kling_nb.simulator.inputs import fetch
from kling_nb.simulator.refusals import GatewayRefused, Refused
from kling_nb.simulator.rules import JSON, Reading
from kling_nb.simulator.studio import Order, Studio
from kling_nb.simulator.tasks import Clock, Task, Tasks
from kling_nb.simulator.workflows import WORKFLOWS, Workflow, unknown_model

__all__ = ["GATEWAY", "NATIVE", "Asked", "Kling"]

GATEWAY, NATIVE = "/kling/v1", "/v1"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_KEPT = 30 * 24 * 3600  # seconds that media stays, as at Kling


@dataclass(slots=True)
class Asked:
    """One request that came in.

    Attributes
    ----------
    method, path, query, headers
        As they came; the names of headers in lower case.
    status
        HTTP status of the answer; None when it was cut off or never given.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    status: int | None = None


class Kling:
    """Kling itself: takes requests, follows tasks by the clock, and serves what was made."""

    def __init__(self, access: Access, clock: Clock, tasks: Tasks, studio: Studio, faults: Faults) -> None:
        self.access, self.clock, self.tasks, self.studio, self.faults = access, clock, tasks, studio, faults
        self.requests: list[Asked] = []

    def application(self) -> ASGIApp:
        """The ASGI application."""
        app = Starlette(
            routes=[
                Route("/media/{task}/{name}", self._media, methods=["GET"]),
                Route(GATEWAY + "/{path:path}", self._gateway, methods=_METHODS),
                Route(NATIVE + "/{path:path}", self._native, methods=_METHODS),
                Route("/{path:path}", self._nowhere, methods=_METHODS),
            ]
        )
        return _Recorded(app, self.requests)

    async def _gateway(self, request: Request) -> Response:
        return await self._answer(request, native=False)

    async def _native(self, request: Request) -> Response:
        return await self._answer(request, native=True)

    async def _nowhere(self, request: Request) -> Response:
        return refusal(_no_route(request))

    async def _answer(self, request: Request, *, native: bool) -> Response:
        try:
            self.access.check(request.headers.get("authorization"), native=native, now=self.clock())
            path = request.path_params["path"]
            if request.method == "POST" and path in WORKFLOWS:
                return await self._create(request, WORKFLOWS[path], native)
            if request.method == "GET" and path in WORKFLOWS:
                return self._list(request, path)
            parent, _, task_id = path.rpartition("/")
            if request.method == "GET" and parent in WORKFLOWS:
                return self._query(request, parent, task_id, native)
            if path in WORKFLOWS or parent in WORKFLOWS:
                raise Refused(1202, f"method {request.method} is not allowed") if native else _no_route(request)
            raise Refused(1203, f"{request.url.path} does not exist") if native else _no_route(request)
        except Refused as refused:
            return refusal(refused)

    async def _create(self, request: Request, workflow: Workflow, native: bool) -> Response:
        fault = self.faults.take("create")
        if fault is None or fault.how == "failed":
            task = await self._accept(request, workflow, native, fault)
            return good(task.acknowledged())
        if fault.processed:
            await self._accept(request, workflow, native)
        return faulty(fault)

    async def _accept(self, request: Request, workflow: Workflow, native: bool, fault: Fault | None = None) -> Task:
        given = await _json(request)
        body = dict(workflow.defaults) | {name: value for name, value in given.items() if value is not None}
        name = body.setdefault("model_name", workflow.model)
        if name not in workflow.models:
            raise unknown_model(str(name)) if native else _no_model(str(name))
        reading = Reading()
        workflow.fields(body, "", reading)
        workflow.between(body)
        self.tasks.refuse_double(given.get("external_task_id"))
        pictures, digest = await self._look(reading)
        made = self.studio.begin(Order(workflow.path, body, pictures, digest))
        failure = (fault.message or "simulated failure") if fault else None
        return self.tasks.add(body, given, workflow.path, reading.ignored, made, failure=failure)

    async def _look(self, reading: Reading) -> tuple[dict[str, Image.Image], str]:
        """The media that a request brings along, and a digest of all of it."""
        pictures, digest = {}, hashlib.sha256()
        for where, (given, limits) in reading.media.items():
            data = await self._bytes(where, given)
            pictures[where] = await asyncio.to_thread(limits.look, where, data)
            digest.update(where.encode() + hashlib.sha256(data).digest())
        return pictures, digest.hexdigest()

    async def _bytes(self, where: str, given: str) -> bytes:
        return await fetch(where, given)

    def _query(self, request: Request, path: str, task_id: str, native: bool) -> Response:
        fault = self.faults.take("query")
        task = self.tasks.find(task_id, path)
        if fault is not None and not (fault.how == "unknown-status" and task):
            return faulty(fault)
        if task is None:
            raise (
                Refused(1203, "task not found")
                if native
                else GatewayRefused(400, "task_not_exist", code="task_not_exist", kind="task")
            )
        told = task.told(self.clock(), _media_base(request))
        return good(told | {"task_status": "reviewing", "task_result": {}} if fault else told)

    def _list(self, request: Request, path: str) -> Response:
        if fault := self.faults.take("list"):
            return faulty(fault)
        number = _whole(request, "pageNum", 1, 1000)
        size = _whole(request, "pageSize", 30, 500)
        now, base = self.clock(), _media_base(request)
        return good([task.told(now, base) for task in self.tasks.page(path, number, size)])

    async def _media(self, request: Request) -> Response:
        if "authorization" in request.headers:
            # A storage host that signs its links refuses a second way to log in; and no key belongs here.
            return Response("Only one auth mechanism allowed", 400, media_type="text/plain")
        fault, answer = self.faults.take("media"), self._file(request)
        return answer if fault is None else faulty(fault, answer)

    def _file(self, request: Request) -> Response:
        task = self.tasks.find(request.path_params["task"])
        if task is None or not task.made.done() or task.made.exception():
            return Response("no such file", 404, media_type="text/plain")
        if self.clock() > task.created_at / 1000 + _KEPT:
            return faulty(Fault("media", "expired"))
        for made in task.made.result():
            if made.file.name == request.path_params["name"]:
                return FileResponse(made.file)
        return Response("no such file", 404, media_type="text/plain")


def _media_base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}/media"


async def _json(request: Request) -> JSON:
    try:
        body: Any = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise Refused(1200, "request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise Refused(1200, "request body must be a JSON object")
    return body


def _whole(request: Request, name: str, otherwise: int, most: int) -> int:
    given = request.query_params.get(name, str(otherwise))
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given) <= most:
        raise Refused(1201, f"{name} value '{given:.20}' is invalid, must be from 1 to {most}")
    return int(given)


def _no_route(request: Request) -> GatewayRefused:
    where = f"{request.method} {request.url.path}"
    return GatewayRefused(404, f"Invalid URL ({where})", kind="invalid_request_error")


def _no_model(name: str) -> GatewayRefused:
    return GatewayRefused(503, f"No available channel for model {name:.80}", code="model_not_found")


class _Recorded:
    """Writes down what was asked and how it was answered, and signs every answer as simulated."""

    def __init__(self, app: ASGIApp, requests: list[Asked]) -> None:
        self._app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        asked = Asked(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)
        self._requests.append(asked)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                asked.status = message["status"]
                message["headers"] = [*message["headers"], (b"x-kling-simulator", b"1")]
            await send(message)

        await self._app(scope, receive, answer)
