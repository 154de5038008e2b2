"""What Kling takes, stated a second time: the simulator reads the reference for itself and never asks the client.

A rule looks at one value and refuses it or not. Rules are built from a few pieces, so that a workflow is a table of its
fields. A field that no rule names is ignored, as Kling does; its name is kept for those who want to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_nb.simulator.inputs import Picture
from kling_nb.simulator.refusals import Refused

__all__ = ["Fields", "Reading", "Rule", "flag", "listing", "number", "one_of", "picture", "record", "refuse", "text"]

JSON = dict[str, Any]


@dataclass(slots=True)
class Reading:
    """What comes to light while a request is read."""

    media: dict[str, tuple[str, Picture]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


Rule = Callable[[Any, str, Reading], None]  # value, where it stands, what is noted on the way


def refuse(where: str, why: str) -> Refused:
    """The refusal of one value."""
    return Refused(1201, f"{where} {why}")


def text(most: int | None = None, *, least: int = 1) -> Rule:
    """Words of at most so many characters."""

    def rule(value: Any, where: str, _: Reading) -> None:
        if not isinstance(value, str):
            raise refuse(where, "must be a string")
        if len(value.strip()) < least:
            raise refuse(where, "must not be empty")
        if most is not None and len(value) > most:
            raise refuse(where, f"must not exceed {most} characters, it has {len(value)}")

    return rule


def one_of(*allowed: Any) -> Rule:
    """One of these values, of the same type."""

    def rule(value: Any, where: str, _: Reading) -> None:
        if not any(value == one and type(value) is type(one) for one in allowed):
            raise refuse(where, f"value {value!r:.80} is invalid, must be one of {', '.join(map(repr, allowed))}")

    return rule


def number(least: float, most: float, *, whole: bool = False, decimals: int | None = None) -> Rule:
    """A number from the least to the most."""

    def rule(value: Any, where: str, _: Reading) -> None:
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise refuse(where, f"must be {'an integer' if whole else 'a number'}")
        if not least <= value <= most:
            raise refuse(where, f"value {value!r:.80} is invalid, must be from {least:g} to {most:g}")
        if decimals is not None and round(value, decimals) != value:
            raise refuse(where, f"value {value!r:.80} is invalid, takes {decimals} decimal(s)")

    return rule


def flag(value: Any, where: str, _: Reading) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise refuse(where, "must be true or false")


def picture(limits: Picture | None = None) -> Rule:
    """A picture as URL or base64, fetched and looked at once all else is well."""

    def rule(value: Any, where: str, reading: Reading) -> None:
        if not isinstance(value, str) or not value.strip():
            raise refuse(where, "must be a URL or base64")
        reading.media[where] = value, limits or Picture()

    return rule


def listing(rule: Rule, least: int, most: int) -> Rule:
    """From the least to the most of what the rule takes."""

    def check(value: Any, where: str, reading: Reading) -> None:
        if not isinstance(value, list):
            raise refuse(where, "must be an array")
        if not least <= len(value) <= most:
            raise refuse(where, f"must have {least} to {most} items, it has {len(value)}")
        for number, item in enumerate(value):
            rule(item, f"{where}[{number}]", reading)

    return check


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one object: which there are, which it cannot do without."""

    rules: Mapping[str, Rule]
    required: Iterable[str] = ()

    def __call__(self, value: Any, where: str, reading: Reading) -> None:
        if not isinstance(value, dict):
            raise refuse(where, "must be an object")
        inside = f"{where}." if where else ""
        for name in self.required:
            if value.get(name) is None:
                raise refuse(inside + name, "is required")
        for name, given in value.items():
            if name not in self.rules:
                reading.ignored.append(inside + name)
            elif given is not None:  # null is as good as left out
                self.rules[name](given, inside + name, reading)


def record(required: Iterable[str] = (), /, **rules: Rule) -> Fields:
    """An object of these fields."""
    return Fields(rules, tuple(required))
