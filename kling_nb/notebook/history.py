"""Everything that was ever asked for from this machine: shown as a table, and taken up where it is unfinished.

The ledger has it all, so it survives the kernel. What was started and not yet fetched goes on with `resume`, in any
process: each task is worked on by one at a time, and nothing is sent or paid for again.
"""

import contextlib
import hashlib
import time
import unicodedata
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import overload

from kling_nb.api.client import Workflow, path_of
from kling_nb.api.errors import KlingError, RequestRefused, TaskNotFound
from kling_nb.api.fields import listed
from kling_nb.api.workflow import name_of
from kling_nb.notebook.batch import Batch
from kling_nb.notebook.job import Job
from kling_nb.notebook.looks import FAINT, TEXT, badge, plain
from kling_nb.notebook.media import address, nearby
from kling_nb.notebook.preview import thumbnail
from kling_nb.notebook.showing import show
from kling_nb.notebook.terminal import Line
from kling_nb.watch.ledger import STATES, Entry, home
from kling_nb.watch.service import ledger, service

__all__ = ["History", "Resumed", "ended", "history", "job", "outcome", "resume"]

ROWS = 50  # of a table on the page or on a terminal; a notebook has to be saved with them
KEPT = timedelta(days=30)  # that the service keeps media
THUMBNAILS = 1.0  # seconds spent on making new ones for a table; the rest comes when it is shown again
COLUMNS = {"": "", "Prompt": "16em", "Workflow": "", "State": "", "Age": "", "Cost": "", "File": "12em"}
"""Headings, and the width that a column of long words keeps on a narrow page."""
GLANCE = 0.5  # seconds; Windows notices an interrupt only between waits


class History(Sequence[Entry]):
    """Tasks of the ledger, newest first: a sequence of `Entry` in code, a table where it is shown."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> "History": ...
    def __getitem__(self, index: int | slice) -> "Entry | History":
        if isinstance(index, slice):
            return History(self._entries[index])
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        head = ("AGE", "STATE", "WORKFLOW", "MODEL", "COST", "TASK", "PROMPT", "FILE")
        return "\n".join([*_aligned([head, *map(_cells, self._entries[:ROWS])]), self._told()])

    def _repr_html_(self) -> str:
        until = time.monotonic() + THUMBNAILS
        heads = "".join(f'<th scope="col" style="text-align:left">{name}</th>' for name in COLUMNS)
        rows = "".join(_row(entry, until) for entry in self._entries[:ROWS])
        return (
            f'<div style="overflow-x:auto"><table style="{TEXT}"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>'
            f'</table></div><div style="{TEXT};{FAINT}">{plain(self._told())}</div>'
        )

    def _told(self) -> str:
        tasks = _tasks(len(self))
        return tasks if len(self) <= ROWS else f"{tasks}, the newest {ROWS} shown; history()[{ROWS}:] has the others"


def history(
    *,
    state: str | Iterable[str] | None = None,
    workflow: Workflow | None = None,
    since: datetime | timedelta | float | str | None = None,
    text: str | None = None,
    limit: int | None = None,
) -> History:
    """Return every task ever started from this machine, newest first; every argument narrows.

    Parameters
    ----------
    state
        One of intent, sending, unconfirmed, submitted, processing, downloading, succeed, failed, refused and
        abandoned, or several; see `Entry`.
    workflow
        Name ("text2video"), path ("videos/text2video") or class.
    since
        Not older than this: a date or moment (also as ISO 8601 text, local time), an age as `timedelta`, or Unix time
        in seconds.
    text
        What the prompt contains; upper and lower case alike.
    limit
        How many at most.

    Raises
    ------
    RequestRefused
        When there is no such state, or `since` is no date.
    LedgerError
        When the ledger cannot be read.
    """
    states = [state] if isinstance(state, str) else state if state is None else [*state]
    if unknown := set(states or ()).difference(STATES):
        raise RequestRefused(f"state = {listed(sorted(unknown))!r}: it may be {listed(STATES)}.")
    if isinstance(since, str):
        try:
            since = datetime.fromisoformat(since)
        except ValueError:
            raise RequestRefused(f"since = {since!r}: a date such as '2026-11-24', or a timedelta.") from None
    path = None if workflow is None else path_of(workflow)
    with ledger() as record:
        return History(record.entries(state=states, workflow=path, since=since, text=text, limit=limit))


class Resumed(Batch):
    """Jobs taken up again, oldest first.

    Attributes
    ----------
    notes
        What was left alone, and why, in sentences.
    """

    def __init__(self, jobs: Sequence[Job], notes: Sequence[str]) -> None:
        super().__init__(jobs)
        self.notes = notes

    def __repr__(self) -> str:
        return "\n".join([*map(repr, self), *self.notes])

    def _ipython_display_(self) -> None:
        if self:
            super()._ipython_display_()
        for note in self.notes:
            show({"text/plain": note, "text/html": f'<div style="{TEXT}">{plain(note)}</div>'})


def resume() -> Resumed:
    """Take up everything unfinished after a kernel death, and return its jobs; nothing is sent again.

    What is rendered is fetched, what still runs is followed, and what was sent without an answer is looked for. Of
    several kernels that do this at the same time, each works on tasks of its own. What was never sent is told and not
    sent either: that is for ``job.send_again()``.

    Raises
    ------
    MissingKey
        When there is neither a key nor a simulator.
    LedgerError
        When the ledger cannot be read.
    """
    at = service()
    unfinished = at.ledger.entries(unfinished=True)
    here = [entry for entry in unfinished if entry.service == at.client.base_url]
    oldest = time.time() - KEPT.total_seconds()
    taken = [at.take_up(entry) for entry in reversed(here) if entry.created >= oldest]
    jobs = [Job(following, at) for following in taken if following is not None]

    notes = []
    if busy := taken.count(None):
        notes.append(f"{_tasks(busy)} being worked on by another process.")
    if late := len(here) - len(taken):
        notes.append(f"{_tasks(late)} older than the {KEPT.days} days that media is kept; kling.job(...) still tries.")
    elsewhere = {entry.service for entry in unfinished if not entry.simulated} - {at.client.base_url}
    notes += [f"More at {other}: kling.connect(base_url={other!r}) first." for other in sorted(elsewhere)]
    return Resumed(jobs, notes if jobs or notes else ["Nothing is unfinished."])


def job(task_id: str, workflow: Workflow | None = None) -> Job:
    """Re-attach to one task, finished or not; return its job.

    Parameters
    ----------
    task_id
        Kling's id, or our ``external_task_id``.
    workflow
        Name, path or class. Needed only for a task that this machine never started; it is recorded then.

    Raises
    ------
    TaskNotFound
        When neither the ledger nor, with `workflow`, the service knows it.
    KlingError
        When another process is working on it, or it belongs to another service than the one that is connected.
    """
    at = service()
    path = None if workflow is None else path_of(workflow)
    entry = at.ledger.get(task_id) or at.ledger.find(task_id, service=at.client.base_url, workflow=path)
    entry = entry or at.ledger.find(task_id, workflow=path)
    if entry is None:
        if path is None:
            raise TaskNotFound(
                f"The ledger has no task {task_id}. For one that was made elsewhere say its workflow too: "
                f"kling.job({task_id!r}, workflow='text2video')."
            )
        return Job(at.take_in(path, task_id), at)
    if entry.service != at.client.base_url:
        raise RequestRefused(
            f"Task {task_id} is one of {entry.service}, and this is {at.client.base_url}: "
            f"kling.connect(base_url={entry.service!r}) first."
        )
    following = at.take_up(entry)
    if following is None:
        raise KlingError(
            f"Another process is working on task {task_id}. Its media goes to {entry.folder}; kling.history() tells "
            "when it is there."
        )
    return Job(following, at)


# -- for shells ------------------------------------------------------------------------------------------------------


def ended(jobs: Sequence[Job]) -> Iterator[Job]:
    """Wait for jobs, and yield each as it ends; a terminal shows a line of progress meanwhile."""
    over: SimpleQueue[Job] = SimpleQueue()
    for job in jobs:
        job.when_ended(partial(over.put, job))
    left = list(jobs)
    with Line() as line:
        while left:
            try:
                job = over.get(timeout=GLANCE)
            except Empty:
                line.show(f"{len(jobs) - len(left)} of {len(jobs)} · {left[0].title} · {left[0].line()}")
            else:
                line.show("")
                left.remove(job)
                yield job


def outcome(job: Job) -> str:
    """How a job ended, in one line of text that a terminal can show."""
    files = ", ".join(nearby(result.path) for result in job.results)
    return _clean(f"{job.title}: {files}" if files else f"{job.title}: {job.line()}")


# -- tables ----------------------------------------------------------------------------------------------------------


def _cells(entry: Entry) -> tuple[str, ...]:
    """A row of the text table."""
    simulated = "SIMULATED " if entry.simulated else ""
    return (
        _ago(entry.created),
        entry.state,
        _title(entry),
        entry.model_name or "",
        entry.cost or "",
        entry.task_id or entry.external_task_id,
        _cut(_clean(f"{simulated}{entry.prompt or ''}"), 48),
        _clean(_files(entry) or _cut(entry.message or "", 80)),
    )


def _row(entry: Entry, until: float) -> str:
    """A row of the HTML table."""
    about = filter(None, [entry.model_name, entry.mode, f"{entry.seconds:g} s" if entry.seconds else None])
    message = "" if entry.state == "succeed" else entry.message or ""
    cells = (
        _picture(entry, until),
        f'<div dir="auto">{badge("SIMULATED") if entry.simulated else ""}{plain(entry.prompt or "")}</div>'
        f'<div style="{FAINT}">{plain(entry.task_id or entry.external_task_id)}</div>',
        f'{plain(_title(entry))}<div style="{FAINT}">{plain(" · ".join(about))}</div>',
        f'{plain(entry.state)}<div style="{FAINT};white-space:normal;min-width:16em">{plain(message)}</div>'
        if message
        else plain(entry.state),
        f'<span title="{datetime.fromtimestamp(entry.created):%Y-%m-%d %H:%M}">{_ago(entry.created)}</span>',
        plain(entry.cost or ""),
        _links(entry),
    )
    return f"<tr>{''.join(map(_cell, cells, COLUMNS.values()))}</tr>"


def _cell(inner: str, width: str) -> str:
    style = f"min-width:{width};overflow-wrap:anywhere" if width else "white-space:nowrap"
    return f'<td style="text-align:left;vertical-align:top;{style}">{inner}</td>'


def _title(entry: Entry) -> str:
    """The workflow's name, as its function has it."""
    return name_of(entry.workflow)


def _links(entry: Entry) -> str:
    return "<br>".join(
        f'<a href="{address(path)}" target="_blank">{plain(path.name)}</a>'
        if path.is_file()
        else f"{plain(nearby(path))} (not there any more)"
        for path in map(Path, entry.files)
    )


def _files(entry: Entry) -> str:
    if not entry.files:
        return ""
    first = Path(entry.files[0])
    more = f" and {len(entry.files) - 1} more" if len(entry.files) > 1 else ""
    return f"{nearby(first)}{more}{'' if first.is_file() else ' (not there any more)'}"


def _picture(entry: Entry, until: float) -> str:
    """A small picture of the first file, kept beside the ledger once it is made; nothing where there is none."""
    with contextlib.suppress(OSError, IndexError):
        path = Path(entry.files[0])
        name = f"{path}:{path.stat().st_mtime_ns}".encode(errors="surrogatepass")
        kept = home() / "thumbnails" / f"{hashlib.sha256(name).hexdigest()[:32]}.jpg"
        if kept.is_file():
            data = kept.read_bytes()
        elif time.monotonic() < until and (made := thumbnail(path)):
            data = made
            kept.parent.mkdir(exist_ok=True, parents=True)
            part = kept.with_suffix(".part")
            part.write_bytes(data)
            part.replace(kept)
        else:
            return ""
        return f'<img alt="" src="data:image/jpeg;base64,{b64encode(data).decode()}" style="max-width:none">'
    return ""


def _tasks(number: int) -> str:
    return "1 task" if number == 1 else f"{number} tasks"


def _ago(when: float) -> str:
    """An age as a person would say it."""
    seconds = max(0.0, time.time() - when)
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _clean(text: str) -> str:
    """One line without anything that would move a terminal's cursor or set its title."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows with their columns beneath each other, also where letters are two columns wide."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        filled = (cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(filled).rstrip()


def _width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text
    )
