"""A person's session with kling_nb, to be killed at any moment; run by test_crash.py.

For each line on the standard input, ``HOME FOLDER BASE_URL JOBS``, it forks a session that takes up what is unfinished
and starts so many jobs, and prints its process id. Forked, because starting an interpreter takes longer than a session
lives. With such a line as its arguments, after the simulator's speed, it is that session itself.
"""

import os
import signal
import sys

import kling_nb as kling
from kling_nb.watch import schedule, watcher

# A minute of patience is a second here.
for name in kling.__all__:
    getattr(kling, name)  # loaded here once, and not in every session
speed, *alone = sys.argv[1:]
os.environ["KLING_NB_SIMULATOR_SPEED"] = speed
watcher.SETTLING, watcher.FIRST_LOOK, watcher.PAUSE = 1.0, 0.1, 0.2
schedule.SHORTEST_GAP = schedule.OVERDUE = 0.05


def session(home: str, folder: str, base_url: str, number: str) -> None:
    """Take up what is unfinished, start jobs, and wait for all."""
    os.environ["KLING_NB_HOME"] = home
    os.chdir(folder)
    kling.connect(simulator=True, base_url=base_url)
    jobs = [*kling.resume(), *(kling.text2video("fog") for _ in range(int(number)))]
    for one in jobs:
        try:
            one.wait()
        except kling.KlingError as error:
            sys.stderr.write(f"{error}\n")


if alone:
    session(*alone)
else:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            session(*line.split())
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
