"""What it costs to watch many jobs: CPU, memory, and how long the main thread is kept from its own work.

The simulator runs in a process of its own and holds tasks that never end. In this process a `Watcher` follows them as
it does in a notebook: jobs in the background thread, over the same few connections. Each figure stands beside its
yardstick from the same run, taken in turns with it, because the machine's speed changes from minute to minute:

- CPU per poll: of the whole process, over the answers taken in, against httpx alone that fetches the same answers over
  as many connections at the same rate and parses their JSON. Every job is asked once a second, which is the most that
  the schedule ever does; from some hundred jobs on that is more than one core can do, and both sides run flat out.
- Memory per job: what Python has allocated for it once it has been asked for, request and media aside.
- Stalls: the main thread computes in pieces of some 20 microseconds; a stall is the CPU time that the other threads of
  this process use between two of them. So time that other processes take from this one is no stall of ours, and time
  that the background thread spends outside Python's lock counts although it keeps nobody. The longest of each tenth of
  a second counts, and p99 is taken over those. The wall clock's stalls stand beside them.

Usage: python benchmarks/watching.py [--quick] [--transport httpx|aiohttp|both]
Exits with 1 when a claim falls short.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib.util
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from kling_nb.api.client import AsyncKling
from kling_nb.simulator import SIMULATED_KEY, Fault, Simulator
from kling_nb.watch.background import portal
from kling_nb.watch.following import Following, State
from kling_nb.watch.ledger import Ledger
from kling_nb.watch.schedule import Kind, RenderTimes, learn
from kling_nb.watch.watcher import QUESTIONS as CONNECTIONS
from kling_nb.watch.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WORKFLOW = "videos/text2video"
KIND = Kind(WORKFLOW, "kling-v1", "std", 5.0)
NEVER = 1e-7  # speed of a simulator whose tasks outlast any measurement
WARM = 0.8  # seconds before each measurement
WINDOW = 0.1  # seconds; the longest stall of each counts

# Tasks of which two in three end each second: the schedule asks for them as often as it ever does.
HURRIED = RenderTimes(ages=(0.0, 600.0), hazards=(0.0, 600.0), fractions=(0.0, 0.99))


def hurried(_: Kind) -> RenderTimes:
    return HURRIED


# -- the simulator, in a process of its own --------------------------------------------------------------------------


def serve() -> None:
    with Simulator(speed=NEVER, seed=1) as simulator:
        print(simulator.base_url, flush=True)
        for line in sys.stdin:
            simulator.faults.clear()
            if line.strip() == "no lists":
                simulator.faults.add(Fault("list", "status", status=404, times=None))
            print("ready", flush=True)


class Kling:
    """The simulator, with as many tasks as are wanted."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        self._tasks: list[str] = []

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        self._process.stdout.readline()

    def tasks(self, number: int) -> list[str]:
        """Ids of the newest so many tasks, oldest first; makes them first where there are too few."""
        portal().call(self._make, number - len(self._tasks))
        return self._tasks[-number:]

    async def _make(self, number: int) -> None:
        async def some(client: httpx.AsyncClient) -> None:
            while left:
                left.pop()
                answer = await client.post(f"{self.base_url}/{WORKFLOW}", json={"prompt": "a red panda"})
                self._tasks.append(answer.json()["data"]["task_id"])

        left = [None] * number
        async with bare() as client:
            await asyncio.gather(*(some(client) for _ in range(2 * CONNECTIONS)))

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


# -- the two sides ---------------------------------------------------------------------------------------------------


def bare(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    return httpx.AsyncClient(
        headers={"Authorization": f"Bearer {SIMULATED_KEY}"}, limits=limits, transport=transport, trust_env=False
    )


def transport(name: str) -> httpx.AsyncBaseTransport:
    """One for both sides."""
    limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
    if name == "httpx":
        return httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
    from httpx_aiohttp import AiohttpTransport

    return AiohttpTransport(limits=limits, trust_env=False)


@dataclass
class Cost:
    polls: int
    requests: int
    cpu: float  # seconds
    seconds: float

    @property
    def per_poll(self) -> float:
        """Milliseconds of CPU."""
        return self.cpu / max(self.polls, 1) * 1e3


class Counted(httpx.AsyncBaseTransport):
    """A transport that counts requests."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


class Watched:
    """So many jobs, watched."""

    def __init__(self, kling: Kling, ids: list[str], times: Callable[[Kind], RenderTimes], by: str, at: Path) -> None:
        self.transport = Counted(transport(by))
        self._ledger = Ledger(at / "ledger.sqlite3")
        client = AsyncKling(SIMULATED_KEY, base_url=kling.base_url, transport=self.transport)
        self._watcher = Watcher(client, self._ledger, times)
        now = time.time()
        self.jobs = [
            Following(KIND, f"knb-{number:032x}", at, state=State.SUBMITTED, task_id=task_id, begun=now)
            for number, task_id in enumerate(ids)
        ]
        for job in self.jobs:
            self._watcher.follow(job)

    @property
    def polls(self) -> int:
        return sum(job.polls for job in self.jobs)

    def measure(self, seconds: float) -> Cost:
        polls, requests, cpu, begun = self.polls, self.transport.requests, time.process_time(), time.monotonic()
        threading.Event().wait(seconds)  # the main thread rests
        cpu, polls = time.process_time() - cpu, self.polls - polls
        return Cost(polls, self.transport.requests - requests, cpu, time.monotonic() - begun)

    def close(self) -> None:
        portal().call(self._watcher.aclose)
        self._ledger.close()


@contextmanager
def watched(
    kling: Kling, number: int, times: Callable[[Kind], RenderTimes] = hurried, by: str = "httpx"
) -> Iterator[Watched]:
    with tempfile.TemporaryDirectory() as folder:
        made = Watched(kling, kling.tasks(number), times, by, Path(folder))
        try:
            yield made
        finally:
            made.close()


async def _fetch_bare(base_url: str, ids: list[str], seconds: float, rate: float, by: str) -> Cost:
    """The same questions at the same rate, and their JSON read; nothing else."""
    polls = 0

    async def one(client: httpx.AsyncClient) -> None:
        answer = await client.get(f"{base_url}/{WORKFLOW}/{ids[polls % len(ids)]}")
        assert answer.json()["data"]["task_status"]

    async def some(client: httpx.AsyncClient, due: float, until: float) -> None:
        nonlocal polls
        while max(due, time.monotonic()) < until:
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            await one(client)
            polls += 1
            due += CONNECTIONS / rate

    async with bare(Counted(transport(by))) as client:  # counted as ours are, which takes time too
        await asyncio.gather(*(one(client) for _ in range(CONNECTIONS)))  # connects
        cpu, begun = time.process_time(), time.monotonic()
        # In turn, and the first not right after the last: one job's polls find the processor's caches cold.
        await asyncio.gather(*(some(client, begun + (n + 1) / rate, begun + seconds) for n in range(CONNECTIONS)))
    return Cost(polls, polls, time.process_time() - cpu, time.monotonic() - begun)


def fetch_bare(kling: Kling, number: int, seconds: float, rate: float, by: str) -> Cost:
    return portal().call(_fetch_bare, kling.base_url, kling.tasks(number), seconds, rate, by)


# -- what is measured ------------------------------------------------------------------------------------------------


def cpu(kling: Kling, number: int, seconds: float, rounds: int, by: str) -> float:
    """CPU per poll, watched over bare: the median of some rounds."""
    ratios, ours, theirs = [], [], []
    with watched(kling, number, by=by):
        pass  # what is imported and made once is not counted
    for _ in range(rounds):
        with watched(kling, number, by=by) as jobs:
            jobs.measure(WARM)
            mine = jobs.measure(seconds)
        other = fetch_bare(kling, number, seconds, mine.requests / mine.seconds, by)
        ours.append(mine)
        theirs.append(other)
        ratios.append(mine.per_poll / other.per_poll)
    our, their = (statistics.median(cost.per_poll for cost in costs) for costs in (ours, theirs))
    rate = statistics.median(cost.polls / cost.seconds for cost in ours)
    ratio = statistics.median(ratios)
    print(
        f"  {by:8s} {number:6,d} jobs {rate:7.0f} polls/s   {our:6.3f} ms a poll   bare {their:6.3f} ms   {ratio:.2f}x",
        flush=True,
    )
    return ratio


def lists(kling: Kling, number: int, seconds: float, by: str) -> None:
    """The same jobs where the service has a list."""
    with watched(kling, number, by=by) as jobs:
        jobs.measure(WARM)
        cost = jobs.measure(seconds)
    print(
        f"  {by:8s} {number:6,d} jobs {cost.polls / cost.seconds:7.0f} polls/s  {cost.per_poll:6.3f} ms a poll   "
        f"{cost.polls / max(cost.requests, 1):.0f} polls a request"
    )


def memory(kling: Kling, number: int) -> float:
    """Bytes a job, once it has been asked for."""
    ids = kling.tasks(number)
    with watched(kling, 10) as few:
        few.measure(WARM)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with watched(kling, number) as jobs:
            while min(job.polls for job in jobs.jobs) == 0:
                jobs.measure(0.2)
            gc.collect()
            used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    del ids
    return used / number


@dataclass
class Stalls:
    """In ms: p99 and maximum of the longest stall in each window, by others' CPU; p99 by the wall clock."""

    p99: float
    longest: float
    wall: float


def stalls(seconds: float) -> Stalls:
    """Measure while the main thread computes."""
    by_cpu: list[float] = []
    by_wall: list[float] = []
    begun = window = last = time.perf_counter()
    others = time.process_time() - time.thread_time()
    worst = worst_wall = 0.0
    work = range(400)
    while last - begun < seconds:
        sum(work)
        now, others_now = time.perf_counter(), time.process_time() - time.thread_time()
        worst, worst_wall = max(worst, others_now - others), max(worst_wall, now - last)
        if now - window > WINDOW:
            by_cpu.append(worst * 1e3)
            by_wall.append(worst_wall * 1e3)
            worst, worst_wall, window = 0.0, 0.0, now
        last, others = now, others_now
    return Stalls(_p99(by_cpu), max(by_cpu), _p99(by_wall))


def _p99(values: list[float]) -> float:
    return sorted(values)[int(0.99 * (len(values) - 1))]


def main_thread(kling: Kling, number: int, seconds: float) -> dict[str, Stalls]:
    """Stalls alone, then with jobs at the schedule's own pace, then with every job asked once a second."""
    real = learn([], KIND)
    found = {"no jobs": stalls(seconds)}
    for name, times in (("as scheduled", lambda _: real), ("once a second", hurried)):
        for listed in ("lists", "no lists"):
            kling.say(listed)
            with watched(kling, number, times) as jobs:
                jobs.measure(WARM)
                found[f"{name}, {listed}"] = stalls(seconds)
    for name, stall in found.items():
        print(
            f"  {number:,d} jobs, {name:24s} p99 {stall.p99:6.2f} ms   longest {stall.longest:6.2f} ms   "
            f"wall clock's p99 {stall.wall:6.2f} ms"
        )
    return found


def progress(number: int) -> float:
    """Milliseconds to estimate the progress of so many jobs."""
    times = learn([], KIND)
    begun = time.perf_counter()
    for n in range(number):
        times.progress(n * 0.3)
    return (time.perf_counter() - begun) * 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter and with fewer jobs, less than 50 s")
    parser.add_argument("--transport", choices=("httpx", "aiohttp", "both"), default="both")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve()
        return 0
    ways = ["httpx", "aiohttp"] if chosen.transport == "both" else [chosen.transport]
    if "aiohttp" in ways and importlib.util.find_spec("httpx_aiohttp") is None:
        print("httpx-aiohttp is not installed (pip install 'kling-nb[fast]'): measured without it")
        ways.remove("aiohttp")
    if chosen.quick:
        print("quick: without 1 job, whose polls are too few in a short time, and without 10,000")
    seconds, rounds, numbers = (0.6, 2, (100, 1000)) if chosen.quick else (2.5, 9, (1, 100, 1000, 10_000))
    claims: list[tuple[str, float, float]] = []
    kling = Kling()
    try:
        kling.say("no lists")
        print("CPU, asked for singly:")
        for by in ways:
            for number in numbers:
                ratio = cpu(kling, number, seconds * 3 if number == 1 else seconds, rounds, by)
                claims.append((f"cpu-over-bare-{by}-{number}-jobs", ratio, 1.25))
        kling.say("lists")
        print("CPU, with lists:")
        for by in ways:
            for number in numbers[-2:]:
                lists(kling, number, seconds, by)
        print("Memory:")
        for number in numbers[-2:]:
            used = memory(kling, number)
            print(f"  {number:6,d} jobs {used:8.0f} bytes a job")
        claims.append((f"bytes-a-job-{number}-jobs", used, 4096))
        print("Stalls of the main thread while it computes:")
        for name, stall in main_thread(kling, 1000, 4 * seconds).items():
            if name != "no jobs":
                claims.append((f"stall-p99-ms-1000-jobs-{name.replace(',', '').replace(' ', '-')}", stall.p99, 20))
        claims.append(("progress-of-1000-jobs-ms", progress(1000), 20))
    finally:
        kling.close()
    print()
    for name, value, goal in claims:
        print(f"claim: {name} measured={value:.3g} goal<={goal:g} {'holds' if value <= goal else 'falls-short'}")
    return int(any(value > goal for _, value, goal in claims))


if __name__ == "__main__":
    sys.exit(main())
