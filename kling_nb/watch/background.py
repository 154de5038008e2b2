"""The one thread of this process that talks to Kling, with the event loop it owns.

A notebook's kernel has an event loop too, but it stands still while a cell runs. A loop in a thread of its own does
not: polling, downloading and the widgets' updates go on whatever the person's code does.
"""

import atexit
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from contextvars import Context
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal

__all__ = ["portal", "soon"]

_lock = threading.Lock()
_open: BlockingPortal | None = None
_closing = ExitStack()


def portal() -> BlockingPortal:
    """Return the way into the background thread's event loop, starting the thread at first use."""
    global _open
    with _lock:
        if _open is None:
            _open = _closing.enter_context(start_blocking_portal("asyncio", name="kling-nb"))
        return _open


def soon(work: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
    """Start work in the background thread, from any other thread; returns at once.

    It starts in an empty context. A kernel keeps in the context which cell is running, and output that comes with an
    old cell's context is lost to tools that listen only to the running one (nbclient, papermill).
    """
    Context().run(portal().start_task_soon, work, *arguments)


@atexit.register
def _close() -> None:
    """End the thread at interpreter exit; what it was doing is in the ledger and can be resumed."""
    global _open
    with _lock:
        if _open is not None:
            _open.start_task_soon(_open.stop, True)
            _open = None
            _closing.close()


def _forget() -> None:
    """A forked child has the parent's objects but not its threads: start afresh there."""
    global _open, _lock, _closing
    _open, _lock, _closing = None, threading.Lock(), ExitStack()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
