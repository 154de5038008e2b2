"""How late a finished video is seen, and for how many polls: the learned schedule against the optimum and fixed habits.

Nothing waits here: render times are drawn, polls are computed, and delay is the time from a render's end to the first
poll after it. For each family of render times and each number of past tasks, many histories are drawn, the schedule
learns from each, and its plan (with random jitter, as in use) meets thousands of new tasks.

The optimum knows the true distribution: dynamic programming over a fine grid of ages finds the instants that minimise
E[delay] + patience * E[polls] exactly (the cost obeys the quadrangle inequality for any distribution, so the best next
instant never moves back and the search is short). "At the same polls" means: both curves of mean delay over mean polls,
one point a patience, read at the same number of polls. "True times" is the schedule's own plan for the true
distribution: what remains above it is the price of learning.

Usage: python benchmarks/polling.py [--quick] [--seed N] [--plot docs/polling.svg]
Exits with 1 when a claim falls short.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kling_nb.watch.schedule import (
    PATIENCE,
    PLACES,
    SHORTEST_GAP,
    STEP,
    Kind,
    Past,
    RenderTimes,
    _tabulate,
    learn,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Times = NDArray[np.float64]

KIND = Kind("videos/text2video", "kling-v2-6", "std", 5)
PASTS = (0, 5, 20, 100)
BUDGETS = (5, 8, 12, 18, 25)  # mean polls a task
PATIENCES = np.geomspace(0.012, 14, 17)  # seconds; enough for 3 to 60 polls
COMPARABLE = 1.25  # polls within this factor of each other
PACE = 300.0  # seconds between two past tasks
SLOWER = 3.0


def log_normal(rng: Generator, n: int) -> Times:
    return 90 * np.exp(0.4 * rng.standard_normal(n))


def queue_and_render(rng: Generator, n: int) -> Times:
    render = 70 * np.exp(0.2 * rng.standard_normal(n))
    queue = 160 * np.exp(0.35 * rng.standard_normal(n))
    return np.where(rng.random(n) < 0.4, queue + render, render)


def slower(rng: Generator, n: int) -> Times:
    return SLOWER * log_normal(rng, n)


def heavy_tail(rng: Generator, n: int) -> Times:
    return np.asarray(90 * np.exp(0.3 * rng.logistic(size=n)))


@dataclass(frozen=True)
class Family:
    name: str
    before: Callable[[Generator, int], Times]  # the first half of the past
    now: Callable[[Generator, int], Times]  # the second half, and what comes

    def history(self, rng: Generator, n: int) -> Times:
        return np.concatenate([self.before(rng, n // 2), self.now(rng, n - n // 2)])


FAMILIES = (
    Family("log-normal", log_normal, log_normal),
    Family("queue + render", queue_and_render, queue_and_render),
    Family("regime change", log_normal, slower),
    Family("heavy tail", heavy_tail, heavy_tail),
)


def exponential_queue(rng: Generator, n: int) -> Times:
    render = 60 * np.exp(0.15 * rng.standard_normal(n))
    return np.where(rng.random(n) < 0.5, render + rng.exponential(90, n), render)


def rare_queue(rng: Generator, n: int) -> Times:
    return 50 * np.exp(0.15 * rng.standard_normal(n)) * np.where(rng.random(n) < 0.15, 4, 1)


def three_servers(rng: Generator, n: int) -> Times:
    return rng.choice([30.0, 90.0, 270.0], n) * np.exp(0.18 * rng.standard_normal(n))


def gamma(rng: Generator, n: int) -> Times:
    return rng.gamma(4, 25, n)


def weibull(rng: Generator, n: int) -> Times:
    return 120 * rng.weibull(2.2, n)


def uniform(rng: Generator, n: int) -> Times:
    return rng.uniform(40, 200, n)


OTHERS = tuple(
    Family(times.__name__.replace("_", " "), times, times)
    for times in (gamma, weibull, uniform, exponential_queue, three_servers, rare_queue)
)


@dataclass(frozen=True)
class Outcome:
    polls: float
    delay: float
    p95: float

    def __str__(self) -> str:
        return f"{self.polls:7.1f} polls {self.delay:7.2f} s mean {self.p95:7.2f} s p95"


def meet(instants: Times, tasks: Times) -> Outcome:
    """What tasks of these durations, the shortest first, cost when polled at these ages."""
    seen = np.diff(np.searchsorted(tasks, instants, "right"), prepend=0)
    late = np.repeat(instants, seen) - tasks
    polls = np.arange(1, len(instants) + 1) @ seen / len(tasks)
    return Outcome(float(polls), float(late.mean()), float(np.quantile(late, 0.95)))


def mean(outcomes: list[Outcome]) -> Outcome:
    return Outcome(*(float(np.mean([getattr(o, name) for o in outcomes])) for name in ("polls", "delay", "p95")))


# -- the policies ----------------------------------------------------------------------------------------------------


def fixed(interval: float, until: float) -> Times:
    return np.arange(1, math.ceil(until / interval) + 2) * interval


def backoff(until: float, first: float = 1.0, factor: float = 1.5, longest: float = 15.0) -> Times:
    ages, gap = [first], first
    while ages[-1] <= until:
        gap = min(gap * factor, longest)
        ages.append(ages[-1] + gap)
    return np.array(ages)


def habits(until: float) -> dict[str, Times]:
    every = {f"every {s:g} s": fixed(s, until) for s in (0.1, 1, 2, 3, 5, 10, 20, 30)}
    return every | {"x1.5 to 15 s": backoff(until)}


def planned(times: RenderTimes, patience: float, until: float, rng: Generator) -> Times:
    """The learned schedule as a watcher uses it, jitter and all."""
    ages, age = [], 0.0
    while age <= until:
        age = times.next_poll(age, patience=patience, jitter=rng.random())
        ages.append(age)
    return np.array(ages)


def optimum(tasks: Times, patience: float, until: float, step: float) -> Times:
    """The best instants for the distribution these tasks are drawn from."""
    edges = np.arange(0, until + 2 * step, step)
    mass = np.histogram(tasks, edges)[0] / len(tasks)
    done = np.concatenate([[0.0], np.cumsum(mass)])
    moment = np.concatenate([[0.0], np.cumsum(mass * (edges[:-1] + step / 2))])
    last = len(edges) - 1
    cost, after, reach = np.zeros(last + 1), np.zeros(last + 1, int), last
    for i in range(last - 1, -1, -1):
        j = np.arange(i + 1, reach + 1)
        costs = patience * (done[-1] - done[i]) + edges[j] * (done[j] - done[i]) - (moment[j] - moment[i]) + cost[j]
        best = int(costs.argmin())
        cost[i], after[i] = costs[best], j[best]
        reach = after[i]
    instants, i = [], 0
    while i < last:
        i = int(after[i])
        instants.append(edges[i])
    return np.array(instants)


# -- measuring -------------------------------------------------------------------------------------------------------


def learned(durations: Times) -> RenderTimes:
    return learn([Past(KIND, t, t, 1.7e9 + i * PACE) for i, t in enumerate(durations.tolist())], KIND)


def told(durations: Times) -> RenderTimes:
    """What the schedule would make of so many tasks that nothing is left to learn."""
    edges = np.append(PLACES, PLACES[-1] + STEP) - STEP / 2
    counts = np.histogram(np.log(durations / KIND.typical), edges)[0]
    return _tabulate((counts / counts.sum()).tolist(), KIND.typical)


def at_polls(curve: list[Outcome], polls: float) -> float:
    """Mean delay of a policy with a dial when it is turned to this many mean polls; nan where it does not reach."""
    xs, ys = np.array(sorted((o.polls, o.delay) for o in curve)).T
    inside = xs[0] <= polls <= xs[-1]
    return float(np.exp(np.interp(np.log(polls), np.log(xs), np.log(ys)))) if inside else math.nan


@dataclass(frozen=True)
class Measured:
    family: Family
    optimum: list[Outcome]  # one a patience
    true_times: list[Outcome]  # the same, of the schedule's plan for the true distribution
    schedule: dict[int, list[Outcome]]  # by number of past tasks: one a patience
    default: dict[int, Outcome]  # at the default patience
    habits: dict[str, Outcome]

    def over_optimum(self, past: int, polls: float) -> float:
        return at_polls(self.schedule[past], polls) / at_polls(self.optimum, polls)

    def comparable(self, past: int) -> dict[str, Outcome]:
        ours = self.default[past].polls
        return {n: o for n, o in self.habits.items() if 1 / COMPARABLE <= o.polls / ours <= COMPARABLE}


def measure(family: Family, histories: int, seed: int, pasts: tuple[int, ...] = PASTS) -> Measured:
    rng = np.random.default_rng([seed, *family.name.encode()])
    known, tasks = family.now(rng, 400_000), np.sort(family.now(rng, 20_000))
    until = float(max(known.max(), tasks.max()))
    cut = float(np.quantile(known, 0.9999)) * 1.2  # the optimum's grid ends here, where nothing is left to gain
    step = float(np.median(known)) / 400
    best = []
    for patience in PATIENCES:
        instants = optimum(np.minimum(known, cut), patience, cut, step)
        best.append(meet(np.concatenate([instants, fixed(30, until) + instants[-1]]), tasks))
    true_times = [meet(planned(told(known), patience, until, rng), tasks) for patience in PATIENCES]
    schedule: dict[int, list[Outcome]] = {}
    default: dict[int, Outcome] = {}
    for past in pasts:
        dice = np.random.default_rng([seed, past, *family.name.encode()])
        plans = [learned(family.history(dice, past)) for _ in range(histories if past else 5)]
        schedule[past] = [mean([meet(planned(t, c, until, rng), tasks) for t in plans]) for c in PATIENCES]
        default[past] = mean([meet(planned(t, PATIENCE, until, rng), tasks) for t in plans])
    return Measured(family, best, true_times, schedule, default, {n: meet(i, tasks) for n, i in habits(until).items()})


def other_shapes(histories: int, seed: int) -> None:
    """Odder shapes, without a goal: what the four families do not show."""
    print("\nOther shapes: delay over the optimum's at the same polls, after 20 past tasks")
    print(f"{'polls':>26}" + "".join(f"{polls:7d}" for polls in BUDGETS))
    for family in OTHERS:
        measured = measure(family, histories, seed, pasts=(20,))
        print(f"  {family.name:24s}" + "".join(f"{measured.over_optimum(20, polls):6.2f}x" for polls in BUDGETS))


def after_a_change(histories: int, seed: int) -> None:
    """How fast the news spreads that the service became slower: 20 tasks at the old pace, then some at the new."""
    print(f"\nThe service became {SLOWER:g}x slower (log-normal), 20 tasks at the old pace known; default patience:")
    rng = np.random.default_rng([seed, 1])
    tasks = np.sort(slower(rng, 8000))
    until = float(tasks.max())
    for news in (0, 1, 2, 3, 5, 10):
        plans = [learned(np.concatenate([log_normal(rng, 20), slower(rng, news)])) for _ in range(histories)]
        print(f"  {news:3d} since  {mean([meet(planned(t, PATIENCE, until, rng), tasks) for t in plans])}")


def speed(seed: int) -> tuple[float, float]:
    """Milliseconds to learn from 100 tasks, microseconds to plan one poll."""
    durations = queue_and_render(np.random.default_rng(seed), 100)
    begun = time.perf_counter()
    for _ in range(20):
        times = learned(durations)
    learning = (time.perf_counter() - begun) / 20 * 1e3
    begun = time.perf_counter()
    for i in range(20_000):
        times.next_poll(i * 0.02, jitter=0.3)
    return learning, (time.perf_counter() - begun) / 20_000 * 1e6


# -- telling ---------------------------------------------------------------------------------------------------------


def tell(measured: Measured) -> None:
    print(f"\n== {measured.family.name} ==")
    print("mean delay in s (and over the optimum's) at the same mean polls")
    print(f"{'polls':>8} {'optimum':>9}" + "".join(f"{f'after {n}':>17}" for n in PASTS) + f"{'true times':>17}")
    for polls in BUDGETS:
        row = f"{polls:8d} {at_polls(measured.optimum, polls):9.2f}"
        for past in PASTS:
            row += f"{at_polls(measured.schedule[past], polls):9.2f} ({measured.over_optimum(past, polls):.2f}x)"
        known = at_polls(measured.true_times, polls)
        row += f"{known:9.2f} ({known / at_polls(measured.optimum, polls):.2f}x)"
        print(row)
    print(f"at the default patience of {PATIENCE:g} s")
    for past, outcome in measured.default.items():
        print(f"  after {past:3d} tasks  {outcome}")
    for name, outcome in measured.habits.items():
        same = at_polls(measured.schedule[20], outcome.polls) / outcome.delay
        said = f"   this schedule at the same polls: {same:.2f}x the delay" if same == same else ""
        print(f"  {name:15s} {outcome}{said}")


def claims(all_measured: list[Measured], seed: int) -> list[tuple[str, float, float]]:
    """Name, measured, goal (at most)."""
    made: list[tuple[str, float, float]] = []
    for m in all_measured:
        name = m.family.name.replace(" + ", "-").replace(" ", "-")
        ours = m.default[20]
        made.append((f"{name}-delay-over-optimum-after-20", max(m.over_optimum(20, b) for b in BUDGETS), 1.10))
        beaten = sum(o.polls <= ours.polls and o.delay <= ours.delay for o in m.habits.values())
        made.append((f"{name}-habits-better-on-both-axes", beaten, 0))
        comparable = [ours.delay / o.delay for o in m.comparable(20).values()]
        made.append((f"{name}-delay-against-habits-of-comparable-polls", max(comparable, default=0.0), 1.0))
        same = [at_polls(m.schedule[20], o.polls) / o.delay for o in m.habits.values()]
        made.append((f"{name}-delay-against-habits-at-their-polls", float(np.nanmax(same)), 1.0))
    learning, planning = speed(seed)
    made += [("learn-100-tasks-ms", learning, 10.0), ("next-poll-us", planning, 50.0)]
    return made


def plot(all_measured: list[Measured], path: Path) -> None:
    try:
        import matplotlib as mpl
        import matplotlib.pyplot as plt
    except ImportError:
        print(f"\nNO PLOT: {path} was not written, for matplotlib is not installed (pip install matplotlib).")
        return
    mpl.rcParams |= {"svg.fonttype": "none", "svg.hashsalt": "polling", "font.family": "sans-serif", "font.size": 9}
    figure, axes = plt.subplots(1, 3, figsize=(9.6, 3.3), sharey=True, layout="constrained")
    ink, ours, theirs = "#3c4043", "#1a73e8", "#d9730d"
    shown = ("every 2 s", "every 5 s", "every 10 s", "every 30 s", "x1.5 to 15 s")
    for axis, m in zip(axes, all_measured[:3], strict=True):
        for curve, style, label in (
            (m.schedule[0], {"color": ours, "ls": (0, (1, 1.5)), "lw": 1.4}, "learned, no task yet"),
            (m.schedule[20], {"color": ours, "lw": 2.2}, "learned from 20 tasks"),
            (m.optimum, {"color": ink, "lw": 1.0, "ls": "--"}, "optimum, if the times were known"),
        ):
            xs, ys = np.array([(o.polls, o.delay) for o in curve]).T
            axis.plot(xs, ys, label=label, **style)
        default = m.default[20]
        axis.plot(default.polls, default.delay, "o", color=ours, ms=7, label="default patience", zorder=3)
        for name in shown:
            o = m.habits[name]
            axis.plot(o.polls, o.delay, "o", color=theirs, ms=4, label="fixed habits" if name == shown[0] else None)
            axis.annotate(name, (o.polls, o.delay), (5, 3), textcoords="offset points", color=theirs, fontsize=8)
        axis.set(xscale="log", yscale="log", xlim=(2.7, 110), ylim=(0.6, 40), xlabel="polls a task")
        axis.set_title(m.family.name, fontsize=10, color=ink)
        axis.set_xticks([3, 10, 30, 100], ["3", "10", "30", "100"])
        axis.set_yticks([1, 3, 10, 30], ["1 s", "3 s", "10 s", "30 s"])
        axis.minorticks_off()
        axis.grid(color="#e8eaed", lw=0.6)
        axis.tick_params(length=0, colors=ink)
        for side in axis.spines.values():
            side.set_visible(False)
    axes[0].set_ylabel("mean delay until it is seen", color=ink)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    print(f"\nplot: {path} ({path.stat().st_size / 1000:.0f} kB)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer histories, less than a minute")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, help="where to save the plot; docs/polling.svg, but none when --quick")
    chosen = parser.parse_args()
    histories = 60 if chosen.quick else 300
    print(f"{histories} histories a cell, seed {chosen.seed}; polls no closer than {SHORTEST_GAP:g} s")
    all_measured = []
    for family in FAMILIES:
        all_measured.append(measure(family, histories, chosen.seed))
        tell(all_measured[-1])
    other_shapes(histories // 2, chosen.seed)
    after_a_change(histories, chosen.seed)
    if chosen.plot or not chosen.quick:
        plot(all_measured, chosen.plot or Path(__file__).parents[1] / "docs" / "polling.svg")
    print()
    short = 0
    for name, value, goal in claims(all_measured, chosen.seed):
        holds = value <= goal
        short += not holds
        print(f"claim: {name} measured={value:.3g} goal<={goal:g} {'holds' if holds else 'falls-short'}")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
