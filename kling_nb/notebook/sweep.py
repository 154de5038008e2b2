"""Every combination of several values: checked whole, priced, and only then sent."""

import itertools
from collections.abc import Sequence
from typing import Any

from kling_nb.api.errors import KlingError, RequestRefused
from kling_nb.api.fields import shown
from kling_nb.api.requests import Request
from kling_nb.notebook.batch import Batch
from kling_nb.notebook.job import Job, start
from kling_nb.notebook.looks import TEXT, plain
from kling_nb.notebook.showing import show

__all__ = ["sweep"]

CAREFUL = 25  # tasks; more are sent on confirmation only
_TOLD = 5  # refusals that are told one by one


def sweep(workflow: type[Request], /, *, confirm: bool = False, **fields: Any) -> Batch:
    """Start a task for every combination of the values given as lists.

    How many there are, and about what they cost, is shown before anything is sent; so is what is wrong with any of
    them, and then none is sent.

    Parameters
    ----------
    workflow
        The class of the requests, such as ``kling.Text2Video``.
    confirm
        Whether more than 25 tasks are meant.
    **fields
        The request's fields. A list is swept over, anything else is the same for all. A field whose value is a list
        itself goes into one more list: ``image_list=[[first, second]]``.

    Returns
    -------
    Batch
        The jobs, under way, in the order of the lists: the last one given changes fastest.

    Raises
    ------
    RequestRefused
        When a combination is wrong, a list is empty, or there are more than 25 and ``confirm`` is not set. Nothing was
        sent.

    Examples
    --------
    >>> import kling_nb as kling
    >>> kling.sweep(kling.Text2Video, prompt=["fog", "rain"], cfg_scale=[0.3, 0.7])  # doctest: +SKIP
    """
    requests = _requests(workflow, fields)
    said = f"{_count(requests)}{_price(requests)}"
    if len(requests) > CAREFUL and not confirm:
        raise RequestRefused(
            f"This sweep is {said}. Nothing was sent and nothing is billed. If that is what you want, add confirm=True."
        )
    show({"text/plain": said, "text/html": f'<div style="{TEXT}">{plain(said)}</div>'})
    jobs: list[Job] = []
    for request in requests:
        try:
            jobs.append(start(request))
        except KlingError as error:
            if jobs:
                error.add_note(f"{len(jobs)} of the {len(requests)} tasks were started before: see kling.history().")
            raise
    return Batch(jobs)


def _requests(workflow: type[Request], fields: dict[str, Any]) -> list[Request]:
    """Make and check every request; raise with what is wrong in any."""
    if "external_task_id" in fields:
        raise RequestRefused("external_task_id: each task of a sweep gets one of its own.")
    if empty := [name for name, value in fields.items() if value == []]:
        raise RequestRefused(f"{empty[0]} = []: there is nothing to sweep over.")
    lists = [value if isinstance(value, list) else [value] for value in fields.values()]
    made: list[Request] = []
    refused: list[str] = []
    for values in itertools.product(*lists):
        combination = dict(zip(fields, values, strict=True))
        try:
            made.append(workflow(**combination))
        except RequestRefused as error:
            swept = [f"{name} = {shown(combination[name])}" for name, held in fields.items() if isinstance(held, list)]
            _, _, why = str(error).partition("\n")
            refused.append(f"  {', '.join(swept) or workflow.title()}\n  {why or error}")
    if refused:
        more = [f"  and {len(refused) - _TOLD} more"] if len(refused) > _TOLD else []
        total = len(made) + len(refused)
        said = f"{len(refused)} of the {total} tasks of this sweep were refused; nothing was sent, nothing is billed:"
        raise RequestRefused("\n".join([said, *refused[:_TOLD], *more]))
    return made


def _count(requests: Sequence[Request]) -> str:
    return "1 task" if len(requests) == 1 else f"{len(requests)} tasks"


def _price(requests: Sequence[Request]) -> str:
    """About what all cost, as far as it is known."""
    estimates = [getattr(request, "estimate", lambda: None)() for request in requests]
    known = [estimate for estimate in estimates if estimate is not None]
    if not known:
        return "; what they cost is not known here"
    total = type(known[0])(sum(estimate.dollars for estimate in known))
    unknown = len(requests) - len(known)
    return f", {total}" + (f", without {unknown} whose price is not known" if unknown else "")
