"""A wait on a terminal shows one line of progress, and leaves nothing behind; a file gets none of it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kling_nb.demo import use
from kling_nb.notebook.terminal import Line

if TYPE_CHECKING:
    from kling_nb.simulator import Simulator

SCRIPT = "import kling_nb as kling\nprint(kling.text2video('a fox').wait().path.suffix)"


def environment(simulator: Simulator) -> dict[str, str]:
    return os.environ | use(simulator) | {"PYTHONPATH": str(Path(__file__).parents[2])}


def test_a_script_on_a_terminal_shows_a_line_that_goes_away(simulator: Simulator) -> None:
    """State and time while it waits; the output is only what the script prints."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=environment(simulator), stdout=subprocess.PIPE, stderr=theirs
    ) as script:
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 1000):
                seen += part
        except OSError:  # how Linux tells that the other side is closed
            pass
        assert script.stdout is not None
        assert script.stdout.read() == b".mp4\n"
    os.close(ours)
    lines = seen.decode().split("\r\x1b[K")
    assert any("waiting at Kling · 0:0" in line for line in lines)
    assert lines[-1] == ""


def test_a_script_whose_output_goes_to_a_file_says_nothing(simulator: Simulator) -> None:
    """A log is not filled with progress."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT], env=environment(simulator), capture_output=True, check=True)
    assert ran.stdout == b".mp4\n"
    assert ran.stderr == b""


def test_what_a_service_says_cannot_steer_the_terminal() -> None:
    """Escape codes and line breaks in a message are taken out."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal, Line(terminal) as line:
        line.show("a\x1b]0;owned\x07b\nc\rd\u202e")
        said = os.read(ours, 100)
    os.close(ours)
    assert said == b"\r\x1b[Ka ]0;owned b c d "
