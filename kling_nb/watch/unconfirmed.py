"""Finding out whether a create whose answer was lost has made a task.

The service is asked by the id that we gave the task, and for the list of its tasks where it has one. Neither proves
that there is none: a service may know a task only some time after it took it, look up no ids of ours, or list nothing.
So what is found is taken up, and what is not found is told with all that is known; it is never sent again from here.
"""

from collections.abc import Callable

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import RequestRefused, TaskNotFound
from kling_nb.api.tasks import Task

__all__ = ["find"]

PAGE = 200  # tasks asked for at a time
PAGES = 10  # at most; newest first, so that a task looked for soon is on the first
BEFORE = 120.0  # seconds before sending in which its task may seem to be created, for clocks differ
AFTER = 300.0  # seconds after sending in which it may be created; the client gave up long before
NAMED = 5  # tasks named in a message at most


async def find(
    client: AsyncKling, workflow: str, external_task_id: str, sent: float, known: Callable[[str], bool]
) -> Task:
    """Return the task that a request has made, if the service tells of one.

    Parameters
    ----------
    client
        The way to the service.
    workflow
        Path that the request was sent to.
    external_task_id
        Our id in the request.
    sent
        Unix time in seconds when it was sent.
    known
        Tells whether a task id of the service's is that of another request of ours.

    Raises
    ------
    TaskNotFound
        None was found; the message tells what is known all the same.
    ServiceUnavailable
        The service could not answer.
    """
    try:
        return await client.get(workflow, external_task_id)
    except TaskNotFound:
        said = "The service knows no task by that id"
    except RequestRefused as error:
        said = f"The service does not find tasks by that id ({error})"
    try:
        listed = await _listed(client, workflow, sent - BEFORE)
    except RequestRefused:
        raise TaskNotFound(f"{said}, and it has no list of tasks to look through.") from None
    for task in listed:
        if task.external_task_id == external_task_id:
            return task
    strangers = [
        task
        for task in listed
        if task.external_task_id is None
        and (task.created_at is None or sent - BEFORE <= task.created_at / 1000 <= sent + AFTER)
        and not known(task.task_id)
    ]
    if strangers:
        ids = ", ".join(task.task_id for task in strangers[:NAMED])
        raise TaskNotFound(
            f"{said}, but it lists {len(strangers)} of about that time that this ledger does not know: {ids}. If one "
            f"is yours, kling.job({strangers[0].task_id!r}, workflow={workflow!r}) takes it up."
        )
    raise TaskNotFound(f"{said}, and it is not among the {len(listed)} that it lists since then.")


async def _listed(client: AsyncKling, workflow: str, since: float) -> list[Task]:
    """The tasks of a workflow that were created since then, as far as the list tells."""
    found: list[Task] = []
    for page in range(1, PAGES + 1):
        tasks = await client.list(workflow, page=page, size=PAGE)
        found += [task for task in tasks if task.created_at is None or task.created_at / 1000 >= since]
        if len(tasks) < PAGE or len(found) < page * PAGE:
            break
    return found
