"""One task on its way from request to files, as the rest of the process sees it.

Only the background thread changes a `Following`; everybody may read it, and be told of changes.
"""

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from enum import StrEnum
from itertools import takewhile
from pathlib import Path
from typing import Any

import anyio

from kling_nb.api.errors import KlingError
from kling_nb.api.requests import Request
from kling_nb.api.tasks import Task, TaskStatus
from kling_nb.watch.ledger import Entry
from kling_nb.watch.outcome import Outcome
from kling_nb.watch.schedule import Kind

__all__ = ["Following", "State"]

_log = logging.getLogger(__name__)


class State(StrEnum):
    """Where a job is. `submitted`, `processing`, `succeed` and `failed` are Kling's own words."""

    WAITING = "waiting"
    SENDING = "sending"
    UNCONFIRMED = "unconfirmed"
    SUBMITTED = "submitted"
    PROCESSING = "processing"
    DOWNLOADING = "downloading"
    SUCCEED = "succeed"
    FAILED = "failed"
    STOPPED = "stopped"


class Following:
    """One task being followed.

    Attributes
    ----------
    kind, prompt
        What was asked for, as far as it matters for render times and for people.
    request
        What is to be created; None for a task that exists already.
    state
        Where it is.
    task_id
        Kling's id, once there is one.
    task
        Kling's description of it, once that holds more than its state: when it is rendered, or failed.
    trouble
        What went wrong last and is being tried again, for people; None when all is well.
    begun, ended
        Unix seconds of the start and the end of it.
    files
        The finished media on disk, in the order of ``task.media``.
    outcome
        Its end: the files are there, or the `KlingError` that ended it.
    """

    __slots__ = (
        "__weakref__",
        "asked",
        "begun",
        "due",
        "ended",
        "expected",
        "external_task_id",
        "failures",
        "files",
        "folder",
        "kind",
        "observers",
        "outcome",
        "page",
        "polls",
        "prompt",
        "received",
        "renewed",
        "request",
        "scope",
        "seen_running",
        "sent",
        "state",
        "stopping",
        "task",
        "task_id",
        "ticket",
        "trouble",
        "unanswered",
        "unrecorded",
    )

    def __init__(
        self,
        kind: Kind,
        external_task_id: str,
        folder: Path,
        *,
        prompt: str | None = None,
        request: Request | None = None,
        state: State = State.SENDING,
        task_id: str | None = None,
        begun: float | None = None,
        files: tuple[Path, ...] = (),
    ) -> None:
        self.kind = kind
        self.external_task_id = external_task_id
        self.folder = folder
        self.prompt = prompt
        self.request = request
        self.state = state
        self.task_id = task_id
        self.begun = time.time() if begun is None else begun
        self.files = files
        self.asked: Mapping[str, Any] = {}  # what an earlier process asked for, described for people
        self.ended: float | None = None
        self.task: Task | None = None
        self.trouble: str | None = None
        self.received = 0
        self.expected: int | None = None
        self.outcome = Outcome()
        self.observers: list[Callable[[Following], None]] = []
        self.polls = 0
        self.failures = 0  # since the last good answer
        self.sent = self.begun  # Unix seconds of the last create
        self.unanswered = ""  # why nobody knows whether the create made a task
        self.unrecorded: dict[str, Any] = {}  # what the ledger could not take so far
        self.seen_running = 0.0  # seconds of age at which it was last seen unfinished
        self.renewed = False  # whether an expired URL was already asked for anew
        self.stopping = False
        self.scope: anyio.CancelScope | None = None  # of its request, while one is under way
        self.due = 0.0  # on the monotonic clock: when its turn comes
        self.ticket = 0  # the entry that waits for that; 0 when none does
        self.page = 1  # of the service's list where it was last, or is first looked for; 0 when no list has it

    @classmethod
    def of(cls, request: Request, folder: Path) -> "Following":
        """Begin with a request that is yet to be sent."""
        kind = Kind(request.path, getattr(request, "model_name", None), getattr(request, "mode", None), request.seconds)
        prompt = getattr(request, "prompt", None)
        return cls(kind, request.external_task_id, folder, prompt=prompt, request=request)

    @classmethod
    def from_entry(cls, entry: Entry) -> "Following":
        """Go on with what the ledger tells, from where its files show that it came to; never from before a create."""
        kind = Kind(entry.workflow, entry.model_name, entry.mode, entry.seconds)
        files = tuple(takewhile(Path.is_file, map(Path, entry.files)))
        following = cls(
            kind,
            entry.external_task_id,
            Path(entry.folder),
            prompt=entry.prompt,
            state=State.SUBMITTED if entry.task_id else State.UNCONFIRMED,
            task_id=entry.task_id,
            begun=entry.created,
            files=files,
        )
        following.asked = entry.request
        following.sent = entry.sent or entry.created
        following.unanswered = entry.message or (
            "The process that sent this request ended before the answer came. A task may exist and may be billed; it "
            f"is not sent again by itself. Its external_task_id is {entry.external_task_id}."
        )
        if entry.task_id and entry.result:
            following.task = Task(
                task_id=entry.task_id,
                task_status=TaskStatus.SUCCEED,
                task_result=entry.result,
                final_unit_deduction=entry.cost,
            )
            following.state = State.DOWNLOADING
        return following

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it here."""
        return self.outcome.reached

    @property
    def done(self) -> Future[None]:
        """Resolves when the files are there, or to the `KlingError` that ended it."""
        return self.outcome.future

    @property
    def workflow(self) -> str:
        """Path that makes the task and answers for it."""
        return self.kind.workflow

    @property
    def age(self) -> float:
        """Seconds since it was begun, by the wall clock: a render goes on while the laptop sleeps."""
        return max(0.0, (self.ended or time.time()) - self.begun)

    @property
    def rendering(self) -> float:
        """Seconds since its create was last sent: a task may wait for its turn long before it is rendered."""
        return max(0.0, (self.ended or time.time()) - self.sent)

    def become(self, state: State | None = None, **changes: Any) -> None:
        """Change and tell everybody who watches."""
        if state is not None:
            self.state = state
        for name, value in changes.items():
            setattr(self, name, value)
        for observer in tuple(self.observers):
            try:
                observer(self)
            except Exception:  # noqa: BLE001  what shows a job must not be able to stop it
                _log.exception("showing job %s failed", self.task_id or self.external_task_id)

    def end(self, state: State, error: KlingError | None = None) -> None:
        """Reach the end: first everybody who watches, then everybody who waits.

        The order matters: a cell that awaits the job ends when the waiting does, and tools that run notebooks look
        at outputs only until then.
        """
        if self.over:
            return
        self.ended = self.ended or time.time()
        self.become(state, trouble=None if error is None else str(error))
        self.outcome.reach(error)
