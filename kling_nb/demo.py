"""The demo: a notebook run for real in a Jupyter kernel, with the built-in simulator in place of Kling.

What the notebook's jobs are doing meanwhile is read from the ledger, as any other process could.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kling_nb.api.errors import KlingError, RequestRefused
from kling_nb.watch.ledger import FINISHED, Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

    from kling_nb.simulator import Simulator

__all__ = ["QUICKSTART", "demo", "use"]

QUICKSTART = "01-quickstart.ipynb"
GLANCE = 0.5  # seconds between two looks at what the jobs are doing


def use(simulator: Simulator) -> dict[str, str]:
    """Environment variables with which another process uses this simulator."""
    return {
        "KLING_NB_BACKEND": "simulator",
        "KLING_NB_BASE_URL": simulator.base_url,
        "KLING_NB_SIMULATOR_SPEED": f"{simulator.speed:g}",
    }


def demo(notebook: Path | None, output: Path, *, speed: float) -> None:
    """Run a notebook with the simulator; leave it executed, as an HTML page, and with its media.

    Parameters
    ----------
    notebook
        What to run; the quickstart when None.
    output
        Folder for everything that comes out, made if need be.
    speed
        Times faster than Kling.

    Raises
    ------
    KlingError
        When the notebook cannot be read or one of its cells fails.
    """
    try:
        import nbformat
        from nbconvert import HTMLExporter

        from kling_nb.simulator import Simulator
    except ImportError as error:
        raise KlingError(f"The demo needs {error.name}: pip install 'kling-nb[lab,simulator]'") from None

    source = notebook or _quickstart()
    try:
        document = nbformat.read(source, as_version=4)
    except (OSError, ValueError) as error:
        raise RequestRefused(f"{source} cannot be read as a notebook: {error}") from None
    output = output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(output / "home" / "ledger.sqlite3")
    begun = time.time()
    with Simulator(speed=speed) as simulator:
        print(f"SIMULATED Kling at {simulator.base_url}, {speed:g} times as fast; running {source.name} in a kernel")
        os.environ.update(use(simulator), KLING_NB_HOME=str(ledger.path.parent))
        asyncio.run(_run(document, output, ledger, begun))

    executed = output / source.name
    nbformat.write(document, executed)
    page = executed.with_suffix(".html")
    page.write_text(HTMLExporter().from_notebook_node(document)[0], encoding="utf-8")
    print(f"\nDone in {time.time() - begun:.0f} s. SIMULATED throughout; nothing was paid.")
    for name, path in [("notebook", executed), ("page", page), *(("media", file) for file in _files(ledger, begun))]:
        print(f"  {name:9} {path}")
    ledger.close()


def _quickstart() -> Path:
    """Where the notebook is: inside the installed package, or beside the package in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / QUICKSTART).exists():
            return folder / QUICKSTART
    raise KlingError(f"{QUICKSTART} is not part of this installation; name one with --notebook.")


async def _run(document: NotebookNode, folder: Path, ledger: Ledger, begun: float) -> None:
    """Run all cells, and tell meanwhile what the kernel and the jobs are doing."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    code = [cell for cell in document.cells if cell.cell_type == "code"]
    shown = _Line()
    at = 0

    async def started(cell: NotebookNode, cell_index: int) -> None:
        nonlocal at
        at = code.index(cell) + 1

    client = NotebookClient(
        document,
        resources={"metadata": {"path": str(folder)}},
        kernel_name="python3",
        on_cell_execute=started,
        store_widget_state=False,  # what is finished needs no widgets
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # or it warns of the transport that Jupyter chose
    )
    running = asyncio.ensure_future(client.async_execute())
    while not (await asyncio.wait([running], timeout=GLANCE))[0]:
        doing = f"cell {at} of {len(code)}" if at else "starting the kernel"
        shown.show(" · ".join([doing, *_jobs(ledger, begun)]))
    shown.end()
    try:
        await running
    except CellExecutionError as error:
        raise KlingError(f"The notebook failed in cell {at}:\n{error}") from None


def _jobs(ledger: Ledger, begun: float) -> Iterator[str]:
    """What the jobs that still run are doing, oldest first."""
    for entry in reversed(ledger.entries(since=begun)):
        if entry.state not in FINISHED:
            name = entry.prompt or entry.workflow
            yield f"{entry.state} for {time.time() - entry.created:.0f} s: {name[:40]}"


def _files(ledger: Ledger, begun: float) -> list[str]:
    return [file for entry in reversed(ledger.entries(since=begun)) for file in entry.files]


class _Line:
    """One line that changes in place on a terminal; in a file a line for each new thing that happens."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._last = ""

    def show(self, text: str) -> None:
        if self._live:
            print(f"\r\x1b[K{text[:110]}", end="", flush=True)
        elif _still(text) != _still(self._last):
            print(text, flush=True)
        self._last = text

    def end(self) -> None:
        if self._live and self._last:
            print()


def _still(text: str) -> str:
    """The text without what changes every second."""
    return "".join(letter for letter in text if not letter.isdigit())
