"""Telling results apart: what is the same for all of them is said once, what differs becomes each one's label."""

from collections.abc import Mapping, Sequence
from typing import Any

from kling_nb.notebook.looks import FAINT, plain

__all__ = ["Labels"]

_NOT_ASKED = ("external_task_id", "callback_url")  # differs always, or says nothing about the result
_LONG = 80  # characters of a value
_DEFAULT = "default"


class Labels:
    """What distinguishes several requests.

    Attributes
    ----------
    shared
        Fields that all have, with the same value.
    own
        For each request the fields that differ between them; one that leaves a field out has "default".
    """

    def __init__(self, requests: Sequence[Mapping[str, Any]]) -> None:
        asked = [{name: v for name, v in request.items() if name not in _NOT_ASKED} for request in requests]
        names = list(dict.fromkeys(name for request in asked for name in request))
        same = [name for name in names if all(request.get(name) == asked[0].get(name) for request in asked)]
        self.shared: dict[str, Any] = {name: asked[0][name] for name in same}
        self.own: list[dict[str, Any]] = [
            {name: request.get(name, _DEFAULT) for name in names if name not in same} for request in asked
        ]

    def heading(self) -> str:
        """HTML that names what is shared."""
        return _html(self.shared)

    def label(self, number: int) -> str:
        """HTML that names what is one's own; its number where nothing is."""
        return _html(self.own[number]) or f"<div>{number + 1}</div>"

    def name(self, number: int) -> str:
        """The same in one line of text."""
        return " · ".join(_said(name, value) for name, value in self.own[number].items()) or f"{number + 1}"


def _html(fields: Mapping[str, Any]) -> str:
    """The prompt for itself, the rest below it."""
    rest = " · ".join(plain(_said(name, value)) for name, value in fields.items() if name != "prompt")
    words = f'<div dir="auto">{plain(fields["prompt"])}</div>' if "prompt" in fields else ""
    return words + (f'<div style="{FAINT}">{rest}</div>' if rest else "")


def _said(name: str, value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"
    return text if name in ("prompt", "model_name", "mode") else f"{name} {text}"
