"""The live view of a job: an ipywidgets row, refreshed from the background thread while cells run or block.

One ticker refreshes all views of the process, and a trait is set only when what is seen changes: a thousand quiet
jobs send nothing.
"""

import html
import threading
import weakref
from typing import TYPE_CHECKING

import anyio
import ipywidgets

from kling_nb.watch.background import soon
from kling_nb.watch.following import State

if TYPE_CHECKING:
    from kling_nb.notebook.job import Job

__all__ = ["Progress", "clock"]

TICK = 0.5  # seconds between refreshes; what is shown changes once a second at most

WORDS = {
    State.SENDING: "sending the request",
    State.UNCONFIRMED: "looking for the task",
    State.SUBMITTED: "waiting at Kling",
    State.PROCESSING: "rendering",
    State.DOWNLOADING: "downloading",
    State.SUCCEED: "finished",
    State.FAILED: "failed",
    State.STOPPED: "stopped watching",
}


def clock(seconds: float) -> str:
    """Write a length of time as a person would: ``0:42``, ``12:05``, ``1:02:03``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Progress:
    """The widget of one job in one cell: state in words, elapsed time, estimate, task id, Stop."""

    def __init__(self, job: "Job") -> None:
        self._job = job
        self._bar = ipywidgets.FloatProgress(
            min=0.0, max=1.0, layout=ipywidgets.Layout(width="160px", flex="0 0 auto"), tooltip="Estimated progress"
        )
        self._said = ipywidgets.HTML()
        self._stop = ipywidgets.Button(
            description="Stop",
            tooltip="Stop watching. The render goes on at Kling and is billed.",
            layout=ipywidgets.Layout(width="auto", flex="0 0 auto"),
        )
        self._stop.on_click(lambda _: job.stop())
        row = ipywidgets.HBox(
            [self._bar, self._said, self._stop],
            layout=ipywidgets.Layout(align_items="center", flex_flow="row wrap", grid_gap="4px 12px"),
        )
        self._head = ipywidgets.HTML()
        self._head.value = f'<span style="opacity:.8">{html.escape(job.title)}</span>'
        self.widget = ipywidgets.VBox([self._head, row])
        self.refresh()
        _ticker.show(self)

    def refresh(self) -> None:
        """Bring what is seen up to date; sends nothing where nothing changed."""
        line, fraction = self._job.line(), round(self._job.fraction, 3)
        value = f'<span style="font-variant-numeric:tabular-nums">{html.escape(line)}</span>'
        if self._said.value != value:
            self._said.value = value
        if self._bar.value < fraction:
            self._bar.value = fraction

    def close(self) -> None:
        """Take the widget off the page and out of the saved file."""
        _ticker.forget(self)
        for part in (self._bar, self._said, self._stop, self._head, *self.widget.children, self.widget):
            part.close()


class _Ticker:
    """Refreshes whatever is shown, from the background thread, while there is anything."""

    def __init__(self) -> None:
        self._shown: weakref.WeakSet[Progress] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._ticking = False

    def show(self, view: Progress) -> None:
        with self._lock:
            self._shown.add(view)
            if not self._ticking:
                self._ticking = True
                soon(self._tick)

    def forget(self, view: Progress) -> None:
        with self._lock:
            self._shown.discard(view)

    async def _tick(self) -> None:
        while True:
            await anyio.sleep(TICK)
            with self._lock:
                views = list(self._shown)
                if not views:
                    self._ticking = False
                    return
            for view in views:
                view.refresh()


_ticker = _Ticker()
