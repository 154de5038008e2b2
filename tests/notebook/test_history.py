"""The history as a person sees it, and taking up what a dead kernel left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

import kling_nb as kling
from kling_nb.api.errors import KlingError, RequestRefused, TaskFailed, TaskNotFound, Unconfirmed
from kling_nb.notebook.history import ended, outcome
from kling_nb.simulator import Fault, Simulator
from kling_nb.watch import schedule, watcher
from kling_nb.watch import service as service_module
from kling_nb.watch.following import State
from kling_nb.watch.ledger import Entry, Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.notebook.conftest import Kernel

WAIT = 30.0
SERVICE = "https://kling.example/v1"


def entry(external_task_id: str, **known: Any) -> Entry:
    given: dict[str, Any] = {
        "workflow": "videos/text2video",
        "service": SERVICE,
        "simulated": False,
        "folder": str(Path("kling-videos").absolute()),
        "created": time.time() - 90,
        "request": {"prompt": "fog", "external_task_id": external_task_id},
        "prompt": "fog",
    }
    return Entry(external_task_id=external_task_id, **(given | known))


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as made:
        yield made


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    with Simulator(speed=1000.0, seed=1) as running:
        yield running


@pytest.fixture
def simulator(shared: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """The service that this process is connected to."""
    for module, name, value in (
        (watcher, "SETTLING", 0.6),
        (watcher, "FIRST_LOOK", 0.05),
        (watcher, "PAUSE", 0.1),
        (schedule, "SHORTEST_GAP", 0.1),
        (schedule, "OVERDUE", 0.1),
        (service_module, "_current", None),
    ):
        monkeypatch.setattr(module, name, value)
    service = kling.connect(simulator=shared)
    yield shared
    shared.faults.clear()
    service.close()


def posts(simulator: Simulator) -> int:
    return sum(asked.method == "POST" for asked in simulator.requests)


def made_elsewhere(simulator: Simulator, prompt: str = "fog", **fields: Any) -> str:
    """Make a task that no ledger of this machine knows; return its id."""
    answer = httpx.post(
        f"{simulator.base_url}/videos/text2video",
        json={"prompt": prompt} | fields,
        headers={"authorization": f"Bearer {simulator.api_key}"},
        trust_env=False,
    )
    return str(answer.json()["data"]["task_id"])


def stopped(prompt: str = "fog") -> kling.Job:
    """A job whose task exists and which nobody follows, as after the death of its kernel."""
    job = kling.text2video(prompt)
    while job.task_id is None:
        time.sleep(0.01)
    job.stop()
    with pytest.raises(kling.Stopped):
        job.wait(WAIT)
    return job


# -- the table -------------------------------------------------------------------------------------------------------


def test_history_is_a_sequence_that_needs_no_key(ledger: Ledger) -> None:
    """Without key, simulator or kernel the history can be read, counted, cut and narrowed."""
    for number in range(3):
        ledger.intend(entry(f"knb-{number}", created=1000.0 + number, prompt=f"fog {number}"))
    ledger.update("knb-1", state="succeed")

    history = kling.history()
    assert [found.external_task_id for found in history] == ["knb-2", "knb-1", "knb-0"]
    assert history[0].prompt == "fog 2"
    assert len(history[1:]) == 2
    assert [found.external_task_id for found in kling.history(state="succeed")] == ["knb-1"]
    assert len(kling.history(state=["succeed", "intent"], text="FOG", limit=2)) == 2
    assert len(kling.history(workflow="text2video")) == len(kling.history(workflow=kling.Text2Video)) == 3
    assert len(kling.history(workflow="images/generations")) == 0
    assert len(kling.history(since="2026-01-01")) == len(kling.history(since=timedelta(days=1))) == 0


@pytest.mark.parametrize("wrong", [{"state": "succeeded"}, {"state": ["succeed", "done"]}, {"since": "yesterday"}])
def test_a_wrong_narrowing_is_told(wrong: dict[str, Any]) -> None:
    """A state or date that does not exist is refused, rather than an empty table shown."""
    with pytest.raises(RequestRefused, match=r"it may be|a date such as"):
        kling.history(**wrong)


def test_history_as_text_is_an_aligned_table(ledger: Ledger) -> None:
    """On a terminal the columns stand beneath each other, and nothing in a prompt can move the cursor."""
    ledger.intend(entry("knb-1", prompt="fog\x1b[2J\n over \u202e water", simulated=True))
    ledger.update("knb-1", state="succeed", task_id="87", cost="0.25", files=(str(Path("gone.mp4").absolute()),))
    ledger.intend(entry("knb-2", prompt="小熊猫在冲浪", model_name="kling-v1", created=time.time() - 7300))
    ledger.update("knb-2", state="failed", message="Task 88 failed: blocked.")

    head, first, second, last = repr(kling.history()).splitlines()
    assert head.split() == ["AGE", "STATE", "WORKFLOW", "MODEL", "COST", "TASK", "PROMPT", "FILE"]
    assert first.split("  ")[0] == "1 min"
    assert "SIMULATED fog [2J over water" in first
    assert first.endswith("gone.mp4 (not there any more)")
    assert second.startswith("2 h")
    assert second.endswith("Task 88 failed: blocked.")
    assert head.index("PROMPT") == first.index("SIMULATED") == second.index("小熊猫")
    assert last == "2 tasks"


def test_history_as_a_page_escapes_everything(ledger: Ledger) -> None:
    """No prompt, message, id, model, cost or file name of anybody's can put markup into the notebook."""
    evil = "<script>alert(1)</script>\"'"
    ledger.intend(entry(f"{evil}-1", prompt=evil, model_name=evil, mode=evil))
    ledger.update(f"{evil}-1", state="failed", message=evil, cost=evil, files=(str(Path(evil).absolute()),))
    page = kling.history()._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_long_history_shows_its_newest(ledger: Ledger) -> None:
    """A table stays short enough to be saved, and says how to see the rest."""
    for number in range(60):
        ledger.intend(entry(f"knb-{number}", created=1000.0 + number))
    history = kling.history()
    assert history._repr_html_().count("<tr>") == 51
    assert "60 tasks, the newest 50 shown; history()[50:] has the others" in history._repr_html_()
    assert len(history[50:]) == 10


def test_a_finished_task_has_its_picture_its_cost_and_its_file(simulator: Simulator) -> None:
    """The row of a finished video shows what it looks like, what it cost, and a link that JupyterLab opens."""
    video = kling.text2video("fog").wait(WAIT)
    page = kling.history()._repr_html_()
    assert 'src="data:image/jpeg;base64,' in page
    assert f'/{video.path.name}" target="_blank">{video.path.name}</a>' in page
    assert ">SIMULATED<" in page
    (kept,) = (Path(os.environ["KLING_NB_HOME"]) / "thumbnails").iterdir()
    kept.write_bytes(b"kept")
    assert 'src="data:image/jpeg;base64,a2VwdA=="' in kling.history()._repr_html_()

    video.path.unlink()
    assert f"/{video.path.name} (not there any more)" in kling.history()._repr_html_()


# -- resume ----------------------------------------------------------------------------------------------------------


def test_resume_fetches_what_a_kernel_left(simulator: Simulator) -> None:
    """Tasks that nobody follows any more end on disk, nothing is sent again, and then nothing is unfinished."""
    left = [stopped(), stopped()]
    before = posts(simulator)
    jobs = kling.resume()
    assert [job.task_id for job in jobs] == [job.task_id for job in left]
    assert all(job.wait(WAIT).path.is_file() for job in jobs)
    assert posts(simulator) == before
    assert list(kling.resume()) == []
    assert repr(kling.resume()) == "Nothing is unfinished."


def test_resume_gives_the_jobs_that_run(simulator: Simulator) -> None:
    """A job of this kernel that still runs is the same job when it is resumed."""
    running = kling.text2video("fog")
    (again,) = kling.resume()
    assert again.external_task_id == running.external_task_id
    assert again.wait(WAIT).path == running.wait(WAIT).path


def test_what_was_never_sent_is_told_and_can_be_sent(simulator: Simulator, ledger: Ledger) -> None:
    """A job that its kernel had no time to send costs nothing, is told once, and is sent when the person says so."""
    ledger.intend(entry("knb-1", service=simulator.base_url))
    before = posts(simulator)
    (job,) = kling.resume()
    assert isinstance(job.error, RequestRefused)
    assert "Never sent" in str(job.error)
    assert posts(simulator) == before
    assert list(kling.resume()) == []

    again = job.send_again()
    assert again.wait(WAIT).path.is_file()
    assert posts(simulator) == before + 1
    assert [found.state for found in kling.history()] == ["succeed", "refused"]


def test_a_request_of_an_earlier_session_is_sent_again_where_all_of_it_is_there(
    simulator: Simulator, ledger: Ledger, tmp_path: Path
) -> None:
    """A picture given as a file is read again; one given as bytes is not in the ledger, and the person is told."""
    Image.linear_gradient("L").resize((400, 300)).save(tmp_path / "start.png")
    for name, given in (("file", tmp_path / "start.png"), ("bytes", (tmp_path / "start.png").read_bytes())):
        request = kling.Image2Video(given, "fog", sound=False)
        ledger.intend(
            entry(
                name, service=simulator.base_url, workflow=request.path, request=request.described(), created=len(name)
            )
        )
    of_bytes, of_file = (kling.job(name) for name in ("bytes", "file"))
    with pytest.raises(RequestRefused, match=r"does not hold all of this request, so start it anew"):
        of_bytes.send_again()
    assert of_file.send_again().wait(WAIT).path.is_file()
    assert simulator.tasks[-1].request["sound"] == "off"


def test_a_create_that_a_kernel_died_in_is_looked_for(simulator: Simulator, ledger: Ledger) -> None:
    """When a kernel died between sending and the answer, its task is found; where there is none that is told."""
    for number, name in enumerate(("knb-made", "knb-lost")):
        ledger.intend(entry(name, service=simulator.base_url, state="sending", created=time.time() - 90 + number))
        ledger.update(name, sent=time.time())
    task_id = made_elsewhere(simulator, external_task_id="knb-made")
    before = posts(simulator)

    made, lost = kling.resume()
    assert made.wait(WAIT).path.is_file()
    assert made.task_id == task_id
    with pytest.raises(Unconfirmed, match=r"ended before the answer came.*knb-lost.*job.send_again\(\)"):
        lost.wait(WAIT)
    assert posts(simulator) == before
    with Ledger() as read:
        assert [read.get(name).state for name in ("knb-made", "knb-lost")] == ["succeed", "unconfirmed"]  # type: ignore[union-attr]


def test_what_resume_leaves_is_told(simulator: Simulator, ledger: Ledger) -> None:
    """Tasks of other processes, of other services, and such as are too old are named, with what to do."""
    ledger.intend(entry("busy", service=simulator.base_url))
    ledger.intend(entry("old", service=simulator.base_url, created=time.time() - 40 * 86400, state="submitted"))
    ledger.intend(entry("other"))
    assert ledger.claim("busy")
    told = repr(kling.resume())
    assert "1 task being worked on by another process." in told
    assert "1 task older than the 30 days that media is kept" in told
    assert f"kling.connect(base_url='{SERVICE}') first" in told


def test_an_answer_that_a_kernel_died_in_is_told_and_not_looked_for(simulator: Simulator, ledger: Ledger) -> None:
    """What is answered at once leaves no task behind: the person reads, once, that it may have been paid for."""
    ledger.intend(entry("knb-1", service=simulator.base_url, workflow="audio/tts", state="sending"))
    before = len(simulator.requests)
    (job,) = kling.resume()
    assert isinstance(job.error, Unconfirmed)
    assert "it may be billed" in str(job.error)
    assert len(simulator.requests) == before
    assert list(kling.resume()) == []


CHILD = """
import sys
import kling_nb as kling
jobs = kling.resume()
print("ready", flush=True)
for job in jobs:
    print(job.task_id, job.wait(30).path, flush=True)
"""


def test_two_kernels_share_the_work(simulator: Simulator) -> None:
    """Two processes that resume at the same time fetch each film once, and every film is whole."""
    left = [stopped().task_id for _ in range(6)]
    time.sleep(0.5)  # so that all of them can be fetched at once
    before = len(simulator.requests)
    environment = os.environ | {
        "KLING_NB_BACKEND": "simulator",
        "KLING_NB_BASE_URL": simulator.base_url,
        "KLING_NB_SIMULATOR_SPEED": "1000",
        "PYTHONPATH": str(Path(kling.__file__).parents[1]),
    }
    children = [
        subprocess.Popen([sys.executable, "-c", CHILD], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [child.communicate(timeout=60)[0].splitlines() for child in children]
    assert [child.returncode for child in children] == [0, 0]

    fetched = dict(line.split(" ", 1) for lines in said for line in lines if line != "ready")
    assert sorted(fetched) == sorted(filter(None, left))
    films = [Path(path) for path in fetched.values()]
    assert len({path.read_bytes() for path in films}) == 1
    assert sorted(Path("kling-videos").iterdir()) == sorted(Path("kling-videos", film.name) for film in films)
    asked = [one for one in simulator.requests[before:] if one.path.startswith("/media/")]
    assert len(asked) == len(left)


def test_a_resumed_job_turns_into_its_video_in_the_cell(simulator: Simulator, kernel: Kernel) -> None:
    """In a new kernel, one line shows what the dead one left, live, until each is its video."""
    stopped("a red panda in the fog")
    kernel.run("kling.resume()")
    assert "a red panda in the fog" in kernel.until_shown("<video")["text/html"]


# -- one task --------------------------------------------------------------------------------------------------------


def test_a_finished_task_comes_back_as_it_was(simulator: Simulator) -> None:
    """Re-attaching to a finished task gives its film at once, by either of its ids, without asking anybody."""
    video = kling.text2video("fog").wait(WAIT)
    made = kling.history()[0]
    before = len(simulator.requests)
    for task_id in (made.task_id, made.external_task_id):
        assert task_id is not None
        job = kling.job(task_id)
        assert job.status is State.SUCCEED
        assert job.wait(WAIT).path == video.path
        assert "cost 1 unit" in repr(job)
    assert len(simulator.requests) == before


def test_a_finished_task_whose_file_is_gone_is_fetched_again(simulator: Simulator) -> None:
    """What was paid for can be had again for as long as the service keeps it."""
    video = kling.text2video("fog").wait(WAIT)
    content = video.path.read_bytes()
    video.path.unlink()
    before = posts(simulator)
    assert kling.job(kling.history()[0].task_id or "").wait(WAIT).path.read_bytes() == content
    assert posts(simulator) == before


def test_a_failed_task_comes_back_with_its_reason(simulator: Simulator) -> None:
    """Why a render failed is still known in the next session."""
    simulator.faults.add(Fault("create", "failed", message="blocked by policy"))
    with pytest.raises(TaskFailed):
        kling.text2video("fog").wait(WAIT)
    with pytest.raises(TaskFailed, match="blocked by policy"):
        kling.job(kling.history()[0].task_id or "").wait(WAIT)


def test_a_task_made_elsewhere_is_taken_in(simulator: Simulator) -> None:
    """A task of another machine is followed, fetched and recorded, once its workflow is said."""
    task_id = made_elsewhere(simulator)
    with pytest.raises(TaskNotFound, match=f"kling.job\\('{task_id}', workflow='text2video'\\)"):
        kling.job(task_id)
    job = kling.job(task_id, workflow="text2video")
    assert job.wait(WAIT).path.is_file()
    (recorded,) = kling.history()
    assert (recorded.task_id, recorded.state, recorded.workflow) == (task_id, "succeed", "videos/text2video")
    assert abs(recorded.created - time.time()) < 60
    assert kling.job(task_id).status is State.SUCCEED


def test_a_task_that_nobody_knows_is_not_recorded(simulator: Simulator) -> None:
    """A mistyped id is told in the cell, and leaves no trace."""
    with pytest.raises(TaskNotFound):
        kling.job("12345", workflow="text2video")
    assert len(kling.history()) == 0


def test_a_task_of_another_service_is_not_asked_for_here(simulator: Simulator, ledger: Ledger) -> None:
    """The message says which service to connect to."""
    ledger.intend(entry("knb-1", task_id="87", state="submitted"))
    with pytest.raises(RequestRefused, match=r"kling.connect\(base_url='https://kling.example/v1'\) first"):
        kling.job("87")


def test_a_task_of_another_process_is_left_to_it(simulator: Simulator, ledger: Ledger) -> None:
    """Two processes never fetch the same film."""
    ledger.intend(entry("knb-1", service=simulator.base_url, task_id="87", state="submitted"))
    assert ledger.claim("knb-1")
    with pytest.raises(KlingError, match="Another process is working on task 87"):
        kling.job("87")


# -- shells ----------------------------------------------------------------------------------------------------------


def test_a_shell_gets_one_line_a_job(simulator: Simulator) -> None:
    """Jobs are told as they end, in words that a terminal can show."""
    simulator.faults.add(Fault("create", "failed", message="blocked \x1b[2J"))
    failed = kling.text2video("fog")
    while failed.task_id is None:
        time.sleep(0.01)
    told = {job: outcome(job) for job in ended([failed, kling.text2video("fog")])}
    assert len(told) == 2
    assert "failed: blocked [2J" in told.pop(failed)
    (said,) = told.values()
    assert said.startswith("SIMULATED · fog · kling-v1")
    assert said.endswith(".mp4")
