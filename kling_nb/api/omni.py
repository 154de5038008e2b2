"""Videos from everything at once: omni_video; and one motion put upon another: motion_control."""

from collections.abc import Iterator
from math import inf
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from kling_nb.api.advice import advise
from kling_nb.api.fields import Loose, OnOff, Part, Seconds, YesNo, listed
from kling_nb.api.media import ImageInput, by_url
from kling_nb.api.parts import (
    AspectRatio,
    Elements,
    Mode,
    MultiShot,
    Prompt,
    VideoRequest,
    advise_references,
    wrapped,
)

__all__ = ["MotionControl", "OmniImageItem", "OmniVideo", "OmniVideoItem"]

O1, V3 = "kling-video-o1", "kling-v3-omni"


class OmniImageItem(Part):
    """A picture, named ``<<<image_1>>>`` in the prompt, or the ``first_frame`` or ``end_frame`` of the video."""

    image_url: ImageInput
    type: Literal["first_frame", "end_frame"] | None = None


class OmniVideoItem(Part):
    """A video, named ``<<<video_1>>>`` in the prompt: to be edited (``base``) or to be followed (``feature``).

    MP4 or MOV by URL, at least 3 s, sides of 720 to 2160 px, 24 to 60 fps, at most 200 MB.
    """

    video_url: Annotated[Loose[str], by_url((3, inf))]
    refer_type: Literal["feature", "base"] = "base"
    keep_original_sound: YesNo | None = None


class OmniVideo(MultiShot):
    """Make or edit a video from words, pictures, saved elements and a video at once.

    Parameters
    ----------
    prompt
        What to show, naming what is given: ``<<<image_1>>>``, ``<<<element_1>>>``, ``<<<video_1>>>``. At most 2,500
        characters. Required, unless ``multi_shot`` with ``shot_type="customize"``.
    image_list
        Pictures, or `OmniImageItem` with a ``type`` where one is the first or the end frame; an end frame needs a first
        one. Not beside a video to be edited, nor with ``multi_shot``, nor beside more than two pictures with o1.
    element_list
        Ids of saved elements. With the pictures at most 7, beside a video at most 4. With a first frame at most 3; with
        both frames at most 3 (v3-omni) or none (o1). Video elements not beside a video.
    video_list
        At most one URL or `OmniVideoItem`; bare, it is to be edited.
    model_name
        kling-video-o1 (default) or kling-v3-omni.
    mode
        "std" or "pro" (default).
    duration
        Seconds: 3 to 10 with o1 (5 or 10 from words or a first frame alone), 3 to 15 with v3-omni (3 to 10 beside a
        video). A video to be edited keeps its length.
    aspect_ratio
        "16:9", "9:16" or "1:1"; required, unless a first frame or a video to be edited gives it.
    sound
        True for a sound track; not beside a video.
    multi_shot, shot_type, multi_prompt
        As in `Text2Video`; v3-omni only.
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST videos/omni-video. Source: Kling's v1 document, omni-video; CometAPI, "Omni Video".
    """

    path: ClassVar[str] = "videos/omni-video"
    models: ClassVar[tuple[str, ...]] = (O1, V3)

    prompt: Prompt | None = Field(default=None, kw_only=False)
    image_list: list[Annotated[Loose[OmniImageItem], wrapped("image_url")]] | None = Field(
        default=None, min_length=1, max_length=7
    )
    element_list: Elements | None = Field(default=None, min_length=1, max_length=7)
    video_list: list[Annotated[Loose[OmniVideoItem], wrapped("video_url")]] | None = Field(
        default=None, min_length=1, max_length=1
    )
    model_name: str = O1
    mode: Mode = "pro"
    duration: Seconds = Field(default=5, ge=3, le=15)
    aspect_ratio: AspectRatio | None = None
    sound: OnOff | None = None

    @property
    def edits(self) -> bool:
        """Whether a given video is edited."""
        return bool(self.video_list and self.video_list[0].refer_type == "base")

    def problems(self) -> Iterator[str]:
        if self.needs_prompt and not (self.prompt and self.prompt.strip()):
            yield "prompt is required: what should the video show?"
        yield from super().problems()
        yield from self.shot_problems(self.prompt, self.duration)
        images, elements = self.image_list or [], self.element_list or []
        frames = [image.type for image in images if image.type]
        yield from self._frames(frames)
        yield from self._counts(len(images), len(elements), frames)
        if self.video_list and self.sound:
            yield "sound = 'on': beside a video it can only be off."
        if self.model_name == O1 and self.multi_shot:
            yield f"multi_shot = True: {O1} has no multi-shot; {V3} has."
        yield from self._shape(frames)
        shots = [shot.prompt for shot in self.multi_prompt or ()]
        advise_references([self.prompt, *shots], image=images, element=elements, video=self.video_list)

    def _frames(self, frames: list[Literal["first_frame", "end_frame"]]) -> Iterator[str]:
        for frame in ("first_frame", "end_frame"):
            if frames.count(frame) > 1:
                yield f"image_list: {frames.count(frame)} pictures are {frame}; there can be one."
        if "end_frame" in frames and "first_frame" not in frames:
            yield "image_list: an end_frame needs a first_frame."
        if frames and self.edits:
            yield f"image_list: {listed(frames, 'and')} cannot stand beside a video to be edited (refer_type base)."
        if frames and self.multi_shot:
            yield f"image_list: {listed(frames, 'and')} cannot be used with multi_shot."
        if frames and self.model_name == O1 and len(self.image_list or ()) > 2:
            yield f"image_list: {O1} takes no first or end frame among more than 2 pictures."

    def _counts(self, images: int, elements: int, frames: list[Any]) -> Iterator[str]:
        most = 4 if self.video_list else 7
        if images + elements > most:
            beside = " beside a video" if self.video_list else ""
            yield f"image_list and element_list: {images} + {elements}; together they may be {most}{beside}."
        if "end_frame" in frames and elements and self.model_name == O1:
            yield f"element_list: {O1} takes none with a first and an end frame."
        elif frames and elements > 3:
            yield f"element_list: {elements}; with a first frame there may be 3."

    def _shape(self, frames: list[Any]) -> Iterator[str]:
        given = bool(frames) or self.edits
        if self.aspect_ratio is None and not given:
            yield "aspect_ratio is required without a first frame or a video to be edited: '16:9', '9:16' or '1:1'."
        if self.aspect_ratio is not None and given:
            advise(f"aspect_ratio = {self.aspect_ratio!r} has no effect: the frame or the video gives it.")
        if self.edits:
            if "duration" in self.model_fields_set:
                advise(f"duration = {self.duration} has no effect: an edited video keeps its length.")
            return
        most = 10 if self.model_name == O1 or (self.model_name == V3 and self.video_list) else 15
        if self.model_name in self.models and self.duration > most:
            beside = " beside a video" if self.model_name == V3 else ""
            yield f"duration = {self.duration}: {self.model_name} makes 3 to {most} seconds{beside}."
        alone = not self.video_list and not self.element_list and (not self.image_list or frames == ["first_frame"])
        if self.model_name == O1 and alone and self.duration not in (5, 10, *range(11, 16)):
            advise(
                f"duration = {self.duration}: from words or a first frame alone, {O1} makes 5 or 10 seconds by Kling's "
                "table, 3 to 10 by the questions on the same page. It is sent as it is."
            )

    def body(self) -> dict[str, Any]:
        body = super().body()
        if self.edits:
            for ignored in ("duration", "aspect_ratio"):
                body.pop(ignored, None)
        return body


class MotionControl(VideoRequest):
    """Let the character of a picture move like the one in a video.

    Parameters
    ----------
    image_url
        The picture (path, URL, bytes, Pillow image, array, earlier image): JPEG or PNG, at most 10 MB, sides of 300 to
        65,536 px, ratio between 1:2.5 and 2.5:1.
    video_url
        The motion: a URL or an earlier video, MP4 or MOV, at most 100 MB, sides of 340 to 3850 px, one take of 3 to 30
        s (to 10 s with orientation "image"). It gives the length.
    character_orientation
        "image" or "video": whose way of facing the camera is kept.
    mode
        "std" or "pro".
    prompt
        What else is in the scene, at most 2,500 characters.
    model_name
        kling-v2-6 (default) or kling-v3.
    keep_original_sound
        Whether the video's sound is kept (the service does so).
    element_list
        At most one `Element`; then the orientation is "video".
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST videos/motion-control. Source: Kling's v1 document, motion control. CometAPI does not list it.
    """

    path: ClassVar[str] = "videos/motion-control"
    models: ClassVar[tuple[str, ...]] = ("kling-v2-6", "kling-v3")
    gateway: ClassVar[bool] = False

    image_url: ImageInput = Field(kw_only=False)
    video_url: Annotated[Loose[str], by_url((3, 30))] = Field(kw_only=False)
    character_orientation: Literal["image", "video"]
    mode: Mode
    prompt: Prompt | None = None
    model_name: str = "kling-v2-6"
    keep_original_sound: YesNo | None = None
    element_list: Elements | None = Field(default=None, min_length=1, max_length=1)

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self.element_list and self.character_orientation != "video":
            yield "character_orientation = 'image': with an element it can only be 'video'."
