"""What is shown can be read and used by everybody: axe-core finds no serious fault, keys reach what clicks do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
SERIOUS = ("serious", "critical")
SLOW = """\
import kling_nb as kling
kling.text2video("a red panda surfs a wave at sunset", duration=10)
"""
SWEEP = """\
import kling_nb as kling
batch = kling.sweep(kling.Text2Video, prompt=["fog", "rain"])
batch
"""
DARK = '{"theme": "JupyterLab Dark"}'


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, of the version in the lock file."""
    source = HERE / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        npm = shutil.which("npm")
        assert npm, "npm fetches axe-core: apt-get install npm"
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True, capture_output=True)
    return source.read_text(encoding="utf-8")


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest, jupyter: Any) -> Any:
    """JupyterLab's own two themes."""
    settings = jupyter.settings / "themes.jupyterlab-settings"
    if request.param == "dark":
        settings.write_text(DARK)
    yield request.param
    settings.unlink(missing_ok=True)


def faults(output: Any, axe: str) -> list[str]:
    """What axe-core finds serious in the shown outputs, without what JupyterLab itself puts around them."""
    output.page.evaluate(axe)
    found = output.evaluate_all(
        """async elements => {
            const results = await axe.run({ include: elements }, { resultTypes: ["violations"] })
            return results.violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html.slice(0, 200)).join(" | ")])
        }"""
    )
    return [f"{rule}: {where}" for impact, rule, where in found if impact in SERIOUS]


def test_a_running_and_a_finished_job_have_no_serious_fault(notebooks: Any, axe: str, theme: str) -> None:
    """Progress is announced as progress, has a name, and its text can be read; so has the video."""
    notebook = notebooks(SLOW, "import kling_nb as kling\n(await kling.text2video('fog')).show()")
    notebook.idle()
    notebook.run(0)
    bar = notebook.output(0).get_by_role("progressbar", name="Progress of a red panda surfs a wave at sunset")
    bar.wait_for()
    assert int(bar.get_attribute("aria-valuemin")) <= int(bar.get_attribute("aria-valuenow"))
    assert faults(notebook.output(0), axe) == []
    notebook.picture(f"widget-{theme}")
    notebook.run(1)
    notebook.output(1).locator("video").wait_for()
    assert faults(notebook.output(1), axe) == []


def test_a_sweep_and_its_grid_have_no_serious_fault(notebooks: Any, axe: str, theme: str) -> None:
    """Neither the live grid and the overview of all jobs, nor the gallery and the table at the end."""
    notebook = notebooks(SWEEP, "await batch\nbatch.table()")
    notebook.idle()
    notebook.run(0)
    notebook.output(0).get_by_role("progressbar").nth(2).wait_for()
    assert faults(notebook.output(0), axe) == []
    notebook.run(1)
    notebook.finished(1)
    notebook.output(0).get_by_role("button", name="Play all").wait_for()
    assert faults(notebook.output(0), axe) == []
    assert faults(notebook.output(1), axe) == []
    notebook.picture(f"gallery-{theme}")


def test_stop_is_reached_and_pressed_by_keys(notebooks: Any) -> None:
    """Who uses no mouse can stop a job too."""
    notebook = notebooks(SLOW)
    notebook.idle()
    notebook.run(0)
    stop = notebook.output(0).get_by_role("button", name="Stop")
    stop.wait_for()
    stop.focus()
    notebook.page.keyboard.press("Enter")
    notebook.output(0).get_by_text("The render goes on").wait_for()


def test_nothing_moves_for_those_who_ask_for_no_motion(notebooks: Any) -> None:
    """The bar jumps instead of growing where reduced motion is preferred."""
    notebook = notebooks(SLOW)
    notebook.idle()
    notebook.run(0)
    bar = notebook.output(0).get_by_role("progressbar").locator("> *").first
    expect(bar).to_have_css("animation-name", re.compile("kling"))
    notebook.page.emulate_media(reduced_motion="reduce")
    expect(bar).to_have_css("animation-name", "none")
