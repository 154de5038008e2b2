"""What Kling takes, stated a second time: the simulator reads the reference for itself and never asks the client.

A rule looks at one value and refuses it or not. Rules are built from a few pieces, so that a workflow is a table of its
fields. An empty value is as good as none, as in Kling's own examples. A field that no rule names is ignored, as Kling
does; its name is kept for those who want to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kling_nb.simulator.inputs import Film, Limits, Picture, Sound
from kling_nb.simulator.refusals import Refused

__all__ = [
    "JSON",
    "Fields",
    "Reading",
    "Rule",
    "empty",
    "exclude",
    "film",
    "flag",
    "given",
    "listing",
    "milliseconds",
    "number",
    "one_of",
    "picture",
    "record",
    "refuse",
    "require",
    "sound",
    "text",
]

JSON = dict[str, Any]


@dataclass(slots=True)
class Reading:
    """What comes to light while a request is read."""

    media: dict[str, tuple[str, Limits]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


Rule = Callable[[Any, str, Reading], None]  # value, where it stands, what is noted on the way


def refuse(where: str, why: str) -> Refused:
    """The refusal of one value."""
    return Refused(1201, f"{where} {why}")


def empty(value: Any) -> bool:
    """Whether a value is as good as left out."""
    return value is None or value in ("", [], {})


def text(most: int | None = None) -> Rule:
    """Words of at most so many characters."""

    def rule(value: Any, where: str, _: Reading) -> None:
        if not isinstance(value, str):
            raise refuse(where, "must be a string")
        if not value.strip():
            raise refuse(where, "must not be blank")
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
            raise refuse(where, f"value {value!r:.80} is invalid, it may have {decimals} decimal place")

    return rule


def milliseconds(value: Any, where: str, _: Reading) -> None:
    """A time in ms: a number in Kling's document, a string of digits in the gateway's examples."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise refuse(where, f"value {value!r:.80} is invalid, must be a time in ms")


def flag(value: Any, where: str, _: Reading) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise refuse(where, "must be true or false")


def _media(limits: Limits, what: str) -> Rule:
    def rule(value: Any, where: str, reading: Reading) -> None:
        if not isinstance(value, str) or not value.strip():
            raise refuse(where, f"must be {what}")
        reading.media[where] = value, limits

    return rule


def picture(**limits: Any) -> Rule:
    """A picture as URL or base64, fetched and looked at once all else is well."""
    return _media(Picture(**limits), "a URL or base64")


def sound(least: float, most: float, **limits: Any) -> Rule:
    """A sound of so many seconds as URL or base64."""
    return _media(Sound(least, most, **limits), "a URL or base64")


def film(least: float, most: float, **limits: Any) -> Rule:
    """A video of so many seconds as URL."""
    return _media(Film(least, most, **limits), "a URL")


def listing(rule: Rule, least: int, most: int) -> Rule:
    """From the least to the most of what the rule takes."""

    def check(value: Any, where: str, reading: Reading) -> None:
        if not isinstance(value, list):
            raise refuse(where, "must be an array")
        if not least <= len(value) <= most:
            raise refuse(where, f"must have {least} to {most} items, it has {len(value)}")
        for place, item in enumerate(value):
            rule(item, f"{where}[{place}]", reading)

    return check


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one object: which there are, and which it cannot do without."""

    rules: Mapping[str, Rule]
    required: Iterable[str] = ()

    def __call__(self, value: Any, where: str, reading: Reading) -> None:
        if not isinstance(value, dict):
            raise refuse(where, "must be an object")
        inside = f"{where}." if where else ""
        for name in self.required:
            if empty(value.get(name)):
                raise refuse(inside + name, "must not be empty")
        for name, item in value.items():
            if name not in self.rules:
                reading.ignored.append(inside + name)
            elif not empty(item):
                self.rules[name](item, inside + name, reading)


def record(*required: str, **rules: Rule) -> Fields:
    """An object of these fields, some of them required."""
    return Fields(rules, required)


# Between the fields of one object


def given(body: Mapping[str, Any], *names: str) -> list[str]:
    """Those of the fields that are there and not empty."""
    return [name for name in names if not empty(body.get(name))]


def require(body: Mapping[str, Any], name: str, why: str = "") -> None:
    """Refuse the lack of a field that is needed here; `why` says when."""
    if empty(body.get(name)):
        raise refuse(name, f"must not be empty{' ' * bool(why)}{why}")


def exclude(body: Mapping[str, Any], *groups: Iterable[str], one: bool = False) -> None:
    """Refuse fields of more than one of the groups; with `one`, the lack of all of them too."""
    used = [found[0] for group in groups if (found := given(body, *group))]
    if len(used) > 1:
        raise refuse(" and ".join(used), "cannot be used together")
    if one and not used:
        raise refuse(" and ".join(name for group in groups for name in group), "cannot all be empty")
