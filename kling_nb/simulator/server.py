"""The simulator on a loopback port: started and stopped like a file is opened and closed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, get_args

import uvicorn

from kling_nb.simulator import SIMULATED_KEY
from kling_nb.simulator.access import Access
from kling_nb.simulator.answers import Connections
from kling_nb.simulator.app import GATEWAY, NATIVE, Kling
from kling_nb.simulator.faults import Faults
from kling_nb.simulator.recording import Asked
from kling_nb.simulator.studio import Studio
from kling_nb.simulator.tasks import Clock, Kind, RenderTimes, Task, Tasks

__all__ = ["Simulator", "serve"]

HOST = "127.0.0.1"
_BACKLOG = 512  # connections that may wait to be accepted
_THREAD = "kling-simulator"
_WAIT = 10.0  # seconds within which the server starts or stops


class Simulator:
    """Kling on this machine, in a thread of this process: no key, no money, no network.

    Parameters
    ----------
    speed
        How much faster than Kling tasks are done: 1 takes minutes as the service does, 100 about a second.
    seed
        Chooses the times that tasks take; None for other ones each time.
    port
        Port on 127.0.0.1; 0 for any that is free.
    api_key
        The key that it takes at both prefixes.
    access_key, secret_key
        What a JWT for Kling's own prefix is issued by and signed with (HS256).
    parallel
        How many tasks of each kind ("video", "image", "try-on", "audio", "library") may be in flight; a task for
        pictures counts as often as it makes one. None for as many as are asked for; a mapping may change later.
    units
        What the account has to spend, in Kling's units; None for as much as is asked for.
    clock
        Seconds since 1970; a test may give one that it sets forward itself.

    Raises
    ------
    OSError
        At the start, when the port is taken.

    Notes
    -----
    Rules and results follow Kling's v1 document and the gateway's pages (early 2026); prices and render times are
    guesses of the right order. Media is made up, and SIMULATED is written in all that can be seen. For use from another
    process the same is there over HTTP: see `kling_nb.simulator.control`.

    Examples
    --------
    >>> with Simulator(speed=100, seed=1) as kling:  # doctest: +SKIP
    ...     print(kling.base_url)
    """

    def __init__(
        self,
        speed: float = 1.0,
        seed: int | None = 0,
        *,
        port: int = 0,
        api_key: str = SIMULATED_KEY,
        access_key: str = "simulated-access-key",
        secret_key: str = "simulated-secret-key-of-32-bytes",  # noqa: S107  it opens nothing but this
        parallel: int | Mapping[Kind, int] | None = None,
        units: float | None = None,
        clock: Clock = time.time,
    ) -> None:
        if not speed > 0:
            raise ValueError(f"speed = {speed}: more than 0; 1 is as slow as the service.")
        self.speed, self.seed, self.port = speed, seed, port
        self.api_key, self.access_key, self.secret_key = api_key, access_key, secret_key
        self.faults = Faults()
        """What shall go wrong: ``faults.add(Fault(...))``."""
        limits = dict.fromkeys(get_args(Kind), parallel) if isinstance(parallel, int) else parallel
        self._limits: Mapping[Kind, int] = {} if limits is None else limits
        self._units = units
        self._clock = clock
        self._kling: Kling | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"<Kling simulator at {self.base_url}>" if self._thread else "<Kling simulator, not running>"

    @property
    def base_url(self) -> str:
        """Where it is, with the gateway's prefix."""
        return f"http://{HOST}:{self.port}{GATEWAY}"

    @property
    def native_url(self) -> str:
        """Where it is, with Kling's own prefix."""
        return f"http://{HOST}:{self.port}{NATIVE}"

    @property
    def tasks(self) -> list[Task]:
        """All tasks that it accepted, in order."""
        return list(self._kling.tasks.all) if self._kling else []

    @property
    def requests(self) -> list[Asked]:
        """All that it was asked, in order, media included."""
        return list(self._kling.requests) if self._kling else []

    def start(self) -> Self:
        """Start it; returns when it answers."""
        if self._thread is not None:
            return self
        listening = _listen(self.port)
        self.port = listening.getsockname()[1]
        tasks = Tasks(self._clock, RenderTimes(self.speed, self.seed), self._limits, self._units)
        access = Access(self.api_key, self.access_key, self.secret_key)
        origin = f"http://{HOST}:{self.port}"
        self._studio = Studio()
        self._kling = Kling(access, self._clock, tasks, self._studio, self.faults, origin)
        self._server = _Server(self._kling.application())
        self._thread = threading.Thread(target=self._server.go, args=(listening,), name=_THREAD, daemon=True)
        self._thread.start()
        if not self._server.ready.wait(_WAIT):
            raise RuntimeError("The simulator did not start.")
        return self

    def stop(self) -> None:
        """Stop it: the port is free and its files are gone when this returns. What it recorded stays."""
        if self._thread is None or self._server is None or self._kling is None:
            return
        self._server.end()
        self._thread.join(_WAIT)
        self._studio.close()
        self._thread = self._server = None

    def wait(self) -> None:
        """Block until it stops, which another thread or Ctrl-C does."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.2)  # in pieces, so that Ctrl-C gets through on every system

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listen(port: int) -> socket.socket:
    # Named as TCP, so that asyncio sees that it is, and turns off the delay that gathers small packets (40 ms).
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this would let two programs share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(_BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def _quiet(record: logging.LogRecord) -> bool:
    """Let uvicorn tell nobody that it starts and stops here; troubles are told, and so is all of other servers."""
    return record.levelno >= logging.ERROR or record.threadName != _THREAD


class _Server(uvicorn.Server):
    """uvicorn, quiet, in a thread, on a socket that is bound already."""

    def __init__(self, app: Any) -> None:
        super().__init__(
            uvicorn.Config(
                app, http=Connections, ws="none", lifespan="off", loop="asyncio", log_config=None, access_log=False,
                server_header=False, timeout_keep_alive=60, backlog=_BACKLOG,
                timeout_graceful_shutdown=1,
            )
        )  # fmt: skip
        self.ready = threading.Event()
        logging.getLogger("uvicorn.error").addFilter(_quiet)

    def go(self, listening: socket.socket) -> None:
        """Serve until `end` is called."""
        with listening:
            asyncio.run(self.serve([listening]))

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()

    async def main_loop(self) -> None:
        while not self._over.is_set():
            await self.on_tick(0)  # sets the time that answers are dated with
            with suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):  # whoever is still waiting, waits for nothing
            connection.transport.abort()
        await asyncio.sleep(0)
        await super().shutdown(sockets)

    def end(self) -> None:
        """Let it end, whoever is still connected."""
        self._loop.call_soon_threadsafe(self._over.set)


def serve(
    port: int = 0,
    speed: float = 1.0,
    seed: int | None = 0,
    *,
    started: Callable[[Simulator], None] = lambda _: None,
    **settings: Any,
) -> None:
    """Run a simulator until Ctrl-C (or a request to end the process), then stop it; for the command line.

    Parameters
    ----------
    port, speed, seed
        As in `Simulator`.
    started
        Called with it once it answers, to tell people where it is.
    **settings
        Whatever else `Simulator` takes.

    Raises
    ------
    OSError
        When the port is taken.
    """

    def leave(*_: object) -> None:
        raise KeyboardInterrupt

    with Simulator(speed, seed, port=port, **settings) as simulator:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, leave)
        try:
            started(simulator)
            simulator.wait()
        except KeyboardInterrupt:
            pass
