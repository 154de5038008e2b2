"""Sweeps are checked whole before anything is sent; batches wait, list and show many jobs as one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import kling_nb as kling
from kling_nb.demo import use
from kling_nb.notebook.labels import Labels
from kling_nb.simulator import Fault

if TYPE_CHECKING:
    from kling_nb.simulator import Simulator


def test_every_combination_is_made_once_in_order(connected: Simulator) -> None:
    """Lists are swept, the last one fastest; all else is the same for all."""
    batch = kling.sweep(kling.Text2Video, prompt=["fog", "rain"], cfg_scale=[0.3, 0.7], mode="std")
    asked = [(job.request.prompt, job.request.cfg_scale, job.request.mode) for job in batch]  # type: ignore[union-attr]
    assert asked == [("fog", 0.3, "std"), ("fog", 0.7, "std"), ("rain", 0.3, "std"), ("rain", 0.7, "std")]
    batch.wait()
    assert len(connected.tasks) == 4


def test_the_count_and_the_cost_are_told_first(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody learns the price of a sweep from the bill: it is told even when the first task cannot be started."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("KLING_NB_HOME", str(tmp_path / "file"))
    with contextlib.closing(kling.connect(simulator=simulator)), pytest.raises(kling.LedgerError):
        kling.sweep(kling.Text2Video, prompt=["fog", "rain"], duration=[5, 10])
    assert capsys.readouterr().out == "4 tasks, about $0.78 (estimate, from CometAPI's prices of early 2026)\n"
    assert not simulator.requests


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"prompt": ["fog", "rain"], "cfg_scale": [0.5, 2]}, "2 of the 4 tasks", id="one-value-is-wrong"),
        pytest.param({"prompt": []}, r"prompt = \[\]", id="an-empty-list"),
        pytest.param({"prompt": ["fog"] * 26}, r"26 tasks.*confirm=True", id="silly-size"),
        pytest.param({"prompt": ["a", "b"], "external_task_id": "mine"}, "one of its own", id="one-id-for-all"),
        pytest.param({"promt": ["fog", "rain"]}, "did you mean prompt", id="misspelt"),
    ],
)
def test_a_wrong_sweep_sends_nothing(connected: Simulator, fields: dict[str, object], message: str) -> None:
    """Whatever is wrong with one combination is told, and none is sent."""
    with pytest.raises(kling.RequestRefused, match=message):
        kling.sweep(kling.Text2Video, **fields)
    assert not connected.requests


def test_a_large_sweep_goes_on_confirmation(connected: Simulator) -> None:
    """What was meant is done."""
    batch = kling.sweep(kling.Text2Video, confirm=True, prompt=["fog"] * 26)
    batch.stop()
    assert len(batch) == 26


def test_one_failure_costs_no_other_its_video(connected: Simulator) -> None:
    """A batch returns what there is, in order, and says what is missing and why."""
    connected.faults.add(Fault(where="create", how="failed", message="content policy"))
    batch = kling.sweep(kling.Text2Video, prompt=["fog", "rain", "snow"])
    results = asyncio.run(_awaited(batch))
    assert [result is None for result in results].count(True) == 1
    (failed,) = batch.failures
    assert "content policy" in str(failed.error)
    assert results[list(batch).index(failed)] is None
    assert "1 failed" in repr(batch)
    assert "2 finished" in repr(batch)
    assert batch.wait() == results


async def _awaited(batch: kling.Batch) -> list[object]:
    return list(await batch)


def test_a_batch_is_a_table(
    connected: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What distinguishes the jobs comes first, then what became of each; without pandas the line to type is told."""
    batch = kling.sweep(kling.Text2Video, prompt=["fog", "rain"])
    batch.wait()
    first = batch.rows()[0]
    assert list(first)[:2] == ["prompt", "state"]
    assert first["prompt"] == "fog"
    assert first["state"] == "finished"
    assert first["file"].endswith(".mp4")
    batch.table()
    assert "fog | finished" in capsys.readouterr().out
    frame = batch.to_frame()
    assert list(frame["prompt"]) == ["fog", "rain"]
    assert set(frame["state"]) == {"finished"}
    assert "prompt" not in frame.attrs
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        batch.to_frame()


def test_the_history_can_be_shown_as_a_gallery(connected: Simulator) -> None:
    """What earlier sessions made is shown like what this one did, each with its own label."""
    kling.sweep(kling.Text2Video, prompt=["fog", "rain"]).wait()
    shown = repr(kling.gallery(kling.history()))
    assert "rain: " in shown
    assert "fog: " in shown
    assert shown.count(".mp4") == 2


@pytest.mark.parametrize(("number", "stops"), [(1, 1), (2, 3)])
def test_a_gallery_of_one_job_shows_it_once(kernel: Any, number: int, stops: int) -> None:
    """Many jobs have an overview above their cells; a single one needs none."""
    said = kernel.run(
        f"jobs = [kling.text2video('fog', duration=10) for _ in range({number})]\n"
        "display(kling.gallery(jobs))\n"
        "from ipywidgets.widgets.widget import _instances\n"
        "print(sum(getattr(widget, 'description', '') == 'Stop' for widget in list(_instances.values())))"
    )
    assert said.split()[-1] == str(stops)


def test_labels_tell_only_what_differs() -> None:
    """What all have in common is said once."""
    labels = Labels(
        [
            {"prompt": "fog", "mode": "std", "external_task_id": "a"},
            {"prompt": "fog", "mode": "pro", "cfg_scale": 0.3, "external_task_id": "b"},
        ]
    )
    assert labels.shared == {"prompt": "fog"}
    assert labels.name(0) == "std · cfg_scale default"
    assert labels.name(1) == "pro · cfg_scale 0.3"


def test_equal_requests_are_numbered() -> None:
    """Four tries of one prompt are 1, 2, 3 and 4."""
    assert [Labels([{"prompt": "fog"}] * 4).name(number) for number in range(4)] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("nothing", [[], None, "film.mp4", 3, [["film.mp4"]]])
def test_a_gallery_of_what_cannot_be_shown_is_refused(nothing: object) -> None:
    """The message says what a gallery shows."""
    with pytest.raises(kling.RequestRefused, match="gallery"):
        kling.gallery(nothing)  # type: ignore[arg-type]


def test_an_unattended_notebook_ends_with_its_videos(simulator: Simulator, tmp_path: Path) -> None:
    """Tools that run notebooks find the videos in the file, and no widget, when the last cell awaits."""
    cells = [
        "import kling_nb as kling\nbatch = kling.sweep(kling.Text2Video, prompt=['fog', 'rain'])\nbatch",
        "kling.compare(*batch)",
        "await batch",
    ]
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    here = {"KLING_NB_HOME": str(tmp_path), "IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=os.environ | use(simulator) | here)
    for cell in notebook.cells[:2]:
        shown = cell.outputs[-1].data
        assert set(shown) == {"text/plain", "text/html"}
        assert shown["text/html"].count("<video") == 2
