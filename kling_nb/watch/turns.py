"""Whose turn it is: jobs wait for their moment in lanes, and the lanes take turns.

Within a lane the one that has been due for longest comes first, so nobody waits for ever however busy the service
keeps us; and a thousand videos in one lane do not keep a picture in another from being asked for.
"""

import asyncio
import heapq
import itertools
import math
import random
import time
from collections import deque
from collections.abc import Callable

from kling_nb.watch.following import Following

__all__ = ["Turns"]

LOOK = 10.0  # seconds between two looks at the clock while jobs wait
SLEPT = 75.0  # seconds between two looks after which the machine must have slept: twice a request's time and more
SPREAD = 0.05  # seconds a job, over which all of them are asked after a sleep

Clock = Callable[[], float]

_Lane = list[tuple[float, int, Following]]  # a heap of: when due, ticket, job

_tickets = itertools.count(1)  # one for all, so that no ticket is good at two places


class Turns:
    """Jobs in waiting. To be used in the background thread only.

    An entry counts as long as the job still holds its ticket. A job may be put off in place, which costs nothing: an
    entry that comes up before its job is due goes back.

    Parameters
    ----------
    clock
        Seconds that never go back; jobs are due by it. It may stand still while the machine sleeps.
    wall
        Seconds that go on then.
    """

    def __init__(self, clock: Clock = time.monotonic, wall: Clock = time.time) -> None:
        self._clock, self._wall = clock, wall
        self.closed: set[str] = set()
        """Lanes that get no turn for now."""
        self._lanes: dict[str, _Lane] = {}
        self._idle: deque[asyncio.Future[tuple[str, Following]]] = deque()  # who waits for a turn, the longest first
        self._timer: asyncio.TimerHandle | None = None
        self._rings = math.inf  # when it does
        self._looked = wall()

    def add(self, following: Following, lane: str, delay: float = 0.0) -> None:
        """Let a job wait in a lane; it leaves the one where it waited before."""
        following.due = self._clock() + delay
        following.ticket = next(_tickets)
        heapq.heappush(self._lanes.setdefault(lane, []), (following.due, following.ticket, following))
        if following.due < self._rings:
            self._set_timer()

    def put_off(self, following: Following, delay: float) -> None:
        """Let a job that waits wait on."""
        following.due = self._clock() + delay

    @staticmethod
    def drop(following: Following) -> None:
        """Let a job wait no longer."""
        following.ticket = 0

    def reopen(self, lane: str) -> None:
        """Give a closed lane its turns again."""
        self.closed.discard(lane)
        self._set_timer()

    async def next(self) -> tuple[str, Following]:
        """Wait until some job is due; return its lane and the job, which waits no longer."""
        if turn := self.take():
            return turn
        mine: asyncio.Future[tuple[str, Following]] = asyncio.get_running_loop().create_future()
        self._idle.append(mine)
        if self._timer is None:
            self._set_timer()
        try:
            return await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # the turn came just then; it is somebody else's
                lane, following = mine.result()
                self.add(following, lane)
            raise

    def _set_timer(self) -> None:
        """Let the timer ring when the next turn is due, if anybody waits for one, and now and then to see the time."""
        if self._timer is not None:
            self._timer.cancel()
        due = self._due() if self._idle else math.inf
        if due == math.inf:
            self._timer, self._rings = None, math.inf
            return
        if self._rings == math.inf:
            self._looked = self._wall()  # nobody looked at the clock, for nobody waited
        wait = min(LOOK, due - self._clock())
        self._rings = due
        self._timer = asyncio.get_running_loop().call_later(wait, self._ring)

    def _ring(self) -> None:
        """Give one turn that is due to who has waited longest; the next one later, as that one may take it along."""
        while self._idle and self._idle[0].done():  # waits no longer
            self._idle.popleft()
        if self._idle and (turn := self.take()):
            self._idle.popleft().set_result(turn)
        self._set_timer()

    def take(self) -> tuple[str, Following] | None:
        """Return a job that is due, from the lane that is next, if there is any."""
        self._notice_sleep()
        now = self._clock()
        for name, lane in list(self._lanes.items()):
            if name not in self.closed and self._first(lane) <= now:
                self._lanes[name] = self._lanes.pop(name)  # to the end: the others are next
                return name, self._pop(lane)
        return None

    def more(self, name: str, ahead: float) -> list[Following]:
        """Return the other jobs of a lane that are due within some seconds, the longest due first."""
        lane, until, found = self._lanes[name], self._clock() + ahead, []
        while self._first(lane) <= until:
            found.append(self._pop(lane))
        return found

    def _due(self) -> float:
        return min(
            (self._first(lane) for name, lane in self._lanes.items() if name not in self.closed), default=math.inf
        )

    @staticmethod
    def _first(lane: _Lane) -> float:
        """When the first job of a lane is due."""
        while lane:
            due, ticket, following = lane[0]
            if following.ticket != ticket:
                heapq.heappop(lane)
            elif following.due > due:
                heapq.heapreplace(lane, (following.due, ticket, following))
            else:
                return due
        return math.inf

    @staticmethod
    def _pop(lane: _Lane) -> Following:
        following = heapq.heappop(lane)[2]
        following.ticket = 0
        return following

    def _notice_sleep(self) -> None:
        """After a sleep of the machine everything is due at once, or late by its length: soon, one after the other."""
        looked, self._looked = self._looked, self._wall()
        if self._looked <= looked + SLEPT:
            return
        waiting = [
            (name, entry[2]) for name, lane in self._lanes.items() for entry in lane if entry[2].ticket == entry[1]
        ]
        self._lanes.clear()
        for name, following in waiting:
            self.add(following, name, random.uniform(0, SPREAD * len(waiting)))
