"""The main job as a person does it: a prompt becomes a video inside a live notebook, and stays there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser

QUICKSTART = Path(__file__).parents[2] / "notebooks" / "01-quickstart.ipynb"
JOB, BUSY, AWAIT = 1, 2, 3  # code cells of the quickstart


def plays(video: Locator) -> float:
    """Wait until the video really advances; return its duration in seconds."""
    shown = video.element_handle()
    assert shown is not None
    page = video.page
    page.wait_for_function("video => video.readyState === 4", arg=shown)
    page.evaluate("video => { video.muted = true; return video.play() }", shown)
    page.wait_for_function("video => video.currentTime > 0.3 && !video.error", arg=shown)
    return float(page.evaluate("video => video.duration", shown))


def test_a_prompt_becomes_a_video_that_stays(notebooks: Any) -> None:
    """Progress moves while a later cell blocks, the video takes its place, and it is there without a kernel."""
    notebook = notebooks(file=QUICKSTART)
    page = notebook.page
    notebook.idle()
    notebook.run(0)
    notebook.finished(0)
    notebook.run(JOB)
    notebook.output(JOB).get_by_role("button", name="Stop").wait_for()
    notebook.picture("1-live")

    notebook.run(BUSY)
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="busy"]')
    before = notebook.output(JOB).inner_text()
    page.wait_for_function(
        "([output, before]) => output.innerText !== before",
        arg=[notebook.output(JOB).element_handle(), before],
    )
    assert notebook.cell(BUSY).locator(".jp-InputPrompt").inner_text() == "[*]:", "the progress moved too late"
    assert "SIMULATED" in notebook.output(JOB).inner_text()
    notebook.picture("2-busy")

    notebook.run(AWAIT)
    video = notebook.output(JOB).locator("video")
    video.wait_for()
    assert plays(video) == pytest.approx(5, abs=0.2)
    notebook.finished(AWAIT)
    assert ".mp4" in notebook.output(AWAIT).inner_text()
    notebook.picture("3-finished")

    notebook.save()
    notebook.jupyter.end_kernels()
    notebook.open()
    kept = notebook.output(JOB).locator("video")
    kept.wait_for()
    assert plays(kept) == pytest.approx(5, abs=0.2)
    assert page.locator(".jupyter-widgets, .jp-mod-noWidget").count() == 0
    assert "Error displaying widget" not in page.locator(".jp-Notebook").inner_text()
    notebook.picture("4-reloaded")

    (shown,) = notebook.saved().cells[[c.cell_type for c in notebook.saved().cells].index("code") + 2].outputs
    assert set(shown.data) == {"text/plain", "text/html"}


def test_stop_says_that_the_render_goes_on_and_is_billed(notebooks: Any) -> None:
    """A click on Stop ends the watching at once, and leaves no doubt about the money."""
    notebook = notebooks(
        "import kling_nb as kling\nkling.text2video('a lighthouse in the fog', duration=10)",
    )
    notebook.idle()
    notebook.run(0)
    notebook.output(0).get_by_role("button", name="Stop").click()
    said = notebook.output(0).get_by_text("The render goes on")
    said.wait_for()
    assert "billed" in said.inner_text()
    assert notebook.output(0).get_by_role("button").count() == 0
    notebook.picture("5-stopped")


def test_one_job_in_two_cells_becomes_two_videos(notebooks: Any) -> None:
    """The same job can be shown twice, and a cell that awaits it ends in its own time."""
    notebook = notebooks(
        "import kling_nb as kling\njob = kling.text2video('a red panda surfs a wave at sunset')\njob",
        "job",
        "(await job).path.suffix",
    )
    notebook.idle()
    for number in range(3):
        notebook.run(number)
    notebook.finished(2)
    assert ".mp4" in notebook.output(2).inner_text()
    for number in range(2):
        assert plays(notebook.output(number).locator("video")) == pytest.approx(5, abs=0.2)


def test_a_missing_key_names_both_ways_out(notebooks: Any) -> None:
    """Without a key and without a simulator asked for, the error says what to do."""
    notebook = notebooks(
        "import os\nos.environ.pop('KLING_NB_BACKEND')\nimport kling_nb as kling\nkling.text2video('a fox')",
    )
    notebook.idle()
    notebook.run(0)
    notebook.finished(0)
    said = notebook.output(0).first.inner_text()
    assert "COMETAPI_KEY" in said
    assert "kling.connect(simulator=True)" in said
