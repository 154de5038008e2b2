"""Every workflow that the simulator speaks: its fields, the rules between them, what it makes. One table.

The simulator's own reading of Kling's v1 document (early 2026). Nothing here comes from the client's models: a mistake
in either is found by the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from kling_nb.simulator.models import VIDEO
from kling_nb.simulator.refusals import Refused
from kling_nb.simulator.rules import JSON, Fields, Rule, flag, listing, number, one_of, picture, record, refuse, text

__all__ = ["WORKFLOWS", "Workflow"]

PROMPT = 2500  # characters
MODE = one_of("std", "pro")
SECONDS = one_of(*map(str, range(3, 16)))

# What any request that makes a task may have.
COMMON: dict[str, Rule] = {
    "callback_url": text(),
    "external_task_id": text(),
    "watermark_info": record(("enabled",), enabled=flag),
}

_MOVES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
CAMERA = record(
    ("type",),
    type=one_of("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"),
    config=record(**dict.fromkeys(_MOVES, number(-10, 10))),
)
SHOTS = listing(
    record(
        ("index", "prompt", "duration"),
        index=number(1, 6, whole=True),
        prompt=text(512),
        duration=one_of(*map(str, range(1, 16))),
    ),
    1,
    6,
)
CLIP: dict[str, Rule] = COMMON | {
    "model_name": text(),
    "prompt": text(PROMPT, least=0),
    "negative_prompt": text(PROMPT, least=0),
    "mode": MODE,
    "duration": SECONDS,
    "sound": one_of("on", "off"),
    "cfg_scale": number(0, 1),
    "camera_control": CAMERA,
    "multi_shot": flag,
    "shot_type": one_of("customize", "intelligence"),
    "multi_prompt": SHOTS,
    "voice_list": listing(record(("voice_id",), voice_id=text()), 1, 2),
}


@dataclass(frozen=True, slots=True)
class Workflow:
    """One workflow: its path, its fields, what lies between them, and what kind of thing it makes."""

    path: str
    fields: Fields
    between: Callable[[JSON], None]
    model: str  # the default
    models: tuple[str, ...]
    kind: Literal["video", "image", "audio"] = "video"
    defaults: tuple[tuple[str, Any], ...] = ()


def _given(body: JSON, *names: str) -> list[str]:
    return [name for name in names if body.get(name) not in (None, "", [], {})]


def _exclude(body: JSON, *groups: tuple[str, ...]) -> None:
    used = [found[0] for group in groups if (found := _given(body, *group))]
    if len(used) > 1:
        raise refuse(" and ".join(used), "cannot be used together")


def _clip(body: JSON, kind: Literal["text", "image"]) -> None:
    model, mode, seconds = VIDEO[body["model_name"]], body["mode"], int(body["duration"])
    where = {"mode": mode, "seconds": seconds, "sound": body["sound"] == "on"}
    if (kind == "text" and not model.text) or (kind == "image" and not model.image):
        raise refuse("model_name", f"{body['model_name']} is not supported for {kind}2video")
    if seconds not in model.seconds:
        raise refuse("duration", f"value '{seconds}' is invalid for {body['model_name']}")
    if body.get("cfg_scale") is not None and not model.cfg_scale:
        raise refuse("cfg_scale", f"is not supported by {body['model_name']}")
    if body["sound"] == "on" and mode not in model.sound:
        raise refuse("sound", f"is not supported by {body['model_name']} in mode {mode}")
    _camera(body, kind, where)
    _shots(body, seconds)
    if body.get("voice_list"):
        if body["sound"] != "on":
            raise refuse("voice_list", "requires sound to be 'on'")
        if not model.voices:
            raise refuse("voice_list", f"is not supported by {body['model_name']}")
    if kind == "text" and not (body.get("multi_shot") and body.get("shot_type") == "customize"):
        text(PROMPT)(body.get("prompt") or "", "prompt", None)  # type: ignore[arg-type]


def _camera(body: JSON, kind: str, where: JSON) -> None:
    camera = body.get("camera_control")
    if camera is None:
        return
    config, simple = camera.get("config"), camera["type"] == "simple"
    if simple and not config:
        raise refuse("camera_control.config", "is required for type 'simple'")
    if not simple and config is not None:
        raise refuse("camera_control.config", f"must be empty for type {camera['type']!r}")
    if simple and sum(bool(config.get(move)) for move in _MOVES) != 1:
        raise refuse("camera_control.config", "must have exactly one value other than 0")
    allowed = {"text": ("kling-v1", "std"), "image": ("kling-v1-5", "pro")}[kind]
    if (body["model_name"], where["mode"]) != allowed or where["seconds"] != 5 or (kind == "image" and not simple):
        raise refuse("camera_control", f"is not supported by {body['model_name']} {where['mode']} {where['seconds']}s")


def _shots(body: JSON, seconds: int) -> None:
    if not body.get("multi_shot"):
        return  # Kling: shot_type and multi_prompt are then without effect
    if not VIDEO[body["model_name"]].shots:
        raise refuse("multi_shot", f"is not supported by {body['model_name']}")
    if body.get("shot_type") is None:
        raise refuse("shot_type", "is required when multi_shot is true")
    if body["shot_type"] == "intelligence":
        text(PROMPT)(body.get("prompt") or "", "prompt", None)  # type: ignore[arg-type]
        return
    shots = body.get("multi_prompt")
    if not shots:
        raise refuse("multi_prompt", "is required when shot_type is 'customize'")
    if sum(int(shot["duration"]) for shot in shots) != seconds:
        raise refuse("multi_prompt", f"durations must add up to duration ({seconds})")


def _text2video(body: JSON) -> None:
    _clip(body, "text")


def _image2video(body: JSON) -> None:
    if not _given(body, "image", "image_tail"):
        raise refuse("image and image_tail", "cannot both be empty")
    _clip(body, "image")
    _exclude(body, ("image_tail",), ("dynamic_masks", "static_mask"), ("camera_control",))
    _exclude(body, ("element_list",), ("voice_list",))
    model, mode, seconds = VIDEO[body["model_name"]], body["mode"], int(body["duration"])
    if _given(body, "image_tail"):
        if body.get("multi_shot"):
            raise refuse("image_tail", "cannot be used with multi_shot")
        if mode not in model.tail or (body["model_name"] == "kling-v1" and seconds != 5):
            raise refuse("image_tail", f"is not supported by {body['model_name']} {mode} {seconds}s")
        if body["model_name"] == "kling-v2-6" and body["sound"] == "on":
            raise refuse("image_tail", "is not supported by kling-v2-6 with sound")
    for name in _given(body, "dynamic_masks", "static_mask"):
        if mode not in model.brush or seconds != 5:
            raise refuse(name, f"is not supported by {body['model_name']} {mode} {seconds}s")
    if _given(body, "element_list") and not model.elements:
        raise refuse("element_list", f"is not supported by {body['model_name']}")


_TABLE = [
    Workflow(
        "videos/text2video",
        Fields({**CLIP, "aspect_ratio": one_of("16:9", "9:16", "1:1")}),
        _text2video,
        "kling-v1",
        tuple(VIDEO),
        defaults=(("mode", "std"), ("duration", "5"), ("sound", "off"), ("aspect_ratio", "16:9")),
    ),
    Workflow(
        "videos/image2video",
        Fields(
            {
                **CLIP,
                "image": picture(),
                "image_tail": picture(),
                "static_mask": picture(),
                "dynamic_masks": listing(
                    record(
                        ("mask", "trajectories"),
                        mask=picture(),
                        trajectories=listing(
                            record(("x", "y"), x=number(-1e5, 1e5, whole=True), y=number(-1e5, 1e5, whole=True)), 2, 77
                        ),
                    ),
                    1,
                    6,
                ),
                "element_list": listing(record(("element_id",), element_id=number(0, 2**63, whole=True)), 1, 3),
            }
        ),
        _image2video,
        "kling-v1",
        tuple(VIDEO),
        defaults=(("mode", "std"), ("duration", "5"), ("sound", "off")),
    ),
]

WORKFLOWS = {workflow.path: workflow for workflow in _TABLE}


def unknown_model(name: str) -> Refused:
    """Kling's answer to a model it does not have."""
    return Refused(1203, f"model {name!r:.80} does not exist")
