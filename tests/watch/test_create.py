"""Creating without doubling: what reaches the service, what it makes, and what the person is told, fault by fault."""

from __future__ import annotations

import base64
import contextlib
import io
import re
import socket
import sqlite3
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import (
    AuthenticationFailed,
    DownloadFailed,
    KlingError,
    LedgerError,
    MediaExpired,
    RequestRefused,
    ServiceUnavailable,
    Stopped,
    TaskFailed,
    Unconfirmed,
)
from kling_nb.api.requests import Image2Video, KlingWarning, Text2Video
from kling_nb.notebook.job import Job
from kling_nb.simulator import Fault, Simulator
from kling_nb.watch import ledger as ledger_module
from kling_nb.watch import pace, schedule, watcher
from kling_nb.watch.following import State
from kling_nb.watch.ledger import Entry, Ledger
from kling_nb.watch.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPEED = 1000.0  # times faster than Kling
WAIT = 30.0  # seconds that a job may take here; usually one or two


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    """One simulator for all, so that the same film is rendered once."""
    with Simulator(speed=SPEED, seed=1) as running:
        yield running


@pytest.fixture
def simulator(shared: Simulator) -> Iterator[Simulator]:
    yield shared
    shared.faults.clear()


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of patience is half a second here."""
    for name, value in (("SETTLING", 0.6), ("FIRST_LOOK", 0.05), ("PAUSE", 0.1), ("FETCH_WAITS", (0.0,))):
        monkeypatch.setattr(watcher, name, value)
    monkeypatch.setattr(pace, "SHORTEST_HOLD", 0.1)
    monkeypatch.setattr(pace, "SLOWEST", 10.0)
    monkeypatch.setattr(schedule, "SHORTEST_GAP", 0.1)
    monkeypatch.setattr(schedule, "OVERDUE", 0.1)


@pytest.fixture
def connect() -> Iterator[Callable[..., Service]]:
    """Connect to an address as `kling_nb.connect` does, but give up soon."""
    made = []

    def to(base_url: str) -> Service:
        client = AsyncKling("sk-simulated", base_url=base_url, timeout=0.5)
        made.append(Service(client, Ledger(), Path("kling-videos"), simulated=True, speed=SPEED))
        return made[-1]

    yield to
    for service in made:
        service.close()


@pytest.fixture
def service(simulator: Simulator, connect: Callable[..., Service]) -> Service:
    return connect(simulator.base_url)


def start(service: Service, prompt: str = "fog", **given: Any) -> Job:
    return Job(service.start(Text2Video(prompt, **given)), service)


def ended(job: Job) -> KlingError | None:
    """Wait for the end of a job; return what ended it."""
    try:
        job.wait(WAIT)
    except KlingError as error:
        return error
    return None


class Reached:
    """What reaches the service from here on."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._before = len(simulator.requests), len(simulator.tasks)

    @property
    def posts(self) -> int:
        return sum(asked.method == "POST" for asked in self._simulator.requests[self._before[0] :])

    @property
    def tasks(self) -> list[Any]:
        return self._simulator.tasks[self._before[1] :]


@pytest.fixture
def reached(simulator: Simulator) -> Reached:
    return Reached(simulator)


def recorded(job: Job) -> Entry:
    with Ledger() as ledger:
        entry = ledger.get(job.external_task_id)
        assert entry is not None
        return entry


NOTHING = r"(?i)nothing (was sent|was made|is billed)"
FAULTS = [
    # what goes wrong, times, processed: POSTs that arrive, tasks made, how it ends in the ledger, what the person reads
    pytest.param(Fault("create", "reset", processed=True), 1, 1, "succeed", None, id="answer lost"),
    pytest.param(Fault("create", "reset"), 1, 0, "unconfirmed", "the connection broke", id="reset before the body"),
    pytest.param(Fault("create", "status", status=502, processed=True), 1, 1, "succeed", None, id="502, with a task"),
    pytest.param(Fault("create", "status", status=502), 1, 0, "unconfirmed", "HTTP 502", id="502, without a task"),
    pytest.param(Fault("create", "status", status=503, processed=True), 1, 1, "succeed", None, id="503, with a task"),
    pytest.param(Fault("create", "status", status=503), 1, 0, "unconfirmed", "HTTP 503", id="503, without a task"),
    pytest.param(Fault("create", "hang", processed=True), 1, 1, "succeed", None, id="timeout, with a task"),
    pytest.param(Fault("create", "hang"), 1, 0, "unconfirmed", "ReadTimeout", id="timeout, without a task"),
    pytest.param(Fault("create", "malformed", processed=True), 1, 1, "succeed", None, id="cut JSON, with a task"),
    pytest.param(Fault("create", "malformed"), 1, 0, "unconfirmed", "answer was lost", id="cut JSON, without a task"),
    pytest.param(
        Fault("create", "html", status=502, processed=True), 1, 1, "succeed", None, id="proxy's page, with a task"
    ),
    pytest.param(
        Fault("create", "html", status=200), 1, 0, "unconfirmed", "text/html", id="proxy's page, without a task"
    ),
    pytest.param(
        Fault("create", "status", status=429, code=1303, retry_after="0", times=2), 3, 1, "succeed", None,
        id="429, too many in flight",
    ),
    pytest.param(Fault("create", "status", status=429, code=1102), 1, 0, "refused", NOTHING, id="429, in arrears"),
    pytest.param(Fault("create", "status", status=400, code=1201), 1, 0, "refused", NOTHING, id="400, wrong value"),
    pytest.param(Fault("create", "status", status=401, code=1002), 1, 0, "refused", NOTHING, id="401, wrong key"),
    pytest.param(Fault("create", "failed", message="blocked"), 1, 1, "failed", "blocked", id="the render fails"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "arrive", "made", "state", "said"), FAULTS)
def test_a_request_is_paid_for_at_most_once(
    simulator: Simulator,
    service: Service,
    reached: Reached,
    fault: Fault,
    arrive: int,
    made: int,
    state: str,
    said: str | None,
) -> None:
    """Only what was refused without a task is sent again by itself; a task that exists is found and ends on disk."""
    simulator.faults.add(fault)
    job = start(service)
    error = ended(job)

    assert (reached.posts, len(reached.tasks), recorded(job).state) == (arrive, made, state)
    if said is None:
        assert error is None
        assert job.result is not None
        assert job.result.path.is_file()
        assert job.task_id == reached.tasks[0].task_id
    else:
        assert re.search(said, str(error))
    if state == "unconfirmed":
        assert isinstance(error, Unconfirmed)
        assert job.status is State.UNCONFIRMED
        for told in (job.external_task_id, "job.send_again()", "paying twice"):
            assert told in str(error)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_nobody_there_costs_nothing(connect: Callable[..., Service]) -> None:
    """A service that cannot be connected to is tried some times, then the person is told that nothing was sent."""
    job = start(connect(f"http://127.0.0.1:{free_port()}/kling/v1"))
    assert isinstance(error := ended(job), ServiceUnavailable)
    assert "Nothing was sent, nothing is billed" in str(error)
    assert recorded(job).state == "refused"


def test_what_reached_nobody_is_sent_once_somebody_is_there(connect: Callable[..., Service]) -> None:
    """A network that was away for a moment is no reason to start anew."""
    port = free_port()
    tried = threading.Event()
    service = connect(f"http://127.0.0.1:{port}/kling/v1")
    job = start(service)
    job._following.observers.append(lambda following: following.failures and tried.set())
    assert tried.wait(WAIT)
    assert recorded(job).state == "intent"
    with Simulator(speed=SPEED, seed=1, port=port) as simulator:
        assert ended(job) is None
        assert len(simulator.tasks) == 1
        assert sum(asked.method == "POST" for asked in simulator.requests) == 1


# -- looking for a task whose create was never answered --------------------------------------------------------------


def test_a_task_that_the_service_knows_only_later_is_found(
    simulator: Simulator, service: Service, reached: Reached
) -> None:
    """That a task is not known right after its create does not mean that there is none."""
    simulator.faults.add(Fault("create", "reset", processed=True))
    simulator.faults.add(*(Fault(where, "status", status=404, times=2) for where in ("query", "list")))
    job = start(service)
    assert ended(job) is None
    assert (reached.posts, len(reached.tasks)) == (1, 1)


def test_a_service_that_finds_no_ids_of_ours_is_asked_for_its_list(
    simulator: Simulator, service: Service, reached: Reached
) -> None:
    """Where the lookup by our id is refused, the list of tasks tells which one is ours."""
    simulator.faults.add(Fault("create", "reset", processed=True), Fault("query", "status", status=400, code=1201))
    job = start(service)
    assert ended(job) is None
    assert job.task_id == reached.tasks[0].task_id


def test_a_service_that_is_away_has_not_said_no(simulator: Simulator, service: Service, reached: Reached) -> None:
    """Errors while looking are waited out, however long; only an answer counts."""
    simulator.faults.add(Fault("create", "reset", processed=True), Fault("query", "status", status=503, times=9))
    job = start(service)
    assert ended(job) is None
    assert (reached.posts, len(reached.tasks)) == (1, 1)


def test_a_service_without_a_list_is_told_from_one_that_lists_nothing(simulator: Simulator, service: Service) -> None:
    """The person reads how much the search is worth."""
    simulator.faults.add(Fault("create", "reset"))
    assert "not among the" in str(ended(start(service)))
    simulator.faults.add(Fault("create", "reset"), Fault("list", "status", status=404, times=None))
    assert "it has no list of tasks to look through" in str(ended(start(service)))


def test_tasks_that_might_be_the_lost_one_are_named(simulator: Simulator, service: Service) -> None:
    """A task of that time that nobody here knows is shown, with the line that takes it up."""
    answer = httpx.post(
        f"{simulator.base_url}/videos/text2video",
        json={"prompt": "fog"},
        headers={"authorization": f"Bearer {simulator.api_key}"},
        trust_env=False,
    )
    stranger = answer.json()["data"]["task_id"]
    simulator.faults.add(Fault("create", "reset"))
    error = str(ended(start(service)))
    assert f"kling.job('{stranger}', workflow='videos/text2video') takes it up" in error


# -- sending again ---------------------------------------------------------------------------------------------------


def test_sending_again_is_the_persons_own_choice(simulator: Simulator, service: Service, reached: Reached) -> None:
    """An unconfirmed request is sent again when told to, under a new id, with the risk said; the old one stays."""
    simulator.faults.add(Fault("create", "reset"))
    job = start(service)
    with pytest.raises(RequestRefused, match="still under way"):
        job.send_again()
    ended(job)
    with pytest.warns(KlingWarning, match="both are billed"):
        again = job.send_again()

    assert ended(again) is None
    assert again.external_task_id != job.external_task_id
    assert (reached.posts, len(reached.tasks)) == (2, 1)
    assert recorded(job).state == "abandoned"
    assert again.external_task_id in (recorded(job).message or "")
    assert recorded(again).prompt == "fog"


def test_what_was_paid_for_is_not_sent_again(simulator: Simulator, service: Service, reached: Reached) -> None:
    """A task that exists can be fetched, and is not made a second time."""
    simulator.faults.add(Fault("media", "expired", times=2))
    job = start(service)
    ended(job)
    with pytest.raises(RequestRefused, match=r"is paid for: kling\.job\('"):
        job.send_again()
    assert len(reached.tasks) == 1


def test_what_cost_nothing_is_sent_again_without_a_warning(simulator: Simulator, service: Service) -> None:
    """A refused request, or a failed render, can be sent again at no risk of paying twice for one thing."""
    simulator.faults.add(Fault("create", "status", status=401, code=1002), Fault("create", "failed"))
    refused = start(service)
    assert isinstance(ended(refused), AuthenticationFailed)
    with warnings.catch_warnings():
        warnings.simplefilter("error", KlingWarning)
        failed = refused.send_again()
        assert isinstance(ended(failed), TaskFailed)
        assert ended(failed.send_again()) is None
    assert (recorded(refused).state, recorded(failed).state) == ("refused", "failed")


def test_stopping_an_unconfirmed_job_leaves_it_to_be_found(simulator: Simulator, service: Service) -> None:
    """Stop ends the looking; the ledger goes on to say that a task may exist."""
    simulator.faults.add(Fault("create", "reset"), Fault("query", "status", status=503, times=None))
    job = start(service)
    looking = threading.Event()
    job._following.observers.append(lambda following: following.state is State.UNCONFIRMED and looking.set())
    assert looking.wait(WAIT)
    job.stop()
    assert isinstance(error := ended(job), Stopped)
    assert "A task may exist" in str(error)
    assert recorded(job).state == "unconfirmed"


# -- the ledger ------------------------------------------------------------------------------------------------------


def test_nothing_is_sent_that_cannot_be_recorded(
    service: Service, reached: Reached, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the ledger cannot be written, the request is refused before any money is spent."""
    monkeypatch.setattr(ledger_module, "BUSY", 0.1)
    with locked_ledger(service), pytest.raises(LedgerError, match="locked"):
        start(service)
    assert reached.posts == 0


def test_a_ledger_that_fails_later_costs_no_task(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task id that cannot be recorded is told at once, and recorded as soon as that is possible again."""
    monkeypatch.setattr(ledger_module, "BUSY", 0.1)
    told: list[str] = []
    with contextlib.ExitStack() as locking:

        def watch(following: Any) -> None:
            if following.state is State.SUBMITTED and not told:
                told.append("")
                locking.enter_context(locked_ledger(service))
            elif following.state is State.SUBMITTED and following.trouble:
                told.append(following.trouble)
                locking.close()

        following = service.start(Text2Video("fog"))
        following.observers.append(watch)
        job = Job(following, service)
        assert ended(job) is None
    assert f"Keep this id: {job.task_id}" in told[1]
    assert recorded(job).task_id == job.task_id
    assert recorded(job).state == "succeed"


@contextlib.contextmanager
def locked_ledger(service: Service) -> Iterator[None]:
    """Another process that does not let go of the ledger."""
    service.ledger.entries()  # there is one
    service.ledger.close()  # so that it is opened again, with this test's patience
    with contextlib.closing(sqlite3.connect(service.ledger.path, check_same_thread=False)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def test_neither_key_nor_media_is_in_the_ledger(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is read out of the ledger's files, the key and the pictures that were given are not in it."""
    picture = Image.effect_noise((400, 300), 90)
    held = io.BytesIO()
    picture.save(held, "PNG")
    picture.save(tmp_path / "start.png")
    client = AsyncKling("sk-simulated", base_url=simulator.base_url)
    with contextlib.closing(Service(client, Ledger(), Path("kling-videos"), speed=SPEED)) as service:
        jobs = [
            Job(service.start(Image2Video(given, "fog")), service)
            for given in (held.getvalue(), tmp_path / "start.png")
        ]
        assert [ended(job) for job in jobs] == [None] * 2
        files = [path.read_bytes() for path in (tmp_path / "home").iterdir()]
    files += [path.read_bytes() for path in (tmp_path / "home").iterdir()]
    assert any(b"start.png" in content for content in files)
    for secret in (b"sk-simulated", held.getvalue()[60:80], base64.b64encode(held.getvalue())[80:110]):
        assert not any(secret in content for content in files)


# -- the files -------------------------------------------------------------------------------------------------------


def test_an_expired_address_is_asked_for_anew_once(simulator: Simulator, service: Service, reached: Reached) -> None:
    """A cleared URL is renewed by itself; when the new one is no better the error says so, and it can be resumed."""
    simulator.faults.add(Fault("media", "expired"))
    assert ended(start(service)) is None

    simulator.faults.add(Fault("media", "expired", times=2))
    job = start(service)
    assert isinstance(ended(job), MediaExpired)
    assert recorded(job).state == "downloading"
    again = service.take_up(recorded(job))
    assert again is not None
    assert ended(Job(again, service)) is None
    assert len(reached.tasks) == 2


def test_a_host_of_media_that_is_away_is_waited_for(simulator: Simulator, service: Service) -> None:
    """A broken download queues again by itself, for longer than one download tries."""
    simulator.faults.add(Fault("media", "status", status=503, times=5), Fault("media", "truncated", times=3))
    assert ended(start(service)) is None


@pytest.mark.parametrize(
    "fault", [Fault("media", "endless"), Fault("media", "html", status=200)], ids=["no end", "page"]
)
def test_what_is_no_video_ends_in_words(simulator: Simulator, service: Service, fault: Fault) -> None:
    """Bytes without end and a page in place of the film end the job, and leave the task to be resumed."""
    simulator.faults.add(fault)
    job = start(service)
    assert isinstance(error := ended(job), DownloadFailed)
    assert "resume later" in str(error)
    assert recorded(job).state == "downloading"


def test_a_folder_that_cannot_be_written_leaves_the_task_to_be_resumed(service: Service) -> None:
    """A file where the folder should be is told; once it is out of the way the paid task is fetched."""
    Path("kling-videos").write_text("a file")
    job = start(service)
    assert "a file has its name" in str(ended(job))
    assert recorded(job).state == "downloading"
    Path("kling-videos").unlink()
    again = service.take_up(recorded(job))
    assert again is not None
    assert ended(Job(again, service)) is None


ODD = ["nul.mp4", "x" * 300 + "🐼🏄", "../../../etc/passwd", "a\0b", "C:\\a|b?<c>"]


def test_odd_prompts_and_ids_stay_in_the_folder(simulator: Simulator, service: Service, tmp_path: Path) -> None:
    """Whatever the prompt or the person's own id is, the film lands in the folder, under a name of its own."""
    jobs = [start(service, prompt) for prompt in ODD]
    jobs += [start(service, "fog", external_task_id=f"../{number}/same-end") for number in range(2)]
    assert [ended(job) for job in jobs] == [None] * len(jobs)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "home" not in path.parts]
    assert len(files) == len(jobs)
    assert {path.parent for path in files} == {tmp_path / "kling-videos"}
    assert {path.suffix for path in files} == {".mp4"}
