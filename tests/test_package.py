"""What a person meets first: the import, the names, the help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kling_nb

ROOT = Path(__file__).parents[1]


def fresh(code: str, **run: object) -> str:
    """Run code in an interpreter of its own; return what it printed."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_importing_costs_next_to_nothing() -> None:
    """`import kling_nb` loads none of the libraries that make a notebook wait."""
    heavy = "{'httpx', 'ipywidgets', 'pydantic', 'IPython', 'anyio', 'sqlite3', 'nest_asyncio'}"
    assert fresh(f"import sys, kling_nb; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_every_public_name_is_there() -> None:
    """What tab completion offers can be used, and is offered in order."""
    assert list(kling_nb.__all__) == sorted(kling_nb.__all__)
    assert set(kling_nb.__all__) <= set(dir(kling_nb))
    for name in kling_nb.__all__:
        assert getattr(kling_nb, name).__doc__, f"{name} has no help"


def test_a_wrong_name_is_an_attribute_error() -> None:
    """A typo is an AttributeError, as Python's own."""
    with pytest.raises(AttributeError, match="text2vidoe"):
        kling_nb.text2vidoe  # noqa: B018


def test_nested_loops_are_patched_only_when_asked_for() -> None:
    """nest-asyncio is not loaded, nor asyncio patched, until the person says so."""
    code = (
        "import asyncio, sys, kling_nb\n"
        "async def outer(): return asyncio.run(inner())\n"
        "async def inner(): return 'nested'\n"
        "outer_ = outer()\n"
        "try: asyncio.run(outer_)\n"
        "except RuntimeError: print('refused', 'nest_asyncio' in sys.modules)\n"
        "kling_nb.allow_nested_loops()\n"
        "print(asyncio.run(outer()))\n"
    )
    assert fresh(f"import warnings; warnings.simplefilter('ignore')\n{code}").splitlines() == [
        "refused False",
        "nested",
    ]


def test_the_readme_shows_the_workflows_there_are() -> None:
    """The table in the README is the one of `kling.workflows()`; `make readme` renews it."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert kling_nb.workflows().markdown().strip() in readme


@pytest.mark.parametrize("notebook", ["02-chains", "03-sweeps", "04-nothing-is-lost"])
def test_every_notebook_runs(tmp_path: Path, notebook: str) -> None:
    """What the notebooks teach works, cell by cell, in a real kernel."""
    source = ROOT / "notebooks" / f"{notebook}.ipynb"
    words = ["demo", "--notebook", str(source), "--output", str(tmp_path), "--speed", "200"]
    ran = subprocess.run(
        [sys.executable, "-m", "kling_nb.cli", *words], capture_output=True, text=True, timeout=110, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "widget-view" not in (tmp_path / f"{notebook}.html").read_text()


def test_the_demo_ends_in_a_notebook_a_page_and_a_video(tmp_path: Path) -> None:
    """`kling-nb demo` runs the quickstart for real and says where everything is."""
    ran = subprocess.run(
        [sys.executable, "-m", "kling_nb.cli", "demo", "--output", str(tmp_path / "out"), "--speed", "100"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = dict(line.split(maxsplit=1) for line in ran.stdout.splitlines() if line.startswith("  "))
    assert "SIMULATED" in ran.stdout
    page = (tmp_path / "out" / "01-quickstart.html").read_text()
    assert told["page"].endswith("01-quickstart.html")
    assert page.count("data:video/mp4;base64,") == 2
    assert "widget-view" not in page
    assert told["media"].endswith(".mp4")
