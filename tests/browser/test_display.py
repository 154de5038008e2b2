"""Finished media plays at home, after a reload, in an export and in a stranger's copy, or says how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbconvert import HTMLExporter

from kling_nb.simulator.render import Shot, text_video

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

PROMPT = "a lighthouse in the fog"
SHOW = """\
from pathlib import Path
from kling_nb.api import tasks
from kling_nb.notebook.media import About, finished
task = tasks.Task(task_id="1", task_result={{"videos": [{{"url": "http://127.0.0.1/film.mp4"}}]}})
about = About({prompt!r}, ("kling-v1", "std", "2 s"), simulated=True)
finished(task, [Path("kling-videos/film.mp4").absolute()], about)[0].show({form!r})
"""


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 1080p, which an embedded preview is smaller than."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    text_video(path, Shot(PROMPT, (1920, 1080), 2))
    return path


def shown(notebooks: Any, film: Path, form: str, view: str = "doc/tree") -> Any:
    """A notebook whose only cell shows the film in this form, run."""
    notebook = notebooks(SHOW.format(prompt=PROMPT, form=form), view=view)
    there = notebook.path.with_name("kling-videos") / "film.mp4"
    there.parent.mkdir(exist_ok=True)
    there.write_bytes(film.read_bytes())
    notebook.idle()
    notebook.run(0)
    notebook.finished(0)
    notebook.output(0).locator("video").wait_for()
    return notebook


def plays(video: Locator) -> bool:
    """Whether the video really advances."""
    return bool(
        video.evaluate(
            """async video => {
                const until = async condition => {
                    while (!video.error && video.networkState !== 3 && !condition())
                        await new Promise(soon => setTimeout(soon, 20))
                    return condition()
                }
                if (!await until(() => video.readyState === 4)) return false
                video.muted = true
                await video.play()
                return until(() => video.currentTime > 0.2)
            }"""
        )
    )


def source(video: Locator) -> str:
    """What is playing: "data" or the path of a file."""
    playing = str(video.evaluate("video => video.currentSrc"))
    return "data" if playing.startswith("data:") else playing.partition("?")[0].rpartition("/")[2]


def untrusted(notebook: Any) -> Any:
    """The same notebook as a stranger gets it: changed, so that no signature fits; opened without a kernel."""
    copy = nbformat.read(notebook.path, as_version=4)
    copy.cells[0].outputs[0].data["text/plain"] += " from elsewhere"
    nbformat.write(copy, notebook.path)
    notebook.jupyter.end_kernels()
    notebook.open()
    return notebook


@pytest.mark.parametrize("view", ["doc/tree", "notebooks"], ids=["jupyterlab", "notebook-7"])
@pytest.mark.parametrize(("form", "playing"), [("embed", "data"), ("preview", "film.mp4"), ("link", "film.mp4")])
def test_each_form_plays_now_and_after_a_reload_without_a_kernel(
    notebooks: Any, film: Path, form: str, playing: str, view: str
) -> None:
    """At home every form plays, and only "embed" plays from the notebook's own bytes."""
    notebook = shown(notebooks, film, form, view)
    video = notebook.output(0).locator("video")
    assert plays(video)
    assert source(video) == playing
    notebook.save()
    notebook.jupyter.end_kernels()
    notebook.open()
    video = notebook.output(0).locator("video")
    video.wait_for()
    assert plays(video)
    assert source(video) == playing
    notebook.picture(f"display-{form}-{view.partition('/')[0]}")


def test_a_job_in_notebook_7_is_live_and_then_its_video(notebooks: Any) -> None:
    """Progress, the swap in place and the saved video are the same there as in JupyterLab."""
    notebook = notebooks(
        "import kling_nb as kling\njob = kling.text2video('a lighthouse in the fog')\njob", view="notebooks"
    )
    notebook.idle()
    notebook.run(0)
    notebook.output(0).get_by_role("progressbar").wait_for()
    notebook.picture("notebook-7-live")
    video = notebook.output(0).locator("video")
    video.wait_for()
    assert plays(video)
    notebook.save()
    notebook.jupyter.end_kernels()
    notebook.open()
    kept = notebook.output(0).locator("video")
    kept.wait_for()
    assert plays(kept)
    assert notebook.page.locator(".jupyter-widgets, .jp-mod-noWidget").count() == 0


SOUNDS = """\
import io
from pathlib import Path
import av
import kling_nb as kling
from kling_nb.api import tasks
from kling_nb.notebook.media import About, finished
from kling_nb.simulator.sound import RATE
import numpy as np
tone = (8000 * np.sin(np.arange(RATE) / 20)).astype(np.int16)
for suffix, codec in ((".wav", "pcm_s16le"), (".mp3", "mp3"), (".m4a", "aac"), (".ogg", "libopus")):
    path = Path("kling-videos") / ("tone" + suffix)
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=48000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    task = tasks.Task(task_id="1", task_result={{"audios": [{{"url": "http://127.0.0.1/tone"}}]}})
    finished(task, [path.absolute()], About(suffix))[0].show({form!r})
"""


@pytest.mark.parametrize("form", ["embed", "preview", "link"])
def test_sounds_of_all_formats_play(notebooks: Any, form: str) -> None:
    """WAV, MP3, M4A and OGG play in every form."""
    notebook = notebooks(SOUNDS.format(form=form))
    notebook.idle()
    notebook.run(0)
    notebook.finished(0)
    sounds = notebook.output(0).locator("audio")
    assert sounds.count() == 4
    assert all(plays(sounds.nth(number)) for number in range(4))
    if form == "link":
        notebook.save()
        untrusted(notebook)
        sounds.first.wait_for()
        assert all(plays(sounds.nth(number)) for number in range(4))


def test_pictures_stay_in_a_strangers_copy(notebooks: Any) -> None:
    """An embedded picture is seen in an untrusted notebook too."""
    notebook = notebooks(
        """\
from pathlib import Path
from PIL import Image
from kling_nb.api import tasks
from kling_nb.notebook.media import About, finished
path = Path("kling-videos/teal.png").absolute()
path.parent.mkdir(exist_ok=True)
Image.new("RGB", (400, 300), "teal").save(path)
task = tasks.Task(task_id="1", task_result={"images": [{"url": "http://127.0.0.1/teal.png"}]})
finished(task, [path], About("teal"))[0].show()
"""
    )
    notebook.idle()
    notebook.run(0)
    notebook.finished(0)
    notebook.save()
    untrusted(notebook)
    picture = notebook.output(0).get_by_alt_text("teal")
    picture.wait_for()
    assert picture.evaluate("image => image.naturalWidth") == 400


@pytest.mark.parametrize("form", ["embed", "preview", "link"])
def test_a_strangers_copy_plays_or_says_where_the_video_is(notebooks: Any, film: Path, form: str) -> None:
    """JupyterLab takes embedded videos out of an untrusted notebook: a poster, and words, take their place."""
    notebook = shown(notebooks, film, form)
    hint = notebook.output(0).get_by_text("not trusted")
    assert not hint.is_visible()
    notebook.save()
    untrusted(notebook)
    video = notebook.output(0).locator("video")
    video.wait_for()
    if form == "link":
        assert plays(video)
    else:
        assert str(video.get_attribute("poster")).startswith("data:image/jpeg")
        assert hint.is_visible()
        assert "film.mp4" in notebook.output(0).get_by_role("link").inner_text()
    notebook.picture(f"display-{form}-untrusted")


@pytest.mark.parametrize("form", ["embed", "preview"])
def test_what_is_embedded_plays_where_the_file_is_gone(notebooks: Any, film: Path, form: str) -> None:
    """Moving the folder away costs no more than quality."""
    notebook = shown(notebooks, film, form)
    notebook.save()
    (notebook.path.with_name("kling-videos") / "film.mp4").unlink()
    notebook.jupyter.end_kernels()
    notebook.open()
    video = notebook.output(0).locator("video")
    video.wait_for()
    assert plays(video)
    assert source(video) == "data"


@pytest.mark.parametrize(("form", "expected"), [("embed", True), ("preview", True), ("link", False)])
def test_an_exported_page_plays_elsewhere(
    notebooks: Any, film: Path, page: Page, tmp_path: Path, form: str, expected: bool
) -> None:
    """A page made by nbconvert and opened from another folder plays what is embedded, and names what is linked."""
    notebook = shown(notebooks, film, form)
    notebook.save()
    exported = tmp_path / "elsewhere.html"
    exported.write_text(HTMLExporter().from_notebook_node(notebook.saved())[0], encoding="utf-8")
    page.goto(exported.as_uri())
    video = page.locator("video")
    video.wait_for()
    assert plays(video) == expected
    assert page.get_by_role("link", name="film.mp4").is_visible()
    assert not page.get_by_text("not trusted").is_visible()
    page.screenshot(path=notebook.picture(f"display-{form}-exported"))
