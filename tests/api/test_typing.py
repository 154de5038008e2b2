"""Editors and mypy know what comes back."""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_answers_have_types_of_their_own() -> None:
    """Mypy --strict agrees with tests/typing: every call is known by what it is answered with."""
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "tests/typing/calls.py"],
        cwd=TOP,
        capture_output=True,
        text=True,
    )
    errors = [line for line in ran.stdout.splitlines() if line.startswith("tests/typing")]
    assert errors == []
    assert "error" in ran.stdout or ran.returncode == 0, ran.stdout + ran.stderr
