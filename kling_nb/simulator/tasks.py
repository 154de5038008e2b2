"""Tasks by the clock: submitted, processing, then succeed or failed; never before their files are there."""

from __future__ import annotations

import math
import random
import secrets
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from kling_nb.simulator.orders import Made
from kling_nb.simulator.refusals import Refused
from kling_nb.simulator.rules import JSON, given

__all__ = ["Clock", "Kind", "RenderTimes", "Task", "Tasks", "milliseconds"]

Clock = Callable[[], float]  # seconds since 1970
Kind = Literal["video", "image", "try-on", "audio", "library"]  # what tasks in flight are counted by

_SPREAD = 0.35  # standard deviation of the logarithm of render times
_QUEUED = 0.12  # share of the time that a task is only submitted


class RenderTimes:
    """Seconds that tasks take, drawn from a log-normal distribution: the same ones for the same seed, in order."""

    def __init__(self, speed: float, seed: int | None) -> None:
        self._speed = speed
        self._dice = random.Random(seed)

    def draw(self, median: float) -> float:
        """Seconds for one task."""
        return self._dice.lognormvariate(math.log(median), _SPREAD) / self._speed if median else 0.0


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
    takes
        Seconds from its creation to its end, unless its files need longer.
    units
        What it costs, in Kling's units.
    ignored
        Names of fields in the request that Kling does not know, and ignores.
    callbacks
        What became of its calls to ``callback_url``: the status told, and the HTTP status (or the trouble) of the call.
    """

    task_id: str
    external_task_id: str | None
    path: str
    request: JSON
    body: JSON = field(repr=False)  # the request with its defaults
    created_at: int
    takes: float
    units: float
    kind: Kind
    slots: int
    ignored: list[str]
    made: Future[list[Made]] = field(repr=False)
    info: JSON = field(default_factory=dict)
    failure: str | None = None
    callbacks: list[tuple[str, int | str]] = field(default_factory=list)
    ready: float = math.inf  # seconds since 1970 at which its files were there
    deleted: bool = False  # whether the voice or element that it made is gone

    @property
    def end(self) -> float:
        """Seconds since 1970 at which it ends; infinite while its files are not there."""
        return max(self.created_at / 1000 + self.takes, self.ready)

    def done(self, now: float) -> bool:
        """Whether it has ended."""
        return now >= self.end

    def told(self, now: float, origin: str) -> JSON:
        """The task as Kling describes it at this moment; `origin` leads to its media."""
        processing = self.created_at / 1000 + self.takes * _QUEUED
        told = self._head()
        if now < processing:
            return told | {"task_status": "submitted", "task_result": {}}
        if not self.done(now):
            return told | {"task_status": "processing", "task_result": {}, "updated_at": milliseconds(processing)}
        told["updated_at"] = milliseconds(self.end)
        if reason := self.failure or self._broken():
            return told | {"task_status": "failed", "task_status_msg": reason, "task_result": {}}
        told |= {
            "task_status": "succeed",
            "task_status_msg": "",
            "task_result": self._result(f"{origin}/{self.task_id}"),
        }
        return told | {"final_unit_deduction": f"{self.units:g}"}

    def acknowledged(self) -> JSON:
        """The task as the answer to its creation tells it."""
        told = self._head()
        told.pop("watermark_info", None)
        return told | {"task_status": "submitted"}

    def _head(self) -> JSON:
        own = {"external_task_id": self.external_task_id} if self.external_task_id else {}
        told: JSON = {"task_id": self.task_id, "task_info": self.info | own}
        told |= {"created_at": self.created_at, "updated_at": self.created_at}
        return told | {name: self.body[name] for name in given(self.body, "watermark_info")}

    def _broken(self) -> str | None:
        error = self.made.exception() if self.made.done() and not self.made.cancelled() else None
        return f"the simulator could not render it ({type(error).__name__}: {error})" if error else None

    def _result(self, origin: str) -> JSON:
        result: dict[str, list[JSON]] = {}
        for number, made in enumerate(self.made.result()):
            own: dict[str, JSON] = {
                "videos": {"id": f"{self.task_id}{number:02}"},
                "audios": {"id": f"{self.task_id}{number:02}"},
                "voices": {"voice_id": self.task_id},
                "elements": {"element_id": int(self.task_id)},
            }
            urls = {name: f"{origin}/{file.name}" for name, file in made.files.items()}
            facts = made.facts | ({"status": "deleted"} if self.deleted and made.kind == "elements" else {})
            result.setdefault(made.kind, []).append({**own.get(made.kind, {}), **urls, **facts})
        return dict(result)


def milliseconds(seconds: float) -> int:
    """Seconds as the wire has them."""
    return int(seconds * 1000)


class Tasks:
    """All tasks of the account, in order.

    Parameters
    ----------
    clock, times
        What time it is, and how long tasks take.
    parallel
        How many slots tasks of each kind may take at once.
    units
        What the account has to spend, or None for as much as is asked for.
    """

    def __init__(self, clock: Clock, times: RenderTimes, parallel: Mapping[Kind, int], units: float | None) -> None:
        self._clock, self._times = clock, times
        self._parallel, self.units = parallel, units
        self._lock = threading.Lock()
        self._by_id: dict[str, Task] = {}
        self.all: list[Task] = []

    @property
    def spent(self) -> float:
        """Units that succeeded tasks have cost, and that those under way will."""
        return sum(task.units for task in self.all if not task.failure)

    def check(self, external_task_id: str | None, kind: Kind, slots: int, units: float) -> None:
        """Refuse a task that cannot be taken in now."""
        if external_task_id is not None and external_task_id in self._by_id:
            raise Refused(1201, f"external_task_id {external_task_id!r:.140} already exists, it must be unique")
        if self.units is not None and self.spent + units > self.units + 1e-9:
            raise Refused(1102, "Account balance not enough")
        if kind in self._parallel:
            now = self._clock()
            taken = sum(task.slots for task in self.all if task.kind == kind and not task.done(now))
            if taken + slots > self._parallel[kind]:
                raise Refused(1303, "parallel task over resource pack limit")

    def add(
        self,
        render: Callable[[], Future[list[Made]]],
        *,
        median: float,
        external_task_id: str | None,
        kind: Kind,
        slots: int,
        units: float,
        **known: Any,
    ) -> Task:
        """Take one task in, unless it must be refused; from here on it costs.

        Parameters
        ----------
        render
            Begins to make its files.
        median
            Seconds that half of the tasks like it take at most, at Kling.
        external_task_id, kind, slots, units, **known
            As in `Task`.
        """
        with self._lock:
            self.check(external_task_id, kind, slots, units)
            task = Task(
                task_id=f"8{secrets.randbelow(10**17):017}",
                external_task_id=external_task_id,
                created_at=milliseconds(self._clock()),
                takes=self._times.draw(median),
                kind=kind,
                slots=slots,
                units=units,
                made=render(),
                **known,
            )
            self.all.append(task)
            for name in filter(None, (task.task_id, task.external_task_id)):
                self._by_id[name] = task
        task.made.add_done_callback(lambda _: setattr(task, "ready", self._clock()))
        return task

    def find(self, task_id: str, path: str | None = None) -> Task | None:
        """A task by Kling's id or its owner's, on the path that made it."""
        task = self._by_id.get(task_id)
        return task if task is not None and path in (None, task.path) else None

    def page(self, path: str, number: int, size: int) -> list[Task]:
        """Tasks of one path, newest first."""
        mine = [task for task in reversed(self.all) if task.path == path]
        return mine[(number - 1) * size : number * size]
