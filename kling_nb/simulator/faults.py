"""What can be made to go wrong, and the answers that are no answers: cut, reset, endless, never given."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal

__all__ = ["Fault", "Faults", "Where"]

Where = Literal["create", "query", "list", "media"]
How = Literal[
    "status",
    "html",
    "malformed",
    "reset",
    "hang",
    "truncated",
    "endless",
    "expired",
    "slow",
    "unknown-status",
    "failed",
]
_ONLY = {"unknown-status": ("query",), "failed": ("create",)} | dict.fromkeys(
    ("truncated", "endless", "expired", "slow"), ("media",)
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that shall go wrong.

    Parameters
    ----------
    where
        Which requests it hits: "create", "query", "list" (of tasks) or "media" (downloads).
    how
        "status": an error of Kling's with the HTTP status `status`. "html": a proxy's page with that status.
        "malformed": JSON that ends in the middle. "reset": the connection is reset, without an answer. "hang": no
        answer until the client gives up. Only for media: "truncated": `after_bytes` of the file, then the end.
        "endless": bytes that never end. "expired": 403, as for a file that was cleared. "slow": `after_bytes` each
        tenth of a second. Only for queries: "unknown-status": a ``task_status`` that nobody knows. Only for create:
        "failed": the task is made, and fails in the end.
    times
        How many requests it hits, one after another; None for all.
    processed
        For create: the task is made (and would be paid for) before the answer goes wrong.
    status
        HTTP status of "status" and "html".
    retry_after
        Value of the header Retry-After, with whatever answer there is: seconds or an HTTP date.
    message
        What the error, or the failed task's ``task_status_msg``, says.
    code
        Kling's code in "status", where the one that belongs to the HTTP status is not meant; a word, such as
        "task_not_exist", is said in the gateway's own envelope.
    after_bytes
        See "truncated" and "slow".
    """

    where: Where
    how: How
    times: int | None = 1
    processed: bool = False
    status: int = 503
    retry_after: str | None = None
    message: str | None = None
    code: int | str | None = None
    after_bytes: int = 1000

    def __post_init__(self) -> None:
        allowed = _ONLY.get(self.how, ("create", "query", "list", "media"))
        if self.where not in allowed:
            raise ValueError(f"where = {self.where!r}: {self.how!r} is for {' or '.join(allowed)}.")
        if self.times is not None and self.times < 1:
            raise ValueError(f"times = {self.times}: at least 1, or None for all requests.")


class Faults:
    """The faults that wait for a request to hit; first come, first served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[Fault, int | None]] = []

    def add(self, *faults: Fault) -> None:
        """Let these go wrong from now on."""
        with self._lock:
            self._waiting += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Let everything go well again."""
        with self._lock:
            self._waiting.clear()

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, where: Where) -> Fault | None:
        """The fault that hits this request, if any."""
        with self._lock:
            for place, (fault, left) in enumerate(self._waiting):
                if fault.where == where:
                    if left is not None:
                        self._waiting[place : place + 1] = [(fault, left - 1)] if left > 1 else []
                    return fault
        return None
