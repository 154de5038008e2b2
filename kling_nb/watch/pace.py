"""How fast one service may be asked: as fast as the connections allow, until it says that this is too fast.

Nobody publishes the limit, so it is felt for as TCP feels for the capacity of a line: each refusal halves the rate
that was really reached, and time adds to it little by little (additive increase, multiplicative decrease; Chiu and
Jain, 1989). Several processes that do so come to equal shares without knowing of each other.
"""

import math
import time
from collections import deque
from collections.abc import Callable

import anyio

__all__ = ["LONGEST_HOLD", "Pace"]

RISE = 0.1  # requests per second gained in each second; a limit of 5 a second is touched every 25 s
SLOWEST = 0.5  # requests per second; who is refused again and again also waits on its own, up to a minute
SHORTEST_HOLD = 1.0  # seconds without a request after a refusal; Kling advises to wait at least this long
LONGEST_HOLD = 3600.0  # seconds; a service that asks for more has written nonsense, or will ask again
REMEMBERED = 20  # requests over which the rate really reached is measured


class Pace:
    """When the next request may be sent.

    Parameters
    ----------
    clock
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._slowed = -math.inf  # when it was last told to slow down
        self._rate = math.inf  # requests per second that it began with then
        self._held = -math.inf  # no request before this moment
        self._next = -math.inf  # the next one, at the present rate
        self._sent: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def rate(self) -> float:
        """Requests per second at most; infinite as long as the service has never complained."""
        return self._rate + RISE * max(0.0, self._clock() - self._slowed) if self._rate < math.inf else math.inf

    def reserve(self) -> float:
        """Take the next free moment; return it, on the clock's scale."""
        moment = max(self._clock(), self._next, self._held)
        self._next = moment + 1 / self.rate
        self._sent.append(moment)
        return moment

    async def turn(self) -> None:
        """Wait until a request may be sent."""
        moment = self.reserve()
        while (wait := moment - self._clock()) > 0:
            await anyio.sleep(wait)
            if moment < self._held:  # refused meanwhile
                moment = self.reserve()

    def refused(self, retry_after: float | None = None) -> None:
        """Slow down: the service could not take a request.

        What is refused while nothing may be sent was under way already, and tells nothing new.

        Parameters
        ----------
        retry_after
            Seconds in which the service wants no request at all; it wins over everything else.
        """
        now = self._clock()
        if now >= self._held:
            self._rate = max(SLOWEST, min(self.rate, self._reached(now)) / 2)
            self._slowed = now
            self._held = now + max(SHORTEST_HOLD, 1 / self._rate)
        self._held = max(self._held, now + min(retry_after or 0.0, LONGEST_HOLD))

    def _reached(self, now: float) -> float:
        """Requests per second sent of late."""
        if len(self._sent) < 2:
            return 2 * SLOWEST
        return len(self._sent) / max(now - self._sent[0], 0.001)
