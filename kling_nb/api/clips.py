"""Videos from words and pictures: text2video, image2video, multi_image2video, and longer ones: video_extend."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kling_nb.api.advice import advise
from kling_nb.api.catalogue import VIDEO_MODELS, When
from kling_nb.api.earlier import earlier_video
from kling_nb.api.fields import Loose, OnOff, Part, Seconds, listed, shown
from kling_nb.api.media import ImageInput
from kling_nb.api.names import VOICES
from kling_nb.api.parts import (
    AspectRatio,
    CameraControl,
    DynamicMask,
    Element,
    Elements,
    Mode,
    MultiShot,
    Prompt,
    VideoRequest,
    Voices,
    advise_prompt,
    advise_references,
    wrapped,
)
from kling_nb.api.prices import Estimate, video_price

__all__ = ["Image2Video", "ImageItem", "ImageItems", "MultiImage2Video", "Text2Video", "VideoExtend"]


class _Clip(MultiShot):
    """The fields that text2video and image2video share, and the rules between them."""

    model_name: str = "kling-v1"
    mode: Mode = "std"
    duration: Seconds = 5
    negative_prompt: Prompt | None = None
    sound: OnOff | None = None
    cfg_scale: float | None = Field(default=None, ge=0, le=1)
    camera_control: Loose[CameraControl] | None = None
    voice_list: Voices | None = None

    _camera: ClassVar[Literal["text_camera", "image_camera"]]

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self.voice_list and not self.sound:
            yield "voice_list: voices need sound=True."
        if (model := VIDEO_MODELS.get(self.model_name)) and self.model_name in self.models:
            yield from self._limits(model.lengths, model.cfg_scale, model.multi_shot)
            if self.sound:
                yield from self.only_when("sound", "on", model.sound)
            if self.camera_control:
                kind = self.camera_control.type
                yield from self.only_when("camera_control", kind, getattr(model, self._camera), kind=kind)
            if self.voice_list:
                yield from self.only_when("voice_list", "voices", model.voices)
        for voice in self.voice_list or ():
            if any(voice.voice_id in names for names in VOICES.values()):
                advise(f"voice_list: {voice.voice_id!r} is a voice of tts and lip-sync, which videos do not know.")

    def prompt_problems(self, prompt: str | None, elements: list[Element] | None = None) -> Iterator[str]:
        """Say what is wrong with the words."""
        yield from self.shot_problems(prompt, self.duration)
        shots = [shot.prompt for shot in self.multi_prompt or ()]
        advise_references([prompt, *shots], voice=self.voice_list, element=elements)
        advise_prompt(prompt, self.negative_prompt)

    def _limits(self, lengths: tuple[int, ...], cfg_scale: bool, multi_shot: bool) -> Iterator[str]:
        if self.duration not in lengths:
            allowed = f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 3 else listed(lengths)
            yield f"duration = {self.duration}: {self.model_name} makes videos of {allowed} seconds."
        if self.cfg_scale is not None and not cfg_scale:
            able = [name for name in self.models if VIDEO_MODELS[name].cfg_scale]
            yield f"cfg_scale = {self.cfg_scale}: {self.model_name} takes none; {listed(able, 'and')} do."
        if self.multi_shot and not multi_shot:
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

    def estimate(self) -> Estimate | None:
        return video_price(self.model_name, self.mode, self.duration)


class Text2Video(_Clip):
    """Make a video from words.

    Parameters
    ----------
    prompt
        What to show, at most 2,500 characters. Required, unless ``multi_shot`` with ``shot_type="customize"``.
    model_name
        kling-v1 (default), kling-v1-6, kling-v2-master, kling-v2-1-master, kling-v2-5-turbo, kling-v2-6, kling-v3.
    mode
        "std" (720p, default) or "pro" (1080p; kling-v1 stays at 720p). The masters have one mode.
    duration
        Seconds: 5 (default) or 10; 3 to 15 with kling-v3.
    aspect_ratio
        "16:9" (default), "9:16" or "1:1".
    negative_prompt
        What to avoid, at most 2,500 characters.
    cfg_scale
        How closely to follow the prompt, 0 to 1 (the service takes 0.5); kling-v1, kling-v1-6; not said of kling-v3.
    sound
        True for a sound track: kling-v2-6 in mode "pro", kling-v3.
    camera_control
        `CameraControl` or a dict like one; kling-v1, mode "std", 5 s.
    multi_shot, shot_type, multi_prompt
        Several shots in one video, kling-v3 only: with "customize" each of 1 to 6 `Shot` has its prompt and length,
        which add up to ``duration``; with "intelligence" Kling divides the plain prompt.
    voice_list
        At most 2 `Voice`, named ``<<<voice_1>>>`` in the prompt; kling-v2-6, mode "pro", with ``sound``. Kling's page
        describes them in the prompt's text but not in its field list: they are sent with a warning.
    watermark_info
        ``{"enabled": True}`` for a second copy with Kling's watermark.
    external_task_id, callback_url, extra
        See `Request`.

    Notes
    -----
    POST videos/text2video. Source: Kling's v1 document, text to video; CometAPI, "Text to Video".
    """

    path: ClassVar[str] = "videos/text2video"
    models: ClassVar[tuple[str, ...]] = tuple(name for name, model in VIDEO_MODELS.items() if model.text2video)
    _camera: ClassVar[Literal["text_camera", "image_camera"]] = "text_camera"

    prompt: Prompt | None = Field(default=None, kw_only=False)
    aspect_ratio: AspectRatio = "16:9"

    def problems(self) -> Iterator[str]:
        if self.needs_prompt and not (self.prompt and self.prompt.strip()):
            yield "prompt is required: what should the video show?"
        yield from super().problems()
        yield from self.prompt_problems(self.prompt)
        if self.voice_list:
            advise("voice_list: Kling's page on text to video speaks of voices but lists no such field.")


class Image2Video(_Clip):
    """Make a video from a picture: a start frame, an end frame, or both.

    Parameters
    ----------
    image
        The start frame: a path, URL, bytes, Pillow image, numpy array or an earlier image. JPEG or PNG, at most 10 MB,
        each side at least 300 px, ratio between 1:2.5 and 2.5:1. `image`, `image_tail` or both are required.
    prompt
        What happens, at most 2,500 characters. Kling's newest text wants one; older clients leave it out.
    image_tail
        The end frame, as `image`: kling-v1 (5 s), kling-v1-5, v1-6, v2-1, v2-5-turbo (pro), v2-6 (pro, silent),
        kling-v3. Excludes masks and camera control. Alone, without `image`: documented for v1-5 and v1-6.
    model_name
        Any of `Text2Video` and kling-v1-5, kling-v2-1. Default kling-v1.
    mode
        "std" (720p, default) or "pro" (1080p; kling-v1 stays at 720p). The masters have one mode.
    duration
        Seconds: 5 (default) or 10; 3 to 15 with kling-v3.
    negative_prompt
        What to avoid, at most 2,500 characters.
    cfg_scale
        How closely to follow the prompt, 0 to 1 (the service takes 0.5); the v1 models; not said of kling-v3.
    sound
        True for a sound track: kling-v2-6 in mode "pro", kling-v3.
    static_mask
        Area that must not move: a mask with the ratio of `image`. kling-v1 (5 s), kling-v1-5 (pro, 5 s).
    dynamic_masks
        At most 6 `DynamicMask`, each with its path; same models. All masks have one size.
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
    models: ClassVar[tuple[str, ...]] = tuple(name for name, model in VIDEO_MODELS.items() if model.image2video)
    _camera: ClassVar[Literal["text_camera", "image_camera"]] = "image_camera"

    image: ImageInput | None = Field(default=None, kw_only=False)
    prompt: Prompt | None = Field(default=None, kw_only=False)
    image_tail: ImageInput | None = None
    static_mask: ImageInput | None = None
    dynamic_masks: list[Loose[DynamicMask]] | None = Field(default=None, min_length=1, max_length=6)
    element_list: Elements | None = Field(default=None, min_length=1, max_length=3)

    def problems(self) -> Iterator[str]:
        if self.image is None and self.image_tail is None:
            yield "image is required (or image_tail, or both): the picture to start or end with."
        yield from super().problems()
        yield from self.prompt_problems(self.prompt, self.element_list)
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
        yield from self._by_model()
        yield from self._masks()
        if self.needs_prompt and not (self.prompt and self.prompt.strip()):
            advise("prompt is empty: Kling's newest text wants one, older pages leave it out. It is sent without.")

    def _by_model(self) -> Iterator[str]:
        model = VIDEO_MODELS.get(self.model_name)
        if model is None or not model.image2video:
            return
        if self.image_tail is not None:
            yield from self.only_when("image_tail", "an end frame", model.end_frame)
            if self.image is None and model.end_frame and not model.end_frame_alone:
                advise(f"image_tail without image: not documented for {self.model_name}; it is sent all the same.")
        for field in ("static_mask", "dynamic_masks"):
            if getattr(self, field) is not None:
                yield from self.only_when(field, "a mask", model.motion_brush)
        if self.element_list and not model.elements:
            yield f"element_list: {self.model_name} takes no elements; kling-v3 does."

    def _masks(self) -> Iterator[str]:
        """The task would fail at the service: masks of another ratio than the image, or of several sizes."""
        masks = [*([self.static_mask] if self.static_mask else []), *(mask.mask for mask in self.dynamic_masks or ())]
        sizes = {mask.size for mask in masks if mask.size}
        if len(sizes) > 1:
            yield f"masks must have one size, not {listed([_size(size) for size in sorted(sizes)], 'and')}."
        if self.image is None or self.image.size is None:
            return
        width, height = self.image.size
        for size in sorted(sizes):
            # A pixel of rounding is allowed: masks are often made from a resized copy.
            if abs(size[0] * height - size[1] * width) > max(width, height, *size):
                yield f"a mask of {_size(size)}: it must have the ratio of the image, {_size(self.image.size)}."


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


class ImageItem(Part):
    """One picture of a list."""

    image: ImageInput


ImageItems = list[Annotated[Loose[ImageItem], wrapped("image")]]


class MultiImage2Video(VideoRequest):
    """Make a video in which the subjects of up to four pictures meet.

    Parameters
    ----------
    image_list
        1 to 4 pictures (path, URL, bytes, Pillow image, array, earlier image), each cropped to its subject.
    prompt
        What happens, at most 2,500 characters.
    model_name
        kling-v1-6.
    mode
        "std" (720p, default) or "pro" (1080p).
    duration
        Seconds: 5 (default) or 10.
    aspect_ratio
        "16:9" (default), "9:16" or "1:1".
    negative_prompt
        What to avoid, at most 2,500 characters.
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST videos/multi-image2video. Source: Kling's v1 document, multi-image to video; CometAPI, "Multi Image To Video".
    """

    path: ClassVar[str] = "videos/multi-image2video"
    models: ClassVar[tuple[str, ...]] = ("kling-v1-6",)

    image_list: ImageItems = Field(min_length=1, max_length=4, kw_only=False)
    prompt: Prompt = Field(min_length=1, kw_only=False)
    model_name: str = "kling-v1-6"
    mode: Mode = "std"
    duration: Seconds = 5
    aspect_ratio: AspectRatio = "16:9"
    negative_prompt: Prompt | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from five_or_ten(self.duration)
        advise_prompt(self.prompt, self.negative_prompt)


def five_or_ten(duration: int) -> Iterator[str]:
    """Refuse lengths other than the two of the older workflows."""
    if duration not in (5, 10):
        yield f"duration = {duration}: it may be 5 or 10 seconds."


class VideoExtend(VideoRequest):
    """Make a video 4 to 5 seconds longer; model and mode stay those of the source.

    Parameters
    ----------
    video_id
        The video, or its id: made by text2video, image2video or video_extend with kling-v1, v1-5 or v1-6, less than 30
        days ago. Three minutes are the most it can grow to.
    prompt, negative_prompt
        What happens next and what to avoid, at most 2,500 characters each. A kling-v1 video takes no negative_prompt.
    cfg_scale
        How closely to follow the prompt, 0 to 1 (the service takes 0.5). Not for a kling-v1 video.
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST videos/video-extend. Source: Kling's v1 document, video extension; CometAPI, "Video Extension".
    """

    path: ClassVar[str] = "videos/video-extend"

    video_id: Annotated[Loose[str], earlier_video((0, 176))] = Field(kw_only=False)
    prompt: Prompt | None = Field(default=None, kw_only=False)
    negative_prompt: Prompt | None = None
    cfg_scale: float | None = Field(default=None, ge=0, le=1)

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        advise_prompt(self.prompt, self.negative_prompt)
