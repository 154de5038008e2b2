"""Pictures: made from words and other pictures, made larger, dressed, taken apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from kling_nb.simulator.account import Account
from kling_nb.simulator.orders import Made, Order
from kling_nb.simulator.rules import (
    JSON,
    Fields,
    Rule,
    exclude,
    given,
    listing,
    number,
    one_of,
    picture,
    refuse,
    require,
    text,
)
from kling_nb.simulator.stills import expand_picture, pictures, segment_pictures, try_on_picture
from kling_nb.simulator.workflows.base import (
    COMMON,
    ELEMENT,
    PROMPT,
    WATERMARK,
    Call,
    Workflow,
    elements,
    images,
)

__all__ = ["CALLS", "WORKFLOWS"]

_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
_PIXELS = {"1k": 1024**2, "2k": 2048**2}
_LARGEST = 3.0  # by how much a picture may grow, in area
_MEDIAN = 20.0  # seconds
_COUNT = number(1, 9, whole=True)
_EXPANDED = tuple(f"{side}_expansion_ratio" for side in ("up", "down", "left", "right"))


def _size(ratio: float, resolution: str) -> tuple[int, int]:
    """Width and height of this ratio and about so many pixels, in steps of 16."""
    width, height = (round(math.sqrt(_PIXELS[resolution] * part) / 16) * 16 for part in (ratio, 1 / ratio))
    return width, height


def _listed(files: list[Path]) -> list[Made]:
    return [Made("images", {"url": file}, {"index": number}) for number, file in enumerate(files)]


def _drawn(*names: str) -> Callable[[Order, Path], list[Made]]:
    """Draws scenes of the prompt, with the pictures of these fields set into them."""

    def make(order: Order, folder: Path) -> list[Made]:
        body, references = order.body, order.pictures(*names)
        if body["aspect_ratio"] == "auto":
            ratio = references[0].width / references[0].height if references else 1.0
        else:
            across, down = map(int, body["aspect_ratio"].split(":"))
            ratio = across / down
        size = _size(ratio, body.get("resolution", "1k"))
        files = pictures(
            folder, order.prompt, count=body["n"], size=size, stem="image", label=order.label, references=references
        )
        return _listed(files)

    return make


def _generation(body: JSON) -> None:
    name = body["model_name"]
    if given(body, "negative_prompt"):
        exclude(body, ("negative_prompt",), ("image",))
    if given(body, "image_reference"):
        if name != "kling-v1-5":
            raise refuse("image_reference", f"is not supported by {name}")
        require(body, "image", "with image_reference")
    if given(body, "human_fidelity") and body.get("image_reference") != "subject":
        raise refuse("human_fidelity", "requires image_reference to be 'subject'")
    if body["aspect_ratio"] == "21:9" and name == "kling-v1":
        raise refuse("aspect_ratio", "value '21:9' is not supported by kling-v1")
    if given(body, "element_list") and name != "kling-v3":
        raise refuse("element_list", f"is not supported by {name}")


def _judge_elements(order: Order, account: Account) -> None:
    elements(order, account)


def _expansion(body: JSON) -> None:
    up, down, left, right = (body[name] for name in _EXPANDED)
    if (1 + up + down) * (1 + left + right) > _LARGEST + 1e-9:
        raise refuse("expansion ratios", "must not make the image more than 3 times as large")


def _expand(order: Order, folder: Path) -> list[Made]:
    files = [folder / f"image-{count}.png" for count in range(order.body["n"])]
    for file in files:
        up, down, left, right = (float(order.body[name]) for name in _EXPANDED)
        expand_picture(file, order.media["image"].picture, up, down, left, right, order.label)
    return _listed(files)


def _try_on(order: Order, folder: Path) -> list[Made]:
    file = folder / "image-0.png"
    try_on_picture(file, order.media["human_image"].picture, order.media["cloth_image"].picture, order.label)
    return _listed([file])


def _recognize(order: Order, account: Account, folder: Path) -> JSON:
    found, where = segment_pictures(folder, order.media["image"].picture, "part"), account.shelve(folder)
    told = [{"type": kind, "is_contain": True, "url": f"{where}/{file.name}"} for kind, file in found.items()]
    return {"task_result": {"images": told}, "final_unit_deduction": "0.05"}


def _count(price: float) -> Callable[[Order], float]:
    return lambda order: price * float(order.body.get("n", 1))


def _median(_: Order) -> float:
    return _MEDIAN


_PICTURE: dict[str, Rule] = {**COMMON, **WATERMARK, "model_name": text(), "prompt": text(PROMPT), "n": _COUNT}
CALLS = [Call("videos/image-recognize", Fields({"image": picture()}, ("image",)), _recognize)]
WORKFLOWS = [
    Workflow(
        "images/generations",
        Fields(
            {
                **_PICTURE,
                "negative_prompt": text(PROMPT),
                "image": picture(),
                "image_reference": one_of("subject", "face"),
                "image_fidelity": number(0, 1),
                "human_fidelity": number(0, 1),
                "resolution": one_of("1k", "2k"),
                "aspect_ratio": one_of(*_RATIOS),
                "element_list": listing(ELEMENT, 1, 10),
            },
            ("prompt",),
        ),
        _drawn("image"),
        _median,
        lambda order: (0.025 if order.body["model_name"] == "kling-v1" else 0.1) * float(order.body["n"]),
        ("kling-v1", "kling-v1-5", "kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3"),
        {"n": 1, "resolution": "1k", "aspect_ratio": "16:9"},
        _generation,
        _judge_elements,
        kind="image",
    ),
    Workflow(
        "images/multi-image2image",
        Fields(
            {
                **_PICTURE,
                "subject_image_list": images(1, 4, "subject_image"),
                "scene_image": picture(),
                "style_image": picture(),
                "aspect_ratio": one_of(*_RATIOS),
            },
            ("subject_image_list",),
        ),
        _drawn("subject_image_list", "scene_image", "style_image"),
        _median,
        _count(0.1),
        ("kling-v2", "kling-v2-1"),
        {"n": 1, "aspect_ratio": "16:9"},
        kind="image",
    ),
    Workflow(
        "images/omni-image",
        Fields(
            {
                **_PICTURE,
                "image_list": images(1, 10),
                "element_list": listing(ELEMENT, 1, 10),
                "resolution": one_of("1k", "2k"),
                "aspect_ratio": one_of(*_RATIOS, "auto"),
            },
            ("prompt",),
        ),
        _drawn("image_list"),
        _median,
        _count(0.2),
        ("kling-image-o1",),
        {"n": 1, "resolution": "1k", "aspect_ratio": "auto"},
        judge=_judge_elements,
        kind="image",
    ),
    Workflow(
        "images/editing/expand",
        Fields(
            {
                **COMMON,
                **WATERMARK,
                **dict.fromkeys(_EXPANDED, number(0, 2)),
                "image": picture(),
                "prompt": text(PROMPT),
                "n": _COUNT,
            },
            ("image", *_EXPANDED),
        ),
        _expand,
        _median,
        _count(0.2),
        defaults={"n": 1},
        between=_expansion,
        kind="image",
    ),
    Workflow(
        "images/kolors-virtual-try-on",
        Fields(
            {**COMMON, **WATERMARK, "model_name": text(), "human_image": picture(), "cloth_image": picture()},
            ("human_image", "cloth_image"),
        ),
        _try_on,
        _median,
        _count(0.5),
        ("kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5"),
        kind="try-on",
    ),
]
