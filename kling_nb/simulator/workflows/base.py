"""What a workflow is, and the rules and measures that many of them share."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kling_nb.simulator.account import Account
from kling_nb.simulator.film import Shot, probe
from kling_nb.simulator.models import SIDES
from kling_nb.simulator.orders import Made, Order, written
from kling_nb.simulator.rules import JSON, Rule, flag, listing, number, one_of, picture, record, text
from kling_nb.simulator.tasks import Kind

__all__ = [
    "ASPECT",
    "COMMON",
    "ELEMENT",
    "MODE",
    "PROMPT",
    "RATIOS",
    "WATERMARK",
    "Call",
    "Workflow",
    "elements",
    "film",
    "images",
    "label",
    "length",
    "made_video",
    "shot",
]

PROMPT = 2500  # characters
MODE = one_of("std", "pro")
RATIOS = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0}
ASPECT = one_of(*RATIOS)
ELEMENT = record("element_id", element_id=number(0, 2**63 - 1, whole=True))
COMMON: Mapping[str, Rule] = {"callback_url": text(), "external_task_id": text()}
WATERMARK: Mapping[str, Rule] = {"watermark_info": record("enabled", enabled=flag)}


def _nothing(*_: object) -> None:
    """No rule."""


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow whose requests make a task.

    Parameters
    ----------
    path
        Where it is.
    fields
        What each field may be.
    make
        Renders an order into a folder.
    median
        Seconds that half of the tasks take at most.
    units
        What an order costs.
    models
        The models it has, the default first; none where it takes no ``model_name``.
    defaults
        Values of fields that were left out.
    between
        Refuses what is wrong between the fields, before any medium is looked at.
    judge
        Refuses what is wrong with media and with what was made earlier.
    kind
        What its tasks in flight are counted as.
    at_once
        Whether the answer to the request has the result already.
    by_own_id
        Whether a task can be asked for by its owner's id too.
    """

    path: str
    fields: Rule
    make: Callable[[Order, Path], list[Made]]
    median: Callable[[Order], float]
    units: Callable[[Order], float]
    models: tuple[str, ...] = ()
    defaults: JSON = field(default_factory=dict)
    between: Callable[[JSON], None] = _nothing
    judge: Callable[[Order, Account], None] = _nothing
    kind: Kind = "video"
    at_once: bool = False
    by_own_id: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """One request that makes no task and is answered at once.

    Parameters
    ----------
    path, fields, judge
        As in `Workflow`.
    answer
        What the answer's data is; it has a folder of its own for files.
    """

    path: str
    fields: Rule
    answer: Callable[[Order, Account, Path], JSON]
    judge: Callable[[Order, Account], None] = _nothing


# Rules


def images(least: int, most: int, field: str = "image", **also: Rule) -> Rule:
    """A list of objects with a picture each."""
    return listing(record(field, **{field: picture()}, **also), least, most)


def elements(order: Order, account: Account) -> list[JSON]:
    """The elements that a request names, which the account must have."""
    named = order.body.get("element_list") or []
    return [account.element(f"element_list[{place}]", one["element_id"]) for place, one in enumerate(named)]


# Measures


def label(body: JSON) -> str:
    """What was asked, in a few words."""
    words = [body.get("model_name"), body.get("mode"), f"{body['duration']} s" if "duration" in body else None]
    return " ".join(word for word in words if isinstance(word, str))


def length(seconds: float, order: Order, base: float = 90) -> float:
    """Seconds that a video of so many seconds takes; people report 1 to 6 minutes, more for long and fine ones."""
    fine = 1.5 if order.body.get("mode") == "pro" else 1.0
    model = str(order.body.get("model_name", ""))
    slow = 2.0 if model.endswith("master") else 1.4 if "omni" in model or "o1" in model else 1.0
    return base * math.pow(max(0.4, seconds / 5), 0.8) * fine * slow


def shot(order: Order, ratio: float, seconds: float, *, short: int | None = None, fps: int = 24, **more: Any) -> Shot:
    """A shot of this ratio of width to height; its short side is the mode's unless it is given."""
    short = short or SIDES[order.body.get("mode") == "pro"]
    long = round(short * max(ratio, 1 / ratio) / 2) * 2
    size = (long, short) if ratio >= 1 else (short, long)
    return Shot(order.prompt, size, seconds, fps=fps, label=order.label, **more)


def film(file: Path) -> tuple[int, int, float]:
    """Width, height and length of a video."""
    held = probe(file)
    return held.width, held.height, held.seconds


def made_video(file: Path, **facts: Any) -> list[Made]:
    """One finished video."""
    return [Made("videos", {"url": file}, {"duration": written(probe(file).seconds), **facts})]
