"""Tasks are followed to their end over a real socket, whatever the service does on the way."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import AuthenticationFailed, KlingError, RequestRefused, Stopped, TaskFailed, TaskNotFound
from kling_nb.api.requests import Image2Video, Text2Video
from kling_nb.demo import use
from kling_nb.simulator import Fault, Simulator
from kling_nb.watch import pace, schedule, watcher
from kling_nb.watch.following import Following, State
from kling_nb.watch.ledger import Ledger
from kling_nb.watch.schedule import PATIENCE, Kind
from kling_nb.watch.service import Service, connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kling_nb.simulator.app import Asked
    from kling_nb.simulator.tasks import Task

PROMPT = "a red panda surfs a wave at sunset"
KIND = Kind("videos/text2video", "kling-v1", "std", 5.0)
LONG = 30.0  # seconds after which a test fails that waits for something


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds and minutes for people takes hundredths and tenths of a second here."""
    monkeypatch.setattr(schedule, "SHORTEST_GAP", 0.05)
    monkeypatch.setattr(watcher, "PAUSE", 0.05)
    monkeypatch.setattr(watcher, "GENTLE", 0.15)
    monkeypatch.setattr(pace, "SHORTEST_HOLD", 0.05)
    monkeypatch.setattr(pace, "SLOWEST", 20.0)


@pytest.fixture(scope="module")
def _running() -> Iterator[Simulator]:
    with Simulator(speed=200.0, seed=1) as running:
        yield running


@pytest.fixture
def simulator(_running: Simulator) -> Simulator:
    """One for all tests here, which renders its one film once; a service of its own would be no better."""
    _running.faults.clear()
    return _running


@pytest.fixture
def since(simulator: Simulator) -> Since:
    return Since(simulator)


@pytest.fixture
def service(simulator: Simulator, tmp_path: Path) -> Iterator[Service]:
    with serving(simulator, tmp_path) as made:
        yield made


@contextlib.contextmanager
def serving(simulator: Simulator, folder: Path, patience: float = PATIENCE) -> Iterator[Service]:
    client = AsyncKling(simulator.api_key, base_url=simulator.base_url, timeout=0.4)
    made = Service(client, Ledger(), folder, speed=simulator.speed, patience=patience)
    with contextlib.closing(made):
        yield made


def start(service: Service, number: int = 1) -> list[Told]:
    return [Told(service.start(Text2Video(PROMPT))) for _ in range(number)]


class Told:
    """A job, with all that it told on its way."""

    def __init__(self, following: Following) -> None:
        self.following = following
        self.troubles: list[str] = []
        self.states: list[State] = []
        self._changed = threading.Condition()
        following.observers.append(self._hear)

    def _hear(self, following: Following) -> None:
        with self._changed:
            if following.trouble and [following.trouble] != self.troubles[-1:]:
                self.troubles.append(following.trouble)
            if [following.state] != self.states[-1:]:
                self.states.append(following.state)
            self._changed.notify_all()

    def until(self, *states: State) -> None:
        """Wait until it is, or was, in one of these."""
        with self._changed:
            assert self._changed.wait_for(lambda: {*states} & {*self.states, self.following.state}, LONG)

    def until_told(self, text: str) -> str:
        """Wait until it tells of this trouble."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(text in trouble for trouble in self.troubles), LONG)
            return next(trouble for trouble in self.troubles if text in trouble)

    def end(self) -> KlingError | None:
        error = self.following.done.exception(LONG)
        assert error is None or isinstance(error, KlingError)
        return error


class Since:
    """What the simulator was asked since the test began."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._requests, self._tasks = len(simulator.requests), len(simulator.tasks)

    @property
    def requests(self) -> list[Asked]:
        return self._simulator.requests[self._requests :]

    @property
    def tasks(self) -> list[Task]:
        return self._simulator.tasks[self._tasks :]

    @property
    def counts(self) -> Counter[str]:
        """How often it was asked for one task, for a list, for a new task and for media."""
        return Counter(map(kind, self.requests))


def kind(asked: Asked) -> str:
    if "/media/" in asked.path:
        return "media"
    if asked.method == "POST":
        return "create"
    return "list" if asked.path.rpartition("/")[2] in ("text2video", "image2video") else "query"


# -- what the service may do to a question -----------------------------------------------------------------------------


def in_a_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)


TROUBLES = [
    pytest.param(Fault("query", "status", status=503, times=2), "simulated fault", id="503"),
    pytest.param(Fault("query", "status", status=500, times=2), "simulated fault", id="500"),
    pytest.param(Fault("query", "reset", times=2), "connection", id="reset"),
    pytest.param(Fault("query", "malformed", times=2), "bytes of application/json", id="malformed"),
    pytest.param(Fault("query", "html", status=502, times=2), "Bad Gateway", id="html-page"),
    pytest.param(Fault("query", "html", status=200, times=2), "Bad Gateway", id="html-page-with-200"),
    pytest.param(Fault("query", "status", status=429, times=2), "Try again later", id="429"),
    pytest.param(Fault("query", "status", status=429, retry_after="1"), "retrying in 1 s", id="429-in-seconds"),
    pytest.param(Fault("query", "status", status=429, retry_after="soon"), "Try again later", id="429-with-nonsense"),
    pytest.param(Fault("query", "hang"), "ReadTimeout", id="hangs"),
    pytest.param(
        Fault("query", "status", status=404, code=1203, times=2), "not known to the service yet", id="not-yet"
    ),
]


@pytest.mark.parametrize(("fault", "said"), TROUBLES)
def test_trouble_is_shown_and_survived(
    simulator: Simulator, service: Service, fault: Fault, said: str, since: Since
) -> None:
    """Whatever goes wrong with a question, the job says that it is retrying, and why, and ends with its video."""
    simulator.faults.add(fault)
    (job,) = start(service)
    trouble = job.until_told("retrying in")
    assert said in trouble
    assert simulator.api_key not in trouble
    assert job.end() is None
    assert job.following.files[0].exists()
    assert job.following.trouble is None
    assert len(since.tasks) == 1


def test_retry_after_as_a_date_is_waited_for(simulator: Simulator, service: Service) -> None:
    """The other form of Retry-After, a date, holds back the next question just as well."""
    simulator.faults.add(Fault("query", "status", status=429, retry_after=in_a_second()))
    (job,) = start(service)
    job.until_told("retrying in")
    assert job.end() is None


def test_retry_after_on_a_good_answer_is_waited_for(simulator: Simulator, service: Service) -> None:
    """A service that answers well, and says when it wants to be asked next, is asked then."""
    simulator.faults.add(Fault("query", "unknown-status", retry_after="1"))
    (job,) = start(service)
    job.until_told("reviewing")
    begun = time.monotonic()
    assert job.end() is None
    assert time.monotonic() - begun > 0.9


def test_a_word_nobody_knows_counts_as_running(simulator: Simulator, service: Service) -> None:
    """A new word for the status is told as it is, and the job goes on until a word comes that is known."""
    simulator.faults.add(Fault("query", "unknown-status"))
    (job,) = start(service)
    assert '"reviewing"' in job.until_told("reviewing")
    assert job.end() is None
    assert job.states[-1] is State.SUCCEED


def test_a_failed_task_ends_with_its_reason_and_cost(simulator: Simulator, service: Service) -> None:
    """When the service gives up, the person hears why in its own words, and what it cost as far as is known."""
    simulator.faults.add(Fault("create", "failed", message="content policy: no pandas"))
    (job,) = start(service)
    error = job.end()
    assert isinstance(error, TaskFailed)
    assert "content policy: no pandas" in str(error)
    assert "cost" in str(error)
    assert error.task is not None
    assert error.task.task_id == job.following.task_id
    assert job.following.state is State.FAILED


def test_a_wrong_key_ends_at_once(simulator: Simulator, tmp_path: Path, since: Since) -> None:
    """A key that the service does not know is told at the first answer; nothing is repeated."""
    service = Service(AsyncKling("sk-wrong", base_url=simulator.base_url), Ledger(), tmp_path)
    (job,) = start(service)
    error = job.end()
    service.close()
    assert isinstance(error, AuthenticationFailed)
    assert "sk-wrong" not in str(error)
    assert len(since.requests) == 1


def test_a_task_the_service_never_knew_is_told(simulator: Simulator, service: Service, since: Since) -> None:
    """Long after its creation an unknown task is looked for some times more, then the person is told."""
    lost = Following(KIND, "knb-lost", service.folder, state=State.SUBMITTED, task_id="8123", begun=time.time() - 900)
    service._watcher.follow(lost)
    error = Told(lost).end()
    assert isinstance(error, TaskNotFound)
    assert 1 < since.counts["query"] <= watcher.NOT_FOUND_TRIES


def test_a_person_is_told_once_and_watching_goes_on(simulator: Simulator, service: Service) -> None:
    """When nothing helps for minutes the job says so once, is still asked for, and ends well when the service does."""
    simulator.faults.add(Fault("query", "status", status=503, times=watcher.BUDGET + 3))
    (job,) = start(service)
    assert job.end() is None
    beyond = [trouble for trouble in job.troubles if "in a row" in trouble]
    assert len(beyond) == 1
    assert job.troubles[-1] is beyond[0]
    assert sum("retrying in" in trouble for trouble in job.troubles) == watcher.BUDGET - 1


# -- many at once ------------------------------------------------------------------------------------------------------


def test_one_request_answers_for_many(simulator: Simulator, service: Service, since: Since) -> None:
    """Forty jobs are followed with a few lists in place of hundreds of questions, and all of them end."""
    jobs = start(service, 40)
    assert [job.end() for job in jobs] == [None] * 40
    counts = since.counts
    assert counts["create"] == counts["media"] == 40
    assert counts["list"] + counts["query"] <= 40
    polls = sum(job.following.polls for job in jobs)
    assert polls > 2 * (counts["list"] + counts["query"])


@pytest.mark.parametrize(
    ("strangers", "last"), [(0, 5), (6, 2)], ids=["pages-of-ours", "a-page-of-others-of-the-account"]
)
def test_jobs_are_found_on_later_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strangers: int, last: int
) -> None:
    """Jobs that fill several pages of the list are looked for page by page, also behind newer tasks of others."""
    monkeypatch.setattr(watcher, "PAGE", 5)
    # Slow enough for each job to be looked for several times.
    with Simulator(speed=40.0, seed=1) as simulator, serving(simulator, tmp_path) as service:
        jobs = start(service, 23)
        for job in jobs:
            job.until(State.SUBMITTED)
        headers = {"Authorization": f"Bearer {simulator.api_key}"}
        for _ in range(strangers):
            httpx.post(f"{simulator.base_url}/{KIND.workflow}", json={"prompt": PROMPT}, headers=headers)
        assert [job.end() for job in jobs] == [None] * 23
        asked = [request for request in simulator.requests if kind(request) in ("list", "query")]
    pages = {request.query.split("&")[0] for request in asked if kind(request) == "list"}
    assert {"pageNum=1", f"pageNum={last}"} <= pages
    assert len(asked) < sum(job.following.polls for job in jobs)


def test_the_patient_ask_less(simulator: Simulator, tmp_path: Path) -> None:
    """Patience is a person's dial: more of it, and the service is asked less for the same jobs."""
    polls = []
    for patience in (0.01, 0.5):
        with serving(simulator, tmp_path, patience) as service:
            jobs = start(service, 8)
            assert [job.end() for job in jobs] == [None] * 8
            polls.append(sum(job.following.polls for job in jobs))
    assert polls[1] < 0.7 * polls[0]


@pytest.mark.parametrize("patience", [0, -1, 1e5, float("nan"), "a lot", None])
def test_a_wrong_patience_is_refused(patience: Any) -> None:
    """A dial turned too far is told its range, before anything starts."""
    with pytest.raises(RequestRefused, match=r"patience = .*: it may be 0.01 to 3600 seconds"):
        connect(simulator=True, patience=patience)


REFUSALS = [
    pytest.param(Fault("list", "status", status=404, times=None), 1, id="404"),
    pytest.param(Fault("list", "status", status=403, code=1103, times=None), 1, id="403"),
    pytest.param(Fault("list", "html", status=404, times=None), 1, id="html-404"),
    pytest.param(Fault("list", "status", status=503, times=None), watcher.LIST_TRIES, id="503"),
    pytest.param(Fault("list", "malformed", times=None), watcher.LIST_TRIES, id="malformed"),
    pytest.param(Fault("list", "reset", times=None), 2 * watcher.LIST_TRIES, id="reset"),
]


@pytest.mark.parametrize(("fault", "most"), REFUSALS)
def test_without_a_list_each_job_is_asked_for(
    simulator: Simulator, service: Service, fault: Fault, most: int, since: Since
) -> None:
    """A service that has no list is not asked for it again and again; its jobs end as they would have."""
    simulator.faults.add(fault)
    jobs = start(service, 12)
    assert [job.end() for job in jobs] == [None] * 12
    assert 1 <= since.counts["list"] <= most
    assert all(job.troubles == [] for job in jobs)


def test_who_is_on_no_list_is_asked_for_singly(simulator: Simulator, service: Service) -> None:
    """A task that the list leaves out is followed to its end beside those that it has."""
    (first,) = start(service)
    first.until(State.SUBMITTED)
    outsider = Following(
        KIND,
        "knb-other-name",
        service.folder,
        state=State.SUBMITTED,
        task_id=first.following.external_task_id,  # the service answers to it, and lists another
    )
    service._watcher.follow(outsider)
    jobs = [first, Told(outsider), *start(service, 6)]
    assert [job.end() for job in jobs] == [None] * 8


def test_workflows_do_not_mix(simulator: Simulator, service: Service) -> None:
    """Tasks of two workflows are found in the list of their own."""
    from PIL import Image

    picture = Image.new("RGB", (320, 320), "teal")
    jobs = start(service, 5) + [Told(service.start(Image2Video(picture, PROMPT))) for _ in range(5)]
    assert [job.end() for job in jobs] == [None] * 10


class Slow(httpx.AsyncHTTPTransport):
    """A network on which each question takes a while."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self.now = self.most = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(self._seconds)
            self.now -= 1
        return await super().handle_async_request(request)


@pytest.mark.parametrize(
    ("seconds", "late", "low", "high"), [(0.0, 2.0, 1, 4), (0.2, 0.3, 5, 16)], ids=["quick", "slow"]
)
def test_connections_are_few_unless_answers_are_slow(
    simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    late: float,
    low: int,
    high: int,
) -> None:
    """Four questions at a time are enough for all jobs, and only where they would come too late there are more."""
    monkeypatch.setattr(watcher, "LATE", late)
    simulator.faults.add(Fault("list", "status", status=404, times=None))
    network = Slow(seconds)
    client = AsyncKling(simulator.api_key, base_url=simulator.base_url, transport=network)
    service = Service(client, Ledger(), tmp_path, speed=simulator.speed)
    jobs = start(service, 40)
    assert [job.end() for job in jobs] == [None] * 40
    service.close()
    assert low <= network.most <= high


def test_one_refusal_holds_back_all_jobs(tmp_path: Path) -> None:
    """When one job's question is refused as too fast, no job asks before the time that the service names."""
    moments: list[float] = []

    def clock() -> float:
        moments.append(time.monotonic())
        return time.time()

    with Simulator(speed=60.0, seed=1, clock=clock) as busy:
        busy.faults.add(Fault("list", "status", status=404, times=None))
        service = Service(AsyncKling(busy.api_key, base_url=busy.base_url), Ledger(), tmp_path, speed=busy.speed)
        jobs = start(service, 30)
        for job in jobs[:10]:
            job.until(State.PROCESSING, State.DOWNLOADING)
        before = len(moments)
        busy.faults.add(Fault("query", "status", status=429, retry_after="0.5"))
        for job in jobs:
            assert job.end() is None
        service.close()
    assert [request.status for request in busy.requests].count(429) == 1
    silence = max(later - sooner for sooner, later in zip(moments[before:], moments[before + 1 :], strict=False))
    assert silence > 0.4


# -- stopping, closing, forking, exiting -------------------------------------------------------------------------------


def test_stopping_works_at_once_while_a_question_hangs(simulator: Simulator, tmp_path: Path) -> None:
    """Stop does not wait for an answer that does not come; the render goes on and can be fetched later."""
    service = Service(AsyncKling(simulator.api_key, base_url=simulator.base_url), Ledger(), tmp_path, speed=200)
    simulator.faults.add(Fault("query", "hang", times=None))
    (job,) = start(service)
    job.until(State.SUBMITTED)
    service.stop(job.following)
    error = job.end()
    service.close()
    assert isinstance(error, Stopped)
    assert "billed" in str(error)
    assert job.following.state is State.STOPPED


def test_stopping_during_create_keeps_the_task_id(simulator: Simulator, service: Service, since: Since) -> None:
    """A create under way may cost money: it comes to its end first, so that its task is in the ledger."""
    (job,) = start(service)
    service.stop(job.following)
    error = job.end()
    assert isinstance(error, Stopped)
    entry = service.ledger.get(job.following.external_task_id)
    assert entry is not None
    assert len(since.tasks) == (entry.task_id is not None)


def test_a_job_can_be_stopped_by_what_watches_it(service: Service) -> None:
    """An observer, which runs in the background thread, may stop the job and start another."""
    started: list[Told] = []

    def stop(following: Following) -> None:
        if following.state is State.SUBMITTED and not started:
            started.extend(start(service))
            service.stop(following)

    (job,) = start(service)
    job.following.observers.append(stop)
    if not started and not job.following.over:
        job.until(State.SUBMITTED)
    assert isinstance(job.end(), Stopped) or not started
    assert all(other.end() is None for other in started)


def test_closing_tells_whoever_waits(simulator: Simulator, tmp_path: Path, since: Since) -> None:
    """Closing the service ends every job that runs, from other threads' waits too, and the render goes on."""
    service = Service(AsyncKling(simulator.api_key, base_url=simulator.base_url), Ledger(), tmp_path, speed=200)
    simulator.faults.add(Fault("query", "hang", times=None))
    jobs = start(service, 6)
    for job in jobs:
        job.until(State.SUBMITTED)
    ends: list[KlingError | None] = []
    waiting = threading.Thread(target=lambda: ends.append(jobs[0].end()))
    waiting.start()
    service.close()
    waiting.join(LONG)
    assert all(isinstance(job.end(), Stopped) for job in jobs)
    assert isinstance(ends[0], Stopped)
    assert isinstance(start(service)[0].end(), Stopped)
    assert len(since.tasks) == 6


def run(script: str, simulator: Simulator) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], env=os.environ | use(simulator), capture_output=True, text=True, timeout=60
    )


def test_a_script_may_end_while_jobs_run(simulator: Simulator, since: Since) -> None:
    """The interpreter exits without a hitch; a create under way is answered first, so its task is known."""
    script = f"import kling_nb as kling\njobs = [kling.text2video({PROMPT!r}) for _ in range(3)]\n"
    begun = time.monotonic()
    ran = run(script, simulator)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert time.monotonic() - begun < 10
    known = {entry.task_id for entry in Ledger().entries() if entry.task_id}
    assert known == {task.task_id for task in since.tasks}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_starts_afresh(simulator: Simulator, since: Since) -> None:
    """A forked child follows jobs of its own, leaves its parent's alone, and the parent's end as if nothing was."""
    script = f"""
import os, sys
import kling_nb as kling
job = kling.text2video({PROMPT!r})
other = kling.text2video({PROMPT!r})
other.wait()
child = os.fork()
if child == 0:
    try:
        mine = kling.text2video({PROMPT!r}).wait()
        try:
            job.wait(timeout=20)
        except kling.Stopped as error:
            said = str(error)
        else:
            said = "finished before the fork"
        os.write(1, f"child {{mine.path.exists()}} {{said}}\\n".encode())
    finally:
        os._exit(0)
os.waitpid(child, 0)
print("parent", job.wait().path.exists(), kling.text2video({PROMPT!r}).wait().path.exists())
"""
    ran = run(script, simulator)
    assert ran.returncode == 0, ran.stderr
    child, parent = ran.stdout.splitlines()
    assert child.startswith("child True")
    assert parent == "parent True True"
    assert len(since.tasks) == 4
