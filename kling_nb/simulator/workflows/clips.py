"""Videos from words, and from a picture to start with or to end on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from kling_nb.simulator.account import Account
from kling_nb.simulator.film import Shot
from kling_nb.simulator.models import VIDEO
from kling_nb.simulator.orders import Made, Order
from kling_nb.simulator.render import image_video, text_video
from kling_nb.simulator.rules import (
    JSON,
    Fields,
    Rule,
    exclude,
    flag,
    given,
    listing,
    number,
    one_of,
    picture,
    record,
    refuse,
    require,
    text,
)
from kling_nb.simulator.workflows.base import (
    ASPECT,
    COMMON,
    ELEMENT,
    MODE,
    PROMPT,
    RATIOS,
    WATERMARK,
    Workflow,
    elements,
    length,
    made_video,
    shot,
)

__all__ = ["SHOTS", "WORKFLOWS", "shots"]

_MOVES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
_MASK_RATIO = 0.02  # by which the ratios of a picture and its mask may differ: masks have whole pixels too

SHOTS: dict[str, Rule] = {
    "multi_shot": flag,
    "shot_type": one_of("customize", "intelligence"),
    "multi_prompt": listing(
        record(
            "index",
            "prompt",
            "duration",
            index=number(1, 6, whole=True),
            prompt=text(512),
            duration=one_of(*map(str, range(1, 16))),
        ),
        1,
        6,
    ),
}
_CLIP: dict[str, Rule] = {
    **COMMON,
    **WATERMARK,
    **SHOTS,
    "model_name": text(),
    "prompt": text(PROMPT),
    "negative_prompt": text(PROMPT),
    "mode": MODE,
    "duration": one_of(*map(str, range(3, 16))),
    "sound": one_of("on", "off"),
    "cfg_scale": number(0, 1),
    "camera_control": record(
        "type",
        type=one_of("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"),
        config=record(**dict.fromkeys(_MOVES, number(-10, 10))),
    ),
}
_MASK = record(
    "mask",
    "trajectories",
    mask=picture(),
    trajectories=listing(record("x", "y", x=number(-1e5, 1e5, whole=True), y=number(-1e5, 1e5, whole=True)), 2, 77),
)
_DEFAULTS = {"mode": "std", "duration": "5", "sound": "off"}


def shots(body: JSON) -> None:
    """Refuse what is wrong with several shots, or with the words of one; also without them a prompt is needed."""
    if not body.get("multi_shot"):  # shot_type and multi_prompt are without effect then
        require(body, "prompt")
        return
    require(body, "shot_type", "when multi_shot is true")
    if body["shot_type"] == "intelligence":
        require(body, "prompt", "when shot_type is 'intelligence'")
        return
    require(body, "multi_prompt", "when shot_type is 'customize'")
    if sum(int(one["duration"]) for one in body["multi_prompt"]) != int(body["duration"]):
        raise refuse("multi_prompt", f"durations must add up to duration ({body['duration']})")


def _clip(body: JSON, kind: Literal["text", "image"]) -> None:
    name, mode, seconds, sound = body["model_name"], body["mode"], int(body["duration"]), body["sound"] == "on"
    model, what = VIDEO[name], f"by {name} {mode} {seconds}s"
    if not (model.text if kind == "text" else model.image):
        raise refuse("model_name", f"{name} is not supported for {kind}2video")
    if seconds not in model.seconds:
        raise refuse("duration", f"value '{seconds}' is not supported by {name}")
    if given(body, "cfg_scale") and not model.cfg_scale:
        raise refuse("cfg_scale", f"is not supported by {name}")
    if sound and mode not in model.sound:
        raise refuse("sound", f"is not supported {what}")
    if body.get("multi_shot") and not model.shots:
        raise refuse("multi_shot", f"is not supported by {name}")
    if given(body, "camera_control"):
        _camera(body["camera_control"])
        allowed = {"text": ("kling-v1", "std", 5), "image": ("kling-v1-5", "pro", 5)}[kind]
        if (name, mode, seconds) != allowed or (kind == "image" and body["camera_control"]["type"] != "simple"):
            raise refuse("camera_control", f"of this type is not supported {what}")


def _camera(camera: JSON) -> None:
    simple, config = camera["type"] == "simple", camera.get("config") or {}
    if not simple and config:
        raise refuse("camera_control.config", f"must be empty for type {camera['type']!r}")
    if simple and sum(bool(config.get(move)) for move in _MOVES) != 1:
        raise refuse("camera_control.config", "must have exactly one value that is not 0, for type 'simple'")


def _text2video(body: JSON) -> None:
    _clip(body, "text")
    shots(body)


def _image2video(body: JSON) -> None:
    exclude(body, ("image", "image_tail"), one=True)
    _clip(body, "image")
    if body.get("multi_shot"):
        shots(body)  # without several shots the newest text wants a prompt, and older clients leave it out
    exclude(body, ("image_tail",), ("dynamic_masks", "static_mask"), ("camera_control",))
    exclude(body, ("element_list",), ("voice_list",))
    name, mode, seconds = body["model_name"], body["mode"], int(body["duration"])
    model, what = VIDEO[name], f"is not supported by {name} {mode} {seconds}s"
    if given(body, "image_tail"):
        if body.get("multi_shot"):
            raise refuse("image_tail", "cannot be used with multi_shot")
        silent = name == "kling-v2-6" and body["sound"] == "on"
        if mode not in model.tail or silent or (name == "kling-v1" and seconds != 5):
            raise refuse("image_tail", f"{what}{' with sound' * silent}")
    for brush in given(body, "dynamic_masks", "static_mask"):
        if mode not in model.brush or seconds != 5:
            raise refuse(brush, what)
        require(body, "image", f"with {brush}")
    if given(body, "voice_list"):
        if not model.voices or mode != "pro":
            raise refuse("voice_list", what)
        if body["sound"] != "on":
            raise refuse("voice_list", "requires sound to be 'on'")
    if given(body, "element_list") and not model.elements:
        raise refuse("element_list", f"is not supported by {name}")


def _judge_image(order: Order, account: Account) -> None:
    for place, one in enumerate(order.body.get("voice_list") or []):
        account.voice(f"voice_list[{place}]", one["voice_id"])
    elements(order, account)
    masks = {where: one.picture for where, one in order.media.items() if "mask" in where}
    for where, mask in masks.items():
        image = order.media["image"].picture
        if abs(mask.width / mask.height / (image.width / image.height) - 1) > _MASK_RATIO:
            raise refuse(where, "must have the aspect ratio of image")
    if len({mask.size for mask in masks.values()}) > 1:
        raise refuse("static_mask and dynamic_masks", "must all be of the same size")


def _shot(order: Order, kind: Literal["text", "image"], ratio: float) -> Shot:
    body = order.body
    model = VIDEO[body["model_name"]]
    fps = 30 if model.thirty in (kind, "both") else 24
    return shot(order, ratio, float(body["duration"]), short=model.sides[body["mode"] == "pro"], fps=fps)


def _make_text(order: Order, folder: Path) -> list[Made]:
    file, body = folder / "video.mp4", order.body
    plan = _shot(order, "text", RATIOS[body["aspect_ratio"]])
    text_video(file, plan, sound=body["sound"] == "on", camera=body.get("camera_control"))
    return made_video(file)


def _make_image(order: Order, folder: Path) -> list[Made]:
    file, first, last = folder / "video.mp4", order.pictures("image"), order.pictures("image_tail")
    model = [*first, *last][0]
    plan = _shot(order, "image", model.width / model.height)
    image_video(file, plan, first, last=last[0] if last else None, sound=order.body["sound"] == "on")
    return made_video(file)


def _units(order: Order) -> float:
    body = order.body
    price = VIDEO[body["model_name"]].units[body["mode"] == "pro"] * int(body["duration"]) / 5
    return price * 2 if body["sound"] == "on" else price


def _median(order: Order) -> float:
    return length(int(order.body["duration"]), order)


WORKFLOWS = [
    Workflow(
        "videos/text2video",
        Fields({**_CLIP, "aspect_ratio": ASPECT}),
        _make_text,
        _median,
        _units,
        tuple(VIDEO),
        {**_DEFAULTS, "aspect_ratio": "16:9"},
        _text2video,
    ),
    Workflow(
        "videos/image2video",
        Fields(
            {
                **_CLIP,
                "image": picture(),
                "image_tail": picture(),
                "static_mask": picture(),
                "dynamic_masks": listing(_MASK, 1, 6),
                "element_list": listing(ELEMENT, 1, 3),
                "voice_list": listing(record("voice_id", voice_id=text()), 1, 2),
            }
        ),
        _make_image,
        _median,
        _units,
        tuple(VIDEO),
        _DEFAULTS,
        _image2video,
        _judge_image,
    ),
]
