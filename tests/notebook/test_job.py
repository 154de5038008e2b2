"""A job in a real kernel: live while it runs, its media afterwards, and never in the way."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

import kling_nb as kling
from kling_nb.demo import use
from kling_nb.simulator import Fault

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from kling_nb.simulator import Simulator

PROMPT = "a red panda surfs a wave at sunset"


def test_await_wait_and_a_script_return_the_same(connected: Simulator, tmp_path: Path) -> None:
    """Whichever way one waits, the same video comes back, and it is on disk."""
    job = kling.text2video(PROMPT)
    waited = job.wait()
    awaited = asyncio.run(_awaited(job))
    assert waited is awaited is job.result
    assert waited.path.read_bytes()[4:8] == b"ftyp"
    assert waited.duration == pytest.approx(5, abs=0.2)

    script = f"import kling_nb as kling; video = kling.text2video({PROMPT!r}).wait(); print(video.path, video.duration)"
    ran = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | use(connected), capture_output=True, text=True, check=True
    )
    path, duration = ran.stdout.split()
    assert (tmp_path / path).read_bytes() == waited.path.read_bytes()
    assert float(duration) == waited.duration


async def _awaited(job: kling.Job) -> Any:
    first, second = await asyncio.gather(_one(job), _one(job))
    assert first is second
    return await job


async def _one(job: kling.Job) -> Any:
    return await job


def test_starting_returns_at_once(connected: Simulator) -> None:
    """Nothing that the service does holds up the cell: the job is there while the create still hangs."""
    connected.faults.add(Fault(where="create", how="hang"))
    job = kling.text2video(PROMPT)
    assert job.status is kling.State.SENDING
    assert job.task_id is None
    job.stop()


def test_a_wait_with_a_timeout_leaves_the_job_alone(connected: Simulator) -> None:
    """`wait(timeout=...)` gives up waiting, says so, and the video comes all the same."""
    job = kling.text2video(PROMPT)
    with pytest.raises(TimeoutError, match="the job goes on"):
        job.wait(timeout=0)
    assert job.wait().path.exists()


def test_an_await_that_is_given_up_leaves_the_job_alone(connected: Simulator) -> None:
    """Cancelling one await does not touch the job, nor others that wait for it."""
    job = kling.text2video(PROMPT)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_one(job), 0.01)

    asyncio.run(give_up())
    assert job.wait().path.exists()


def test_a_failed_task_raises_its_reason_everywhere(connected: Simulator) -> None:
    """The service's own words reach whoever waits, as often as they ask."""
    connected.faults.add(Fault(where="create", how="failed", message="The <b>prompt</b> is not allowed"))
    job = kling.text2video(PROMPT)
    for _ in range(2):
        with pytest.raises(kling.TaskFailed, match="<b>prompt</b> is not allowed"):
            job.wait()
    assert isinstance(job.error, kling.TaskFailed)
    assert job.status is kling.State.FAILED
    assert "failed" in repr(job)


def test_waiting_in_many_threads(connected: Simulator) -> None:
    """Any number of threads may wait for one job."""
    job, found = kling.text2video(PROMPT), []
    threads = [threading.Thread(target=lambda: found.append(job.wait())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [job.result] * 5


def test_shift_tab_shows_the_workflows_own_arguments() -> None:
    """The help of a function is that of its workflow: fields, defaults, limits."""
    import inspect

    signature = inspect.signature(kling.text2video)
    assert next(iter(signature.parameters)) == "prompt"
    assert signature.parameters["duration"].default == 5
    assert (kling.text2video.__doc__ or "").startswith("Make a video from words.")


# -- in a kernel -----------------------------------------------------------------------------------------------------


def test_the_widget_gives_way_to_the_video_while_the_kernel_is_blocked(kernel: Any) -> None:
    """The output of the cell becomes the video although another cell keeps the kernel busy all the time."""
    kernel.run(f"job = kling.text2video({PROMPT!r})\njob")
    (place,) = kernel.shown
    assert "application/vnd.jupyter.widget-view+json" in kernel.shown[place]
    assert "SIMULATED" in kernel.shown[place]["text/plain"]
    busy = kernel.begin("import time\nwhile job.result is None: time.sleep(0.05)\ntime.sleep(1)\nprint('free again')")
    shown = kernel.until_shown("<video")
    assert shown is kernel.shown[place]
    assert set(shown) == {"text/html", "text/plain"}
    assert kernel.finish(busy).strip() == "free again"


def test_interrupting_a_wait_ends_the_wait_and_not_the_job(kernel: Any) -> None:
    """Kernel > Interrupt during `wait()` gives the cell back; the video comes all the same."""
    kernel.run(f"job = kling.text2video({PROMPT!r}, duration=10)")
    waiting = kernel.begin("print('waiting', flush=True)\njob.wait()")
    kernel.until_said("waiting")
    kernel.interrupt()
    assert "KeyboardInterrupt" in kernel.finish(waiting, fails=True)
    assert kernel.run("print(job.wait().path.suffix)").strip() == ".mp4"


def test_the_last_cell_awaits_and_holds_the_video(kernel: Any) -> None:
    """Tools that run notebooks read outputs only while cells run: the video is there before `await` returns."""
    kernel.run(f"job = kling.text2video({PROMPT!r})\njob")
    kernel.run("await job")
    assert any("<video" in bundle.get("text/html", "") for bundle in kernel.shown.values())


def test_a_failure_is_shown_in_the_jobs_own_cell_as_text(kernel: Any, simulator: Simulator) -> None:
    """What went wrong stands where the video would have been, with markup from the service shown as text."""
    simulator.faults.add(Fault(where="create", how="failed", message="<script>alert(1)</script>"))
    kernel.run(f"job = kling.text2video({PROMPT!r})\njob")
    shown = kernel.until_shown("failed")
    assert "&lt;script&gt;" in shown["text/html"]
    assert "<script>" not in shown["text/html"]
    assert "<script>" in shown["text/plain"]


def test_a_finished_job_shown_again_is_its_video_at_once(kernel: Any) -> None:
    """A later cell that names the job shows the video, without any widget."""
    kernel.run(f"job = kling.text2video({PROMPT!r})\njob.wait()\njob")
    assert "<video" in kernel.until_shown("<video")["text/html"]
