"""A kernel that is killed at any moment loses nothing, pays for nothing twice, and leaves no half file.

``CRASH_MOMENTS=100 pytest tests/watch/test_crash.py -s`` kills more often than the ordinary run, and prints figures.
"""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from kling_nb.simulator import Fault, Simulator
from kling_nb.watch.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

MOMENTS = int(os.environ.get("CRASH_MOMENTS", "20"))
SPEED = 600.0  # times faster than Kling
LIVES = 5  # sessions that are killed one after another on one ledger, each taking up what the last one left
JOBS = 2  # that each session starts
SEVERAL = 3  # sessions at a time
SESSION = [sys.executable, str(Path(__file__).with_name("crash_session.py")), str(SPEED)]

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="kills processes by Linux's pidfd")


class Sessions:
    """Starts sessions, and kills them."""

    def __init__(self, simulator: Simulator) -> None:
        self._url = simulator.base_url
        self._lock = threading.Lock()
        self._forking = subprocess.Popen(SESSION, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self) -> None:
        assert self._forking.stdin is not None
        self._forking.stdin.close()
        self._forking.wait()
        self._forking.stdout.close()  # type: ignore[union-attr]

    def killed(self, place: Path, after: float) -> float:
        """A session that is killed after so many seconds, unless it has ended by then; return how long it lived."""
        for folder in ("home", "work"):
            (place / folder).mkdir(parents=True, exist_ok=True)
        with self._lock:
            assert self._forking.stdin is not None
            assert self._forking.stdout is not None
            self._forking.stdin.write(f"{place / 'home'} {place / 'work'} {self._url} {JOBS}\n")
            self._forking.stdin.flush()
            pid = int(self._forking.stdout.readline())
        begun = time.monotonic()
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            return 0.0
        try:
            if not select.select([process], [], [], after)[0]:
                signal.pidfd_send_signal(process, signal.SIGKILL)
                select.select([process], [], [])
        finally:
            os.close(process)
        return time.monotonic() - begun

    def whole(self, place: Path) -> None:
        """A session that lives until everything unfinished is finished."""
        command = [*SESSION, str(place / "home"), str(place / "work"), self._url, "0"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(speed=SPEED, seed=1) as running:
        yield running


def film_of(simulator: Simulator) -> bytes:
    """The film that all tasks here are of."""
    with httpx.Client(headers={"authorization": f"Bearer {simulator.api_key}"}, trust_env=False) as http:
        where = f"{simulator.base_url}/videos/text2video"
        made = http.post(where, json={"prompt": "fog"}).json()["data"]["task_id"]
        while not (videos := http.get(f"{where}/{made}").json()["data"]["task_result"].get("videos")):
            time.sleep(0.05)
    return httpx.get(videos[0]["url"], trust_env=False).content


def test_a_killed_kernel_loses_nothing_and_pays_for_nothing_twice(simulator: Simulator, tmp_path: Path) -> None:
    """After kills at random moments, resume yields every task that the service took, once, and every file whole."""
    film = film_of(simulator)
    simulator.faults.add(Fault("media", "slow", times=None, after_bytes=len(film) // 4))  # which takes 0.4 s
    sessions, found = Sessions(simulator), Counter[str]()
    with ThreadPoolExecutor(SEVERAL) as several:
        trials = [tmp_path / f"trial-{number}" for number in range(SEVERAL)]
        longest = max(several.map(lambda place: sessions.killed(place, 30.0), trials))
    before = len(simulator.tasks), len(simulator.requests)
    places = [tmp_path / f"ledger-{number}" for number in range(max(1, MOMENTS // LIVES))]

    def live(place: Path) -> None:
        chance = random.Random(place.name)
        for _ in range(LIVES):
            # Squared, because what matters most happens in the first tenths: recording, sending, the answer.
            sessions.killed(place, longest * chance.random() ** 2)
            with Ledger(place / "home" / "ledger.sqlite3") as ledger:
                found.update(entry.state for entry in ledger.entries())
        sessions.whole(place)

    with ThreadPoolExecutor(SEVERAL) as several:
        list(several.map(live, places))
    sessions.close()

    tasks = {task.external_task_id: task.task_id for task in simulator.tasks[before[0] :]}
    # A request that was cut off in its middle by the kill has not reached the service.
    whole = [asked for asked in simulator.requests[before[1] :] if asked.status not in (None, 500)]
    posts = sum(asked.method == "POST" for asked in whole)
    fetched, half, extra, wrong = Counter[str](), 0, 0, 0
    for place in places:
        with Ledger(place / "home" / "ledger.sqlite3") as ledger:
            entries = ledger.entries()
        saved = [Path(path) for entry in entries for path in entry.files]
        fetched.update(entry.task_id or "" for entry in entries if entry.state == "succeed")
        half += sum(path.read_bytes() != film for path in saved)
        extra += len(set((place / "work" / "kling-videos").glob("*")) ^ set(saved))
        # What is said to have made no task has made none, and the other way round.
        wrong += sum((entry.external_task_id in tasks) != (entry.state == "succeed") for entry in entries)

    lost = [task_id for task_id in tasks.values() if not fetched[task_id]]
    doubled = [task_id for task_id, times in fetched.items() if times > 1]
    sys.stdout.write(
        f"\nmoments {len(places) * LIVES} within {longest:.1f} s, states at them {dict(found)}, tasks {len(tasks)}, "
        f"lost {len(lost)}, doubled {len(doubled) + posts - len(tasks)}, half files {half}, "
        f"files beside them {extra}, told wrongly {wrong}\n"
    )
    assert tasks, "every session was killed before it began"
    assert (lost, doubled, posts - len(tasks), half, extra, wrong) == ([], [], 0, 0, 0, 0)
