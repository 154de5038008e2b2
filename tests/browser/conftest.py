"""Real JupyterLab in real Chromium: one server and one browser for all tests, a folder and a kernel for each."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from kling_nb.demo import use
from kling_nb.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "screenshots"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STARTING = 60.0  # seconds at most until the server answers
MOMENT = 30_000  # milliseconds that anything on a page may take

TOKEN = "for-tests"

unseen: list[str] = []  # why tests could not run, if they could not


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser comes last: its driver keeps an event loop running, in which no other test could start one."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Nobody should take a run without a browser for a whole one."""
    if unseen:
        terminalreporter.section("THE BROWSER TESTS DID NOT RUN", sep="!", red=True, bold=True)
        for reason in unseen:
            terminalreporter.line(reason)


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Debian's Chromium, headless; a run without it says so loudly, and fails in CI."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        reason = "No Chromium on this machine: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(reason)
        unseen.append(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


class Jupyter:
    """A Jupyter server on a folder of its own, with the simulator as its kernels' Kling."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.root = folder / "root"
        self.simulator = simulator
        self.home = folder / "home"
        self.root.mkdir()
        self.settings = folder / "config/lab/user-settings/@jupyterlab/apputils-extension"
        self.settings.mkdir(parents=True)
        # Or JupyterLab asks about it on top of the notebook.
        (self.settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        environment = os.environ | own | use(simulator) | {
            "KLING_NB_HOME": str(self.home),
            "IPYTHONDIR": str(folder / "ipython"),
            "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        self._log = (folder / "jupyter.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0",
             f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.root}",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
            env=environment, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        note = folder / "runtime" / f"jpserver-{self._process.pid}.json"
        until = time.monotonic() + STARTING
        while not note.exists() or not note.read_text().strip():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"JupyterLab did not start:\n{(folder / 'jupyter.log').read_text()}")
            time.sleep(0.05)
        self.url = json.loads(note.read_text())["url"].rstrip("/")

    def ask(self, method: str, path: str) -> Any:
        """Call the server's own interface."""
        known = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method, headers=known)
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def end_kernels(self) -> None:
        """Shut all kernels down."""
        for session in self.ask("GET", "sessions"):
            self.ask("DELETE", f"sessions/{session['id']}")

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.wait(30)
        self._log.close()


class Notebook:
    """A notebook open in the browser, used as a person would: by keys, clicks and looking.

    The view is a part of the address: JupyterLab's of a single document, or "notebooks" for Notebook 7.
    """

    def __init__(self, page: Page, jupyter: Jupyter, path: Path, view: str = "doc/tree") -> None:
        self.page = page
        self.jupyter = jupyter
        self.path = path
        self.view = view

    def open(self) -> None:
        """Load it (again)."""
        path = self.path.relative_to(self.jupyter.root).as_posix()
        self.page.goto(f"{self.jupyter.url}/{self.view}/{path}?token={TOKEN}")
        self.page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=MOMENT)

    def idle(self) -> None:
        """Wait until the kernel waits for us.

        The page alone does not tell: it shows a kernel as idle before it is connected, and forgets what it was asked
        to run until then.
        """
        until = time.monotonic() + MOMENT / 1000
        while not any(self._ready(session) for session in self.jupyter.ask("GET", "sessions")):
            assert time.monotonic() < until, "the kernel did not start"
            self.page.wait_for_timeout(50)
        idle = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
        self.page.wait_for_selector(idle, state="attached")  # a narrow page hides it

    def _ready(self, session: Any) -> bool:
        kernel = session["kernel"]
        own = session["path"] == self.path.relative_to(self.jupyter.root).as_posix()
        return own and kernel["execution_state"] == "idle" and kernel["connections"] > 0

    def cell(self, number: int) -> Locator:
        """The code cell of this number, from 0."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)

    def output(self, number: int) -> Locator:
        """What the code cell of this number shows."""
        return self.cell(number).locator(".jp-OutputArea-output")

    def run(self, number: int) -> None:
        """Run one code cell as a person does: again, when a page that is still loading missed the keys."""
        prompt = self.cell(number).locator(".jp-InputPrompt")
        before = prompt.inner_text()
        for _ in range(5):
            self.cell(number).locator(".cm-content").click()
            self.page.keyboard.press("Control+Enter")
            with contextlib.suppress(AssertionError):
                return expect(prompt).not_to_have_text(before, timeout=2000)
        raise AssertionError(f"cell {number} does not run")

    def finished(self, number: int) -> None:
        """Wait until the code cell has run."""
        prompt = self.cell(number).locator(".jp-InputPrompt")
        expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=MOMENT)

    def save(self) -> None:
        """Save, and wait until it is on disk."""
        before = self.path.stat().st_mtime_ns
        self.page.locator(".jp-Notebook").click(position={"x": 3, "y": 3})
        self.page.keyboard.press("Control+s")
        until = time.monotonic() + MOMENT / 1000
        while self.path.stat().st_mtime_ns == before or not self._whole():
            assert time.monotonic() < until, "the notebook was not saved"
            self.page.wait_for_timeout(50)

    def _whole(self) -> bool:
        """Whether the file can be read: Jupyter empties it before it writes."""
        try:
            return bool(json.loads(self.path.read_text()))
        except ValueError:
            return False

    def saved(self) -> nbformat.NotebookNode:
        """What the file holds."""
        return nbformat.read(self.path, as_version=4)

    def picture(self, name: str) -> Path:
        """Write a screenshot, for people to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Jupyter]:
    """JupyterLab, with the simulator 20 times as fast as Kling."""
    with Simulator(speed=20.0, seed=1) as simulator:
        server = Jupyter(tmp_path_factory.mktemp("jupyter"), simulator)
        yield server
        server.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a browser that remembers nothing."""
    context = chromium.new_context(viewport={"width": 1000, "height": 1400})
    page = context.new_page()
    page.set_default_timeout(MOMENT)
    yield page
    context.close()


@pytest.fixture
def notebooks(jupyter: Jupyter, page: Page, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Make and open notebooks: from a file, or from the sources of their code cells."""

    def make(*sources: str, file: Path | None = None, view: str = "doc/tree") -> Notebook:
        folder = jupyter.root / request.node.name
        folder.mkdir(exist_ok=True)
        path = folder / (file.name if file else "notebook.ipynb")
        if file:
            shutil.copy(file, path)
        else:
            # Without a kernel's name JupyterLab would ask for one.
            metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
            cells = [new_code_cell(source) for source in sources]
            nbformat.write(new_notebook(cells=cells, metadata=metadata), path)
        made = Notebook(page, jupyter, path, view)
        made.open()
        return made

    yield make
    page.close()
    jupyter.end_kernels()
