"""The live view of a job: a few ipywidgets, refreshed from the background thread while cells run or block.

One ticker refreshes all views of the process, and a trait is set only when what is seen changes: a thousand quiet
jobs send nothing. What changes each second is apart from what does not, so that a task's id can be selected.
"""

import threading
import weakref
from collections import Counter
from typing import TYPE_CHECKING, Protocol

import anyio
import ipywidgets

from kling_nb.notebook.looks import FAINT, TEXT, WARNING, clock, plain
from kling_nb.watch.background import soon
from kling_nb.watch.following import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kling_nb.notebook.job import Job
    from kling_nb.watch.schedule import Progress as Estimate

__all__ = ["WORDS", "Overview", "Progress", "close", "counted", "failures", "refill", "remaining"]

TICK = 0.5  # seconds between refreshes; what is shown changes once a second at most
PACE = 0.02  # seconds for each view of the process: many views share what a front end can take
LISTED = 5  # failures that are told one by one
_NAME = 80  # characters
WIDTH = "640px"  # at most, as the video that comes after

WORDS = {
    State.WAITING: "waiting for the job before it",
    State.SENDING: "sending the request",
    State.UNCONFIRMED: "looking for the task",
    State.SUBMITTED: "waiting at Kling",
    State.PROCESSING: "rendering",
    State.DOWNLOADING: "downloading",
    State.SUCCEED: "finished",
    State.FAILED: "failed",
    State.STOPPED: "stopped watching",
}

# Each refresh replaces the bar, so it cannot be a transition: the new one grows from where the old one was.
_MOTION = (
    "<style>@keyframes kling-nb-grow{from{width:var(--kling-nb-from)}}.kling-nb-bar{animation:kling-nb-grow .5s}"
    "@media(prefers-reduced-motion:reduce){.kling-nb-bar{animation:none}}</style>"
)


class Text:
    """Text or HTML that is sent when it changes."""

    def __init__(self, *, style: str = "", **layout: str) -> None:
        self._style = f"{TEXT};overflow-wrap:anywhere;{style}"
        self.widget = ipywidgets.HTML(layout=ipywidgets.Layout(margin="0", **layout))

    def show(self, inner: str) -> None:
        """Show this HTML; nothing takes no room."""
        value = f'<div style="{self._style}">{inner}</div>' if inner else ""
        if self.widget.value != value:
            self.widget.value = value


class Bar:
    """A thin bar that assistive technology reads as progress, which ipywidgets' own is not."""

    def __init__(self, label: str) -> None:
        self._label = plain(label)
        self._percent = 0
        self._shown: tuple[int, str] | None = None
        self.widget = ipywidgets.HTML(layout=ipywidgets.Layout(margin="0", width="100%"))

    def show(self, fraction: float, words: str) -> None:
        """Show a fraction from 0 to 1, which never goes back, and what to call it."""
        percent = max(self._percent, min(100, int(100 * fraction)))
        if (percent, words) == self._shown:
            return
        self.widget.value = (
            f'{_MOTION}<div role="progressbar" aria-label="{self._label}" aria-valuemin="0" aria-valuemax="100" '
            f'aria-valuenow="{percent}" aria-valuetext="{plain(words)}, about {percent} percent" '
            'style="height:4px;margin:6px 0;border-radius:2px;overflow:hidden;'
            'background:var(--jp-border-color2,rgba(128,128,128,.3))">'
            f'<div class="kling-nb-bar" style="--kling-nb-from:{self._percent}%;width:{percent}%;height:100%;'
            'background:var(--jp-brand-color1,#1976d2)"></div></div>'
        )
        self._percent, self._shown = percent, (percent, words)


def _stop_button(tooltip: str) -> ipywidgets.Button:
    """Return a button that says Stop, and in its tooltip what that means for the money."""
    return ipywidgets.Button(
        description="Stop", tooltip=tooltip, layout=ipywidgets.Layout(width="auto", margin="0", flex="0 0 auto")
    )


def _row(*widgets: ipywidgets.Widget) -> ipywidgets.HBox:
    """Put widgets side by side, or below each other where it is narrow."""
    layout = ipywidgets.Layout(align_items="center", flex_flow="row wrap", grid_gap="4px 16px", margin="0")
    return ipywidgets.HBox(widgets, layout=layout)


class Progress:
    """The widget of one job: what it is, a bar, state in words, elapsed time, estimate, task id, Stop."""

    def __init__(self, job: "Job", heading: str | None = None) -> None:
        self._job = job
        head = Text()
        head.show(job.about.caption() if heading is None else heading)
        self._bar = Bar(f"Progress of {job.about.prompt}")
        self._said = Text(style="font-variant-numeric:tabular-nums", flex="1 1 240px", width="auto")
        self._trouble = Text(style=WARNING)
        self._task = Text(style=FAINT)
        stop = _stop_button("Stop watching. The render goes on at Kling and is billed.")
        stop.on_click(lambda _: job.stop())
        self.widget = ipywidgets.VBox(
            [head.widget, self._bar.widget, _row(self._said.widget, stop), self._trouble.widget, self._task.widget],
            layout=ipywidgets.Layout(max_width=WIDTH, width="100%", margin="0", overflow="hidden"),
        )
        self.refresh()
        _refreshed(self)

    def refresh(self) -> None:
        """Bring what is seen up to date; sends nothing where nothing changed."""
        job = self._job
        self._said.show(plain(" · ".join(job.doing())))
        self._bar.show(job.fraction, WORDS[job.status])
        self._trouble.show(plain(job.trouble) if job.trouble else "")
        self._task.show(f"task <code>{plain(job.task_id)}</code>" if job.task_id else "")

    def become(self, shown: str) -> None:
        """Be this HTML for good, where the output cannot be replaced."""
        _ticker.forget(self)
        refill(self.widget, shown)

    def close(self) -> None:
        """Take the widget off the page and out of the saved file."""
        _unwatched(self)


def remaining(*running: "Estimate") -> str:
    """Tell in words how long one job, or several, may still take."""
    low, high = max(one.low for one in running), max(one.high for one in running)
    if any(one.longer_than_usual for one in running):
        return "longer than usual"
    return f"about {clock(low)} to {clock(high)} left (estimate)"


def counted(jobs: "Iterable[Job]") -> list[str]:
    """Tell how many jobs are where, the finished first."""
    jobs = tuple(jobs)
    counts = Counter(job.status for job in jobs)
    order = sorted(WORDS, key=lambda state: state is not State.SUCCEED)
    troubled = sum(1 for job in jobs if job.trouble and not job.ended)
    retrying = [f"{troubled} of them with trouble"] if troubled else []
    return [f"{counts[state]} {WORDS[state]}" for state in order if counts[state]] + retrying


def failures(jobs: "Iterable[Job]", names: "Iterable[str]") -> str:
    """List in HTML what ended without its media; the first few of many, and how many more."""
    found = [
        f"<li>{plain(name, _NAME)}: {plain(job.trouble)}</li>"
        for job, name in zip(jobs, names, strict=True)
        if job.ended and job.trouble
    ]
    if not found:
        return ""
    more = f"<li>and {len(found) - LISTED} more</li>" if len(found) > LISTED else ""
    return f'<ul style="{WARNING};margin:4px 0;list-style:none">{"".join(found[:LISTED])}{more}</ul>'


class Overview:
    """The widget of many jobs: a bar, how many are where, an overall estimate, what failed, Stop.

    However many there are, it is a handful of widgets, and what it sends does not grow with them.
    """

    def __init__(self, jobs: "Sequence[Job]", names: "Sequence[str]", heading: str) -> None:
        self._jobs = jobs
        self._names = names
        head = Text()
        head.show(heading)
        self._bar = Bar(f"Progress of {len(jobs)} jobs")
        self._said = Text(style="font-variant-numeric:tabular-nums", flex="1 1 240px", width="auto")
        self._failed = Text()
        stop = _stop_button("Stop watching all of them. Renders go on at Kling and are billed.")
        stop.on_click(lambda _: self._stop())
        self.widget = ipywidgets.VBox(
            [head.widget, self._bar.widget, _row(self._said.widget, stop), self._failed.widget],
            layout=ipywidgets.Layout(max_width=WIDTH, width="100%", margin="0", overflow="hidden"),
        )
        self.refresh()
        _refreshed(self)

    def refresh(self) -> None:
        """Bring what is seen up to date; sends nothing where nothing changed."""
        words = counted(self._jobs)
        running = list(filter(None, (job.progress() for job in self._jobs)))
        self._said.show(plain(" · ".join([*words, *([remaining(*running)] if running else [])])))
        self._bar.show(sum(job.fraction for job in self._jobs) / len(self._jobs), ", ".join(words))
        self._failed.show(failures(self._jobs, self._names))

    def close(self) -> None:
        """Take the widget off the page and out of the saved file."""
        _unwatched(self)

    def _stop(self) -> None:
        for job in self._jobs:
            job.stop()


class View(Protocol):
    """Something that the ticker refreshes, made of widgets."""

    widget: ipywidgets.Widget

    def refresh(self) -> None:
        """Bring what is seen up to date."""


class _Ticker:
    """Refreshes whatever is shown, from the background thread, while there is anything."""

    def __init__(self) -> None:
        self._shown: weakref.WeakSet[View] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._ticking = False

    def show(self, view: View) -> None:
        with self._lock:
            self._shown.add(view)
            if not self._ticking:
                self._ticking = True
                soon(self._tick)

    def forget(self, view: View) -> None:
        with self._lock:
            self._shown.discard(view)

    async def _tick(self) -> None:
        pause = TICK
        while True:
            await anyio.sleep(pause)
            with self._lock:
                views = list(self._shown)
                if not views:
                    self._ticking = False
                    return
            pause = max(TICK, PACE * len(views))
            for view in views:
                view.refresh()


_ticker = _Ticker()


def _refreshed(view: View) -> None:
    """Keep a view up to date from now on."""
    _ticker.show(view)


def _unwatched(view: View) -> None:
    """Close a view: it is not refreshed any more, and none of its widgets is left in the page or the file."""
    _ticker.forget(view)
    close(view.widget)


def refill(box: ipywidgets.Box, shown: str) -> None:
    """Let this HTML be all that a widget holds."""
    before = box.children
    box.children = [ipywidgets.HTML(shown)]
    for child in before:
        close(child)


def close(widget: ipywidgets.Widget) -> None:
    """Close a widget and all that is in it; nothing of it is refreshed from then on."""
    for child in getattr(widget, "children", ()):
        close(child)
    widget.layout.close()
    if style := getattr(widget, "style", None):
        style.close()
    widget.close()
