"""When tasks are asked for, and what is told of their progress, for any history whatever."""

from __future__ import annotations

import itertools
import math
import random
from bisect import bisect_left
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kling_nb.watch.schedule import (
    JITTER_SPREAD,
    LONGEST_GAP,
    OVERDUE,
    PATIENCE,
    SHORTEST_GAP,
    Kind,
    Past,
    RenderTimes,
    learn,
)

KIND = Kind("videos/text2video", "kling-v1", "std", 5.0)
OTHER = Kind("videos/image2video", "kling-v2-master", "pro", 10.0)
NOW = 1.7e9

any_number = st.floats(allow_nan=True, allow_infinity=True)
sensible = st.floats(0.5, 4000)
durations = st.one_of(sensible, any_number)
kinds = st.builds(
    Kind,
    st.sampled_from(["videos/text2video", "videos/omni-video", "images/generations", "somewhere/new"]),
    st.sampled_from([None, "kling-v1", "kling-v2-master", "kling-v9"]),
    st.sampled_from([None, "std", "pro"]),
    st.one_of(st.none(), st.sampled_from([5.0, 10.0]), any_number),
)
known = st.builds(lambda kind, took, at: Past(kind, took, took, at), kinds, durations, any_number)
within = st.builds(Past, kinds, durations, durations, any_number)
late = st.builds(lambda kind, seen, at: Past(kind, seen, math.inf, at), kinds, durations, st.floats(NOW - 1e6, NOW))
histories = st.lists(st.one_of(known, within, late), max_size=30)
patiences = st.one_of(st.floats(0.01, 10), any_number)
jitters = st.floats(0, 1, exclude_max=True)
learned = st.builds(learn, histories, kinds, speed=st.sampled_from([0.1, 1.0, 10.0, 200.0]))

modestly = settings(max_examples=60, deadline=None)


def past(*took: float, kind: Kind = KIND) -> list[Past]:
    """Tasks that took so many seconds, five minutes apart."""
    return [Past(kind, t, t, NOW + 300 * n) for n, t in enumerate(took)]


def noticed(times: RenderTimes, took: float) -> float:
    """How many seconds after its end a task is seen to have ended."""
    return next(age for age in times.instants() if age >= took) - took


def polls(times: RenderTimes, until: float, patience: float = PATIENCE) -> int:
    """How often a task is asked for that takes so long."""
    return 1 + sum(1 for _ in itertools.takewhile(lambda age: age < until, times.instants(patience=patience)))


def log_normal(median: float, sigma: float, number: int, seed: int = 1) -> list[float]:
    dice = random.Random(seed)
    return [dice.lognormvariate(math.log(median), sigma) for _ in range(number)]


# -- for any history -------------------------------------------------------------------------------------------------


@modestly
@given(learned, patiences, jitters)
def test_instants_go_on_and_on(times: RenderTimes, patience: float, jitter: float) -> None:
    """Whatever is known, the next question comes: later than the last, not too soon, and before long."""
    ages = [0.0, *itertools.islice(times.instants(patience=patience, jitter=jitter), 80)]
    gaps = [later - sooner for sooner, later in itertools.pairwise(ages)]
    assert all(map(math.isfinite, ages))
    assert min(gaps) >= SHORTEST_GAP * (1 - JITTER_SPREAD / 2) - 1e-9
    assert max(gaps) <= LONGEST_GAP * (1 + JITTER_SPREAD / 2)


@modestly
@given(learned, any_number, st.one_of(st.none(), any_number), any_number, patiences, jitters)
def test_no_clock_and_no_hint_breaks_it(
    times: RenderTimes, age: float, last: float | None, hint: float, patience: float, jitter: float
) -> None:
    """Ages that no clock should give, and hints that no service should, still give a moment to ask at."""
    due = times.next_poll(age, patience=patience, jitter=jitter, last_poll=last, not_before=hint)
    assert math.isfinite(due)
    if abs(age) < 1e12:
        assert due > age
    if abs(hint) < 1e12:
        assert due >= hint


@modestly
@given(learned, st.floats(0, 1e5), st.floats(0, 1e5), jitters)
def test_a_hint_wins_over_the_plan(times: RenderTimes, age: float, wait: float, jitter: float) -> None:
    """The service is never asked before the time that it names, and soon after it."""
    due = times.next_poll(age, jitter=jitter, not_before=age + wait)
    assert due >= age + wait
    assert due <= max(age + wait, times.next_poll(age, jitter=jitter)) + JITTER_SPREAD * LONGEST_GAP


@modestly
@given(learned, st.floats(0.02, 5), st.floats(0.05, 0.95))
def test_the_budget_is_kept(times: RenderTimes, patience: float, share: float) -> None:
    """By the age at which a share of tasks is done, no more is asked than that age and the patience allow."""
    age = times.quantile(share)
    most = math.sqrt(age * -math.log1p(-share) / (2 * patience))
    assert polls(times, age, patience) <= most + age / LONGEST_GAP + 2


@modestly
@given(learned, st.floats(0.05, 5))
def test_no_even_interval_would_be_cheaper(times: RenderTimes, patience: float) -> None:
    """Polls and waiting together cost no more than with any fixed interval, for tasks such as were learned."""
    tasks = [times.quantile((n + 0.5) / 200) for n in range(200)]
    ages = [0.0, *itertools.takewhile(lambda age: age < tasks[-1], times.instants(patience=patience))]
    ages.append(times.next_poll(ages[-1], patience=patience))
    at = [bisect_left(ages, took) for took in tasks]
    ours = mean(patience * k + ages[k] - took for k, took in zip(at, tasks, strict=True))
    for every in (1, 2, 3, 5, 10, 20, 30, 60, 120):
        assert ours <= 1.02 * mean(math.ceil(took / every) * (patience + every) - took for took in tasks)


@modestly
@given(learned)
def test_two_minutes_take_fifteen_questions_at_most(times: RenderTimes) -> None:
    """At the patience that everybody has, a render of usual length takes no more than that, whatever was learned."""
    usual = times.quantile(0.5)
    if usual <= 120:
        assert polls(times, usual) <= 15


@modestly
@given(learned, st.lists(st.floats(0, 1e6), min_size=2, max_size=20))
def test_progress_never_goes_back_and_never_promises(times: RenderTimes, ages: list[float]) -> None:
    """As a task ages its bar only grows, is never full, and what is unusual does not become usual again."""
    told = [times.progress(age) for age in sorted(ages)]
    assert all(0 <= progress.fraction < 1 for progress in told)
    assert all(0 <= progress.low <= progress.high < math.inf for progress in told)
    for sooner, later in itertools.pairwise(told):
        assert later.fraction >= sooner.fraction
        assert later.longer_than_usual >= sooner.longer_than_usual


@modestly
@given(learned, any_number)
def test_progress_bears_any_clock(times: RenderTimes, age: float) -> None:
    """A clock that was set wrongly gives an estimate, not an error."""
    assert 0 <= times.progress(age).fraction < 1


@modestly
@given(learned, st.floats(0.001, 0.99), st.floats(0.001, 0.99))
def test_quantiles_rise(times: RenderTimes, one: float, other: float) -> None:
    """More tasks are done later."""
    low, high = sorted([one, other])
    assert 0 < times.quantile(low) <= times.quantile(high) < math.inf


# -- what is learned -------------------------------------------------------------------------------------------------


def test_without_any_history_it_is_sane() -> None:
    """The first task ever is asked for some dozen times in two minutes and seen to be done soon after."""
    times = learn([], KIND)
    assert 8 <= polls(times, 120) <= 15
    assert mean(noticed(times, took) for took in range(60, 360)) < 6


def test_a_fast_service_is_known_after_the_first_task() -> None:
    """Where renders take 12 s and not minutes, the second task is seen to be done in seconds, the sixth at once."""
    assert noticed(learn(past(12.0), KIND), 12.0) < 4
    assert mean(noticed(learn(past(*log_normal(12, 0.1, 5, seed)), KIND), 12.0) for seed in range(10)) < 1.5


def test_a_simulators_speed_is_used_from_the_first_task() -> None:
    """A simulator that says how fast it is needs no history to be followed live."""
    times = learn([], KIND, speed=10.0)
    assert mean(noticed(times, took) for took in range(5, 30)) < 1.5


def test_learning_makes_it_later_less_often() -> None:
    """After twenty tasks of 90 s it is both quicker to notice and no dearer than a question every 10 s."""
    tasks = log_normal(90, 0.4, 400, seed=2)
    times = learn(past(*log_normal(90, 0.4, 20)), KIND)
    assert mean(noticed(times, took) for took in tasks) < 3
    assert mean(polls(times, took) for took in tasks) < 15


def test_one_task_that_took_an_hour_changes_little() -> None:
    """A heavy tail does not spoil what the others show."""
    usual = log_normal(90, 0.3, 20)
    before, after = learn(past(*usual), KIND), learn(past(*usual, 3600.0), KIND)
    assert after.quantile(0.5) == pytest.approx(before.quantile(0.5), rel=0.4)
    assert mean(noticed(after, took) for took in usual) < 1.6 * mean(noticed(before, took) for took in usual)


def test_a_service_that_became_slower_is_noticed_within_five_tasks() -> None:
    """The news that everything takes three times as long outweighs twenty tasks from before."""
    before = learn(past(*log_normal(90, 0.3, 20)), KIND)
    after = learn(past(*log_normal(90, 0.3, 20), *log_normal(270, 0.3, 5, seed=3)), KIND)
    assert 70 < before.quantile(0.5) < 115
    assert after.quantile(0.5) > 200


def test_two_humps_are_asked_for_where_they_are() -> None:
    """With renders of 60 s or 300 s, questions gather about both and are rare between."""
    times = learn(past(*log_normal(60, 0.08, 25), *log_normal(300, 0.08, 25, seed=2)), KIND)
    ages = list(itertools.takewhile(lambda age: age < 400, times.instants()))
    between = [age for age in ages if 110 < age < 220]
    about = [age for age in ages if 50 < age < 75 or 265 < age < 340]
    assert len(about) > 2.5 * len(between)


def test_what_was_seen_late_counts_as_far_as_it_is_known() -> None:
    """Tasks that ended while nobody watched say that they took at most so long; tasks still running, at least."""
    nothing = learn([], KIND).quantile(0.5)
    exact = past(*log_normal(90, 0.3, 10))
    wide = [Past(KIND, 1.0, 3000.0, NOW) for _ in range(10)]
    running = [Past(KIND, 600.0, math.inf, NOW) for _ in range(10)]
    quick = [Past(KIND, 0.0, 40.0, NOW) for _ in range(10)]
    assert learn(wide, KIND).quantile(0.5) == pytest.approx(nothing, rel=0.2)
    assert learn(running, KIND).quantile(0.5) > 600
    assert learn(quick, KIND).quantile(0.5) < 40
    assert learn([*exact, *wide], KIND).quantile(0.5) == pytest.approx(learn(exact, KIND).quantile(0.5), rel=0.1)


def test_what_is_more_alike_counts_for_more() -> None:
    """The same workflow and model teach more than another workflow, which still teaches how fast the service is."""
    own, others = past(*log_normal(60, 0.1, 10)), past(*log_normal(2400, 0.1, 10), kind=OTHER)
    assert learn([*own, *others], KIND).quantile(0.5) == pytest.approx(60, rel=0.15)
    slow = learn(others, KIND).quantile(0.5)
    assert slow > 1.3 * learn([], KIND).quantile(0.5)


def test_what_is_newer_counts_for_more() -> None:
    """A fast month is not forgotten for one slow task, yet a slow month outweighs a fast one long ago."""
    old = [Past(KIND, t, t, NOW - 90 * 86400) for t in log_normal(60, 0.2, 10)]
    new = [Past(KIND, t, t, NOW) for t in log_normal(180, 0.2, 10)]
    assert learn([*old, *new], KIND).quantile(0.5) > 130
    assert learn([*old, *new[:1]], KIND).quantile(0.5) < 130


def test_one_date_in_the_future_blots_out_nothing() -> None:
    """A clock that was once set to the next century leaves all other tasks their say."""
    usual = past(*log_normal(90, 0.2, 20))
    odd = Past(KIND, 400.0, 400.0, NOW + 3e9)
    assert learn([*usual, odd], KIND).quantile(0.5) == pytest.approx(90, rel=0.4)


@pytest.mark.parametrize("nonsense", [-5.0, 0.0, math.nan, math.inf, 1e9])
def test_what_is_no_duration_is_left_out(nonsense: float) -> None:
    """A ledger with times that cannot be teaches what it teaches without them."""
    usual = past(*log_normal(90, 0.2, 20))
    odd = [Past(KIND, nonsense, nonsense, NOW) for _ in range(50)]
    assert learn([*usual, *odd], KIND).quantile(0.5) == learn(usual, KIND).quantile(0.5)


# -- clocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slept", [60.0, 3600.0, 8 * 3600.0])
def test_after_a_sleep_the_question_is_due_at_once(slept: float) -> None:
    """A laptop that slept asks within a second of waking, for the task may be long done."""
    times = learn([], KIND)
    due = times.next_poll(100.0 + slept, last_poll=100.0)
    assert 0 < due - (100.0 + slept) <= OVERDUE


def test_a_clock_that_was_put_back_waits_no_longer_than_usual() -> None:
    """When an hour is gone from the clock, the next question comes after the gap that was due anyway."""
    times = learn([], KIND)
    usual = times.next_poll(120.0) - 120.0
    assert times.next_poll(120.0 - 3600.0, last_poll=120.0) - (120.0 - 3600.0) == pytest.approx(usual)


def test_jitter_keeps_kernels_from_marching_in_step() -> None:
    """Two kernels that started a task at the same moment do not ask at the same moments."""
    times = learn([], KIND)
    dice = random.Random(4)
    asked = [times.next_poll(60.0, jitter=dice.random()) for _ in range(100)]
    assert max(asked) - min(asked) > 0.8 * JITTER_SPREAD * (mean(asked) - 60.0)


def test_a_task_longer_than_usual_is_said_to_be() -> None:
    """After what nearly all tasks took, the estimate says so; before, it does not."""
    times = learn(past(*log_normal(90, 0.3, 50)), KIND)
    assert not times.progress(100).longer_than_usual
    assert times.progress(300).longer_than_usual
    assert times.progress(300).high > times.progress(300).low > 0


def test_the_range_holds_what_it_promises() -> None:
    """Of tasks like those learned from, about four in five end within the range that was told at their start."""
    times = learn(past(*log_normal(90, 0.4, 100)), KIND)
    told = times.progress(0.0)
    inside = mean(told.low <= took <= told.high for took in log_normal(90, 0.4, 2000, seed=9))
    assert 0.7 < inside < 0.9
