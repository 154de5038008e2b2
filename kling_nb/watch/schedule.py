"""When to ask next: the ages at which to poll a task, learned from how long tasks like it took.

**The plan.** A poll costs something, and so does every second a finished video waits unseen; ``patience`` is how many
seconds of waiting one poll is worth. Which ages to poll at is the problem of optimum checking procedures (Barlow,
Hunter and Proschan, 1963). Their recursion starts from a guess of the first instant and magnifies its error from step
to step, so the plan is found backwards instead: going on from age x costs S(x) (patience + next - x) less the area
under S between the two, plus what is left to pay at the next instant, S being the share of tasks still running. For
each candidate that is a straight line in S(x), so a hull of lines gives the best one for every age in a single pass.
It is the optimum for what was learned, and since the expected cost is linear in the distribution, also for a blend of
beliefs about it. Polls as dense as sqrt(h(t) / (2 patience)), h being the hazard (Keller, 1974), need no such pass.
They had some 2 % more delay at the same polls where times have one hump, but 7 % more at five polls a task where a
queue adds a second one, and twice as much with two narrow humps.

**The distribution** lives in cells of equal width on the axis of log(time / built-in typical time), so that what one
kind of task shows (the service is slow today) says something about the others. A Student t, from conjugate updates that
pass from wider groups of tasks to the very kind, is blended with two and with three such bells side by side (a queue
gives times a second hump), weighed by how well each foretells every task from the others. Which bell a task belongs to
is shared out by what the others foretell of it: collapsed variational Bayes in its zeroth order (Asuncion et al.,
2009), which comes as close here as Gibbs sampling. A change of pace is weighed as one more hypothesis. Tasks seen late
count for the cells they may lie in (Turnbull's self-consistency).
"""

from __future__ import annotations

import heapq
import math
from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import mul
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["LEAST_PATIENCE", "MOST_PATIENCE", "PATIENCE", "Kind", "Past", "Progress", "RenderTimes", "learn"]

PATIENCE = 0.2  # seconds of waiting that one poll is worth: some dozen polls for a render of two minutes
LEAST_PATIENCE, MOST_PATIENCE = 0.01, 3600.0  # beyond, the shortest and the longest gap decide

SHORTEST_GAP = 1.0  # seconds between two polls of one task; Kling advises to wait at least this long between requests
LONGEST_GAP = 300.0  # seconds; a task that runs for hours is still looked at every five minutes
OVERDUE = 1.0  # seconds within which a poll is made that should have been made already
JITTER_SPREAD = 0.2  # share of the shorter gap beside it over which jitter moves a poll; costs 0.3 % of delay

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
HALF_LIFE = 14 * 86400.0  # seconds in which a task loses half of what it can lose by age: load changes by the month
OLD = 0.1  # what the oldest keeps of its weight
CHANGE = 0.1  # chance that the service changes its pace between two tasks
ODD = 0.2  # chance, against that, that a task is out of step and means nothing; several in a row hardly are
HUMPS = (2, 3)  # bells side by side that are tried beside a single one
HUMPED = 0.5  # chance of one hump more, against none, before any task was seen
SWEEPS = 5  # in which tasks are shared out among the humps; more change nothing to speak of
NOTHING = 1e-3  # share of a task in a cell below which it is not looked at
SURPRISE = 0.7  # tasks that a wide bell about the middle of what was learned stays worth

TABLE_FROM = 0.0001  # share of tasks finished where the table begins
TABLE_TO = 0.001  # share still running where it ends and an age has outrun what was learned
FINENESS = 5  # instants that the plan chooses from for each poll it makes
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

    Three columns over rising ages. Between two rows the hazard is constant. Past the last, where all but 0.1 % of tasks
    are done, the hazard is taken as 1/age (a task that took this long will as likely as not take as long again), and
    the gaps between polls grow in proportion to the age.

    Parameters
    ----------
    ages
        Seconds since the task was created.
    hazards
        The hazard summed up to each age: minus the log of the share of tasks still running.
    fractions
        What a progress bar shows at each age.
    """

    ages: tuple[float, ...]
    hazards: tuple[float, ...]
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
            From 0 to below 1, a random number of the caller's: moves the poll either way by up to a tenth of the gap
            before it or after it, whichever is the shorter.
        last_poll
            The age at which the task was last seen running; None when that is now, 0 when it was never asked for.
        not_before
            The age before which the service wants no question (``Retry-After``). It wins over everything else.
        """
        now = _finite(age)
        seen = max(0.0, now if last_poll is None else _finite(last_poll))
        patience = min(max(LEAST_PATIENCE, patience), MOST_PATIENCE)
        jitter = min(max(0.0, jitter), 1.0)
        plan = _plan(self, patience)
        gap = plan.gap(seen)
        due = min(seen, now) + gap + min(gap, plan.gap(seen + gap)) * JITTER_SPREAD * (jitter - 0.5)
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

    def _hazard(self, age: float) -> float:
        over = max(1.0, age / self.ages[-1])
        return _between(self.ages, self.hazards, age) + math.log(over)

    def _age_of_hazard(self, hazard: float) -> float:
        return _age_of_hazard(self.hazards, self.ages, hazard)


class _Plan(NamedTuple):
    """For each age at which a task is seen running, the best age to ask next."""

    ages: list[float]
    nexts: list[float]
    growth: float  # of the age from poll to poll past the last one

    def gap(self, age: float) -> float:
        """Seconds until the next poll."""
        beyond = age >= self.ages[-1]
        after = age * self.growth if beyond else _between(self.ages, self.nexts, age)
        return min(max(SHORTEST_GAP, after - age), LONGEST_GAP)


@lru_cache(maxsize=64)
def _plan(times: RenderTimes, patience: float) -> _Plan:
    """The instants at which polls and waiting cost least together, found from the last age back to the first.

    Going on from age x to y costs S(x) (patience + y - x) - (area under S from x to y) + cost(y). As a function of S(x)
    that is a line for each y, and S(x) only grows on the way back: the best y is the front of the lines' lower hull,
    and lines that have left the front never come back to it.
    """
    ages, shares, areas = _finely(times, patience)
    last = ages[-1]
    pace = math.sqrt(2 * patience / last)  # gap over age at the best even pace where the hazard is 1/age
    nexts = [last] * len(ages)
    hull = deque([(last, 2 * shares[-1] * pace * last - areas[-1])])  # slope and height at S = 0; delay counts twice
    for i in range(len(ages) - 2, -1, -1):
        age, share = ages[i], shares[i]
        while len(hull) > 1 and share * hull[1][0] + hull[1][1] <= share * hull[0][0] + hull[0][1]:
            hull.popleft()
        nexts[i], height = hull[0]
        line = (age, share * (patience + nexts[i] - age) + height)
        while len(hull) > 1 and _hidden(hull[-2], hull[-1], line):
            hull.pop()
        hull.append(line)
    return _Plan(ages, nexts, math.exp(min(pace, 1.0)))


def _hidden(first: tuple[float, float], second: tuple[float, float], third: tuple[float, float]) -> bool:
    """Whether of three lines, given by slope and height, the slopes falling, the second is nowhere the lowest."""
    (a, p), (b, q), (c, r) = first, second, third
    return (q - r) * (a - b) >= (p - q) * (b - c)


def _finely(times: RenderTimes, patience: float) -> tuple[list[float], list[float], list[float]]:
    """Ages closer together than the table's rows, the share of tasks still running and the area under it up to each."""
    ages, shares, areas, area = [], [], [], 0.0
    for (begin, end), (before, after) in zip(pairwise(times.ages), pairwise(times.hazards), strict=True):
        polls = math.sqrt((after - before) * (end - begin) / (2 * patience))
        parts = math.ceil(1 + FINENESS * min(polls, (end - begin) / SHORTEST_GAP))
        step, drop, share = (end - begin) / parts, (after - before) / parts, math.exp(-before)
        for part in range(parts):
            left = share * math.exp(-drop)
            ages.append(begin + part * step)
            shares.append(share)
            areas.append(area)
            area += step * ((share - left) / drop if drop > 1e-9 else share)
            share = left
    return [*ages, times.ages[-1]], [*shares, math.exp(-times.hazards[-1])], [*areas, area]


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
            belief, cells = _fit(belief, group)
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


_Sums = tuple[float, float, float]


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

# One hump of several: narrower than all tasks together, and anywhere.
HUMP = _Belief(mean=0.0, tasks=0.1, freedom=4.0, variance=0.2**2)


class _Fit(NamedTuple):
    """What a group of tasks says of the next one."""

    belief: _Belief
    cells: list[float]
    gain: float  # by how much the log of what the best shape foretold exceeds the single bell's


def _fit(belief: _Belief, samples: Sequence[_Sample]) -> tuple[_Belief, list[float]]:
    """Learn from one group, oldest first, whether or not the service changed its pace within it."""
    weights = [sample.weight for sample in samples]
    steady = _settle(belief, samples, weights)
    places = _expected(samples, steady.cells)
    chance, now = _change(belief, _running_sums(weights, places), steady.gain)
    if chance < 0.01:
        return steady.belief, steady.cells
    before = _Moments.of([w * (1 - n) for w, n in zip(weights, now, strict=True)], places)
    # As regular as before, at a pace of its own.
    heir = belief.updated(before).widened(tasks=BUILT_IN.tasks, freedom=math.inf)
    changed = _settle(heir, samples, [w * n for w, n in zip(weights, now, strict=True)])
    cells = _blend([(1 - chance, steady.cells), (chance, changed.cells)])
    return (changed if chance > 0.5 else steady).belief, cells


def _change(belief: _Belief, sums: Sequence[_Sums], gain: float) -> tuple[float, list[float]]:
    """The chance that the pace changed within a group and, if so, that each task already had the present one."""
    count = len(sums) - 1
    same = _evidence(belief, sums, 0, count) + gain
    splits = [_evidence(belief, sums, 0, k) + _evidence(belief, sums, k, count) for k in range(1, count)]
    best = max([same, *splits])
    shares = [CHANGE * math.exp(split - best) for split in splits]
    odd = sum(ODD ** (count - k) * math.exp(split - best) for k, split in enumerate(splits, start=1))
    changed = sum(shares)
    if not changed:
        return 0.0, []
    chance = changed / (changed + odd + math.exp(same - best))
    return chance, [share / changed for share in accumulate(shares, initial=0.0)]


def _running_sums(weights: Sequence[float], places: Sequence[float]) -> list[_Sums]:
    """Weight, first and second moment of the tasks before each one, and of all."""
    first = list(map(mul, weights, places))
    columns = (weights, first, map(mul, first, places))
    return list(zip(*(accumulate(column, initial=0.0) for column in columns), strict=True))


def _evidence(belief: _Belief, sums: Sequence[_Sums], begin: int, end: int) -> float:
    """Log of the density a bell gave beforehand to the tasks from one to another."""
    weight, first, second = (b - a for a, b in zip(sums[begin], sums[end], strict=True))
    return belief.evidence(_Moments(weight, first / weight, max(0.0, second - first * first / weight)))


def _settle(belief: _Belief, samples: Sequence[_Sample], weights: Sequence[float]) -> _Fit:
    """Fit one steady pace; tasks known only within bounds are placed by the fit itself, three times over."""
    bell = belief.cells()
    for _ in range(1 if all(s.first == s.last for s in samples) else 3):
        counts = _spread(samples, weights, bell)
        moments = _Moments.of(counts, PLACES)
        after = belief.updated(moments)
        bell = after.cells()
    filled = [(place, n) for place, n in zip(PLACES, counts, strict=True) if n > NOTHING]
    single = _foretold(belief, filled, moments)
    offers = [(single, bell)] + [_humps(belief, filled, number) for number in HUMPS if number < len(filled)]
    best = max(score for score, _ in offers)
    cells = _blend([(math.exp(score - best), cells) for score, cells in offers])
    return _Fit(after, _surprised(cells, moments.weight), best - single)


def _foretold(belief: _Belief, filled: Sequence[tuple[float, float]], moments: _Moments) -> float:
    """How well the bell foretells each task from the others."""
    return sum(n * belief.updated(moments.without(min(n, 1.0), place)).log_chance(place) for place, n in filled)


def _humps(belief: _Belief, filled: Sequence[tuple[float, float]], number: int) -> tuple[float, list[float]]:
    """How well so many bells side by side foretell each task from the others, and the cells they give the next one."""
    hump = HUMP._replace(mean=belief.mean, variance=min(HUMP.variance, belief.variance))
    places, counts = zip(*filled, strict=True)
    seen = sum(counts)
    ends = [0, *_cuts(hump, places, counts, number), len(places)]
    parts = [[float(begin <= i < end) for i in range(len(places))] for begin, end in pairwise(ends)]
    for _ in range(SWEEPS):
        chances = [_chances(hump, places, counts, part) for part in parts]
        totals = [sum(column) for column in zip(*chances, strict=True)]
        parts = [[c / total for c, total in zip(row, totals, strict=True)] for row in chances]
    others = (number + seen - min(n, 1.0) for n in counts)
    score = sum(n * math.log(total / rest) for n, total, rest in zip(counts, totals, others, strict=True))
    moments = [_Moments.of(list(map(mul, counts, part)), places) for part in parts]
    return score + (number - 1) * math.log(HUMPED), _blend([(1 + m.weight, hump.updated(m).cells()) for m in moments])


def _chances(hump: _Belief, places: Sequence[float], counts: Sequence[float], part: Sequence[float]) -> list[float]:
    """How likely the next task is to be in this hump and at each place, foretold from the other tasks."""
    moments = _Moments.of(list(map(mul, counts, part)), places)
    rests = [moments.without(min(n, 1.0) * share, place) for place, n, share in zip(places, counts, part, strict=True)]
    return [(1 + r.weight) * math.exp(hump.updated(r).log_chance(y)) for r, y in zip(rests, places, strict=True)]


def _cuts(hump: _Belief, places: Sequence[float], counts: Sequence[float], number: int) -> list[int]:
    """Where to part the tasks at first: one cut after the other, each where two bells explain most."""
    sums = _running_sums(counts, places)
    cuts: list[int] = []
    for _ in range(number - 1):
        gains = []
        for begin, end in pairwise([0, *cuts, len(places)]):
            whole = _evidence(hump, sums, begin, end)
            parted = (_evidence(hump, sums, begin, k) + _evidence(hump, sums, k, end) for k in range(begin + 1, end))
            gains += [(both - whole, k) for k, both in enumerate(parted, start=begin + 1)]
        cuts = sorted([*cuts, max(gains)[1]])
    return cuts


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


def _surprised(cells: Sequence[float], tasks: float) -> list[float]:
    """Leave room for what was never seen, less the more tasks were."""
    middle = sum(map(mul, cells, PLACES))
    return _blend([(SURPRISE, BUILT_IN._replace(mean=middle).cells()), (tasks, cells)])


def _tabulate(cells: Sequence[float], typical: float) -> RenderTimes:
    """The columns of `RenderTimes` from the chance that a task ends in each cell."""
    running = [*accumulate(reversed(cells), initial=0.0)][::-1]  # share still running where each cell begins
    ages, hazards = [0.0], [0.0]
    for edge, share in enumerate(running):
        if TABLE_TO <= share <= 1 - TABLE_FROM:
            ages.append(typical * math.exp(edge * STEP - REACH))
            hazards.append(-math.log(share))
    # Age over the median of the whole time given that age; at its height so far where that falls, as between two humps.
    medians = (_age_of_hazard(hazards, ages, hazard + math.log(2)) for hazard in hazards)
    fractions = accumulate((min(FULLEST, age / median) for age, median in zip(ages, medians, strict=True)), max)
    return RenderTimes(tuple(ages), tuple(hazards), tuple(fractions))


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
