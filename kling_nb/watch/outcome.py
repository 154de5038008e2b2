"""The end of something, for whoever waits: as light as a flag until somebody does."""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future

__all__ = ["Outcome"]

_log = logging.getLogger(__name__)
_lock = threading.Lock()  # one for all: it is held for moments only


class Outcome:
    """Whether something has ended, and how.

    A `Future` takes 1.5 kB, and most jobs among thousands are never waited for singly: so one is made only for those.
    """

    __slots__ = ("_calls", "_future", "_told", "error", "reached")

    def __init__(self) -> None:
        self.reached = False
        """Whether it has ended."""
        self.error: Exception | None = None
        """What it ended with, if not well."""
        self._told = False
        self._calls: list[Callable[[], None]] | None = None
        self._future: Future[None] | None = None

    @property
    def future(self) -> Future[None]:
        """Resolves when it has ended, to None or to the error."""
        with _lock:
            if self._future is None:
                self._future = Future()
                if self._told:
                    self._resolve(self._future)
            return self._future

    def then(self, call: Callable[[], None]) -> None:
        """Have this called when it has ended, before those who wait go on; now, if it has."""
        with _lock:
            if not self.reached:
                self._calls = [*(self._calls or ()), call]
                return
        call()

    def reach(self, error: Exception | None = None) -> None:
        """End it; only the first end counts."""
        with _lock:
            if self.reached:
                return
            self.reached, self.error = True, error
            calls, self._calls = self._calls or (), None
        for call in calls:
            try:
                call()
            except Exception:  # noqa: BLE001  one who is told must not keep the others from being told
                _log.exception("telling of an end failed")
        with _lock:
            self._told = True
            future = self._future
        if future is not None:
            self._resolve(future)

    def _resolve(self, future: Future[None]) -> None:
        if self.error is None:
            future.set_result(None)
        else:
            future.set_exception(self.error)


def _let_go() -> None:
    """In a forked child the lock may be held by a thread that is not there."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)
