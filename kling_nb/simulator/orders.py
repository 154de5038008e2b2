"""What passes between the rules and the renderers: an order, and what was made of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from PIL import Image

from kling_nb.simulator.inputs import Given
from kling_nb.simulator.rules import JSON

__all__ = ["Made", "Order", "written"]


@dataclass(slots=True)
class Order:
    """A request that was accepted, with its defaults, and the media that it names.

    Attributes
    ----------
    path, body
        What was asked.
    media
        Inputs, by the place in the body at which they stand; results of earlier tasks too.
    label
        Shown small in every frame.
    info
        What the task tells of its origin, besides its owner's id.
    """

    path: str
    body: JSON
    media: dict[str, Given]
    digest: str = ""
    label: str = ""
    info: JSON = field(default_factory=dict)

    @property
    def prompt(self) -> str:
        """The words to be seen: the prompt, or whatever else describes what shall be made."""
        body = self.body
        words = [body.get("prompt")]
        words += [shot["prompt"] for shot in body.get("multi_prompt") or []]
        words += [body.get("sound_effect_prompt"), body.get("bgm_prompt"), (body.get("input") or {}).get("text")]
        return " / ".join(filter(None, words)) or str(body.get("effect_scene", ""))

    def pictures(self, *names: str) -> list[Image.Image]:
        """The pictures that came in these fields, in order."""
        return [one.picture for where, one in self.media.items() if where.partition("[")[0] in names and one.image]

    def watermarked(self) -> Order:
        """The same with a second mark."""
        return replace(self, label=f"{self.label} · watermark".lstrip(" ·"))

    @property
    def key(self) -> str:
        """Equal for equal requests; who asks, and how it is to be told, makes no difference."""
        asked = {name: value for name, value in self.body.items() if name not in ("external_task_id", "callback_url")}
        files = sorted((where, str(one.file)) for where, one in self.media.items())
        said = json.dumps([self.path, asked, self.digest, files], sort_keys=True)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Made:
    """One thing that was made.

    Attributes
    ----------
    kind
        The list in ``task_result`` that it goes into.
    files
        By the field that leads to them.
    facts
        Its other fields.
    """

    kind: Literal["videos", "images", "audios", "voices", "elements"]
    files: Mapping[str, Path]
    facts: JSON = field(default_factory=dict)


def written(seconds: float) -> str:
    """A length as Kling writes it: a string of seconds."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")
