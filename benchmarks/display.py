"""What a shown video costs: bytes in the notebook for each form, time until it plays, messages for a thousand jobs.

Bytes are those that an output adds to the file, for 5 s of 1080p as detailed as Kling's own (moving texture with grain,
about 10 MB). Time is from the moment in the ledger at which the file was whole on disk to the first frame on a page of
JupyterLab in Chromium, with the page pressing play as soon as there is a player; the file is the simulator's 1080p,
which is small, because a download is not part of it. Messages are counted on the kernel's
own channel while a sweep of a thousand tasks runs against the simulator.

Usage: python benchmarks/display.py [--quick]
Exits with 1 when a claim falls short.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import queue
import shutil
import sys
import tempfile
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import av
import nbformat
import numpy as np
from jupyter_client.manager import start_new_kernel
from nbformat.v4 import new_code_cell, new_notebook, new_output
from playwright.sync_api import sync_playwright

from kling_nb.api import tasks
from kling_nb.demo import use
from kling_nb.notebook.media import About, finished
from kling_nb.notebook.preview import small_copy
from kling_nb.simulator import Simulator
from kling_nb.watch.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
FORMS = ("embed", "preview", "link")
PROMPT = "a red panda surfs a wave at sunset, golden light, slow motion"
SHOW = """\
import kling_nb as kling
kling.options.display = {form!r}
job = kling.text2video({prompt!r}, mode="pro")
job
"""
PLAYS = """() => new Promise(done => {
    const look = () => {
        const video = document.querySelector(".jp-CodeCell video")
        if (!video) return setTimeout(look, 5)
        video.muted = true
        video.requestVideoFrameCallback(() => video.currentTime > 0 || !video.paused ? done(Date.now()) : look())
        video.play().catch(() => setTimeout(look, 5))
    }
    look()
})"""
MANY = """\
import kling_nb as kling
batch = kling.sweep(kling.Text2Video, confirm=True, prompt=["fog"] * {count})
batch
"""


def detailed_film(path: Path, *, size: tuple[int, int] = (1920, 1080), seconds: int = 5, fps: int = 24) -> None:
    """Write a film with as many bits as Kling's at 1080p: textures that move, and grain."""
    rng = np.random.default_rng(1)
    width, height = size
    texture = np.full((height + 400, width + 400), 128.0)
    for scale, strength in ((8, 20), (32, 40), (128, 60)):
        coarse = rng.normal(size=(texture.shape[0] // scale + 1, texture.shape[1] // scale + 1))
        texture += strength * np.kron(coarse, np.ones((scale, scale)))[: texture.shape[0], : texture.shape[1]]
    grain = rng.normal(scale=4, size=(5, height, width))
    with av.open(str(path), "w") as film:
        stream = film.add_stream("libx264", rate=fps, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = width, height, "yuv420p", 16_000_000
        for number in range(seconds * fps):
            left, top = int(200 + 150 * np.sin(number / 20)), int(200 + 150 * np.cos(number / 27))
            seen = texture[top : top + height, left : left + width]
            luma = np.clip(seen + grain[number % len(grain)], 16, 235)
            colour = np.clip(seen[::2, ::2] / 2 + 64, 16, 240)
            planes = np.concatenate([plane.ravel() for plane in (luma, colour, 255 - colour)]).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(planes.reshape(height * 3 // 2, width), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, fps)
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))


def bytes_added(film: Path) -> dict[str, int]:
    """Bytes that showing the film adds to a notebook, by form."""
    about = About(PROMPT, ("kling-v2-6", "pro", "5 s", "took 1:32", "cost 3.5 units"))
    made = {"id": "8412", "url": "https://media.example/film.mp4", "duration": "5.1"}
    (shown,) = finished(tasks.Task(task_id="841204", task_result={"videos": [made]}), [film], about)

    def size(*outputs: Any) -> int:
        return len(nbformat.writes(new_notebook(cells=[new_code_cell("job", outputs=list(outputs), id="a")])).encode())

    bundles = {form: {"text/plain": repr(shown), "text/html": shown.figure(form)} for form in FORMS}
    return {form: size(new_output("display_data", data=bundle)) - size() for form, bundle in bundles.items()}


def seconds_to_playing(runs: int) -> dict[str, list[float]]:
    """From the file being whole to the first frame in the browser, by form, for each run."""
    browser_tests = _browser_tests()
    found: dict[str, list[float]] = {form: [] for form in FORMS}
    with (
        tempfile.TemporaryDirectory() as folder,
        Simulator(speed=100, seed=1) as simulator,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=browser_tests.FLAGS)
        jupyter = browser_tests.Jupyter(Path(folder), simulator)
        ledger = Ledger(jupyter.home / "ledger.sqlite3")
        try:
            for form in FORMS:
                for run in range(runs):
                    page = browser.new_page()
                    path = jupyter.root / f"{form}-{run}.ipynb"
                    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
                    cell = new_code_cell(SHOW.format(form=form, prompt=PROMPT))
                    nbformat.write(new_notebook(cells=[cell], metadata=kernel), path)
                    notebook = browser_tests.Notebook(page, jupyter, path)
                    notebook.open()
                    notebook.idle()
                    notebook.run(0)
                    playing = page.evaluate(PLAYS) / 1000
                    (newest,) = ledger.entries(limit=1)
                    found[form].append(playing - newest.finished)
                    page.close()
                    jupyter.end_kernels()
        finally:
            jupyter.end_kernels()
            jupyter.close()
            ledger.close()
    return found


def _browser_tests() -> Any:
    """The harness of the browser tests: a Jupyter server, and a notebook used as a person does."""
    spec = importlib.util.spec_from_file_location("browser_tests", ROOT / "tests/browser/conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def messages_a_second(count: int) -> tuple[float, float]:
    """What the kernel sends to a front end while so many jobs run, mean and worst second; the end not counted."""
    seconds: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as folder, Simulator(speed=100, seed=1) as simulator:
        here = {"KLING_NB_HOME": folder, "IPYTHONDIR": folder, "PYTHONPATH": str(ROOT)}
        manager, client = start_new_kernel(env=os.environ | use(simulator) | here, cwd=folder)
        client.execute(MANY.format(count=count))
        begun, ended = None, False
        for message in _heard(client):
            kind = message["msg_type"]
            if kind == "display_data" and "widget-view" in str(message["content"]["data"].keys()):
                begun = time.monotonic()
            elif kind == "update_display_data":
                ended = True
                break
            elif kind == "comm_msg" and begun is not None:
                seconds[int(time.monotonic() - begun)] += 1
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert ended, "the sweep did not come to its end"
    whole = [seconds[second] for second in range(max(seconds) + 1)]
    return sum(whole) / len(whole), max(whole)


def _heard(client: Any) -> Iterator[Any]:
    while True:
        try:
            yield client.get_iopub_msg(timeout=60)
        except queue.Empty:
            return


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs, fewer jobs")
    quick = parser.parse_args().quick

    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder, "film.mp4")
        detailed_film(film)
        begun = time.perf_counter()
        small_copy(film, "video")
        print(
            f"5 s of 1080p, {film.stat().st_size / 1e6:.1f} MB; its preview takes {time.perf_counter() - begun:.2f} s"
        )
        added = bytes_added(film)
        ratio = added["embed"] / film.stat().st_size
    for form, size in added.items():
        print(f"{form:8} adds {size:>10,} bytes to the notebook")
    playing = seconds_to_playing(1 if quick else 5)
    for form, times in playing.items():
        print(f"{form:8} plays after {', '.join(f'{seconds:.2f}' for seconds in times)} s")
    count = 100 if quick else 1000
    mean, worst = messages_a_second(count)
    print(f"{count} jobs send {mean:.1f} messages a second, {worst:.0f} in the busiest one\n")

    claims = [
        ("bytes added by preview", added["preview"], 400_000),
        ("bytes added by link", added["link"], 2_000),
        ("bytes added by embed, per byte of the file", ratio, 1.35),
        *((f"seconds from succeed to playing, {form}", median(times), 0.5) for form, times in playing.items()),
        (f"messages a second for {count} jobs", mean, 4),
    ]
    for name, value, goal in claims:
        print(f"claim: {name} measured={value:.3g} goal<={goal:g} {'holds' if value <= goal else 'falls-short'}")
    return int(any(value > goal for _, value, goal in claims))


if __name__ == "__main__":
    sys.exit(main())
