"""One class a workflow: its path, fields, limits and defaults, and what it yields.

Adding a workflow is adding a class here; the function that starts it, its help, its options in the magics and its
row in the documentation come from the class.

Facts are from Kling's v1 document (early 2026) and CometAPI's pages; a field's description says what it may be.
"""

import uuid
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar, Literal

from pydantic import Field

from kling_nb.api.catalogue import VIDEO_MODELS, When
from kling_nb.api.fields import OnOff, Part, Seconds, listed, shown
from kling_nb.api.media import ImageInput

__all__ = [
    "CameraControl",
    "CameraMove",
    "DynamicMask",
    "Element",
    "Image2Video",
    "KlingWarning",
    "Request",
    "Shot",
    "Text2Video",
    "Trajectory",
    "Voice",
    "Watermark",
]

PROMPT = 2500  # characters; Kling's document. The gateway's pages say 500, which it has not been seen to enforce.
GATEWAY_PROMPT = 500  # characters, for prompt; see above
GATEWAY_NEGATIVE = 200  # characters, for negative_prompt

Mode = Literal["std", "pro"]
AspectRatio = Literal["16:9", "9:16", "1:1"]


class KlingWarning(UserWarning):
    """Something will be sent that this release does not know, or that one of the documents advises against."""


def advise(text: str) -> None:
    """Warn about something that is sent all the same."""
    warnings.warn(text, KlingWarning, stacklevel=2)


class Watermark(Part):
    """Whether Kling also makes a copy with its watermark (``watermark_url`` in the result)."""

    enabled: bool


class Request(Part):
    """What every workflow takes.

    Parameters
    ----------
    external_task_id
        Our own id of the task, unique in the account; made here unless given, so that a lost answer can be
        looked up.
    callback_url
        A URL that Kling posts every change of the task to; polling goes on all the same.
    extra
        Fields newer than this release, sent as they are.
    """

    path: ClassVar[str]
    yields: ClassVar[Literal["video", "image", "audio"]] = "video"

    external_task_id: str = Field(default_factory=lambda: f"knb-{uuid.uuid4().hex}", min_length=1, max_length=128)
    callback_url: str | None = Field(None, pattern=r"^https?://")
    extra: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def title(cls) -> str:
        return cls.path.rpartition("/")[2]

    def wire(self) -> dict[str, Any]:
        """The JSON body, with Kling's own field names and types."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"extra"}) | self.extra

    def described(self) -> dict[str, Any]:
        """The same for people and records: media as path, URL or hash instead of its bytes."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"extra"}, context={"described": True}) | (
            {"extra": self.extra} if self.extra else {}
        )

    @property
    def seconds(self) -> float | None:
        """Length of the video asked for, in seconds, where the workflow has one."""
        return getattr(self, "duration", None)


class Voice(Part):
    """A voice made with Kling's custom voices; named ``<<<voice_1>>>`` in the prompt."""

    voice_id: str


class Element(Part):
    """A saved character or object, named ``<<<element_1>>>`` in the prompt."""

    element_id: int


class Shot(Part):
    """One shot of a multi-shot video: prompt of at most 512 characters, length in seconds (at least 1)."""

    index: int = Field(ge=1, le=6)
    prompt: str = Field(max_length=512)
    duration: Seconds = Field(ge=1)


class CameraMove(Part):
    """A simple camera move: exactly one of the six, from -10 to 10, is not zero."""

    horizontal: float = Field(0, ge=-10, le=10)
    vertical: float = Field(0, ge=-10, le=10)
    pan: float = Field(0, ge=-10, le=10)
    tilt: float = Field(0, ge=-10, le=10)
    roll: float = Field(0, ge=-10, le=10)
    zoom: float = Field(0, ge=-10, le=10)

    def problems(self) -> Iterator[str]:
        moves = [name for name in type(self).model_fields if getattr(self, name)]
        if len(moves) != 1:
            yield f"exactly one move must differ from 0, not {listed(moves, 'and') if moves else 'none'}."


class CameraControl(Part):
    """How the camera moves: one of the named moves, or ``simple`` with a `CameraMove` as ``config``."""

    type: Literal["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"]
    config: CameraMove | None = None

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
    trajectories: list[Trajectory] = Field(min_length=2, max_length=77)


class VideoRequest(Request):
    """What the workflows that render a video from words or a picture share."""

    watermark_info: Watermark | None = None

    def advise_prompt(self, prompt: str | None, negative: str | None) -> None:
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


class _Clip(VideoRequest):
    """The fields that text2video and image2video share, and the rules between them."""

    model_name: str = "kling-v1"
    mode: Mode = "std"
    duration: Seconds = 5
    negative_prompt: str | None = Field(None, max_length=PROMPT)
    sound: OnOff | None = None
    cfg_scale: float | None = Field(None, ge=0, le=1)
    camera_control: CameraControl | None = None
    multi_shot: bool | None = None
    shot_type: Literal["customize", "intelligence"] | None = None
    multi_prompt: list[Shot] | None = Field(None, min_length=1, max_length=6)

    _camera: ClassVar[Literal["text_camera", "image_camera"]]

    def problems(self) -> Iterator[str]:
        yield from self._shots()
        model = VIDEO_MODELS.get(self.model_name)
        if model is None:
            advise(
                f"model_name {self.model_name!r} is not in this release's table and its limits are not checked; "
                f"it is sent as it is. Known: {listed(tuple(VIDEO_MODELS), 'and')}."
            )
            return
        if not getattr(model, self.title()):
            able = [name for name, other in VIDEO_MODELS.items() if getattr(other, self.title())]
            yield f"model_name = {self.model_name!r}: has no {self.title()}; use {listed(able)}."
            return
        if self.duration not in model.lengths:
            lengths = f"{model.lengths[0]} to {model.lengths[-1]}" if len(model.lengths) > 3 else listed(model.lengths)
            yield f"duration = {self.duration}: {self.model_name} makes videos of {lengths} seconds."
        if self.cfg_scale is not None and not model.cfg_scale:
            yield f"cfg_scale = {self.cfg_scale}: {self.model_name} takes none; only kling-v1, v1-5 and v1-6 do."
        if self.sound:
            yield from self.only_when("sound", "on", model.sound)
        if self.camera_control:
            kind = self.camera_control.type
            yield from self.only_when("camera_control", kind, getattr(model, self._camera), kind=kind)
        if self.multi_shot and not model.multi_shot:
            yield f"multi_shot = True: {self.model_name} has no multi-shot; kling-v3 has."

    def only_when(self, field: str, value: object, when: When | None, kind: str | None = None) -> Iterator[str]:
        """Refuse what the chosen model offers not at all, or not in this mode or at this length."""
        if when is None:
            yield f"{field} = {shown(value)}: {self.model_name} does not offer it for {self.title()}."
        elif not when.holds(mode=self.mode, seconds=self.duration, sound=bool(self.sound), kind=kind):
            yield (
                f"{field} = {shown(value)}: {self.model_name} offers it {when} only; "
                f"this is mode {self.mode}, {self.duration} s{', with sound' if self.sound else ''}."
            )

    def _shots(self) -> Iterator[str]:
        if not self.multi_shot:
            for field in ("shot_type", "multi_prompt"):
                if getattr(self, field) is not None:
                    yield f"{field}: needs multi_shot=True."
            return
        if self.shot_type is None:
            yield "shot_type is required with multi_shot: 'customize' or 'intelligence'."
        if self.shot_type == "customize" and not self.multi_prompt:
            yield "multi_prompt is required with shot_type='customize': 1 to 6 shots."
        if self.shot_type == "intelligence" and self.multi_prompt:
            yield "multi_prompt: only with shot_type='customize'."
        if self.multi_prompt and sum(shot.duration for shot in self.multi_prompt) != self.duration:
            lengths = " + ".join(str(shot.duration) for shot in self.multi_prompt)
            yield f"multi_prompt: the shots' durations ({lengths}) must add up to duration = {self.duration}."

    @property
    def _needs_prompt(self) -> bool:
        return not (self.multi_shot and self.shot_type == "customize")


class Text2Video(_Clip):
    """Make a video from words.

    Parameters
    ----------
    prompt
        What to show, at most 2,500 characters. Required, unless ``multi_shot`` with ``shot_type="customize"``.
    model_name
        kling-v1 (default), kling-v1-6, kling-v2-master, kling-v2-1-master, kling-v2-5-turbo, kling-v2-6, kling-v3.
    mode
        "std" (720p, default) or "pro" (1080p). The masters have one mode.
    duration
        Seconds: 5 (default) or 10; 3 to 15 with kling-v3.
    aspect_ratio
        "16:9" (default), "9:16" or "1:1".
    negative_prompt
        What to avoid, at most 2,500 characters.
    cfg_scale
        How closely to follow the prompt, 0 to 1 (the service takes 0.5); kling-v1 and kling-v1-6.
    sound
        True for a sound track: kling-v2-6 in mode "pro", kling-v3.
    camera_control
        `CameraControl` or a dict like one; kling-v1, mode "std", 5 s.
    multi_shot, shot_type, multi_prompt
        Several shots in one video, kling-v3 only: with "customize" each of 1 to 6 `Shot` has its prompt and length,
        which add up to ``duration``; with "intelligence" Kling divides the plain prompt.
    voice_list
        At most 2 `Voice`, named ``<<<voice_1>>>`` in the prompt; needs ``sound``. Kling's page describes them in the
        prompt's text but not in its field list.
    watermark_info
        ``{"enabled": True}`` for a second copy with Kling's watermark.
    external_task_id, callback_url, extra
        See `Request`.

    Notes
    -----
    POST videos/text2video. Source: Kling's v1 document, text to video; CometAPI, "Text to Video".
    """

    path: ClassVar[str] = "videos/text2video"
    _camera: ClassVar[Literal["text_camera", "image_camera"]] = "text_camera"

    prompt: str | None = Field(default=None, max_length=PROMPT, kw_only=False)
    aspect_ratio: AspectRatio = "16:9"
    voice_list: list[Voice] | None = Field(None, min_length=1, max_length=2)

    def problems(self) -> Iterator[str]:
        if self._needs_prompt and not (self.prompt and self.prompt.strip()):
            yield "prompt is required: what should the video show?"
        yield from super().problems()
        if self.voice_list and not self.sound:
            yield "voice_list: voices need sound=True."
        self.advise_prompt(self.prompt, self.negative_prompt)


class Image2Video(_Clip):
    """Make a video from a picture: a start frame, an end frame, or both.

    Parameters
    ----------
    image
        The start frame: a path, a URL, bytes or a Pillow image. JPEG or PNG, at most 10 MB, each side at least
        300 px, ratio between 1:2.5 and 2.5:1. `image`, `image_tail` or both are required.
    prompt
        What happens, at most 2,500 characters. Kling's newest text wants one; older clients leave it out.
    image_tail
        The end frame, as `image`: kling-v1 (5 s), kling-v1-5, v1-6, v2-1, v2-5-turbo (pro), v2-6 (pro, silent),
        kling-v3. Excludes masks and camera control.
    model_name
        Any of `Text2Video` and kling-v1-5, kling-v2-1. Default kling-v1.
    mode
        "std" (720p, default) or "pro" (1080p). The masters have one mode.
    duration
        Seconds: 5 (default) or 10; 3 to 15 with kling-v3.
    negative_prompt
        What to avoid, at most 2,500 characters.
    cfg_scale
        How closely to follow the prompt, 0 to 1 (the service takes 0.5); the v1 models.
    sound
        True for a sound track: kling-v2-6 in mode "pro", kling-v3.
    static_mask
        Area that must not move: a mask with the ratio of `image`. kling-v1 (5 s), kling-v1-5 (pro, 5 s).
    dynamic_masks
        At most 6 `DynamicMask`, each with its path; same models.
    camera_control
        `CameraControl`; kling-v1-5, mode "pro", 5 s, type "simple".
    voice_list
        At most 2 `Voice`; kling-v2-6 in mode "pro" with ``sound``.
    element_list
        At most 3 `Element`; kling-v3; not together with voices.
    multi_shot, shot_type, multi_prompt
        As in `Text2Video`; not with an end frame.
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST videos/image2video. Source: Kling's v1 document, image to video; CometAPI, "Image to Video".
    """

    path: ClassVar[str] = "videos/image2video"
    _camera: ClassVar[Literal["text_camera", "image_camera"]] = "image_camera"

    image: ImageInput | None = Field(default=None, kw_only=False)
    prompt: str | None = Field(default=None, max_length=PROMPT, kw_only=False)
    image_tail: ImageInput | None = None
    static_mask: ImageInput | None = None
    dynamic_masks: list[DynamicMask] | None = Field(None, min_length=1, max_length=6)
    voice_list: list[Voice] | None = Field(None, min_length=1, max_length=2)
    element_list: list[Element] | None = Field(None, min_length=1, max_length=3)

    def problems(self) -> Iterator[str]:
        if self.image is None and self.image_tail is None:
            yield "image is required (or image_tail, or both): the picture to start or end with."
        yield from super().problems()
        exclusive = {
            "image_tail": self.image_tail,
            "static_mask or dynamic_masks": self.static_mask or self.dynamic_masks,
            "camera_control": self.camera_control,
        }
        if len(used := [name for name, value in exclusive.items() if value is not None]) > 1:
            yield f"{listed(used, 'and')} exclude each other: keep one."
        if self.multi_shot and self.image_tail is not None:
            yield "image_tail: not together with multi_shot; a start frame is."
        if self.element_list and self.voice_list:
            yield "element_list and voice_list exclude each other: keep one."
        if self.voice_list and not self.sound:
            yield "voice_list: voices need sound=True."
        yield from self._by_model()
        if self._needs_prompt and not (self.prompt and self.prompt.strip()):
            advise("prompt is empty: Kling's newest text wants one, older pages leave it out. It is sent without.")
        self.advise_prompt(self.prompt, self.negative_prompt)

    def _by_model(self) -> Iterator[str]:
        model = VIDEO_MODELS.get(self.model_name)
        if model is None or not model.image2video:
            return
        if self.image_tail is not None:
            yield from self.only_when("image_tail", "an end frame", model.end_frame)
        for field in ("static_mask", "dynamic_masks"):
            if getattr(self, field) is not None:
                yield from self.only_when(field, "a mask", model.motion_brush)
        if self.voice_list:
            yield from self.only_when("voice_list", "voices", model.voices)
        if self.element_list and not model.elements:
            yield f"element_list: {self.model_name} takes no elements; kling-v3 does."
