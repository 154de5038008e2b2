"""The command line, as a person types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

import kling_nb as kling
from kling_nb.demo import use

if TYPE_CHECKING:
    from pathlib import Path

    from kling_nb.simulator import Simulator

PROMPT = "a red panda surfs a wave at sunset"


def typed(*words: str, simulator: Simulator | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    environment = os.environ | (use(simulator) if simulator else {})
    return subprocess.run(
        [sys.executable, "-m", "kling_nb.cli", *words], env=environment, capture_output=True, text=True, timeout=60
    )


def test_an_empty_history_is_told(simulator: Simulator) -> None:
    """A machine that never started anything says so, without an error."""
    ran = typed("history", simulator=simulator)
    assert ran.returncode == 0
    assert "0 tasks" in ran.stdout or "No tasks" in ran.stdout


def test_what_a_dead_process_left_is_fetched_and_listed(simulator: Simulator) -> None:
    """`resume` brings the file of a task whose process was killed; `history` and `get` know it."""
    script = (
        "import os, signal, kling_nb as kling\n"
        f"job = kling.text2video({PROMPT!r})\n"
        "while job.task_id is None: pass\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script], env=os.environ | use(simulator), timeout=60)
    assert killed.returncode == -signal.SIGKILL
    (task,) = simulator.tasks

    listed = typed("history", simulator=simulator).stdout
    assert task.task_id in listed
    assert ".mp4" not in listed

    resumed = typed("resume", simulator=simulator)
    assert resumed.returncode == 0, resumed.stderr
    assert ".mp4" in resumed.stdout
    assert len(simulator.tasks) == 1

    (entry,) = kling.history(state="succeed")
    assert ".mp4" in typed("get", task.task_id, simulator=simulator).stdout
    assert typed("resume", simulator=simulator).stdout.strip() == "Nothing is unfinished."
    assert entry.task_id == task.task_id


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("get", "12345"), "--workflow", id="unknown-task"),
        pytest.param(("history", "--state", "sleeping"), "it may be", id="unknown-state"),
        pytest.param(("history", "--since", "yesterday"), "a date such as", id="no-date"),
        pytest.param(("demo", "--notebook", "nowhere.ipynb"), "nowhere.ipynb cannot be read", id="no-notebook"),
    ],
)
def test_a_wrong_word_says_what_to_write(simulator: Simulator, words: tuple[str, ...], said: str) -> None:
    """Mistakes end in one sentence and exit code 1, never in a traceback."""
    ran = typed(*words, simulator=simulator)
    assert ran.returncode == 1
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_missing_key_is_one_sentence() -> None:
    """Without a key and without the simulator, the command says both ways out."""
    ran = typed("resume")
    assert ran.returncode == 1
    assert "COMETAPI_KEY" in ran.stderr
    assert "KLING_NB_BACKEND=simulator" in ran.stderr


def test_a_command_run_with_the_simulator_uses_it(tmp_path: Path) -> None:
    """`kling-nb simulate -- COMMAND` ends with the command and its exit code."""
    script = f"import sys, kling_nb; print(kling_nb.text2video({PROMPT!r}).wait().path); sys.exit(3)"
    ran = typed("simulate", "--speed", "200", "--", sys.executable, "-c", script)
    assert ran.returncode == 3, ran.stderr
    assert ran.stdout.strip().endswith(".mp4")


def test_the_simulator_says_where_it_is() -> None:
    """`kling-nb simulate` prints its address and the variables to set, and ends on Ctrl-C."""
    running = subprocess.Popen(
        [sys.executable, "-u", "-m", "kling_nb.cli", "simulate"], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    said = running.stdout.readline()
    assert said.startswith("SIMULATED Kling at http://127.0.0.1:")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(said.split()[3] + "/videos/text2video/1", timeout=10)
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 0
    running.stdout.close()
