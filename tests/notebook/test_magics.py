"""A cell that is nothing but the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any

    from kling_nb.simulator import Simulator


@pytest.fixture
def magic(kernel: Any) -> Any:
    """A kernel that knows the magics."""
    kernel.run("%load_ext kling_nb")
    return kernel


def test_the_cells_body_is_the_prompt(magic: Any, simulator: Simulator) -> None:
    """Options become fields with Kling's own types, the body the prompt, and the job is shown and kept."""
    magic.run(
        "%%kling text2video --duration 10 --aspect-ratio 9:16 --cfg_scale 0.7 --as job\na red panda\nsurfs a wave"
    )
    assert magic.run("print(job.wait().duration)").strip() == "10.0"
    assert magic.until_shown("<video")
    (task,) = simulator.tasks
    asked = {name: task.request[name] for name in ("prompt", "duration", "aspect_ratio", "cfg_scale")}
    assert asked == {"prompt": "a red panda\nsurfs a wave", "duration": "10", "aspect_ratio": "9:16", "cfg_scale": 0.7}


def test_variables_and_json_can_be_given(magic: Any, simulator: Simulator) -> None:
    """`$name` is the variable itself, not its text, and a list or an object is JSON."""
    magic.run("from PIL import Image\nframe = Image.new('RGB', (400, 400), 'teal')")
    magic.run(
        "%kling image2video 'it waves' --image $frame --model_name kling-v1-5 --mode pro "
        '--camera_control \'{"type": "simple", "config": {"zoom": 5}}\' --as job'
    )
    magic.run("job.wait()")
    (task,) = simulator.tasks
    assert task.request["camera_control"]["config"]["zoom"] == 5
    assert task.request["prompt"] == "it waves"
    assert len(task.request["image"]) > 100


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        pytest.param("%kling", "text2video", id="no-workflow-names-them"),
        pytest.param("%%kling text2vidoe\na fox", "text2video", id="unknown-workflow-names-them"),
        pytest.param("%%kling text2video --durration 5\na fox", "--durration", id="unknown-option"),
        pytest.param("%%kling text2video --duration 7\na fox", "duration = 7", id="the-workflow's-own-refusal"),
        pytest.param("%%kling image2video --image $nothing\na fox", "nothing", id="unknown-variable"),
        pytest.param("%%kling text2video --camera_control {oops\na fox", "JSON", id="broken-json"),
    ],
)
def test_a_wrong_cell_says_what_to_write(magic: Any, simulator: Simulator, cell: str, said: str) -> None:
    """Nothing is sent, and the error tells what is known."""
    assert said in magic.run(cell, fails=None)  # IPython prints a usage error as text
    assert not simulator.tasks


def test_help_is_the_workflows_own(magic: Any) -> None:
    """`--help` prints what Shift-Tab shows."""
    assert "Make a video from words." in magic.run("%kling text2video --help")
