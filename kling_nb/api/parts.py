"""The pieces that several workflows are built from: field types, objects in lists, and rules about prompts."""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from kling_nb.api.advice import advise
from kling_nb.api.earlier import ElementId, VoiceId
from kling_nb.api.fields import Loose, Part, Seconds, listed
from kling_nb.api.media import ImageInput
from kling_nb.api.workflow import Request

__all__ = [
    "PROMPT",
    "AspectRatio",
    "CameraControl",
    "CameraMove",
    "DynamicMask",
    "Element",
    "Elements",
    "Mode",
    "MultiShot",
    "Prompt",
    "Shot",
    "Trajectory",
    "VideoRequest",
    "Voice",
    "Voices",
    "Watermark",
    "advise_prompt",
    "advise_references",
    "wrapped",
]

PROMPT = 2500  # characters; Kling's document. The gateway's pages say 500, which it has not been seen to enforce.
GATEWAY_PROMPT = 500  # characters, for prompt; see above
GATEWAY_NEGATIVE = 200  # characters, for negative_prompt

Mode = Literal["std", "pro"]
AspectRatio = Literal["16:9", "9:16", "1:1"]
Prompt = Annotated[str, Field(max_length=PROMPT)]


def wrapped(name: str) -> BeforeValidator:
    """Let the items of a list be given bare: ``[123]`` for ``[{"element_id": 123}]``."""
    return BeforeValidator(lambda item: item if isinstance(item, (dict, Part)) else {name: item})


class Watermark(Part):
    """Whether Kling also makes a copy with its watermark (``watermark_url`` in the result)."""

    enabled: bool


class Voice(Part):
    """A voice of Kling's library, named ``<<<voice_1>>>`` in the prompt; not one of lip-sync's or tts's."""

    voice_id: VoiceId


class Element(Part):
    """A saved character or object, named ``<<<element_1>>>`` in the prompt."""

    element_id: ElementId


Voices = Annotated[list[Annotated[Loose[Voice], wrapped("voice_id")]], Field(min_length=1, max_length=2)]
Elements = list[Annotated[Loose[Element], wrapped("element_id")]]


class Shot(Part):
    """One shot of a multi-shot video: its number, prompt of at most 512 characters, length in seconds (at least 1)."""

    index: int = Field(ge=1, le=6)
    prompt: str = Field(min_length=1, max_length=512)
    duration: Seconds = Field(ge=1)


class CameraMove(Part):
    """A simple camera move: exactly one of the six, from -10 to 10, is not zero."""

    horizontal: float = Field(default=0, ge=-10, le=10)
    vertical: float = Field(default=0, ge=-10, le=10)
    pan: float = Field(default=0, ge=-10, le=10)
    tilt: float = Field(default=0, ge=-10, le=10)
    roll: float = Field(default=0, ge=-10, le=10)
    zoom: float = Field(default=0, ge=-10, le=10)

    def problems(self) -> Iterator[str]:
        moves = [name for name in type(self).model_fields if getattr(self, name)]
        if len(moves) != 1:
            yield f"exactly one move must differ from 0, not {listed(moves, 'and') if moves else 'none'}."


class CameraControl(Part):
    """How the camera moves: one of the named moves, or ``simple`` with a `CameraMove` as ``config``."""

    type: Literal["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"]
    config: Loose[CameraMove] | None = None

    def problems(self) -> Iterator[str]:
        if self.type == "simple" and self.config is None:
            yield "config: type simple needs a config, e.g. {'zoom': 5}."
        if self.type != "simple" and self.config is not None:
            yield f"config: only type simple takes a config, not {self.type}."


class Trajectory(Part):
    """A point of a motion path, in pixels from the lower left corner of the image."""

    x: int
    y: int


class DynamicMask(Part):
    """A moving area: its mask (same size as the other masks) and its path of 2 to 77 points."""

    mask: ImageInput
    trajectories: list[Loose[Trajectory]] = Field(min_length=2, max_length=77)


class VideoRequest(Request):
    """What the workflows that render a video share."""

    watermark_info: Loose[Watermark] | None = None


class MultiShot(VideoRequest):
    """The fields of videos of several shots, and the rules between them."""

    multi_shot: bool | None = None
    shot_type: Literal["customize", "intelligence"] | None = None
    multi_prompt: list[Loose[Shot]] | None = Field(default=None, min_length=1, max_length=6)

    def shot_problems(self, prompt: str | None, duration: int) -> Iterator[str]:
        """Say what is wrong between the shots and the prompt."""
        blank = not (prompt and prompt.strip())
        if not self.multi_shot:
            for field in ("shot_type", "multi_prompt"):
                if getattr(self, field) is not None:
                    yield f"{field}: needs multi_shot=True."
            return
        if self.shot_type is None:
            yield "shot_type is required with multi_shot: 'customize' or 'intelligence'."
        if self.shot_type == "customize" and not self.multi_prompt:
            yield "multi_prompt is required with shot_type='customize': 1 to 6 shots."
        if self.shot_type == "customize" and not blank:
            advise("prompt is ignored with shot_type='customize': each shot has its own.")
        if self.shot_type == "intelligence" and self.multi_prompt:
            yield "multi_prompt: only with shot_type='customize'."
        if not self.multi_prompt:
            return
        if sum(shot.duration for shot in self.multi_prompt) != duration:
            lengths = " + ".join(str(shot.duration) for shot in self.multi_prompt)
            yield f"multi_prompt: the shots' durations ({lengths}) must add up to duration = {duration}."
        numbers = [shot.index for shot in self.multi_prompt]
        if len(set(numbers)) != len(numbers):
            yield f"multi_prompt: each shot needs an index of its own, not {listed(numbers, 'and')}."

    @property
    def needs_prompt(self) -> bool:
        """Whether the plain prompt is what is shown."""
        return not (self.multi_shot and self.shot_type == "customize")


def advise_prompt(prompt: str | None, negative: str | None) -> None:
    """Warn where the gateway's pages give a lower limit than Kling's own document."""
    for name, text, most in (
        ("prompt", prompt, GATEWAY_PROMPT),
        ("negative_prompt", negative, GATEWAY_NEGATIVE),
    ):
        if text and len(text) > most:
            advise(
                f"{name} has {len(text)} characters. Kling allows {PROMPT}, CometAPI's pages say {most}: "
                "the end may be cut or the request refused."
            )


def advise_references(texts: Sequence[str | None], **given: Sequence[Any] | None) -> None:
    """Warn where a prompt names ``<<<image_3>>>`` and there are two images.

    Parameters
    ----------
    texts
        The prompts.
    given
        What there is of each kind, by its name in prompts: ``image=...``, ``element=...``.
    """
    for kind, number in {found for text in texts for found in re.findall(r"<<<([a-z]+)_(\d+)>>>", text or "")}:
        if kind in given and not 1 <= int(number) <= len(given[kind] or ()):
            advise(f"prompt: it names <<<{kind}_{number}>>>, and there are {len(given[kind] or ())} of kind {kind}.")
