"""Everything that can go wrong, named for what happened to the task and to the money.

KlingError                    anything this package raises on purpose
├── RequestRefused            nothing was made, nothing is billed: change the request (also a ValueError)
│   ├── MissingKey            no API key: set one, or choose the simulator
│   ├── AuthenticationFailed  the service does not know the key, or the account may not do this
│   └── TaskNotFound          the service knows no such task on that path
├── ServiceUnavailable        the service could not answer; asking again later may help
│   └── TooManyRequests       refused for now without making a task; ``retry_after`` may say for how long
├── TaskFailed                the task exists and ended badly; ``.task`` has the reason and the cost
├── Unconfirmed               nobody can know yet whether a task was made; ``.external_task_id`` finds it
├── Stopped                   this process stopped watching; the render goes on and is billed
├── DownloadFailed            the media is made and paid for, but is not on disk yet
│   ├── MediaUnreachable      its host could not be reached or broke off; trying again later may help
│   └── MediaExpired          its URL is no longer served; the task has to be asked for a new one
└── LedgerError               the record of paid tasks cannot be read or written
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kling_nb.api.tasks import Task

__all__ = [
    "AuthenticationFailed",
    "DownloadFailed",
    "KlingError",
    "LedgerError",
    "MediaExpired",
    "MediaUnreachable",
    "MissingKey",
    "RequestRefused",
    "ServiceUnavailable",
    "Stopped",
    "TaskFailed",
    "TaskNotFound",
    "TooManyRequests",
    "Unconfirmed",
]


class KlingError(Exception):
    """Anything kling_nb raises on purpose."""


class RequestRefused(KlingError, ValueError):
    """Nothing was made and nothing is billed: change the request.

    Parameters
    ----------
    message
        What is wrong and what would be right.
    code
        The service's own error code, e.g. 1201 or "model_not_found"; None when refused before sending.
    request_id
        The service's name for the exchange, for its support.
    """

    def __init__(self, message: str, *, code: int | str | None = None, request_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id


class MissingKey(RequestRefused):
    """No API key is set and no simulator was asked for."""


class AuthenticationFailed(RequestRefused):
    """The service does not accept the key, or the account may not do this (HTTP 401, 403, arrears)."""


class TaskNotFound(RequestRefused):
    """The service knows no such task on that path (HTTP 404, code 1203)."""


class ServiceUnavailable(KlingError):
    """The service could not answer; asking again later may help.

    Parameters
    ----------
    message
        What happened, in the service's words where it had any.
    retry_after
        Seconds the service asked to wait, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyRequests(ServiceUnavailable):
    """Refused for now, without making a task: too fast, or too many tasks in flight (HTTP 429)."""


class TaskFailed(KlingError):
    """The task exists and ended badly.

    Parameters
    ----------
    message
        The service's reason and what is known of the cost.
    task
        The task as the service last reported it.
    """

    def __init__(self, message: str, *, task: "Task | None" = None) -> None:
        super().__init__(message)
        self.task = task


class Unconfirmed(KlingError):
    """The request was sent and the answer lost: a task may exist and may be billed.

    Parameters
    ----------
    message
        What happened and how to find out more.
    external_task_id
        Our own id in the request; Kling finds the task by it.
    """

    def __init__(self, message: str, *, external_task_id: str | None = None) -> None:
        super().__init__(message)
        self.external_task_id = external_task_id


class Stopped(KlingError):
    """This process stopped watching; the render goes on at the service and is billed."""


class DownloadFailed(KlingError):
    """The media is made and paid for, but is not on disk yet; the task can be resumed."""


class MediaUnreachable(DownloadFailed):
    """The media's host could not be reached, or broke off and came no further; trying again later may help."""


class MediaExpired(DownloadFailed):
    """The media's URL is no longer served (HTTP 403, 404 or 410); the task may have a new one."""


class LedgerError(KlingError):
    """The record of paid tasks cannot be read or written; it is left as it was."""
