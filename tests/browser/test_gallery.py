"""Many videos at once: live until they are there, in step where code runs, and plain HTML that plays once saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kling_nb.simulator.render import Shot, text_video

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=\"document.title='broken'\"><script>document.title='broken'</script> a \"fox\" & </div>"
THREE = """\
from pathlib import Path
import kling_nb as kling
from kling_nb.api import tasks
from kling_nb.notebook.media import About, finished
def film(prompt):
    about = About(prompt, simulated=True, asked={"prompt": prompt, "mode": "std"})
    path = Path("kling-videos/film.mp4").absolute()
    task = tasks.Task(task_id="1", task_result={"videos": [{"url": "http://127.0.0.1/film.mp4"}]})
    return finished(task, [path], about)[0]
"""
SWEEP = """\
import kling_nb as kling
kling.sweep(kling.Text2Video, prompt=["fog", "rain"], cfg_scale=[0.3, 0.7])
"""
TIMES = "videos => videos.map(video => video.currentTime)"


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of 720p."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    text_video(path, Shot("a fox", (1280, 720), 4))
    return path


def shown(notebooks: Any, film: Path, last_line: str) -> Any:
    """A notebook whose only cell ends in this line, run."""
    notebook = notebooks(THREE + last_line)
    there = notebook.path.with_name("kling-videos") / "film.mp4"
    there.parent.mkdir(exist_ok=True)
    there.write_bytes(film.read_bytes())
    notebook.idle()
    notebook.run(0)
    notebook.finished(0)
    return notebook


def spread(videos: Locator) -> float:
    """Seconds between the video that is ahead and the one that is behind, at one moment."""
    times = videos.evaluate_all(TIMES)
    return float(max(times) - min(times))


def every(videos: Locator, condition: str) -> None:
    """Wait until this holds for each of the videos."""
    script = f"""async videos => {{
        while (!videos.every(video => {condition})) await new Promise(soon => setTimeout(soon, 20))
    }}"""
    videos.evaluate_all(script)


def test_videos_play_stop_and_move_in_step(notebooks: Any, film: Path) -> None:
    """One button or any video's own controls move all of them, less than 50 ms apart."""
    notebook = shown(notebooks, film, "kling.gallery([film('a fox'), film('a hare'), film('an owl')])")
    output = notebook.output(0)
    videos = output.locator("video")
    every(videos, "video.readyState === 4")
    output.get_by_role("button", name="Play all").click()
    every(videos, "!video.paused && video.currentTime > 0.5")
    apart = []
    for _ in range(10):
        notebook.page.wait_for_timeout(100)
        apart.append(spread(videos))
    assert max(apart) < 0.05
    notebook.picture("gallery")

    videos.nth(1).evaluate("video => video.pause()")
    every(videos, "video.paused && !video.seeking")
    assert spread(videos) < 0.05
    output.get_by_role("button", name="Play all").wait_for()

    videos.nth(2).evaluate("video => { video.currentTime = 1 }")
    every(videos, "Math.abs(video.currentTime - 1) < 0.05 && !video.seeking")

    output.get_by_role("slider", name="Position of all videos").fill("3.5")
    every(videos, "Math.abs(video.currentTime - 3.5) < 0.05 && !video.seeking")

    videos.nth(0).evaluate("video => video.play()")
    every(videos, "!video.paused && video.currentTime > 3.6")
    every(videos, "!video.paused && video.currentTime < 1")  # all began again together
    notebook.page.wait_for_timeout(300)
    assert spread(videos) < 0.05

    notebook.save()
    notebook.open()  # the kernel still runs
    notebook.output(0).get_by_role("button", name="Play all").wait_for()


def test_compare_puts_two_side_by_side(notebooks: Any, film: Path) -> None:
    """Two results stand in one row, and what differs is told below each."""
    notebook = shown(notebooks, film, "kling.compare(film('a fox'), film('a hare'))")
    left, right = (notebook.output(0).locator("figure").nth(number).bounding_box() for number in range(2))
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    assert notebook.output(0).locator("figcaption").nth(1).get_by_text("a hare").is_visible()


def test_without_anywidget_each_video_plays_for_itself(notebooks: Any, film: Path) -> None:
    """The gallery needs no extra to be shown."""
    notebook = shown(
        notebooks, film, "import sys; sys.modules['anywidget'] = None\nkling.gallery([film('a fox'), film('a hare')])"
    )
    videos = notebook.output(0).locator("video")
    every(videos, "video.readyState === 4")
    assert notebook.output(0).get_by_role("button").count() == 0
    videos.nth(0).evaluate("video => video.play()")
    every(videos.nth(0), "video.currentTime > 0.2")
    assert videos.nth(1).evaluate("video => video.paused")


def test_nothing_in_a_label_becomes_markup(notebooks: Any, film: Path) -> None:
    """HTML in a prompt is seen as text, in a live notebook and in a saved one."""
    notebook = shown(notebooks, film, f"kling.gallery([film({HOSTILE!r}), film('a hare')])")
    for _ in range(2):
        notebook.output(0).get_by_text(HOSTILE).wait_for()
        assert notebook.output(0).locator("img, script").count() == 0
        assert "broken" not in notebook.page.title()
        notebook.save()
        notebook.open()


def test_a_sweep_is_live_and_then_a_grid_that_stays(notebooks: Any) -> None:
    """Cells show progress until their video is there; the saved notebook has the videos and no dead widget."""
    notebook = notebooks(SWEEP)
    notebook.idle()
    notebook.run(0)
    output = notebook.output(0)
    output.get_by_role("progressbar").nth(4).wait_for()  # one for all, and one each
    assert output.get_by_text("4 tasks, about $").is_visible()
    notebook.picture("sweep-live")
    videos = output.locator("figure video")
    videos.nth(3).wait_for()
    output.get_by_role("progressbar").first.wait_for(state="detached")
    assert videos.count() == 4
    every(videos, "video.readyState === 4")
    assert output.get_by_text("cfg_scale 0.7").count() == 2
    notebook.picture("sweep-finished")

    notebook.save()
    notebook.jupyter.end_kernels()
    notebook.open()
    kept = notebook.output(0).locator("figure video")
    kept.nth(3).wait_for()
    every(kept, "video.readyState === 4")
    assert notebook.page.locator(".jupyter-widgets, .jp-mod-noWidget").count() == 0
    assert "Error displaying widget" not in notebook.page.locator(".jp-Notebook").inner_text()


def test_jobs_and_finished_videos_stand_in_one_grid(notebooks: Any, film: Path) -> None:
    """What is there is seen at once, also beside a job that runs, and the same job may be given twice."""
    notebook = shown(
        notebooks, film, "job = kling.text2video('fog')\nkling.gallery([film('a fox'), job, job], columns=2)"
    )
    output = notebook.output(0)
    output.get_by_role("progressbar").first.wait_for()
    assert output.locator("video").count() == 1
    output.locator("video").nth(2).wait_for()
    every(output.locator("video"), "video.readyState === 4")
    assert output.get_by_text("took 0:0").count() == 2
