"""The ASGI application: Kling's paths at both prefixes, its media, and the simulator's own routes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from kling_nb.simulator.access import Access
from kling_nb.simulator.account import KEPT, Account
from kling_nb.simulator.answers import faulty, good, refusal
from kling_nb.simulator.callbacks import Callbacks
from kling_nb.simulator.control import PATH, control
from kling_nb.simulator.faults import Fault, Faults
from kling_nb.simulator.inputs import Inputs
from kling_nb.simulator.intake import Intake
from kling_nb.simulator.recording import Asked, Recorded
from kling_nb.simulator.refusals import GatewayRefused, Refused
from kling_nb.simulator.rules import JSON
from kling_nb.simulator.studio import Studio
from kling_nb.simulator.tasks import Clock, Task, Tasks, milliseconds
from kling_nb.simulator.workflows import CALLS, LISTS, WORKFLOWS

__all__ = ["GATEWAY", "NATIVE", "Kling"]

GATEWAY, NATIVE = "/kling/v1", "/v1"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_LARGEST_PAGE = {"general/custom-voices": 1000, "general/presets-voices": 1000}  # elsewhere it is 500
_COSTS_EVERY = 1.0  # seconds between two looks at the account's costs
_ENOUGH = 10_000.0  # units that an account is said to have bought when it may spend as much as it likes


class Kling:
    """Kling itself: takes requests, follows tasks by the clock, and serves what was made.

    Parameters
    ----------
    access
        Who may ask.
    clock
        What time it is.
    tasks, studio, faults
        What was taken in, where it is made, and what shall go wrong.
    origin
        Scheme, host and port at which it is reached.
    """

    def __init__(self, access: Access, clock: Clock, tasks: Tasks, studio: Studio, faults: Faults, origin: str) -> None:
        self._access, self._clock, self._studio, self._faults, self._origin = access, clock, studio, faults, origin
        self.tasks = tasks
        self.requests: list[Asked] = []
        self._account = Account(tasks, clock, f"{origin}/media")
        self._intake = Intake(self._account, Inputs(studio.folder, self._own), studio)
        self._callbacks = Callbacks(self._tell)
        self._presets = studio.new_folder()
        self._costs_asked = 0.0

    def application(self) -> ASGIApp:
        """The ASGI application."""
        app = Starlette(
            routes=[
                Route("/media/{shelf}/{name}", self._media, methods=["GET"]),
                Route(GATEWAY + "/{path:path}", self._at(native=False), methods=_METHODS),
                Route(NATIVE + "/{path:path}", self._at(native=True), methods=_METHODS),
                Route("/account/costs", self._at(native=True), methods=["GET"]),
                Route(PATH + "/{path:path}", self._control, methods=_METHODS),
                Route("/{path:path}", self._nowhere, methods=_METHODS),
            ]
        )
        return Recorded(app, self.requests)

    def _at(self, *, native: bool) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                self._access.check(request.headers.get("authorization"), native=native, now=self._clock())
                return await self._answer(request, native=native)
            except Refused as refused:
                return refusal(refused if native else refused.by_gateway())

        return answer

    async def _answer(self, request: Request, *, native: bool) -> Response:
        path = request.path_params.get("path", "").rstrip("/")
        above, last = _split(path)
        match request.method:
            case "POST" if path in WORKFLOWS or path in CALLS:
                return await self._post(request, path, native=native)
            case "GET" if path in WORKFLOWS and not WORKFLOWS[path].at_once:
                return self._list(request, path)
            case "GET" if path in LISTS:
                return await self._preset(request, path)
            case "GET" if above in WORKFLOWS and not WORKFLOWS[above].at_once:
                return self._query(above, last, native=native)
            case "GET" if not path:
                return good(self._costs(request))
        if path in WORKFLOWS or path in CALLS or above in WORKFLOWS:
            raise Refused(1202, f"method {request.method} is not supported here")
        raise Refused(1203, f"{request.url.path} does not exist") if native else _no_route(request)

    # Making

    async def _post(self, request: Request, path: str, *, native: bool) -> Response:
        fault = self._faults.take("create")
        failure = (fault.message or "simulated failure") if fault and fault.how == "failed" else None
        if fault is not None and failure is None:
            if fault.processed:
                await self._make(request, path, native=native)
            return faulty(fault)
        return good(await self._make(request, path, native=native, failure=failure))

    async def _make(self, request: Request, path: str, *, native: bool, failure: str | None = None) -> JSON:
        body = await request.body()
        if path in CALLS:
            return await self._intake.call(CALLS[path], body)
        task = await self._intake.task(WORKFLOWS[path], body, native=native, failure=failure)
        if url := task.body.get("callback_url"):
            self._callbacks.follow(task, url)
        if not WORKFLOWS[path].at_once:
            return task.acknowledged()
        await asyncio.wait([asyncio.wrap_future(task.made)])
        return self._tell(task)

    # Telling

    def _tell(self, task: Task) -> JSON:
        return task.told(self._clock(), f"{self._origin}/media")

    def _query(self, path: str, task_id: str, *, native: bool) -> Response:
        fault, task = self._faults.take("query"), self.tasks.find(task_id, path)
        if task is not None and task.task_id != task_id and not WORKFLOWS[path].by_own_id:
            task = None
        if fault is not None and not (fault.how == "unknown-status" and task):
            return faulty(fault)
        if task is None:
            raise Refused(1203, "task not found") if native else _no_task()
        told = self._tell(task)
        return good(told | {"task_status": "reviewing", "task_result": {}} if fault else told, fault)

    def _list(self, request: Request, path: str) -> Response:
        if fault := self._faults.take("list"):
            return faulty(fault)
        return good([self._tell(task) for task in self.tasks.page(path, *_page(request, path))])

    async def _preset(self, request: Request, path: str) -> Response:
        number, size = _page(request, path)
        where = self._account.shelve(self._presets)
        listed = await asyncio.to_thread(LISTS[path], self._account, self._presets, where)
        return good(listed[(number - 1) * size : number * size])

    def _costs(self, request: Request) -> JSON:
        for name in ("start_time", "end_time"):
            if not request.query_params.get(name, "").isdigit():
                raise Refused(1201, f"{name} must be a Unix time in ms")
        now, before = self._clock(), self._costs_asked
        self._costs_asked = now
        if now - before < _COSTS_EVERY:
            raise Refused(1302, "the account's costs may be asked for once a second")
        bought, spent = self.tasks.units or _ENOUGH, self.tasks.spent
        pack = {
            "resource_pack_name": "SIMULATED - video, image and audio",
            "resource_pack_id": "simulated",
            "resource_pack_type": "decreasing_total",
            "total_quantity": bought,
            "remaining_quantity": bought - spent,
            "purchase_time": 0,
            "effective_time": 0,
            "invalid_time": milliseconds(now + KEPT),
            "status": "online" if bought > spent else "runOut",
        }
        wanted = request.query_params.get("resource_pack_name") in (None, "", pack["resource_pack_name"])
        return {"code": 0, "msg": "SUCCEED", "resource_pack_subscribe_infos": [pack] if wanted else []}

    # Media

    async def _media(self, request: Request) -> Response:
        if "authorization" in request.headers:
            # A storage host whose links are signed refuses a second way to log in; and no key belongs here.
            return Response("Only one auth mechanism allowed", 400, media_type="text/plain")
        fault = self._faults.take("media")
        file, made_at = self._file(request.path_params["shelf"], request.path_params["name"])
        if file is None:
            answer = Response("no such file", 404, media_type="text/plain")
        elif self._clock() > made_at + KEPT:
            answer = faulty(Fault("media", "expired"))
        else:
            answer = FileResponse(file)
        return answer if fault is None else faulty(fault, answer)

    def _file(self, shelf: str, name: str) -> tuple[Path | None, float]:
        """A file that is served, and when it was made; a name is never looked up, only compared."""
        if task := self.tasks.find(shelf):
            done = task.made.done() and not task.made.cancelled() and not task.made.exception()
            files = [file for made in task.made.result() for file in made.files.values()] if done else []
            at = task.created_at / 1000
        else:
            folder, at = self._account.shelves.get(shelf, (None, 0.0))
            files = list(folder.iterdir()) if folder else []
        return next((file for file in files if file.name == name), None), at

    def _own(self, url: str) -> Path | None:
        """The file behind a URL of the simulator's own media."""
        split = urlsplit(url)
        here = urlsplit(self._origin)
        parts = split.path.split("/")
        if split.port != here.port or len(parts) != 4 or parts[1] != "media":
            return None
        return self._file(parts[2], parts[3])[0]

    # All else

    async def _control(self, request: Request) -> Response:
        try:
            self._access.check(request.headers.get("authorization"), native=True, now=self._clock())
            return await control(request, self._faults, self.requests, self.tasks.all)
        except Refused as refused:
            return refusal(refused)

    async def _nowhere(self, request: Request) -> Response:
        return refusal(_no_route(request))


def _split(path: str) -> tuple[str, str]:
    """The workflow that a path leads into, and the id after it, which may have slashes of its own; empty for none."""
    steps = path.split("/")
    for count in range(len(steps) - 1, 0, -1):
        if (above := "/".join(steps[:count])) in WORKFLOWS:
            return above, "/".join(steps[count:])
    return "", ""


def _page(request: Request, path: str) -> tuple[int, int]:
    """Number and size of the page that is asked for."""
    found = []
    for name, otherwise, most in (("pageNum", 1, 1000), ("pageSize", 30, _LARGEST_PAGE.get(path, 500))):
        given = request.query_params.get(name, str(otherwise))
        if not (given.isascii() and given.isdigit() and len(given) < 5) or not 1 <= int(given) <= most:
            raise Refused(1201, f"{name} value '{given:.20}' is invalid, must be from 1 to {most}")
        found.append(int(given))
    return found[0], found[1]


def _no_route(request: Request) -> GatewayRefused:
    where = f"{request.method} {request.url.path}"
    return GatewayRefused(404, f"Invalid URL ({where})", kind="invalid_request_error")


def _no_task() -> GatewayRefused:
    return GatewayRefused(400, "task_not_exist", code="task_not_exist", kind="task")
