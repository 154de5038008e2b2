"""When to ask next: the ages at which to poll a task, learned from how long tasks like it took.

**The plan.** A poll costs something, and so does every second a finished video waits unseen; ``patience`` is how many
seconds of waiting one poll is worth. Which ages to poll at is the problem of optimum checking procedures (Barlow,
Hunter and Proschan, 1963). Their recursion starts from a guess of the first instant and magnifies its error from step
to step, most of all where the density falls slowly, as it does for render times. Keller (1974) lets the polls be dense
instead: with the hazard h(t), the chance per second that a task still running ends now, the best rate of polls is
sqrt(h(t) / (2 patience)). So one table of the integral of sqrt(h) is the plan for every patience, it needs nothing but
the age to go on from, and by Schwarz's inequality it never asks more often by an age t than
sqrt(t ln(1/S(t)) / (2 patience)), S(t) being the share of tasks still running then. Where the distribution is known,
the exact optimum (dynamic programming) has 1 to 4 % less delay at 5 to 25 polls a task, and at the fewest up to 8 %
less where the times have two humps. Where it is learned from a few tasks the exact plan trusts it too much and has up
to 6 % more; after some twenty neither wins everywhere (measured on the families of benchmarks/polling.py).

**The distribution** lives in cells of equal width on the axis of log(time / built-in typical time), so that what one
kind of task shows (the service is slow today) says something about the others. A Student t, from conjugate updates that
pass from wider groups of tasks to the very kind, is blended with kernel estimates, weighed by how well each foretells
every task from the others: the bell serves after few tasks, the kernels find two humps after some. A change of pace is
weighed as one more hypothesis. Tasks seen late count for the cells they may lie in (Turnbull's self-consistency).
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["PATIENCE", "Kind", "Past", "Progress", "RenderTimes", "learn"]

PATIENCE = (
    0.2  # seconds of waiting that one poll is worth: at most 14.4 polls by a median of two minutes, whatever the shape
)

SHORTEST_GAP = 1.0  # seconds between two polls of one task; Kling advises to wait at least this long between requests
LONGEST_GAP = 300.0  # seconds; a task that runs for hours is still looked at every five minutes
OVERDUE = 1.0  # seconds within which a poll is made that should have been made already
JITTER_SPREAD = 0.2  # share of a gap over which jitter moves a poll; costs 0.3 % of delay

# The built-in typical times. "People report 1-6 min for 5 s std/pro, 10+ min at peaks, longer for master, 10-15 s and
# omni": the first is measured by many, the factors after it are our reading of "longer".
TYPICAL = 150.0  # seconds, the middle of 1 to 6 minutes on a log scale, for a video of 5 s
TYPICAL_STILL = 30.0  # seconds, for pictures and sounds; nobody reports these, so it is a guess
TYPICAL_LENGTH = 5.0  # seconds of video
LENGTH_POWER = 0.75  # 10 s take 1.7 times as long as 5 s, 15 s 2.3 times
MASTER_FACTOR = 2.0
OMNI_FACTOR = 1.5

# Cells of log(time / typical time).
STEP = 0.04  # 4 %: 4 s of a 90 s render
CELLS = 376
REACH = CELLS * STEP / 2  # in logs; below 1/1800 or above 1800 times the typical time a duration is nonsense
PLACES = [(j + 0.5) * STEP - REACH for j in range(CELLS)]

ENOUGH = 100  # tasks learned from: the most alike, then the newest
HALF_LIFE = (
    14 * 86400.0
)  # seconds in which a task loses half of what it can lose by age: models and load change by the month
OLD = 0.1  # what the oldest keeps of its weight
CHANGE = 0.1  # chance that the service changes its pace between two tasks
ODD = 0.2  # chance, against that, that a task is out of step and means nothing; several in a row hardly are
BANDWIDTHS = (0.5, 0.25, 0.12)  # of kernels, as shares of the bell's own width
NARROWEST = 0.05  # bandwidth in logs: a service that renders within 5 % of the same time is as regular as can be told
KERNELS_FROM = 2.0  # tasks; fewer say nothing about shape
BELL = 2.0  # tasks that the bell is worth beside kernels
KERNELS = 0.15  # chance, against the bell's, that kernels of one width are the right shape, before any task was seen
NOTHING = 1e-3  # share of a task in a cell below which it is not looked at
SURPRISE = 0.3  # tasks that the built-in times stay worth whatever was learned

TABLE_FROM = 0.0001  # share of tasks finished where the table begins
TABLE_TO = 0.005  # share still running where it ends and an age has outrun what was learned
FULLEST = 0.99  # of a progress bar; only success is all
UNUSUAL = 0.05  # a task is longer than usual when it has outlasted all but this share
LIKELY = 0.8  # chance that the time remaining lies in the range shown


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes render times alike.

    Parameters
    ----------
    workflow
        The path that creates the task, such as ``videos/text2video``.
    model_name, mode
        As asked for; None where the workflow has none.
    seconds
        Length of the video asked for.
    """

    workflow: str
    model_name: str | None = None
    mode: str | None = None
    seconds: float | None = None

    def closeness(self, other: Kind) -> int:
        """How much of two kinds is the same: 0 to 4, each part counting only after the ones before it."""
        if self.workflow != other.workflow:
            return 0
        if self.model_name != other.model_name:
            return 1
        if self.mode != other.mode:
            return 2
        return 4 if self.seconds == other.seconds else 3

    @property
    def typical(self) -> float:
        """Seconds such a task takes as far as is known without having seen any."""
        if self.workflow.startswith(("images/", "audio/")):
            return TYPICAL_STILL
        model = self.model_name or ""
        seconds = self.seconds if self.seconds and 1 <= self.seconds <= 3600 else TYPICAL_LENGTH
        master = MASTER_FACTOR if "master" in model else 1.0
        omni = OMNI_FACTOR if "omni" in model or "omni" in self.workflow else 1.0
        length = math.pow(seconds / TYPICAL_LENGTH, LENGTH_POWER)
        return TYPICAL * length * master * omni


@dataclass(frozen=True, slots=True)
class Past:
    """How long one task took, as far as is known: more than ``lower`` and at most ``upper`` seconds.

    Parameters
    ----------
    kind
        What was rendered.
    lower, upper
        Seconds since the task was created. Equal when the time is known; ``upper`` is ``inf`` when the task was last
        seen still running.
    finished_at
        Unix time in seconds; newer tasks count for more.
    """

    kind: Kind
    lower: float
    upper: float
    finished_at: float


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running task is, as an estimate.

    Parameters
    ----------
    fraction
        From 0 to below 1; does not fall as the task ages.
    low, high
        Seconds that remain: with a chance of 80 % between these two.
    longer_than_usual
        Whether the task has outlasted 95 % of those it was judged by.
    """

    fraction: float
    low: float
    high: float
    longer_than_usual: bool


@dataclass(frozen=True, slots=True, eq=False)
class RenderTimes:
    """How long tasks of one kind take, and so when to ask for one; made by `learn`, shared by all tasks of the kind.

    Four columns over rising ages. Between two rows the hazard is constant. Past the last, where all but 0.5 % of tasks
    are done, the hazard is taken as 1/age (a task that took this long will as likely as not take as long again), and
    the gaps between polls grow in proportion to the age.

    Parameters
    ----------
    ages
        Seconds since the task was created.
    hazards
        The hazard summed up to each age: minus the log of the share of tasks still running.
    efforts
        The square root of the hazard summed up to each age; one poll is due every sqrt(2 patience) of it.
    fractions
        What a progress bar shows at each age.
    """

    ages: tuple[float, ...]
    hazards: tuple[float, ...]
    efforts: tuple[float, ...]
    fractions: tuple[float, ...]

    def next_poll(
        self,
        age: float,
        *,
        patience: float = PATIENCE,
        jitter: float = 0.5,
        last_poll: float | None = None,
        not_before: float | None = None,
    ) -> float:
        """The age at which to ask next: always later than ``age``, and finite.

        Parameters
        ----------
        age
            Seconds since the task was created, now. A clock that jumped does no harm: after a long sleep one poll is
            due within a second; when the clock was put back, the gap is the one that was due anyway.
        patience
            Seconds of waiting that one poll is worth. Four times as much halves the polls and doubles the delay.
        jitter
            From 0 to below 1, a random number of the caller's: moves the poll by up to a tenth of the gap either way.
        last_poll
            The age at which the task was last seen running; None when that is now, 0 when it was never asked for.
        not_before
            The age before which the service wants no question (``Retry-After``). It wins over everything else.
        """
        now = _finite(age)
        seen = max(0.0, now if last_poll is None else _finite(last_poll))
        patience = min(max(0.001, patience), 3600.0)
        jitter = min(max(0.0, jitter), 1.0)
        gap = min(max(SHORTEST_GAP, self._after(seen, math.sqrt(2 * patience)) - seen), LONGEST_GAP)
        due = min(seen, now) + gap * (1 + JITTER_SPREAD * (jitter - 0.5))
        if due <= now:
            due = now + OVERDUE * (0.1 + 0.9 * jitter)
        hint = due if not_before is None else _finite(not_before)
        return due if due >= hint else hint + gap * JITTER_SPREAD * jitter

    def instants(self, *, patience: float = PATIENCE, jitter: float = 0.5) -> Iterator[float]:
        """All ages at which a task is asked for that never ends; without end themselves."""
        age = 0.0
        while True:
            age = self.next_poll(age, patience=patience, jitter=jitter)
            yield age

    def quantile(self, share: float) -> float:
        """The age in seconds by which this share (0 to below 1) of tasks is done."""
        return self._age_of_hazard(-math.log1p(-share))

    def progress(self, age: float) -> Progress:
        """How far a task of this age is that still runs."""
        now = max(0.0, _finite(age))
        hazard = self._hazard(now)
        tail = (1 - LIKELY) / 2
        return Progress(
            fraction=_between(self.ages, self.fractions, now),
            low=max(0.0, self._age_of_hazard(hazard - math.log1p(-tail)) - now),
            high=max(0.0, self._age_of_hazard(hazard - math.log(tail)) - now),
            longer_than_usual=hazard > -math.log(UNUSUAL),
        )

    def _after(self, age: float, effort: float) -> float:
        """The age at which this much more effort is spent; past the table, effort grows with the log of age."""
        last, per_log = self.ages[-1], math.sqrt(self.ages[-1])
        if age < last:
            spent = _between(self.ages, self.efforts, age) + effort
            if spent <= self.efforts[-1]:
                return _between(self.efforts, self.ages, spent)
            age, effort = last, spent - self.efforts[-1]
        return age * math.exp(min(effort / per_log, 1.0))

    def _hazard(self, age: float) -> float:
        over = max(1.0, age / self.ages[-1])
        return _between(self.ages, self.hazards, age) + math.log(over)

    def _age_of_hazard(self, hazard: float) -> float:
        return _age_of_hazard(self.hazards, self.ages, hazard)


def learn(past: Iterable[Past], kind: Kind, *, speed: float = 1.0) -> RenderTimes:
    """How long tasks of this kind take, from whatever tasks are known.

    The same kind counts most; then the same workflow, model and mode at another length; the same workflow and model;
    the same workflow; any task at all. What is not a duration (negative, not a number, days) is left out. Never raises.

    Parameters
    ----------
    past
        Tasks of the same service.
    kind
        What is being made.
    speed
        How many times faster than Kling the service is known to be: a simulator may be.
    """
    known = ((p, where) for p in past if (where := _cells_of(p, speed)))
    used = heapq.nlargest(ENOUGH, known, key=lambda k: (k[0].kind.closeness(kind), k[0].finished_at))
    # Not the newest itself: a clock may once have been set to the next century.
    lately = min(heapq.nlargest(3, (p.finished_at for p, _ in used)), default=0.0)
    groups: list[list[_Sample]] = [[] for _ in range(5)]
    for p, (first, last) in reversed(used):  # oldest first
        weight = OLD + (1 - OLD) * 0.5 ** max(0.0, (lately - p.finished_at) / HALF_LIFE)
        groups[p.kind.closeness(kind)].append(_Sample(first, last, weight))
    belief, cells = BUILT_IN, None
    for group in groups:
        belief, cells = belief.widened(), None
        if group:
            belief, cells, _ = _fit(belief, group)
    return _tabulate(cells or belief.cells(), kind.typical / speed)


def _cells_of(past: Past, speed: float) -> tuple[int, int] | None:
    """The first and last cell in which a task may have ended; None when it has no such time."""
    if not (past.lower <= past.upper and math.isfinite(past.finished_at)):
        return None
    first, last = (_cell(seconds * speed / past.kind.typical) for seconds in (past.lower, past.upper))
    if past.lower < past.upper:
        first, last = max(0, first), min(last, CELLS - 1)
    return (first, last) if 0 <= first <= last < CELLS else None


def _cell(ratio: float) -> int:
    if ratio <= 0:
        return -1
    return CELLS if ratio == math.inf else math.floor((math.log(ratio) + REACH) / STEP)


class _Sample(NamedTuple):
    """A past task: the first and last cell it may have ended in, and how much it counts."""

    first: int
    last: int
    weight: float


class _Moments(NamedTuple):
    weight: float
    mean: float
    scatter: float  # summed squares about the mean

    @classmethod
    def of(cls, weights: Sequence[float], places: Sequence[float]) -> _Moments:
        weight = sum(weights)
        mean = sum(map(mul, weights, places)) / weight
        return cls(weight, mean, sum(w * (y - mean) ** 2 for w, y in zip(weights, places, strict=True) if w))

    def without(self, weight: float, place: float) -> _Moments:
        """The same before some of what was seen at one place."""
        rest = self.weight - weight
        if rest < 1e-9:
            return _Moments(0.0, 0.0, 0.0)
        mean = (self.weight * self.mean - weight * place) / rest
        scatter = self.scatter - weight * self.weight / rest * (place - self.mean) ** 2
        return _Moments(rest, mean, max(0.0, scatter))


class _Belief(NamedTuple):
    """A bell on the log axis of unknown centre and width: the normal-inverse-gamma family and its Student t."""

    mean: float
    tasks: float  # that the mean is worth
    freedom: float  # degrees of, that the variance is worth
    variance: float

    def updated(self, seen: _Moments) -> _Belief:
        tasks, freedom = self.tasks + seen.weight, self.freedom + seen.weight
        mean = (self.tasks * self.mean + seen.weight * seen.mean) / tasks
        shift = self.tasks * seen.weight / tasks * (seen.mean - self.mean) ** 2
        return _Belief(mean, tasks, freedom, (self.freedom * self.variance + seen.scatter + shift) / freedom)

    def widened(self, tasks: float = 2.0, freedom: float = 8.0) -> _Belief:
        """What is left of it for the next narrower group, or for the time after a change."""
        return self._replace(tasks=min(self.tasks, tasks), freedom=min(self.freedom, freedom))

    def evidence(self, seen: _Moments) -> float:
        """Log of the density it gave beforehand to what was seen."""
        then = self.updated(seen)
        return (
            math.lgamma(then.freedom / 2)
            - math.lgamma(self.freedom / 2)
            + 0.5 * math.log(self.tasks / then.tasks)
            + 0.5 * self.freedom * math.log(self.freedom * self.variance)
            - 0.5 * then.freedom * math.log(then.freedom * then.variance)
            - 0.5 * seen.weight * math.log(math.pi)
        )

    def log_chance(self, place: float) -> float:
        """Log of the chance that the next task ends in the cell at this place."""
        spread = self.freedom * self.variance * (1 + 1 / self.tasks)
        return (
            math.lgamma((self.freedom + 1) / 2)
            - math.lgamma(self.freedom / 2)
            - 0.5 * math.log(math.pi * spread)
            - (self.freedom + 1) / 2 * math.log1p((place - self.mean) ** 2 / spread)
            + math.log(STEP)
        )

    def cells(self) -> list[float]:
        """The chance that the next task ends in each cell."""
        scale = 1 / math.sqrt(self.freedom * self.variance * (1 + 1 / self.tasks))
        power = -(self.freedom + 1) / 2
        heights = [(1 + ((y - self.mean) * scale) ** 2) ** power for y in PLACES]
        total = sum(heights)
        return [height / total for height in heights]


# Three in four tasks within 1 to 6 minutes, one in twenty beyond 10. One task outweighs it about the centre, a handful
# about the width.
BUILT_IN = _Belief(mean=0.0, tasks=0.2, freedom=6.0, variance=0.3**2)


class _Fit(NamedTuple):
    """What a group of tasks says of the next one."""

    belief: _Belief
    cells: list[float]
    evidence: float  # log of the density of what was seen, each task foretold from the others


def _fit(belief: _Belief, samples: Sequence[_Sample]) -> _Fit:
    """Learn from one group, oldest first, whether or not the service changed its pace within it."""
    weights = [sample.weight for sample in samples]
    steady = _settle(belief, samples, weights)
    places = _expected(samples, steady.cells)
    chance, now = _change(belief, _running_sums(weights, places), steady.evidence)
    if chance < 0.01:
        return steady
    before = _Moments.of([w * (1 - n) for w, n in zip(weights, now, strict=True)], places)
    heir = belief.updated(before).widened(
        tasks=BUILT_IN.tasks, freedom=math.inf
    )  # as regular as before, at a pace of its own
    changed = _settle(heir, samples, [w * n for w, n in zip(weights, now, strict=True)])
    cells = _blend([(1 - chance, steady.cells), (chance, changed.cells)])
    return _Fit(changed.belief if chance > 0.5 else steady.belief, cells, steady.evidence)


def _change(belief: _Belief, sums: Sequence[tuple[float, float, float]], steady: float) -> tuple[float, list[float]]:
    """The chance that the pace changed within a group and, if so, that each task already had the present one."""

    def evidence(begin: int, end: int) -> float:
        weight, first, second = (b - a for a, b in zip(sums[begin], sums[end], strict=True))
        return belief.evidence(_Moments(weight, first / weight, max(0.0, second - first * first / weight)))

    count = len(sums) - 1
    same = (steady, evidence(0, count))
    splits = [evidence(0, k) + evidence(k, count) for k in range(1, count)]
    best = max(*same, *splits)
    shares = [CHANGE * math.exp(split - best) for split in splits]
    odd = sum(ODD ** (count - k) * math.exp(split - best) for k, split in enumerate(splits, start=1))
    changed = sum(shares)
    if not changed:
        return 0.0, []
    chance = changed / (changed + odd + sum(math.exp(s - best) for s in same))
    return chance, [share / changed for share in accumulate(shares, initial=0.0)]


def _running_sums(weights: Sequence[float], places: Sequence[float]) -> list[tuple[float, float, float]]:
    """Weight, first and second moment of the tasks before each one, and of all."""
    first = list(map(mul, weights, places))
    columns = (weights, first, map(mul, first, places))
    return list(zip(*(accumulate(column, initial=0.0) for column in columns), strict=True))


def _settle(belief: _Belief, samples: Sequence[_Sample], weights: Sequence[float]) -> _Fit:
    """Fit one steady pace; tasks known only within bounds are placed by the fit itself, three times over."""
    bell = belief.cells()
    for _ in range(1 if all(s.first == s.last for s in samples) else 3):
        counts = _spread(samples, weights, bell)
        moments = _Moments.of(counts, PLACES)
        after = belief.updated(moments)
        bell = after.cells()
    seen = moments.weight
    offers = [(_foretold(belief, counts, moments), bell)]
    if seen > KERNELS_FROM:
        width = math.sqrt(after.variance)
        offers += [_kernels(counts, max(NARROWEST, share * width), bell) for share in BANDWIDTHS]
    best = max(score for score, _ in offers)
    cells = _blend([(math.exp(score - best), cells) for score, cells in offers])
    return _Fit(after, _surprised(cells, seen), best - seen * math.log(STEP))


def _foretold(belief: _Belief, counts: Sequence[float], moments: _Moments) -> float:
    """How well the bell foretells each task from the others."""
    filled = ((place, n) for place, n in zip(PLACES, counts, strict=True) if n > NOTHING)
    return sum(n * belief.updated(moments.without(min(n, 1.0), place)).log_chance(place) for place, n in filled)


def _kernels(counts: Sequence[float], bandwidth: float, bell: Sequence[float]) -> tuple[float, list[float]]:
    """A bump of this width on every task, the bell beneath; and how well that foretells each task from the others."""
    reach = math.ceil(3.5 * bandwidth / STEP)
    bump = [math.exp(-0.5 * (j * STEP / bandwidth) ** 2) for j in range(-reach, reach + 1)]
    height = 1 / sum(bump)
    sums = [0.0] * (CELLS + 2 * reach)
    filled = [(j, n) for j, n in enumerate(counts) if n > NOTHING]
    for j, n in filled:
        for k, b in enumerate(bump, start=j):
            sums[k] += n * height * b
    seen = sum(counts)
    heights = [BELL * b + s for b, s in zip(bell, sums[reach : reach + CELLS], strict=True)]
    score = sum(n * math.log((heights[j] - height * (one := min(n, 1.0))) / (BELL + seen - one)) for j, n in filled)
    return score + math.log(KERNELS), [h / (BELL + seen) for h in heights]


def _spread(samples: Sequence[_Sample], weights: Sequence[float], cells: Sequence[float]) -> list[float]:
    """How many tasks ended in each cell; one that may have ended in many is shared out as the cells expect."""
    cells = _surprised(cells, 1.0)
    below = [*accumulate(cells, initial=0.0)]
    counts, steps = [0.0] * CELLS, [0.0] * (CELLS + 1)
    for (first, last, _), weight in zip(samples, weights, strict=True):
        if first == last:
            counts[first] += weight
        else:
            share = weight / (below[last + 1] - below[first])
            steps[first] += share
            steps[last + 1] -= share
    if any(steps):
        counts = [n + max(0.0, s) * c for n, s, c in zip(counts, accumulate(steps[:-1]), cells, strict=True)]
    return counts


def _expected(samples: Sequence[_Sample], cells: Sequence[float]) -> list[float]:
    """Where on the axis each task is expected to have ended."""
    below = [*accumulate(cells, initial=0.0)]
    moment = [*accumulate(map(mul, cells, PLACES), initial=0.0)]
    return [
        PLACES[first] if first == last else (moment[last + 1] - moment[first]) / (below[last + 1] - below[first])
        for first, last, _ in samples
    ]


def _blend(parts: Sequence[tuple[float, Sequence[float]]]) -> list[float]:
    total = sum(share for share, _ in parts)
    columns = [[share / total * c for c in cells] for share, cells in parts if share > 1e-6 * total]
    return list(map(sum, zip(*columns, strict=True)))


@cache
def _built_in_cells() -> list[float]:
    return BUILT_IN.cells()


def _surprised(cells: Sequence[float], tasks: float) -> list[float]:
    """Leave room for what was never seen, less the more tasks were."""
    return _blend([(SURPRISE, _built_in_cells()), (tasks, cells)])


def _tabulate(cells: Sequence[float], typical: float) -> RenderTimes:
    """The columns of `RenderTimes` from the chance that a task ends in each cell."""
    running = [*accumulate(reversed(cells), initial=0.0)][::-1]  # share still running where each cell begins
    ages, hazards, efforts = [0.0], [0.0], [0.0]
    for edge, share in enumerate(running):
        if TABLE_TO <= share <= 1 - TABLE_FROM:
            age, hazard = typical * math.exp(edge * STEP - REACH), -math.log(share)
            efforts.append(efforts[-1] + math.sqrt((hazard - hazards[-1]) * (age - ages[-1])))
            ages.append(age)
            hazards.append(hazard)
    # Age over the median of the whole time given that age; at its height so far where that falls, as between two humps.
    medians = (_age_of_hazard(hazards, ages, hazard + math.log(2)) for hazard in hazards)
    fractions = accumulate((min(FULLEST, age / median) for age, median in zip(ages, medians, strict=True)), max)
    return RenderTimes(tuple(ages), tuple(hazards), tuple(efforts), tuple(fractions))


def _age_of_hazard(hazards: Sequence[float], ages: Sequence[float], hazard: float) -> float:
    return _between(hazards, ages, hazard) * math.exp(min(max(0.0, hazard - hazards[-1]), 20.0))


def _between(xs: Sequence[float], ys: Sequence[float], x: float) -> float:
    """The value of y at x, by straight lines between rising xs; the first or the last beyond them."""
    k = bisect_right(xs, x)
    if k == 0 or k == len(xs):
        return ys[0 if k == 0 else -1]
    return ys[k - 1] + (ys[k] - ys[k - 1]) * (x - xs[k - 1]) / (xs[k] - xs[k - 1])


def _finite(seconds: float) -> float:
    """An age that arithmetic can bear; nonsense counts as the beginning."""
    return seconds if abs(seconds) < 1e12 else 0.0
