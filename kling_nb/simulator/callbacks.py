"""Calls to a task's ``callback_url``, at every change of its status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kling_nb.simulator.loopback import Unreachable, is_loopback, post
from kling_nb.simulator.rules import JSON, refuse
from kling_nb.simulator.tasks import Task

__all__ = ["Callbacks", "check"]

_LOOK = 0.02, 0.5  # seconds between looks at a task, at first and at most: a clock may be set forward at any time
_TIMEOUT = 5.0  # seconds for a call


def check(url: str | None) -> None:
    """Refuse an address that is not on this machine: the simulator calls no other."""
    if url and not (url.startswith(("http://", "https://")) and is_loopback(url)):
        raise refuse("callback_url", f"the simulator calls only addresses on this machine (127.0.0.1), not {url[:200]}")


class Callbacks:
    """Tells the owners of tasks what becomes of them, without authentication, as Kling does.

    Parameters
    ----------
    tell
        Describes a task as it is now.
    """

    def __init__(self, tell: Callable[[Task], JSON]) -> None:
        self._tell = tell
        self._following: set[asyncio.Task[None]] = set()

    def follow(self, task: Task, url: str) -> None:
        """Call this address at every change of a task, until it ends."""
        following = asyncio.ensure_future(self._follow(task, url))
        self._following.add(following)
        following.add_done_callback(self._following.discard)

    async def _follow(self, task: Task, url: str) -> None:
        told, pause = "submitted", _LOOK[0]
        while told not in ("succeed", "failed"):
            now = self._tell(task)
            if now["task_status"] != told:
                told = now["task_status"]
                task.callbacks.append((told, await self._call(url, now)))
            else:
                await asyncio.sleep(pause)
                pause = min(_LOOK[1], pause * 1.2)

    async def _call(self, url: str, told: JSON) -> int | str:
        try:
            return await post(url, told, _TIMEOUT)
        except Unreachable as error:
            return str(error)
