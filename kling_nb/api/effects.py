"""Effects: a picture, or two people, in one of Kling's ready-made scenes."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from kling_nb.api.advice import advise
from kling_nb.api.clips import five_or_ten
from kling_nb.api.fields import Seconds, listed
from kling_nb.api.media import ImageInput
from kling_nb.api.names import CLASSIC_EFFECTS, DATED, EFFECTS, PAIR_EFFECTS
from kling_nb.api.parts import Mode, VideoRequest

__all__ = ["Effects"]

_PAIR_MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6")
_INPUT = ("model_name", "mode", "image", "images", "duration")  # fields that the wire keeps in `input`


class Effects(VideoRequest):
    """Put a picture, or two people, into one of Kling's ready-made scenes.

    Parameters
    ----------
    effect_scene
        Name of the scene: "squish", "hug", ...; `kling_nb.api.names.EFFECTS` has those of early 2026. They change every
        month: an unknown one is sent with a warning.
    image
        The picture (path, URL, bytes, Pillow image, array, earlier image) of a scene with one.
    images
        The two people of "hug", "kiss", "heart_gesture": the left and the right one.
    duration
        Seconds: 5 (default), or 10 where the scene has it; "bloombloom", "dizzydizzy", "fuzzyfuzzy", "squish" and
        "expansion" have 5.
    model_name
        kling-v1-6 for those five; kling-v1 (the service's default), kling-v1-5 or kling-v1-6 for two people; left out
        for later scenes.
    mode
        "std" or "pro", for two people only.
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`. On the wire the fields of a scene stand in ``input``: newer ones go there with
        ``extra={"input": {...}}``.

    Notes
    -----
    POST videos/effects. Source: Kling's v1 document of 2025, video effects; CometAPI, "Video Effects".
    """

    path: ClassVar[str] = "videos/effects"
    models: ClassVar[tuple[str, ...]] = _PAIR_MODELS

    effect_scene: str = Field(min_length=1, kw_only=False)
    image: ImageInput | None = Field(default=None, kw_only=False)
    images: Annotated[list[ImageInput], Field(min_length=2, max_length=2)] | None = None
    duration: Seconds = 5
    model_name: str | None = None
    mode: Mode | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        scene = self.effect_scene
        if scene not in EFFECTS:
            advise(f"effect_scene {scene!r} is not among the names of {DATED}; it is sent as it is.")
        yield from self.exactly_one("image", "images")
        yield from five_or_ten(self.duration)
        if scene in PAIR_EFFECTS and self.image is not None:
            yield f"image: {scene} wants two people, images=[left, right]."
        if scene in CLASSIC_EFFECTS:
            if self.images is not None:
                yield f"images: {scene} wants one picture, image=..."
            if self.duration != 5:
                yield f"duration = {self.duration}: {scene} makes videos of 5 seconds."
            if self.model_name in _PAIR_MODELS and self.model_name != "kling-v1-6":
                yield f"model_name = {self.model_name!r}: {scene} works with kling-v1-6."
        if self.mode is not None and self.images is None:
            yield f"mode = {self.mode!r}: only scenes of two people have it ({listed(sorted(PAIR_EFFECTS), 'and')})."

    def body(self) -> dict[str, Any]:
        flat = super().body()
        scene = {name: flat.pop(name) for name in _INPUT if name in flat}
        if self.effect_scene in CLASSIC_EFFECTS:
            scene = {"model_name": "kling-v1-6"} | scene
        return flat | {"input": scene}
