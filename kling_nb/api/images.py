"""Pictures: made, combined, widened, dressed, and taken apart."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from kling_nb.api.advice import advise
from kling_nb.api.clips import ImageItems
from kling_nb.api.fields import Loose, Part
from kling_nb.api.media import ImageInput
from kling_nb.api.parts import Elements, Prompt, Watermark, advise_references, wrapped
from kling_nb.api.prices import EXPANSION, MULTI_IMAGE, Estimate, image_price
from kling_nb.api.results import Cutout
from kling_nb.api.workflow import Immediate, Request

__all__ = [
    "ExpandImage",
    "ImageGeneration",
    "ImageRecognize",
    "MultiImage2Image",
    "OmniImage",
    "SubjectItem",
    "VirtualTryOn",
]

Ratio = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"]
Count = Annotated[int, Field(ge=1, le=9)]
OLD_PROMPT = 500  # characters; older pages of Kling's, for pictures
WIDENED = 3  # times the area of the picture at most


class ImageRequest(Request):
    """What the workflows that make pictures share."""

    yields: ClassVar[str] = "image"

    watermark_info: Loose[Watermark] | None = None


class ImageGeneration(ImageRequest):
    """Make pictures from words, with or without a picture to go by.

    Parameters
    ----------
    prompt
        What to show, at most 2,500 characters (older pages say 500).
    model_name
        kling-v1 (default), kling-v1-5, kling-v2, kling-v2-new, kling-v2-1, kling-v3.
    image
        A picture to go by (path, URL, bytes, Pillow image, array, earlier image): JPEG or PNG, at most 10 MB, sides of
        at least 300 px, ratio between 1:2.5 and 2.5:1.
    image_reference
        "subject" or "face": what is taken from it; kling-v1-5.
    image_fidelity
        How closely to follow the picture, 0 to 1 (the service takes 0.5).
    human_fidelity
        How closely to follow the face, 0 to 1 (the service takes 0.45); with "subject" only.
    n
        How many pictures, 1 (default) to 9.
    aspect_ratio
        "16:9" (default), "9:16", "1:1", "4:3", "3:4", "3:2", "2:3" or, but for kling-v1, "21:9".
    resolution
        "1k" (the service's default) or "2k".
    negative_prompt
        What to avoid, at most 2,500 characters; not with a picture.
    element_list
        Ids of saved elements; kling-v3.
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST images/generations. Source: Kling's v1 document of 2025, image generation; CometAPI, "Image Generation".
    """

    path: ClassVar[str] = "images/generations"
    models: ClassVar[tuple[str, ...]] = (
        "kling-v1",
        "kling-v1-5",
        "kling-v2",
        "kling-v2-new",
        "kling-v2-1",
        "kling-v3",
    )

    prompt: Prompt = Field(min_length=1, kw_only=False)
    model_name: str = "kling-v1"
    image: ImageInput | None = None
    image_reference: Literal["subject", "face"] | None = None
    image_fidelity: float | None = Field(default=None, ge=0, le=1)
    human_fidelity: float | None = Field(default=None, ge=0, le=1)
    n: Count = 1
    aspect_ratio: Ratio = "16:9"
    resolution: Literal["1k", "2k"] | None = None
    negative_prompt: Prompt | None = None
    element_list: Elements | None = Field(default=None, min_length=1)

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        known = self.model_name in self.models
        if self.image is None:
            for name in ("image_reference", "image_fidelity", "human_fidelity"):
                if getattr(self, name) is not None:
                    yield f"{name} = {getattr(self, name)!r}: only with image."
        elif self.negative_prompt:
            yield "negative_prompt: not with image."
        if self.image_reference is not None and known and self.model_name != "kling-v1-5":
            yield f"image_reference = {self.image_reference!r}: kling-v1-5 has it, not {self.model_name}."
        if self.human_fidelity is not None and self.image is not None and self.image_reference != "subject":
            yield f"human_fidelity = {self.human_fidelity}: only with image_reference='subject'."
        if self.aspect_ratio == "21:9" and self.model_name == "kling-v1":
            yield "aspect_ratio = '21:9': kling-v1 has it not; the later models do."
        if self.element_list and known and self.model_name != "kling-v3":
            yield f"element_list: kling-v3 takes elements, not {self.model_name}."
        if len(self.prompt) > OLD_PROMPT:
            advise(f"prompt has {len(self.prompt)} characters; older pages say {OLD_PROMPT}, newer ones 2500.")

    def estimate(self) -> Estimate | None:
        return image_price(self.model_name, self.image is not None, self.n)


class SubjectItem(Part):
    """One subject of several: its picture, cropped."""

    subject_image: ImageInput


class MultiImage2Image(ImageRequest):
    """Make pictures in which the subjects of up to four pictures meet, in a scene and a style of your choice.

    Parameters
    ----------
    subject_image_list
        1 to 4 pictures (path, URL, bytes, Pillow image, array, earlier image), each cropped to its subject. CometAPI's
        page asks for at least 2.
    prompt
        What to show, at most 2,500 characters.
    scene_image, style_image
        Pictures of the place and of the style.
    model_name
        kling-v2 (default) or kling-v2-1.
    n
        How many pictures, 1 (default) to 9.
    aspect_ratio
        "16:9" (default), "9:16", "1:1", "4:3", "3:4", "3:2", "2:3" or "21:9".
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST images/multi-image2image. Source: third-party clients of Kling's. CometAPI describes it, but at the path of
    images/generations.
    """

    path: ClassVar[str] = "images/multi-image2image"
    models: ClassVar[tuple[str, ...]] = ("kling-v2", "kling-v2-1")
    gateway: ClassVar[bool] = False

    subject_image_list: list[Annotated[Loose[SubjectItem], wrapped("subject_image")]] = Field(
        min_length=1, max_length=4, kw_only=False
    )
    prompt: Prompt | None = Field(default=None, kw_only=False)
    scene_image: ImageInput | None = None
    style_image: ImageInput | None = None
    model_name: str = "kling-v2"
    n: Count = 1
    aspect_ratio: Ratio = "16:9"

    def estimate(self) -> Estimate | None:
        return Estimate(MULTI_IMAGE * self.n)


class OmniImage(ImageRequest):
    """Make pictures from words, pictures and saved elements at once.

    Parameters
    ----------
    prompt
        What to show, naming what is given: ``<<<image_1>>>``, ``<<<element_1>>>``. At most 2,500 characters.
    image_list
        Pictures (path, URL, bytes, Pillow image, array, earlier image).
    element_list
        Ids of saved elements; with the pictures at most 10.
    model_name
        kling-image-o1 (default) or kling-v3-omni.
    n
        How many pictures, 1 (default) to 9.
    aspect_ratio
        As in `MultiImage2Image`, or "auto"; left to the service when left out.
    resolution
        "1k" (the service's default) or "2k".
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST images/omni-image. Source: third-party clients of Kling's and other gateways' pages. CometAPI does not list it.
    """

    path: ClassVar[str] = "images/omni-image"
    models: ClassVar[tuple[str, ...]] = ("kling-image-o1", "kling-v3-omni")
    gateway: ClassVar[bool] = False

    prompt: Prompt = Field(min_length=1, kw_only=False)
    image_list: ImageItems | None = Field(default=None, min_length=1, max_length=10)
    element_list: Elements | None = Field(default=None, min_length=1, max_length=10)
    model_name: str = "kling-image-o1"
    n: Count = 1
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "auto"] | None = None
    resolution: Literal["1k", "2k"] | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        images, elements = self.image_list or [], self.element_list or []
        if len(images) + len(elements) > 10:
            yield f"image_list and element_list: {len(images)} + {len(elements)}; together they may be 10."
        advise_references([self.prompt], image=images, element=elements)


class ExpandImage(ImageRequest):
    """Make a picture larger by what may lie around it.

    Parameters
    ----------
    image
        The picture (path, URL, bytes, Pillow image, array, earlier image).
    up_expansion_ratio, down_expansion_ratio, left_expansion_ratio, right_expansion_ratio
        How much is added at each side, 0 to 2 times its height or width (0). In all at most 3 times the area:
        (1 + up + down) * (1 + left + right) <= 3.
    prompt
        What lies around it, at most 2,500 characters.
    n
        How many pictures, 1 (default) to 9.
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST images/editing/expand. Source: CometAPI, "Image Expansion"; third-party clients.
    """

    path: ClassVar[str] = "images/editing/expand"

    image: ImageInput = Field(kw_only=False)
    up_expansion_ratio: float = Field(default=0, ge=0, le=2)
    down_expansion_ratio: float = Field(default=0, ge=0, le=2)
    left_expansion_ratio: float = Field(default=0, ge=0, le=2)
    right_expansion_ratio: float = Field(default=0, ge=0, le=2)
    prompt: Prompt | None = None
    n: Count = 1

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        height = 1 + self.up_expansion_ratio + self.down_expansion_ratio
        width = 1 + self.left_expansion_ratio + self.right_expansion_ratio
        if height * width > WIDENED + 1e-9:  # 1 + 0.1 + 0.1 has a rounding error
            yield f"the ratios give {height * width:.2f} times the area; it may be {WIDENED} times at most."
        if height == width == 1:
            yield "the ratios are all 0: at least one side must be larger."

    def estimate(self) -> Estimate | None:
        return Estimate(EXPANSION * self.n)


class VirtualTryOn(ImageRequest):
    """Dress a person in a piece of clothing.

    Parameters
    ----------
    human_image
        Picture of the person (path, URL, bytes, Pillow image, array, earlier image).
    cloth_image
        Picture of the clothing.
    model_name
        kolors-virtual-try-on-v1 (default) or kolors-virtual-try-on-v1-5.
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST images/kolors-virtual-try-on. Source: CometAPI, "Virtual Try On"; third-party clients.
    """

    path: ClassVar[str] = "images/kolors-virtual-try-on"
    models: ClassVar[tuple[str, ...]] = ("kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5")

    human_image: ImageInput = Field(kw_only=False)
    cloth_image: ImageInput = Field(kw_only=False)
    model_name: str = "kolors-virtual-try-on-v1"


class ImageRecognize(Immediate):
    """Cut the subject, head, face and clothes out of a picture; answers at once.

    Parameters
    ----------
    image
        The picture (path, URL, bytes, Pillow image, array, earlier image): JPEG or PNG, at most 10 MB, sides of at
        least 300 px, ratio between 1:2.5 and 2.5:1.
    extra
        See `Request`.

    Returns
    -------
    list of Cutout
        One for each kind, with its URL and whether it is in the picture.

    Notes
    -----
    POST videos/image-recognize. Source: Kling's v1 document, image recognize; CometAPI, "Image Recognize".
    """

    path: ClassVar[str] = "videos/image-recognize"
    yields: ClassVar[str] = "cut-outs"

    image: ImageInput = Field(kw_only=False)

    def answer(self, data: Any) -> list[Cutout]:
        result = data.get("task_result") if isinstance(data, dict) else None
        images = result.get("images") if isinstance(result, dict) else None
        return [Cutout.model_validate(image) for image in images or []]
