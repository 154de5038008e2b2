"""Following any number of tasks to their end, in one place.

A heap holds what is to be asked next and when; a few requests run at a time, whatever the number of tasks. Each
step takes one task one request further: create it, look for it, ask for it, fetch its media.

Three rules:

- a create is sent again by itself only when nothing reached the service or it refused without making a task;
- the ledger knows of every step before the next one is taken;
- trouble is shown and survived; only the service's word, the person's, or a full disk ends a job.
"""

import heapq
import itertools
import random
import time
from collections.abc import Callable
from typing import Any

import anyio
import anyio.abc
import httpx

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import (
    DownloadFailed,
    KlingError,
    LedgerError,
    MediaExpired,
    MediaUnreachable,
    RequestRefused,
    ServiceUnavailable,
    Stopped,
    TaskFailed,
    TaskNotFound,
    TooManyRequests,
    Unconfirmed,
)
from kling_nb.api.tasks import Task, TaskStatus
from kling_nb.watch.background import soon
from kling_nb.watch.download import download
from kling_nb.watch.files import file_name, short_id
from kling_nb.watch.following import Following, State
from kling_nb.watch.ledger import Ledger
from kling_nb.watch.schedule import Kind, RenderTimes
from kling_nb.watch.unconfirmed import find

__all__ = ["Watcher"]

REQUESTS = 4  # at a time; more connections make each one dearer (see AsyncKling)
DOWNLOADS = 3  # at a time, beside the requests
SETTLING = 90.0  # seconds after create in which "no such task" means "not yet" (a sister service documents some 60)
UNSENT_TRIES = 6  # creates that reached nobody, about two minutes of them, before the person is told
FIRST_LOOK = 2.0  # seconds from a lost answer to the first look for its task
FETCH_WAITS = (0.5, 2.0)  # seconds before each new try of a broken download, while it keeps its place
FETCH_TRIES = 15  # times it may then queue again without a byte more, about ten minutes, before the person is told
DIRECT = {"all://localhost": None, "all://127.0.0.1": None}  # no proxy of the environment reaches this machine itself
PAUSE = 60.0  # seconds between tries at most


class Watcher:
    """Follows tasks of one service.

    Parameters
    ----------
    client
        The way to the service.
    ledger
        Where every step is recorded.
    times
        Gives the render times to expect of a kind of task.
    """

    def __init__(self, client: AsyncKling, ledger: Ledger, times: Callable[[Kind], RenderTimes]) -> None:
        self.client = client
        self._ledger = ledger
        self._times = times
        # Media lies on other hosts: this client has no key to send them.
        self._media = httpx.AsyncClient(follow_redirects=True, timeout=30.0, mounts=DIRECT)
        self._heap: list[tuple[float, int, Following]] = []
        self._order = itertools.count()
        self._woken = anyio.Event()
        self._fetching = anyio.Semaphore(DOWNLOADS)
        soon(self._run)

    def follow(self, following: Following, delay: float = 0.0) -> None:
        """Take a task on, from any thread; returns at once."""
        soon(self._take_on, following, delay)

    def stop(self, following: Following) -> None:
        """Stop watching a task, from any thread; the task itself goes on at the service."""
        soon(self._stop, following)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.client.aclose()
        await self._media.aclose()

    # -- the loop ----------------------------------------------------------------------------------------------

    async def _take_on(self, following: Following, delay: float) -> None:
        self._push(following, delay)

    def _push(self, following: Following, delay: float) -> None:
        heapq.heappush(self._heap, (time.monotonic() + delay, next(self._order), following))
        self._woken.set()

    async def _run(self) -> None:
        requests = anyio.Semaphore(REQUESTS)
        async with anyio.create_task_group() as group:
            while True:
                following = await self._due()
                if following.done.done():
                    continue
                if following.state is State.DOWNLOADING:
                    group.start_soon(self._step, following, self._fetching)
                else:
                    await requests.acquire()
                    group.start_soon(self._step, following, requests, True)

    async def _due(self) -> Following:
        while True:
            self._woken = anyio.Event()
            wait = self._heap[0][0] - time.monotonic() if self._heap else None
            if wait is not None and wait <= 0:
                return heapq.heappop(self._heap)[2]
            with anyio.move_on_after(wait):
                await self._woken.wait()

    async def _step(self, following: Following, limit: anyio.Semaphore, acquired: bool = False) -> None:
        if not acquired:
            await limit.acquire()
        following.busy = True
        try:
            if following.done.done():  # stopped while it waited for its turn
                return
            delay = await self._advance(following)
        except KlingError as error:
            self._ended(following, error)
            return
        except Exception as error:  # noqa: BLE001  a fault of ours must end the job visibly, not the watching of the others
            self._ended(
                following, KlingError(f"kling_nb failed while following this job: {error!r}. It can be resumed.")
            )
            return
        finally:
            following.busy = False
            limit.release()
        if following.stopping:
            await self._stop(following)
        elif not following.done.done():
            self._push(following, delay)

    async def _advance(self, following: Following) -> float:
        """Take one step; return the seconds until the next."""
        match following.state:
            case State.SENDING:
                return await self._create(following)
            case State.UNCONFIRMED:
                return await self._look_for(following)
            case State.DOWNLOADING:
                return await self._fetch(following)
            case _:
                return await self._ask(following)

    # -- the steps ---------------------------------------------------------------------------------------------

    async def _create(self, following: Following) -> float:
        assert following.request is not None
        following.sent = time.time()
        # Without this on disk nothing is sent: after a crash it tells a create that may have been paid for from one
        # that never left.
        self._ledger.update(following.external_task_id, state="sending", sent=following.sent)
        try:
            task = await self.client.create(following.request)
        except Unconfirmed as error:
            self._record(following, state="unconfirmed", message=str(error))
            following.become(State.UNCONFIRMED, unanswered=str(error), trouble=str(error))
            return FIRST_LOOK
        except ServiceUnavailable as error:
            self._record(following, state="intent", message=str(error))
            if not isinstance(error, TooManyRequests) and following.failures + 1 >= UNSENT_TRIES:
                raise
            return self._again(following, error)
        self._adopt(following, task)
        return self._next_poll(following)

    async def _look_for(self, following: Following) -> float:
        """Look for a task whose create was never answered."""
        own, service = following.external_task_id, self.client.base_url

        def known(task_id: str) -> bool:
            return self._ledger.find(task_id, service=service) is not None

        try:
            task = await find(self.client, following.workflow, own, following.sent, known)
        except ServiceUnavailable as error:
            return self._again(following, error)
        except RequestRefused as error:
            if following.rendering < SETTLING:
                return self._again(following, error, "not known to the service so far")
            raise Unconfirmed(
                f"{following.unanswered} {error} Look into the service's own log; kling.job({own!r}) looks for it once "
                "more, job.send_again() sends the request anew, at the risk of paying twice.",
                external_task_id=own,
            ) from None
        self._adopt(following, task)
        return self._heard(following, task)

    async def _ask(self, following: Following) -> float:
        following.polls += 1
        try:
            task = await self.client.get(following.workflow, following.task_id or following.external_task_id)
        except TaskNotFound as error:
            if following.rendering < SETTLING:
                return self._again(following, error, "not known to the service yet")
            raise
        except ServiceUnavailable as error:
            return self._again(following, error)
        return self._heard(following, task)

    def _heard(self, following: Following, task: Task) -> float:
        """Take in what the service says of a task."""
        following.failures = 0
        following.task = task
        match task.status:
            case TaskStatus.FAILED:
                raise TaskFailed(_why(task), task=task)
            case TaskStatus.SUCCEED:
                self._record(
                    following,
                    state="downloading",
                    result=task.task_result,
                    cost=task.final_unit_deduction,
                    lower=task.seconds if task.seconds is not None else following.seen_running,
                    upper=task.seconds if task.seconds is not None else following.rendering,
                )
                following.become(State.DOWNLOADING, trouble=None)
                return 0.0
            case status:
                following.seen_running = following.rendering
                if following.state != status.value:
                    self._record(following, state=status.value)
                strange = None if task.status_is_known else f'the service says "{task.task_status}"; taken as running'
                following.become(State(status.value), trouble=strange)
                return self._next_poll(following)

    async def _fetch(self, following: Following) -> float:
        """Fetch everything the task yielded, in order; what is on disk already is not fetched again."""
        assert following.task is not None
        media = following.task.media
        if not (media or following.task.voices or following.task.elements):
            raise DownloadFailed(f"Task {following.task_id} succeeded, but its result holds no media.")

        def progress(received: int, expected: int | None) -> None:
            if received > following.received:
                following.failures = 0
            following.received, following.expected = received, expected

        try:
            for index, item in enumerate(media[len(following.files) :], start=len(following.files)):
                name = file_name(
                    following.begun,
                    following.prompt or following.workflow.rpartition("/")[2],
                    short_id(following.external_task_id),
                    index,
                    "",
                )
                path = await download(
                    self._media,
                    item.url,
                    following.folder / name,
                    kind=item.kind,
                    progress=progress,
                    waits=FETCH_WAITS,
                )
                following.files += (path,)
                self._record(following, files=tuple(map(str, following.files)))
        except MediaExpired:
            if following.renewed:
                raise
            following.renewed = True
            following.become(State.PROCESSING, trouble="the media's URL has expired; asking for a new one")
            return 0.0
        except MediaUnreachable as error:
            if following.failures >= FETCH_TRIES:
                raise
            return self._again(following, error)
        self._record(following, state="succeed", finished=time.time())
        following.end(State.SUCCEED)
        return 0.0

    # -- what the steps share ----------------------------------------------------------------------------------

    def _adopt(self, following: Following, task: Task) -> None:
        """A task exists: from here on its id cannot be lost."""
        following.failures = 0
        following.become(State.SUBMITTED, task_id=task.task_id, task=task, trouble=None)
        self._record(following, state="submitted", task_id=task.task_id, submitted=time.time(), message=None)

    def _next_poll(self, following: Following) -> float:
        age = following.rendering
        return self._times(following.kind).next_poll(age, jitter=random.random()) - age

    def _again(self, following: Following, error: KlingError, said: str | None = None) -> float:
        """Survive trouble: show it, wait at least as long as the service asks."""
        following.failures += 1
        delay = max(_pause(following.failures), getattr(error, "retry_after", None) or 0.0)
        following.become(trouble=f"retrying in {delay:.0f} s: {said or error}")
        return delay

    def _ended(self, following: Following, error: KlingError) -> None:
        """The job ends here without its media. What may still be resumed stays unfinished in the ledger."""
        sending = following.state is State.SENDING
        if isinstance(error, TaskFailed):
            self._record(following, state="failed", message=str(error), finished=time.time())
        elif sending and isinstance(error, (RequestRefused, ServiceUnavailable, LedgerError)):
            self._record(following, state="refused", message=str(error), finished=time.time())
        elif isinstance(error, Unconfirmed):  # the ledger keeps why the answer was lost
            self._record(following, state="unconfirmed")
        else:
            self._record(following, message=str(error))
        following.end(State.UNCONFIRMED if isinstance(error, Unconfirmed) else State.FAILED, error)

    async def _stop(self, following: Following) -> None:
        if following.busy:  # a create under way must come to its end, or its task id would be lost
            following.stopping = True
            return
        if following.state is State.WAITING:
            said = "Stopped before anything was sent; nothing is billed."
        elif following.state is State.SENDING:
            self._record(following, state="refused", message="stopped before it was sent", finished=time.time())
            said = "Stopped before anything was sent; nothing is billed."
        elif following.state is State.UNCONFIRMED:
            said = (
                "Stopped looking. A task may exist and be billed: kling.resume() looks for it later, "
                "job.send_again() sends the request anew, at the risk of paying twice."
            )
        else:
            said = (
                "Stopped watching. The render goes on at the service and is billed; Kling has no way to cancel it. "
                "kling.resume() fetches it later."
            )
        following.end(State.STOPPED, Stopped(said))

    def _record(self, following: Following, **changes: Any) -> None:
        """Record a step; a ledger that cannot be written costs the person a warning, not the paid task."""
        following.unrecorded |= changes
        try:
            self._ledger.update(following.external_task_id, **following.unrecorded)
        except LedgerError as error:
            following.become(trouble=f"{error} Keep this id: {following.task_id or following.external_task_id}.")
        else:
            following.unrecorded = {}


def _pause(tries: int) -> float:
    """Seconds before the next try: doubling, spread so that many jobs do not come back in step."""
    return min(PAUSE, 2.0**tries) * random.uniform(0.75, 1.25)


def _why(task: Task) -> str:
    cost = f" It cost {task.final_unit_deduction} units." if task.final_unit_deduction else " No cost was reported."
    return f"Task {task.task_id} failed: {task.task_status_msg or 'the service gave no reason'}.{cost}"
