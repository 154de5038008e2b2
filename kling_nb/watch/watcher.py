"""Following any number of tasks to their end, in one place.

Jobs wait in `Turns` until they are due; a few requests run at a time, at the `Pace` that the service allows, whatever
the number of jobs. Each step takes one job one request further: create it, look for it, ask for it, fetch its media.
Where the service lists tasks, one request asks for all that are due about now.

Three rules:

- a create is sent again by itself only when nothing reached the service or it refused without making a task;
- the ledger knows of every step before the next one is taken;
- trouble is shown and survived; only the service's word, the person's, or a full disk ends a job.
"""

import contextlib
import logging
import math
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import anyio
import httpx
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from kling_nb.api.client import LAST_PAGE, PAGE, AsyncKling
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
from kling_nb.api.workflow import name_of
from kling_nb.watch.background import ends, soon
from kling_nb.watch.download import download
from kling_nb.watch.files import file_name, short_id
from kling_nb.watch.following import Following, State
from kling_nb.watch.ledger import Ledger
from kling_nb.watch.pace import LONGEST_HOLD, Pace
from kling_nb.watch.schedule import PATIENCE, Kind, RenderTimes
from kling_nb.watch.turns import Turns
from kling_nb.watch.unconfirmed import find

__all__ = ["Watcher"]

_log = logging.getLogger(__name__)

QUESTIONS = 4  # at a time, for more connections make each one dearer (see AsyncKling)
MOST_QUESTIONS = 16  # at a time, where the service answers so slowly that jobs are asked for too late
LATE = 2.0  # seconds that count as too late
SLOW = 0.05  # seconds that an answer takes where it is the service that is waited for, and not this machine's CPU
CREATES = 3  # at a time, beside the questions: an upload may take a minute
DOWNLOADS = 3  # at a time, beside them
SETTLING = 90.0  # seconds after create in which "no such task" means "not yet" (a sister service documents some 60)
NOT_FOUND_TRIES = 5  # times in a row that a task is unknown to the service, before the person is told
UNSENT_TRIES = 6  # creates that reached nobody, about two minutes of them, before the person is told
FIRST_LOOK = 2.0  # seconds from a lost answer to the first look for its task
FETCH_WAITS = (0.5, 2.0)  # seconds before each new try of a broken download, while it keeps its place
FETCH_TRIES = 15  # times it may then queue again without a byte more, about ten minutes, before the person is told
DIRECT = {"all://localhost": None, "all://127.0.0.1": None}  # no proxy of the environment reaches this machine itself
PAUSE = 60.0  # seconds between tries at most
GRACE = 3.0  # seconds that a create under way gets for its answer when all work is to end
BUDGET = 8  # questions in a row that went wrong, about five minutes of them, before the person is told
GENTLE = 300.0  # seconds between tries from then on

LIST_FROM = 3  # tasks that a page must be good for; below that, to ask for each is as cheap
LIST_AHEAD = 1.0  # seconds; who is due within them is asked for along with those who are due
SLICE = 0.01  # seconds of work on a page before others have their turn
LIST_TRIES = 3  # pages in a row that do not come, before lists are given up

ASKED = (State.SUBMITTED, State.PROCESSING)

CREATING, FETCHING = "creating", "fetching"  # lanes; the others are named by workflow
SINGLY = " singly"  # end of the name of the lane for tasks of a workflow that are not to be looked for in its list


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
    patience
        Seconds of waiting that one poll is worth.
    """

    def __init__(
        self, client: AsyncKling, ledger: Ledger, times: Callable[[Kind], RenderTimes], *, patience: float = PATIENCE
    ) -> None:
        self.client = client
        self._ledger = ledger
        self._times = times
        self._patience = patience
        self._media = _media_client()
        self._inherited: object = None
        self._begin()
        ends(self)

    def _begin(self) -> None:
        self._creates, self._questions, self._downloads = Turns(), Turns(), Turns()
        self._askers = 0
        # Apart, because creates are refused for reasons of their own: as many tasks in flight as the account may have.
        self._creating = Pace()
        self._asking = Pace()
        self._everybody: set[Following] = set()
        self._watched: dict[str, dict[str, Following]] = {}  # by workflow and task id
        self._list_tries: dict[str, int] = {}  # by workflow
        self._closed = False
        self._work: tuple[anyio.CancelScope, anyio.Event] | None = None  # the event is set when it has ended

    def follow(self, following: Following, delay: float = 0.0) -> None:
        """Take a task on, from any thread; returns at once."""
        soon(self._take_on, following, delay)

    def stop(self, following: Following) -> None:
        """Stop watching a task, from any thread; the task itself goes on at the service."""
        soon(self._stop, following)

    async def settle(self) -> None:
        """Stop working and close the connections; what runs can be resumed.

        A create under way gets some seconds for its answer, as it may cost money; all else is cut short.
        """
        self._closed = True
        if self._work is not None:
            scope, ended = self._work
            scope.cancel()
            with anyio.move_on_after(GRACE):
                await ended.wait()
            for following in self._everybody:
                if following.scope is not None:
                    following.scope.cancel()
            await ended.wait()
        await self.client.aclose()
        self._media.close()

    async def aclose(self) -> None:
        """Stop following and close the connections; whoever waits for a job is told."""
        await self.settle()
        for following in list(self._everybody):
            self._stopped(following)

    def forget(self) -> None:
        """Start afresh in a forked child: its parent goes on with the jobs, and over the connections, that it has."""
        # In a thread, for a lock in it may be held by a thread of the parent's that is not here to let go of it.
        threading.Thread(target=_leave_to_parent, args=(self._everybody,), daemon=True).start()
        self._inherited = self._media  # to close or collect it would touch what the parent listens to
        self._media = _media_client()
        self._begin()

    # -- the loop ----------------------------------------------------------------------------------------------

    def _take_on(self, following: Following, delay: float) -> None:
        if self._closed:
            self._stopped(following)
            return
        if self._work is None:
            self._work = anyio.CancelScope(), anyio.Event()
            soon(self._run, *self._work)
        self._everybody.add(following)
        self._queue(following, delay)

    def _queue(self, following: Following, delay: float, *, singly: bool = False) -> None:
        """Let a job wait for its next step."""
        match following.state:
            case State.DOWNLOADING:
                self._downloads.add(following, FETCHING, delay)
            case State.SENDING | State.UNCONFIRMED:
                self._creates.add(following, CREATING, delay)
            case _:
                if following.task_id is None or not following.page:
                    singly = True
                else:
                    self._watched.setdefault(following.workflow, {})[following.task_id] = following
                self._questions.add(following, following.workflow + SINGLY * singly, delay)

    async def _run(self, scope: anyio.CancelScope, ended: anyio.Event) -> None:
        try:
            with scope:
                async with anyio.create_task_group() as group:
                    for turns, workers in ((self._creates, CREATES), (self._downloads, DOWNLOADS)):
                        for _ in range(workers):
                            group.start_soon(self._step_on, turns)
                    self._askers = QUESTIONS
                    for _ in range(QUESTIONS):
                        group.start_soon(self._ask_on, group)
        finally:
            ended.set()

    async def _step_on(self, turns: Turns) -> None:
        while True:
            await self._step((await turns.next())[1])

    async def _ask_on(self, group: TaskGroup) -> None:
        while True:
            lane, following = await self._questions.next()
            begun, due = time.monotonic(), following.due
            await self._ask_for(lane, following)
            slow = time.monotonic() - begun > SLOW
            # More connections help against slow answers; not against a service that wants fewer questions.
            if begun - due > LATE and slow and self._askers < MOST_QUESTIONS and self._asking.rate == math.inf:
                self._askers += 1
                group.start_soon(self._ask_on, group)
            elif begun - due < LATE / 2 and self._askers > QUESTIONS:
                self._askers -= 1
                return

    async def _ask_for(self, lane: str, following: Following) -> None:
        batch = [following]
        if self._has_list(lane):
            batch += self._questions.more(lane, LIST_AHEAD)
        if len(batch) >= LIST_FROM:
            await self._look_through(lane, batch)
            return
        for other in batch[1:]:
            self._queue(other, other.due - time.monotonic())
        await self._step(following)

    async def _step(self, following: Following) -> None:
        if following.over:
            return
        delay = 0.0
        try:
            with anyio.CancelScope() as following.scope, self._survived(following):
                if following.state is not State.DOWNLOADING:
                    await self._pace(following).turn()
                # What costs money comes to its end, or its task id would be lost.
                following.scope.shield = following.state is State.SENDING
                delay = await self._advance(following)
            if following.scope.shield and following.scope.cancelled_caught:
                self._cut_short(following)
        finally:
            following.scope = None
        if following.stopping and not following.over:
            self._stopped(following)
        if following.over:
            self._leave(following)
        else:
            self._queue(following, delay)

    def _cut_short(self, following: Following) -> None:
        """A create whose answer could not be waited for: a task may exist."""
        said = (
            "This process ended before the answer to the request came. A task may exist and may be billed; it is not "
            f"sent again by itself. Its external_task_id is {following.external_task_id}."
        )
        self._record(following, state="unconfirmed", message=said)
        following.become(State.UNCONFIRMED, unanswered=said)

    @contextlib.contextmanager
    def _survived(self, following: Following) -> Iterator[None]:
        """Whatever goes wrong ends this job visibly, and never the watching of the others."""
        try:
            yield
        except KlingError as error:
            self._ended(following, error)
        except Exception as error:  # noqa: BLE001  a fault of ours
            self._ended(
                following, KlingError(f"kling_nb failed while following this job: {error!r}. It can be resumed.")
            )

    def _pace(self, following: Following) -> Pace:
        return self._creating if following.state is State.SENDING else self._asking

    # -- many at once ------------------------------------------------------------------------------------------

    def _has_list(self, lane: str) -> bool:
        """Whether a list may tell of the jobs in a lane, as far as is known."""
        return lane != CREATING and not lane.endswith(SINGLY) and self._list_tries.get(lane, LIST_TRIES) > 0

    async def _look_through(self, workflow: str, batch: list[Following]) -> None:
        """Look for jobs in the service's list of tasks; ask singly for those that it does not tell of.

        A page is asked for only when it is good for several jobs. Kling puts the newest first, so that a task is on
        the page where it was last, or, as new ones are made, on a later one.
        """
        self._questions.closed.add(workflow)
        pages: dict[int, list[Following]] = {}
        for following in batch:
            pages.setdefault(following.page, []).append(following)
        try:
            while pages:
                page = min(pages)
                # Who was found on an earlier page, or was stopped, is not looked for any more.
                wanted = [f for f in pages.pop(page) if not (f.over or f.ticket or f.scope)]
                if len(wanted) < LIST_FROM or not self._has_list(workflow):
                    self._ask_singly(wanted)
                elif missing := await self._look_at(workflow, page, wanted):
                    pages.setdefault(page + 1, []).extend(missing)
        except Exception:  # noqa: BLE001  a fault of ours must not end the watching
            _log.exception("looking through the list of %s failed", workflow)
            self._list_tries[workflow] = 0
            self._ask_singly(following for following in batch if not following.ticket)
        finally:
            self._questions.reopen(workflow)

    async def _look_at(self, workflow: str, page: int, wanted: list[Following]) -> list[Following]:
        """Look at one page; return the jobs that may be on the next."""
        tries = self._list_tries.get(workflow, LIST_TRIES)
        await self._asking.turn()
        try:
            tasks = await self.client.list(workflow, page=page, size=PAGE)
        except TooManyRequests as error:
            for following in wanted:
                if not following.over:
                    self._queue(following, self._again(following, error))
            return []
        except (RequestRefused, ServiceUnavailable) as error:
            self._list_tries[workflow] = 0 if isinstance(error, RequestRefused) else tries - 1
            self._ask_singly(wanted)
            return []
        told = await self._hear_all(workflow, page, tasks)
        missing = [following for following in wanted if following.task_id not in told]
        last = len(tasks) < PAGE or page == LAST_PAGE
        self._list_tries[workflow] = tries - 1 if last and not told else LIST_TRIES
        for following in missing:
            following.page = 0 if last else page + 1
        if told and not last:
            return missing
        self._ask_singly(missing)  # others have filled this page; the next is for the next time
        return []

    def _ask_singly(self, several: Iterable[Following]) -> None:
        for following in several:
            if not following.over:
                self._queue(following, 0.0, singly=True)

    async def _hear_all(self, workflow: str, page: int, tasks: list[Task]) -> set[str]:
        """Take in a page; return the ids of the tasks on it that are watched."""
        watched = self._watched.get(workflow, {})
        told = {task.task_id for task in tasks} & watched.keys()
        begun = time.monotonic()
        for task in tasks:
            following = watched.get(task.task_id)
            if following is None or following.over or following.scope is not None or following.state not in ASKED:
                continue
            following.page = page
            with self._survived(following):
                delay = self._heard(following, task)
                if following.ticket and following.state in ASKED:
                    self._questions.put_off(following, delay)
                else:
                    self._queue(following, delay)
            if following.over:
                self._leave(following)
            if time.monotonic() - begun > SLICE:
                await checkpoint()
                begun = time.monotonic()
        return told

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
        try:
            task = await self.client.get(following.workflow, following.task_id or following.external_task_id)
        except TaskNotFound as error:
            if following.rendering < SETTLING or following.failures + 1 < NOT_FOUND_TRIES:
                return self._again(following, error, "not known to the service yet")
            raise
        except ServiceUnavailable as error:
            return self._again(following, error)
        return self._heard(following, task)

    def _heard(self, following: Following, task: Task) -> float:
        """Take in what the service says of a task."""
        following.polls += 1
        following.failures = 0
        match task.status:
            case TaskStatus.FAILED:
                following.task = task
                raise TaskFailed(_why(task), task=task)
            case TaskStatus.SUCCEED:
                following.task = task
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
                if (following.state, following.trouble) != (status.value, strange):
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

        every = [(medium.kind, url) for medium in media for url in medium.urls.values()]
        try:
            for index, (kind, url) in enumerate(every[len(following.files) :], start=len(following.files)):
                name = file_name(
                    following.begun,
                    following.prompt or name_of(following.workflow),
                    short_id(following.external_task_id),
                    index,
                    "",
                )
                path = await download(
                    self._media,
                    url,
                    following.folder / name,
                    kind=kind,
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
        following.become(State.SUBMITTED, task_id=task.task_id, trouble=None)
        self._record(following, state="submitted", task_id=task.task_id, submitted=time.time(), message=None)

    def _next_poll(self, following: Following) -> float:
        age = following.rendering
        hint = min(self.client.retry_after or 0.0, LONGEST_HOLD)  # of the answer just read
        times, dice = self._times(following.kind), random.random()
        return times.next_poll(age, patience=self._patience, jitter=dice, not_before=age + hint) - age

    def _again(self, following: Following, error: KlingError, said: str | None = None) -> float:
        """Survive trouble: show it, wait at least as long as the service asks."""
        following.failures += 1
        hint = getattr(error, "retry_after", None)
        if hint is not None or isinstance(error, TooManyRequests):
            self._pace(following).refused(hint)
        beyond = following.failures - BUDGET if following.state in ASKED else -1
        pause = _pause(following.failures) if beyond < 0 else GENTLE * random.uniform(0.75, 1.25)
        delay = max(pause, min(hint or 0.0, LONGEST_HOLD))
        if beyond < 0:
            following.become(trouble=f"retrying in {delay:.0f} s: {said or error}")
        elif beyond == 0:
            following.become(
                trouble=f"no good answer to {BUDGET} questions in a row; retrying every {GENTLE / 60:.0f} minutes. The "
                f"render is not touched by this. The last one: {said or error}"
            )
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

    def _stop(self, following: Following) -> None:
        if following.scope is None:
            self._stopped(following)
        elif following.scope.shield:
            following.stopping = True
        else:
            following.scope.cancel()
            self._stopped(following)

    def _stopped(self, following: Following) -> None:
        """The person wants no more of it; what this means for the money depends on how far it came."""
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
        self._leave(following)

    def _leave(self, following: Following) -> None:
        """Forget a job that is over."""
        self._everybody.discard(following)
        self._watched.get(following.workflow, {}).pop(following.task_id or "", None)
        Turns.drop(following)

    def _record(self, following: Following, **changes: Any) -> None:
        """Record a step; a ledger that cannot be written costs the person a warning, not the paid task."""
        following.unrecorded |= changes
        try:
            self._ledger.update(following.external_task_id, **following.unrecorded)
        except LedgerError as error:
            following.become(trouble=f"{error} Keep this id: {following.task_id or following.external_task_id}.")
        else:
            following.unrecorded = {}


def _leave_to_parent(everybody: Iterable[Following]) -> None:
    for following in everybody:
        following.observers = []
        said = "The process that started this job goes on with it, not this fork of it."
        following.end(State.STOPPED, Stopped(said))


def _media_client() -> httpx.Client:
    """Media lies on other hosts: this client has no key to send them."""
    return httpx.Client(follow_redirects=True, timeout=30.0, mounts=DIRECT)


def _pause(tries: int) -> float:
    """Seconds before the next try: doubling, spread so that many jobs do not come back in step."""
    return min(PAUSE, 2.0**tries) * random.uniform(0.75, 1.25)


def _why(task: Task) -> str:
    cost = f" It cost {task.final_unit_deduction} units." if task.final_unit_deduction else " No cost was reported."
    reason = (task.task_status_msg or "the service gave no reason").rstrip(".")
    return f"Task {task.task_id} failed: {reason}.{cost}"
