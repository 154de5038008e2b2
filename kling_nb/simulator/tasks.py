"""Tasks by the clock: submitted, processing, then succeed or failed; never before their files are there."""

from __future__ import annotations

import math
import random
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from kling_nb.simulator.models import VIDEO
from kling_nb.simulator.refusals import Refused
from kling_nb.simulator.rules import JSON
from kling_nb.simulator.studio import Made

__all__ = ["Clock", "RenderTimes", "Task", "Tasks"]

Clock = Callable[[], float]  # seconds since 1970

_MEDIAN = 90.0  # seconds for a 5 s video of v1 in std; people report 1 to 6 min
_SPREAD = 0.35  # standard deviation of the logarithm
_QUEUED = 0.12  # share of the time that a task is only submitted


class RenderTimes:
    """Seconds that tasks take, drawn from a log-normal distribution: the same ones for the same seed, in order."""

    def __init__(self, speed: float, seed: int | None) -> None:
        self._speed = speed
        self._dice = random.Random(seed)

    def draw(self, body: JSON) -> float:
        """Seconds for one task."""
        model, mode = str(body.get("model_name", "")), body.get("mode")
        median = _MEDIAN * (float(body.get("duration") or 5) / 5) ** 0.8
        median *= 1.5 if mode == "pro" else 1.0
        median *= 2.0 if model.endswith("master") else 1.0
        return self._dice.lognormvariate(math.log(median), _SPREAD) / self._speed


@dataclass(slots=True)
class Task:
    """One task that was accepted.

    Attributes
    ----------
    task_id, external_task_id
        Kling's id and its owner's.
    path
        Of its workflow, such as ``videos/text2video``.
    request
        The JSON body as it came.
    created_at
        Unix time in ms, as on the wire.
    ignored
        Names of fields in the request that Kling does not know, and ignores.
    """

    task_id: str
    external_task_id: str | None
    path: str
    request: JSON
    created_at: int
    ignored: list[str]
    made: Future[list[Made]] = field(repr=False)
    takes: float  # seconds
    units: float
    failure: str | None = None
    ready: float = math.inf  # seconds since 1970 at which its files were there
    info: JSON = field(default_factory=dict)

    def told(self, now: float, base: str) -> JSON:
        """The task as Kling describes it at this moment; `base` leads to its media."""
        begun = self.created_at / 1000
        end = max(begun + self.takes, self.ready)
        told: JSON = {"task_id": self.task_id, "task_info": self._info(), "created_at": self.created_at}
        if now < begun + self.takes * _QUEUED:
            return told | {"task_status": "submitted", "task_result": {}, "updated_at": self.created_at}
        if now < end:
            since = begun + self.takes * _QUEUED
            return told | {"task_status": "processing", "task_result": {}, "updated_at": _ms(since)}
        told["updated_at"] = _ms(end)
        if reason := self.failure or self._broken():
            return told | {"task_status": "failed", "task_status_msg": reason, "task_result": {}}
        return told | {
            "task_status": "succeed",
            "task_status_msg": "",
            "task_result": self._result(base),
            "final_unit_deduction": f"{self.units:g}",
        }

    def acknowledged(self) -> JSON:
        """The task as the answer to its creation tells it."""
        return {
            "task_id": self.task_id,
            "task_status": "submitted",
            "task_info": self._info(),
            "created_at": self.created_at,
            "updated_at": self.created_at,
        }

    def _info(self) -> JSON:
        own = {"external_task_id": self.external_task_id} if self.external_task_id else {}
        return self.info | own

    def _broken(self) -> str | None:
        error = self.made.exception() if self.made.done() and not self.made.cancelled() else None
        return f"the simulator could not render it: {error}" if error else None

    def _result(self, base: str) -> JSON:
        videos = [
            {
                "id": f"{self.task_id}{number}",
                "url": f"{base}/{self.task_id}/{made.file.name}",
                "duration": f"{made.seconds:.3f}".rstrip("0").rstrip("."),
            }
            for number, made in enumerate(self.made.result())
        ]
        return {"videos": videos}


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def units(body: JSON) -> float:
    """What a task costs, in Kling's units."""
    model = VIDEO[body["model_name"]]
    price = model.units[body["mode"] == "pro"] * float(body["duration"]) / 5
    return price * 2 if body.get("sound") == "on" else price


class Tasks:
    """All tasks of the account, in order."""

    def __init__(self, clock: Clock, times: RenderTimes) -> None:
        self._clock, self._times = clock, times
        self._lock = threading.Lock()
        self.all: list[Task] = []
        self._by_id: dict[str, Task] = {}

    def refuse_double(self, external_task_id: str | None) -> None:
        """Refuse an id that a task of the account has already."""
        if external_task_id is not None and external_task_id in self._by_id:
            raise Refused(1201, f"external_task_id {external_task_id!r:.140} already exists, it must be unique")

    def add(
        self, body: JSON, request: JSON, path: str, ignored: list[str], made: Future[list[Made]], **more: Any
    ) -> Task:
        """Take one task in; from here on it costs."""
        with self._lock:
            own = request.get("external_task_id")
            self.refuse_double(own)
            task = Task(
                task_id=f"8{secrets.randbelow(10**17):017}",
                external_task_id=own,
                path=path,
                request=request,
                created_at=_ms(self._clock()),
                ignored=ignored,
                made=made,
                takes=self._times.draw(body),
                units=units(body),
                **more,
            )
            self.all.append(task)
            self._by_id[task.task_id] = task
            if own is not None:
                self._by_id[own] = task
        made.add_done_callback(lambda _: setattr(task, "ready", self._clock()))
        return task

    def find(self, task_id: str, path: str | None = None) -> Task | None:
        """A task by Kling's id or its owner's, on the path that made it."""
        task = self._by_id.get(task_id)
        return task if task is not None and path in (None, task.path) else None

    def page(self, path: str, number: int, size: int) -> list[Task]:
        """Tasks of one path, newest first."""
        mine = [task for task in reversed(self.all) if task.path == path]
        return mine[(number - 1) * size : number * size]
