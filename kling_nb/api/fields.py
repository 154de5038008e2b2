"""What requests are built from: field types that know their form on the wire, and refusals in plain words.

Python values are the natural ones (``duration=5``, ``sound=True``); the wire's habits (``"5"``, ``"on"``) are
applied when a request is written out. Whatever pydantic finds wrong is told as field, value and what it may be.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, Union

from pydantic import BaseModel, ConfigDict, PlainSerializer, ValidationError, model_validator

from kling_nb.api.errors import RequestRefused

__all__ = ["Loose", "OnOff", "Part", "Seconds", "YesNo", "listed"]

T = TypeVar("T")

if TYPE_CHECKING:
    # What may be given is more than what is kept: type checkers must not object to a path, a dict, a result or a job.
    Loose = Union[T, Any]  # noqa: UP007  the other form cannot be subscripted
else:

    class Loose:
        """``Loose[X]``: X once it is taken, anything that becomes one when it is given."""

        def __class_getitem__(cls, kept: type) -> type:
            return kept


# Kling wants video lengths as strings: "5", "10" (reference: kling-api, "Durations of videos are strings").
Seconds = Annotated[int, PlainSerializer(str)]
OnOff = Annotated[bool, PlainSerializer(lambda on: "on" if on else "off")]
YesNo = Annotated[bool, PlainSerializer(lambda yes: "yes" if yes else "no")]

_SUBJECT = re.compile(r"^(Input|String|List) should")  # pydantic's; the field and its value stand before it

# What people write whom the nearest name would mislead: `model` is one letter away from `mode`.
_MEANT = {"model": "model_name"}

# A value longer than this says nothing more to the reader of a refusal; base64 images would flood the cell.
_SHOWN = 80


def listed(values: Iterable[object], last: str = "or") -> str:
    """Write several allowed values as a person would: ``5, 7 or 10``."""
    words = [str(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


class Part(BaseModel):
    """A piece of a request: refuses unknown fields and wrong values before anything is sent.

    Raises
    ------
    RequestRefused
        When a value is wrong; the message names each field, its value and what it may be.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __init__(self, *positional: Any, **given: Any) -> None:
        cls = type(self)
        names = cls.positional()
        if len(positional) > len(names):
            allowed = f"only {listed(names, 'and')} without a name" if names else "named arguments only"
            raise RequestRefused(f"{cls.title()} takes {allowed}; {len(positional)} values came without one.")
        for name, value in zip(names, positional, strict=False):
            if name in given:
                raise RequestRefused(f"{cls.title()} was given {name} twice.")
            given[name] = value
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise RequestRefused(refusal(cls, error)) from None

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """Show what was given, not the thirty fields that were not."""
        yield from ((name, getattr(self, name)) for name in type(self).model_fields if name in self.model_fields_set)

    def __setattr__(self, name: str, value: object) -> None:
        raise RequestRefused(
            f"{self.title()} was checked as a whole and stays as it is: make a new one to change {name}."
        )

    @classmethod
    def title(cls) -> str:
        """Name of this piece as a person would write it."""
        return cls.__name__

    @classmethod
    def positional(cls) -> list[str]:
        """Names of the fields that may be given without their name, in order."""
        return [name for name, field in cls.model_fields.items() if field.kw_only is False]

    def problems(self) -> Iterator[str]:
        """What is wrong between fields, one sentence each; nothing when all is well."""
        yield from ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if found := list(self.problems()):
            raise ValueError("\n".join(found))
        return self


def refusal(cls: type[Part], error: ValidationError) -> str:
    """Tell everything that pydantic found wrong: field, value, what it may be."""
    lines = [f"{cls.title()} was refused before anything was sent; nothing is billed:"]
    for found in error.errors(include_url=False):
        where = ".".join(str(step) for step in found["loc"] if not str(step).startswith("function-"))
        lines += [f"  {line}" for line in _sentence(cls, where, found).splitlines()]
    return "\n".join(lines)


def _sentence(cls: type[Part], where: str, found: Any) -> str:
    context = found.get("ctx", {})
    match found["type"]:
        case "missing":
            return f"{where} is required."
        case "extra_forbidden":
            close = [_MEANT[where]] if where in _MEANT else difflib.get_close_matches(where, cls.model_fields, n=1)
            guess = f"did you mean {close[0]}?" if close else f"it takes {listed(list(cls.model_fields), 'and')}."
            return f"{where} is not a field of {cls.title()}; {guess}"
        case "value_error" | "assertion_error":
            error = context.get("error", found["msg"])
            if isinstance(
                error, RequestRefused
            ):  # a part of the request refused itself: its own heading is one too many
                _, _, said = str(error).partition("\n")
                return "\n".join(f"{where}: {line.strip()}" for line in said.splitlines())
            return f"{where}: {error}" if where else str(error)
        case _:
            return f"{where} = {shown(found['input'])}: {_SUBJECT.sub('should', found['msg'])}."


def shown(value: object) -> str:
    """A value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)"
