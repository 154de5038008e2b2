"""The one thread of this process that talks to Kling, with the event loop it owns.

A notebook's kernel has an event loop too, but it stands still while a cell runs. A loop in a thread of its own does
not: polling, downloading and the widgets' updates go on whatever the person's code does.
"""

import asyncio
import atexit
import inspect
import logging
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from contextvars import Context
from typing import Any, Protocol

from anyio.from_thread import BlockingPortal, start_blocking_portal

__all__ = ["ends", "portal", "soon"]


class _Worker(Protocol):
    async def settle(self) -> None:
        """Stop working; called in the background thread before it ends."""

    def forget(self) -> None:
        """Start afresh; called in a forked child, which has no background thread."""


_log = logging.getLogger(__name__)
_lock = threading.Lock()
_open: BlockingPortal | None = None
_loop: asyncio.AbstractEventLoop
_closing = ExitStack()
_tasks: set[asyncio.Future[Any]] = set()  # the loop itself holds its tasks but weakly
_workers: weakref.WeakSet[_Worker] = weakref.WeakSet()
_inherited: list[object] = []


def portal() -> BlockingPortal:
    """Return the way into the background thread's event loop, starting the thread at first use."""
    global _open, _loop
    with _lock:
        if _open is None:
            _open = _closing.enter_context(start_blocking_portal("asyncio", name="kling-nb"))
            _loop = _open.call(asyncio.get_running_loop)
        return _open


def soon(work: Callable[..., Any], *arguments: Any) -> None:
    """Start work in the background thread, from any thread, itself included; returns at once.

    It starts in an empty context. A kernel keeps in the context which cell is running, and output that comes with an
    old cell's context is lost to tools that listen only to the running one (nbclient, papermill).

    Parameters
    ----------
    work
        A function or a coroutine function; what it returns is dropped.
    """
    portal()
    _loop.call_soon_threadsafe(_start, work, arguments, context=Context())


def _start(work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    made = work(*arguments)
    if inspect.isawaitable(made):
        task = asyncio.ensure_future(made)
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)


def ends(worker: _Worker) -> None:
    """Let a worker know when the thread ends, and when it is in a process that has none."""
    _workers.add(worker)


@atexit.register
def _close() -> None:
    """End the thread at interpreter exit; what it was doing is in the ledger and can be resumed."""
    global _open
    with _lock:
        if _open is not None:
            for worker in list(_workers):
                try:
                    _open.call(worker.settle)
                except Exception:  # noqa: BLE001  one that cannot end well must not keep the thread from ending
                    _log.exception("ending %r failed", worker)
            _open.start_task_soon(_open.stop, True)
            _open = None
            _closing.close()


def _forget() -> None:
    """A forked child has the parent's objects but not its threads: start afresh there.

    The old objects are kept, for to collect them would be to end them: the portal waits for a thread that is not there.
    """
    global _open, _lock, _closing, _tasks
    _inherited.append((_open, _closing, _tasks))
    _open, _lock, _closing, _tasks = None, threading.Lock(), ExitStack(), set()
    for worker in list(_workers):
        worker.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
