"""A job: what a person holds of a task. Awaitable, waitable, stoppable, and a display that turns into the video.

A cell that shows a job gets a live widget under a display id; at the end that same output is replaced, from the
background thread, by plain HTML with the finished video. So the saved notebook holds the video and no dead widget.
"""

import asyncio
import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable, Generator
from concurrent.futures import TimeoutError as NotYet
from typing import Any

from kling_nb.api.errors import KlingError
from kling_nb.api.requests import Request
from kling_nb.api.tasks import Task
from kling_nb.api.workflow import name_of
from kling_nb.notebook.looks import TEXT, clock, cost, plain, problem, side_by_side
from kling_nb.notebook.media import About, Result, finished
from kling_nb.notebook.options import Form
from kling_nb.notebook.progress import WORDS, remaining
from kling_nb.notebook.progress import Progress as View
from kling_nb.notebook.showing import in_notebook, outputs_change, show
from kling_nb.notebook.terminal import Line
from kling_nb.watch.following import Following, State
from kling_nb.watch.outcome import Outcome
from kling_nb.watch.schedule import Progress
from kling_nb.watch.service import Service, service

__all__ = ["Job", "start"]

_log = logging.getLogger(__name__)

_GLANCE = 0.5  # seconds; Windows notices an interrupt only between waits
_TITLE = 100  # characters of the prompt in a heading


class Job:
    """A task on its way, and then what it became.

    Show it by naming it at the end of a cell. ``await job`` or ``job.wait()`` gives the finished video, as often and
    from as many places as you like.

    """

    def __init__(self, following: Following, at: Service) -> None:
        self._following = following
        self._service = at
        self._audience: list[Callable[[], None]] = []
        self._results: list[Result] | None = None
        self._shown = Outcome()  # it ended, and is shown so
        following.outcome.then(self._ended)

    # -- what it is --------------------------------------------------------------------------------------------

    @property
    def request(self) -> Request | None:
        """What was asked for; None for a task taken up again, or one that waits for another to build on."""
        return self._following.request

    @property
    def status(self) -> State:
        """Where it is, from waiting and sending to succeed, failed or stopped; see `State`."""
        return self._following.state

    @property
    def task_id(self) -> str | None:
        """Kling's id of the task, once the service has given one."""
        return self._following.task_id

    @property
    def external_task_id(self) -> str:
        """Our own id of the task, known from the first moment; the ledger keeps it."""
        return self._following.external_task_id

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, with its media or without."""
        return self._following.over

    @property
    def error(self) -> KlingError | None:
        """What ended it without its media, or None."""
        error = self._following.outcome.error
        return error if isinstance(error, KlingError) else None

    @property
    def results(self) -> list[Result]:
        """Everything it yielded, in Kling's order: all images of a series, or a video and its sound; empty before."""
        following = self._following
        if self._results is None and following.state is State.SUCCEED and following.task is not None:
            self._results = finished(following.task, following.files, self.about)
        return list(self._results or [])

    @property
    def result(self) -> Result | Task | None:
        """The finished video (or the first of what it yielded); None until then.

        A voice or an element is no file: then it is the `Task` that holds it.
        """
        if self.status is not State.SUCCEED:
            return None
        return next(iter(self.results), self._following.task)

    @property
    def seconds(self) -> float:
        """How long it has taken so far, in seconds; in all, once it has ended."""
        return self._following.age

    @property
    def cost(self) -> str | None:
        """What it cost, in Kling's units and words, e.g. "0.25"; None until the service says."""
        task = self._following.task
        return task.final_unit_deduction if task else None

    @property
    def about(self) -> About:
        """What was asked for and, as far as it is known, how long it took and what it cost."""
        following, kind = self._following, self._following.kind
        prompt = following.prompt or name_of(following.workflow)
        facts = [*filter(None, [kind.model_name, kind.mode]), *([f"{kind.seconds:g} s"] if kind.seconds else [])]
        outcome = [f"took {clock(self.seconds)}"] if following.state is State.SUCCEED else []
        if self.cost:
            outcome.append(cost(self.cost))
        asked = following.asked if self.request is None else self.request.described()
        return About(prompt, tuple(facts), self._service.simulated, asked, tuple(outcome))

    @property
    def title(self) -> str:
        """What was asked for, in one line."""
        about = self.about
        cut = about.prompt if len(about.prompt) <= _TITLE else f"{about.prompt[:_TITLE]}…"
        return " · ".join(["SIMULATED"] * about.simulated + [cut, *about.facts, *about.outcome])

    @property
    def trouble(self) -> str | None:
        """What went wrong last; None when all is well."""
        return self._following.trouble

    @property
    def fraction(self) -> float:
        """Estimated progress, from 0 to 1; 1 only when the media is there."""
        return 1.0 if self.status is State.SUCCEED else self._service.progress(self._following).fraction

    def progress(self) -> Progress | None:
        """Estimate how long it may still take; None before it is made and once it is."""
        running = self.status in (State.SUBMITTED, State.PROCESSING)
        return self._service.progress(self._following) if running else None

    def doing(self) -> list[str]:
        """Tell where it is, in a few words each: state, elapsed time, what is left."""
        following = self._following
        said = [WORDS[following.state], clock(self.seconds)]
        if progress := self.progress():
            said.append(remaining(progress))
        if following.state is State.DOWNLOADING and following.expected:
            said.append(f"{following.received / 1e6:.1f} of {following.expected / 1e6:.1f} MB")
        return said

    def line(self) -> str:
        """Tell where it is, in one line of text."""
        task = f"task {self.task_id}" if self.task_id else None
        return " · ".join(filter(None, [*self.doing(), task, self.trouble]))

    def __repr__(self) -> str:
        shown = f"<Job {self.title}: {self.line()}"
        return f"{shown} -> {self._following.files[0]}>" if self._following.files else f"{shown}>"

    # -- waiting -----------------------------------------------------------------------------------------------

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait_here().__await__()

    async def _wait_here(self) -> Any:
        """Wait in whichever loop asks; giving up the wait never touches the job."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def tell(_: object) -> None:
            with contextlib.suppress(RuntimeError):  # that loop may be closed by then
                loop.call_soon_threadsafe(over.set)

        self._shown.future.add_done_callback(tell)
        with Line() as line:
            while not over.is_set():
                line.show(self.line())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), _GLANCE)
        return self._outcome()

    def wait(self, timeout: float | None = None) -> Any:
        """Block until the media is on disk, and return it; a terminal shows a line of progress meanwhile.

        Interrupting the wait (Kernel > Interrupt, Ctrl-C) ends the wait, never the job.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None for as long as it takes.

        Raises
        ------
        TimeoutError
            When the time is up; the job goes on.
        KlingError
            What ended the job, e.g. `TaskFailed`.
        """
        until = None if timeout is None else time.monotonic() + timeout
        with Line() as line:
            while True:
                left = _GLANCE if until is None else min(_GLANCE, max(0.0, until - time.monotonic()))
                try:
                    self._shown.future.result(left)
                    return self._outcome()
                except NotYet:
                    line.show(self.line())
                    if until is not None and time.monotonic() >= until:
                        raise TimeoutError(
                            f"Not finished after {timeout:g} s; the job goes on: {self.line()}"
                        ) from None

    def _outcome(self) -> Result | Task:
        if self.error is not None:
            raise self.error
        result = self.result
        assert result is not None
        return result

    def stop(self) -> None:
        """Stop watching. The render goes on at the service and is billed: Kling has no way to cancel it."""
        self._service.stop(self._following)

    def send_again(self) -> "Job":
        """Send the request once more, as a new task, when this one came to nothing; return its job.

        Meant for an ``unconfirmed`` job: the answer to its request was lost, and its task was not found. There may be
        one all the same, and then both are billed: that is why it is never done for you. Look into the service's own
        log first. The old entry stays in the ledger as ``abandoned``. A job that was refused, never sent, or failed
        can be sent again too, at no such risk.

        Raises
        ------
        RequestRefused
            While the job is under way; when its task exists and only has to be fetched; when the request is of an
            earlier session and had media that was not given as a path or URL.
        """
        return Job(self._service.send_again(self._following), self._service)

    # -- showing -----------------------------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        """Show it in this cell: live while it runs, then its media in the same place."""
        if not in_notebook():
            show({"text/plain": repr(self)})
            return
        if self.ended:
            show(self._finished())
            return
        place = uuid.uuid4().hex
        view = View(self)
        # The text is what a saved file, a diff or a front end without widgets shows until the end replaces it.
        bundle = {**view.widget._repr_mimebundle_(), "text/plain": repr(self)}
        show(bundle, place)
        self.when_ended(lambda: self._replace(place, view))

    def when_ended(self, call: Callable[[], None]) -> None:
        """Have this called once when the job has ended, before those who wait for it go on; now, if it has ended."""
        self._audience.append(call)
        if self._following.over:
            self._tell()

    def _ended(self) -> None:
        """Show how it ended, then tell those who wait.

        In this order, because tools that run notebooks look at outputs only while cells run; and in a thread of its
        own, because a preview takes a second to make, in which the other jobs must go on.
        """
        if self._audience:
            threading.Thread(target=self._show_the_end, name="kling-nb-show", daemon=True).start()
        else:
            self._shown.reach()

    def _show_the_end(self) -> None:
        try:
            self._tell()
        finally:
            self._shown.reach()

    def _tell(self) -> None:
        while self._audience:
            try:
                self._audience.pop(0)()
            except IndexError:  # another thread took the last one
                return
            except Exception:  # noqa: BLE001  one place that cannot be shown must not keep the others waiting
                _log.exception("showing the end of %r failed", self)

    def _replace(self, place: str, view: View) -> None:
        """Put the finished media, or what went wrong, in place of a live view."""
        if not outputs_change():
            view.become(self._figures(in_widget=True))
            return
        if any(result.takes_a_moment() for result in self.results):
            show(self._finished("link"), place, again=True)
        show(self._finished(), place, again=True)
        view.close()

    def _finished(self, form: Form | None = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._figures(form)}

    def _figures(self, form: Form | None = None, *, in_widget: bool = False) -> str:
        if results := self.results:
            return side_by_side([result.figure(form, in_widget=in_widget) for result in results])
        # Not one of Jupyter's error outputs: those say that the cell failed, and the cell did not.
        said = plain(self.line()) if self.error is None else problem(self.trouble or self.line())
        return f'<div style="{TEXT};max-width:640px">{self.about.caption()}{said}</div>'


def start(request: Request) -> Job:
    """Start a request and return its job at once; the creating and all the rest happen in the background.

    Raises
    ------
    MissingKey
        When there is neither a key nor a simulator.
    LedgerError
        When the intent cannot be recorded; nothing was sent.
    """
    at = service()
    return Job(at.start(request), at)
