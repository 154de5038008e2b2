"""Many results at once: a grid whose cells are live progress until their video is there, played in step.

While jobs run it is a grid of widgets. At the end plain HTML takes its place, which is what is saved: it plays
anywhere, and where anywidget is installed its videos also play, stop and move together.
"""

import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets

from kling_nb.api.errors import RequestRefused
from kling_nb.api.tasks import Task
from kling_nb.api.workflow import name_of
from kling_nb.notebook.in_step import keep_in_step
from kling_nb.notebook.job import Job
from kling_nb.notebook.labels import Labels
from kling_nb.notebook.looks import FAINT, TEXT, badge, cost, plain, problem
from kling_nb.notebook.media import EMBEDDED, About, Audio, Image, Result, Video, finished
from kling_nb.notebook.progress import Overview, Progress, close, refill
from kling_nb.notebook.showing import in_notebook, outputs_change, show
from kling_nb.watch.ledger import Entry

__all__ = ["Gallery", "compare", "gallery"]

LIVE = 24  # jobs that get a live cell of their own; more share one overview
INLINE = 24  # results carried inside the notebook; more are linked
NARROWEST = 280  # pixels of a column


class Gallery:
    """Results side by side, with what differs between them as their labels; made by `gallery` and `compare`.

    Attributes
    ----------
    cells
        The jobs and results, in order.
    group
        The class of the element that holds the videos, in the page.
    """

    def __init__(self, cells: Sequence[Job | Result], columns: int | None = None) -> None:
        self.cells = tuple(cells)
        self._columns = columns
        self.group = f"kling-nb-{uuid.uuid4().hex[:12]}"
        self.labels = Labels([_asked(cell) for cell in self.cells])
        self._in_step: Any = None

    def __repr__(self) -> str:
        lines = [f"  {self.labels.name(number)}: {_told(cell)}" for number, cell in enumerate(self.cells[:INLINE])]
        more = [f"  and {len(self.cells) - INLINE} more"] if len(self.cells) > INLINE else []
        return "\n".join([f"<Gallery of {len(self.cells)}>", *lines, *more])

    def __len__(self) -> int:
        return len(self.cells)

    def _ipython_display_(self) -> None:
        """Show it in this cell: live while jobs run, then the grid in the same place."""
        if not in_notebook():
            show({"text/plain": repr(self)})
            return
        self._in_step = self._in_step or keep_in_step(self.group)
        running = {number: cell for number, cell in enumerate(self.cells) if isinstance(cell, Job) and not cell.ended}
        if running:
            _Live(self, running)
        else:
            show(self.bundle())

    def bundle(self) -> dict[str, str]:
        """What is shown at the end, and saved: text, and HTML that needs no script."""
        return {"text/plain": repr(self), "text/html": self.grid()}

    def grid(self, *, in_widget: bool = False) -> str:
        """HTML of all cells, once they are ready."""
        shown = "".join(self.cell(number, in_widget=in_widget) for number in range(len(self.cells)))
        grid = f"display:grid;grid-template-columns:{self.columns};gap:16px"
        return (
            f'<div style="{TEXT};margin-bottom:8px">{self.heading()}</div>'
            f'<div class="{self.group}" style="{grid}">{shown}</div>'
        )

    @property
    def columns(self) -> str:
        """The grid's columns, in CSS: as many as were asked for, or as there is room for."""
        if self._columns:
            return f"repeat({self._columns},minmax(0,1fr))"
        return f"repeat(auto-fill,minmax(min(100%,{NARROWEST}px),1fr))"

    def heading(self) -> str:
        """HTML that names what all cells have in common."""
        simulated = any(cell.about.simulated for cell in self.cells)
        return (badge("SIMULATED") if simulated else "") + self.labels.heading()

    def cell(self, number: int, *, in_widget: bool = False) -> str:
        """HTML of one cell that is ready: its media, or what went wrong, with its label."""
        cell, label = self.cells[number], self.labels.label(number)
        results = cell.results if isinstance(cell, Job) else [cell]
        if not results:
            assert isinstance(cell, Job)
            said = plain(cell.line()) if cell.error is None else problem(cell.trouble or cell.line())
            return f'<div style="{TEXT}">{label}{said}</div>'
        outcome = " · ".join(cell.about.outcome)
        caption = label + (f'<div style="{FAINT}">{plain(outcome)}</div>' if outcome else "")
        count = len(self.cells)
        most = EMBEDDED // count  # "auto" embeds as much in all as it does for one
        many = count > INLINE
        return "".join(
            result.figure(caption=caption, most=most, in_widget=in_widget, among_many=many) for result in results
        )


class _Live:
    """The grid while jobs run: widgets, each replaced by its media when that is there; all of it by HTML at the end."""

    def __init__(self, shown: Gallery, running: Mapping[int, Job]) -> None:
        self._gallery = shown
        self._place = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._running = set(running)
        self._cells: dict[int, ipywidgets.Box] = {}
        self._views: dict[int, Progress] = {}
        self._overview: Overview | None = None
        parts = []
        if len(shown.cells) > 1:  # one cell says it all itself
            names = [shown.labels.name(number) for number in running]
            self._overview = Overview([*running.values()], names, shown.heading())
            parts.append(self._overview.widget)
        if len(shown.cells) <= LIVE:
            parts.append(self._grid(running))
        self.widget = ipywidgets.VBox(parts, layout=ipywidgets.Layout(grid_gap="12px", overflow="hidden"))
        bundle = {**self.widget._repr_mimebundle_(), "text/plain": repr(shown)}
        show(bundle, self._place)
        for number, job in running.items():
            job.when_ended(partial(self._ended, number))

    def _grid(self, running: Mapping[int, Job]) -> ipywidgets.GridBox:
        for number in range(len(self._gallery)):
            self._cells[number] = ipywidgets.VBox(layout=ipywidgets.Layout(overflow="hidden"))
            if number in running:
                self._views[number] = Progress(running[number], self._gallery.labels.label(number))
                self._cells[number].children = [self._views[number].widget]
            else:
                self._fill(number)
        layout = ipywidgets.Layout(grid_template_columns=self._gallery.columns, grid_gap="16px")
        grid = ipywidgets.GridBox(list(self._cells.values()), layout=layout)
        grid.add_class(self._gallery.group)
        return grid

    def _ended(self, number: int) -> None:
        with self._lock:
            self._running.discard(number)
            if not self._running:
                self._finish()
            elif number in self._cells:
                self._fill(number)

    def _finish(self) -> None:
        if outputs_change():
            show(self._gallery.bundle(), self._place, again=True)
        if self._overview:
            self._overview.close()
        for view in self._views.values():
            view.close()
        if outputs_change():
            close(self.widget)
        else:
            refill(self.widget, self._gallery.grid(in_widget=True))

    def _fill(self, number: int) -> None:
        self._cells[number].children = [ipywidgets.HTML(self._gallery.cell(number, in_widget=True))]
        if view := self._views.pop(number, None):
            view.close()


def gallery(items: Iterable[Any], columns: int | None = None) -> Gallery:
    """Show many results side by side, with what differs between them as their labels.

    Cells are live progress until their video is there. Where anywidget is installed
    (``pip install 'kling-nb[gallery]'``) videos play, stop and move in step; without it each plays for itself.

    Parameters
    ----------
    items
        Jobs, videos, images or sounds, batches, or lists of them; also ``kling.history(...)``, of which is shown what
        is on disk.
    columns
        How many beside each other; as many as there is room for when left out.

    Raises
    ------
    RequestRefused
        When something in it cannot be shown, or there is nothing.

    Examples
    --------
    >>> import kling_nb as kling
    >>> jobs = [kling.text2video(words) for words in ("fog", "rain")]  # doctest: +SKIP
    >>> kling.gallery(jobs)  # doctest: +SKIP
    """
    if columns is not None and (not isinstance(columns, int) or columns < 1):
        raise RequestRefused(f"columns = {columns!r}: it may be a whole number from 1.")
    cells = list(_cells(items))
    if not cells:
        raise RequestRefused("There is nothing to show in this gallery.")
    return Gallery(cells, columns)


def compare(*items: Any) -> Gallery:
    """Show results side by side in one row, in step; what differs between them is told below each."""
    cells = list(_cells(items))
    return gallery(cells, columns=len(cells) or None)


def _cells(items: Any) -> Iterator[Job | Result]:
    if isinstance(items, (Job, Video, Image, Audio)):
        yield items
    elif isinstance(items, Entry):
        yield from _kept(items)
    elif isinstance(items, Iterable) and not isinstance(items, (str, bytes, dict)):
        for item in items:
            yield from _cells(item)
    else:
        raise RequestRefused(f"A gallery shows jobs, videos, images and sounds, not {type(items).__name__}.")


def _kept(entry: Entry) -> Iterator[Result]:
    """What a task of the ledger left on disk; nothing yet when it is unfinished."""
    task = Task(task_id=entry.task_id or entry.external_task_id, task_result=entry.result or {})
    outcome = (cost(entry.cost),) if entry.cost else ()
    about = About(entry.prompt or name_of(entry.workflow), (), entry.simulated, entry.request, outcome)
    yield from finished(task, map(Path, entry.files), about)


def _asked(cell: Job | Result) -> Mapping[str, Any]:
    return cell.about.asked or {"prompt": cell.about.prompt}


def _told(cell: Job | Result) -> str:
    return cell.line() if isinstance(cell, Job) else str(cell.path)
