"""Many jobs as one: started together, waited for together, shown as a labelled grid and as a table."""

import asyncio
import contextlib
import time
from collections.abc import Generator, Iterator, Sequence
from typing import Any, overload

from kling_nb.api.errors import KlingError
from kling_nb.notebook.gallery import gallery
from kling_nb.notebook.job import Job
from kling_nb.notebook.labels import Labels
from kling_nb.notebook.looks import TEXT, plain
from kling_nb.notebook.media import Result, nearby
from kling_nb.notebook.progress import WORDS, counted
from kling_nb.notebook.showing import show

__all__ = ["Batch"]


class Batch(Sequence[Job]):
    """Jobs that belong together, in order; made by `sweep`.

    Show it by naming it at the end of a cell: a grid of videos, each labelled with what distinguishes it. It is a
    sequence of jobs. ``await batch`` or ``batch.wait()`` returns when the last one has ended.

    Parameters
    ----------
    jobs
        The jobs.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = tuple(jobs)
        self._labels = Labels([job.about.asked for job in self._jobs])

    def __len__(self) -> int:
        return len(self._jobs)

    @overload
    def __getitem__(self, index: int) -> Job: ...
    @overload
    def __getitem__(self, index: slice) -> "Batch": ...
    def __getitem__(self, index: int | slice) -> "Job | Batch":
        return Batch(self._jobs[index]) if isinstance(index, slice) else self._jobs[index]

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs)

    def __repr__(self) -> str:
        return f"<Batch of {len(self)}: {', '.join(counted(self))}>"

    @property
    def results(self) -> list[Result | None]:
        """The first result of each job, in order; None where there is none (yet): ``batch[i].error`` says why."""
        return [next(iter(job.results), None) for job in self]

    @property
    def failures(self) -> list[Job]:
        """The jobs that ended without their media."""
        return [job for job in self if job.error is not None]

    # -- waiting -----------------------------------------------------------------------------------------------

    def __await__(self) -> Generator[Any, None, list[Result | None]]:
        return self._wait_here().__await__()

    async def _wait_here(self) -> list[Result | None]:
        await asyncio.gather(*(_over(job) for job in self))
        return self.results

    def wait(self, timeout: float | None = None) -> list[Result | None]:
        """Block until every job has ended, and return `results`; a failed job raises nothing here.

        Interrupting the wait ends the wait, never the jobs.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None for as long as it takes.

        Raises
        ------
        TimeoutError
            When the time is up; the jobs go on.
        """
        until = None if timeout is None else time.monotonic() + timeout
        for job in self:
            with contextlib.suppress(KlingError):
                job.wait(None if until is None else max(0.0, until - time.monotonic()))
        return self.results

    def stop(self) -> None:
        """Stop watching all of them. Renders go on at the service and are billed."""
        for job in self:
            job.stop()

    # -- showing -----------------------------------------------------------------------------------------------

    def _ipython_display_(self) -> None:
        """Show it as a grid."""
        gallery(self)._ipython_display_()

    def table(self) -> None:
        """Show it as a table: what distinguishes each job, where it is, what it cost, where its file is."""
        rows = self.rows()
        names = list(dict.fromkeys(name for row in rows for name in row))
        head = "".join(f'<th scope="col" style="text-align:left">{plain(name)}</th>' for name in names)
        lines = [
            "".join(f'<td style="text-align:left">{plain(row.get(name, ""))}</td>' for name in names) for row in rows
        ]
        body = "".join(f"<tr>{line}</tr>" for line in lines)
        # What scrolls must be reached by keys to be read to its end.
        scrolls = '<div role="region" tabindex="0" aria-label="Table of jobs" style="overflow-x:auto">'
        table = f'{scrolls}<table style="{TEXT}"><tr>{head}</tr>{body}</table></div>'
        text = "\n".join(" | ".join(str(row.get(name, "")) for name in names) for row in rows)
        show({"text/plain": f"{' | '.join(names)}\n{text}", "text/html": table})

    def rows(self) -> list[dict[str, Any]]:
        """One dict for each job: what distinguishes it, then its state, task, seconds, cost and file."""
        return [self._labels.own[number] | _row(job) for number, job in enumerate(self)]

    def to_frame(self) -> Any:
        """Return `rows` as a pandas DataFrame, with what all jobs share in its ``attrs``.

        Raises
        ------
        ImportError
            Without pandas; the message is the line to type.
        """
        try:
            import pandas
        except ImportError:
            raise ImportError("A table as a DataFrame needs pandas: pip install pandas") from None
        frame = pandas.DataFrame(self.rows())
        frame.attrs.update(self._labels.shared)
        return frame


def _row(job: Job) -> dict[str, Any]:
    error = job.error
    return {
        "state": WORDS[job.status],
        "task": job.task_id or "",
        "seconds": round(job.seconds, 1),
        "cost": job.cost,
        "file": "".join(nearby(result.path) for result in job.results[:1]),
        "trouble": "" if error is None else str(error),
    }


async def _over(job: Job) -> None:
    with contextlib.suppress(KlingError):
        await job
