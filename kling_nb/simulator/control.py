"""The simulator's own routes, for tests in another process: what shall go wrong, and what was asked.

======================================  ======================================================================
``POST /simulator/faults``              a `Fault` as JSON, or a list of them
``DELETE /simulator/faults``            let everything go well again
``GET /simulator/requests``             all requests so far: method, path, query, status; headers without the key
``GET /simulator/tasks``                all tasks so far: their ids, path and request, and what nobody knows of it
======================================  ======================================================================

They take the same key as the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from kling_nb.simulator.answers import plain
from kling_nb.simulator.faults import Fault, Faults
from kling_nb.simulator.recording import Asked
from kling_nb.simulator.refusals import Refused
from kling_nb.simulator.tasks import Task

__all__ = ["PATH", "control"]

PATH = "/simulator"
_KNOWN = {field.name for field in fields(Fault)}


async def control(request: Request, faults: Faults, requests: Sequence[Asked], tasks: Sequence[Task]) -> Response:
    """Answer one of the routes above.

    Raises
    ------
    Refused
        When there is no such route, or no such fault.
    """
    match request.method, request.path_params["path"].strip("/"):
        case "POST", "faults":
            faults.add(*_faults(await request.json()))
            return plain({"waiting": len(faults)})
        case "DELETE", "faults":
            faults.clear()
            return plain({"waiting": 0})
        case "GET", "requests":
            return plain([_without_key(asked) for asked in requests])
        case "GET", "tasks":
            names = ("task_id", "external_task_id", "path", "request", "created_at", "ignored", "callbacks")
            return plain([{name: getattr(task, name) for name in names} for task in tasks])
    raise Refused(1203, f"{request.method} {request.url.path} does not exist")


def _faults(given: Any) -> list[Fault]:
    made = []
    for one in given if isinstance(given, list) else [given]:
        if not isinstance(one, dict) or not {"where", "how"} <= one.keys() <= _KNOWN:
            raise Refused(1201, f"a fault has the fields where, how and perhaps {', '.join(sorted(_KNOWN))}")
        try:
            made.append(Fault(**one))
        except (ValueError, TypeError) as error:
            raise Refused(1201, str(error)) from None
    return made


def _without_key(asked: Asked) -> dict[str, Any]:
    told = asdict(asked)
    if "authorization" in asked.headers:
        told["headers"]["authorization"] = "***"
    return told
