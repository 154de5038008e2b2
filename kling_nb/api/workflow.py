"""What a workflow is: one class with its path, its fields and limits, and what it yields.

Adding a workflow is adding a class with a ``path``: it enters the registry by itself, and the function that starts
it, its help, its options in the magics and its row in the documentation come from it.
"""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Protocol, TypeVar

from pydantic import Field

from kling_nb.api.advice import advise
from kling_nb.api.earlier import unfinished
from kling_nb.api.fields import Part, listed, shown
from kling_nb.api.prices import Estimate

__all__ = ["WORKFLOWS", "Answering", "Call", "Immediate", "Request", "name_of"]

R = TypeVar("R", covariant=True)

WORKFLOWS: dict[str, type["Call"]] = {}
"""Every workflow by its name, in the order of definition."""


class Call(Part):
    """What every workflow has, whether it makes a task or answers at once.

    Attributes
    ----------
    path
        Where it is sent, after the service's prefix; from the host's root when it begins with a slash.
    name
        What its function is called; made from the class's name.
    yields
        What comes of it, in a word or two.
    models
        The values of ``model_name`` that are known to work.
    gateway
        Whether CometAPI's gateway documents it. What only Kling's own host documents is sent all the same.
    immediate
        Whether it answers at once instead of making a task.
    found_by_own_id
        Whether its tasks are documented to be found by ``external_task_id`` too.
    """

    path: ClassVar[str] = ""
    name: ClassVar[str] = ""
    yields: ClassVar[str] = "video"
    models: ClassVar[tuple[str, ...]] = ()
    gateway: ClassVar[bool] = True
    immediate: ClassVar[bool] = False
    found_by_own_id: ClassVar[bool] = True

    extra: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def __pydantic_init_subclass__(cls, **given: Any) -> None:
        super().__pydantic_init_subclass__(**given)
        if "path" in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower()
            WORKFLOWS[cls.name] = cls

    @classmethod
    def title(cls) -> str:
        return cls.name or cls.__name__

    @classmethod
    def about(cls) -> str:
        """What it does, in one line."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def pending(cls, *positional: Any, **given: Any) -> list[Any]:
        """Check arguments of which some are jobs that are not finished, and return those jobs.

        All that can be known without the jobs' results is checked. A job is anything awaitable with a ``result`` that
        is None until it is finished. Wait for the jobs, then make the request with the very same arguments.

        Raises
        ------
        RequestRefused
            When the arguments are wrong whatever the jobs yield.
        """
        with unfinished() as jobs:
            cls(*positional, **given)
        return jobs

    def body(self) -> dict[str, Any]:
        """The workflow's own part of the JSON body, with Kling's field names and types."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"extra"})

    def wire(self) -> dict[str, Any]:
        """The whole JSON body."""
        return merged(self.body(), self.extra)

    def described(self) -> dict[str, Any]:
        """The fields for people and records: media as path, URL or hash instead of its bytes."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"extra"}, context={"described": True}) | (
            {"extra": self.extra} if self.extra else {}
        )

    @property
    def seconds(self) -> float | None:
        """Length asked for, in seconds, where the workflow has one."""
        return getattr(self, "duration", None)

    def estimate(self) -> Estimate | None:
        """What it will probably cost on CometAPI's gateway; None where no price is known."""
        return None

    def problems(self) -> Iterator[str]:
        yield from self._extra_problems()
        model = getattr(self, "model_name", None)
        if model is not None and self.models and model not in self.models:
            yield from self.other_model(model)

    def other_model(self, model: str) -> Iterator[str]:
        """Refuse a model that is known from other workflows; send one that nobody knows, with a warning."""
        if any(model in other.models for other in WORKFLOWS.values()):
            yield f"model_name = {model!r}: {self.title()} works with {listed(self.models)}."
        else:
            advise(
                f"model_name {model!r} is not in this release's table and its limits are not checked; it is sent as "
                f"it is. Known for {self.title()}: {listed(self.models, 'and')}."
            )

    def exactly_one(self, *names: str) -> Iterator[str]:
        """Refuse none or several of fields that stand for each other."""
        used = [name for name in names if getattr(self, name) is not None]
        if len(used) != 1:
            yield f"{listed(names)}: give exactly one of them, not {listed(used, 'and') if used else 'none'}."

    def _extra_problems(self) -> Iterator[str]:
        if "model" in self.extra and "model_name" in type(self).model_fields:
            yield "extra: Kling ignores a field called model and takes its oldest one; use model_name."
        if "external_task_id" in self.extra:
            yield "extra: external_task_id is a field of its own; give it directly."
            return
        try:
            json.dumps(self.extra, allow_nan=False, ensure_ascii=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            yield f"extra: it cannot be written as JSON ({error})."
            return
        for name in self.extra.keys() & type(self).model_fields.keys():
            advise(f"{name} = {shown(self.extra[name])} comes from extra: it is sent unchecked, in place of the field.")


class Request(Call):
    """What every workflow takes that makes a task.

    Parameters
    ----------
    external_task_id
        Our own id of the task, unique in the account; made here unless given, so that a lost answer can be
        looked up.
    callback_url
        A URL that Kling posts every change of the task to; polling goes on all the same.
    extra
        Fields newer than this release, sent as they are. One that has the name of a field takes its place, unchecked.
    """

    external_task_id: str = Field(default_factory=lambda: f"knb-{uuid.uuid4().hex}", min_length=1, max_length=128)
    callback_url: str | None = Field(default=None, pattern=r"^https?://")


class Immediate(Call):
    """What every workflow has that answers at once.

    Attributes
    ----------
    method
        GET for questions, whose fields go into the URL.
    costs
        Whether it may be billed: then a lost answer is not asked for again by itself.
    """

    method: ClassVar[Literal["GET", "POST"]] = "POST"
    costs: ClassVar[bool] = True
    immediate: ClassVar[bool] = True

    def answer(self, data: Any) -> Any:
        """Read the data of the service's answer."""
        raise NotImplementedError

    def raw_answer(self, content: bytes) -> Any:
        """Read an answer that is a file instead of JSON; None when this workflow has no such answers."""
        return None


class Answering(Protocol[R]):
    """A request that is answered at once, by what it is answered with."""

    def answer(self, data: Any) -> R: ...


def merged(body: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """Put `extra` over `body`; where both have an object, its fields."""
    both = dict(body)
    for name, value in extra.items():
        inner = both.get(name)
        both[name] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return both


def name_of(path: str) -> str:
    """Name of the workflow that has a path; the path itself where there is none in this release."""
    return next((name for name, workflow in WORKFLOWS.items() if workflow.path == path), path)
