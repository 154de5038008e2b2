"""Videos from several pictures, elements and videos at once: multi-image, effects, motion control, omni."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from kling_nb.simulator.account import Account
from kling_nb.simulator.inputs import Given
from kling_nb.simulator.names import ONE_PERSON, TWO_PEOPLE, WITH_MODEL
from kling_nb.simulator.orders import Made, Order
from kling_nb.simulator.render import edit_video, effect_video, image_video, text_video
from kling_nb.simulator.rules import (
    JSON,
    Fields,
    Reading,
    Rule,
    film,
    given,
    listing,
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
    images,
    length,
    made_video,
    shot,
)
from kling_nb.simulator.workflows.clips import SHOTS, shots

__all__ = ["WORKFLOWS"]

_FIVE_OR_TEN = one_of("5", "10")


def _seconds(order: Order) -> float:
    return float(order.body["duration"])


# Several pictures


def _make_several(order: Order, folder: Path) -> list[Made]:
    file = folder / "video.mp4"
    image_video(file, shot(order, RATIOS[order.body["aspect_ratio"]], _seconds(order)), order.pictures("image_list"))
    return made_video(file)


# Effects: what `input` takes depends on the scene

_ONE = record("image", "duration", image=picture(), duration=_FIVE_OR_TEN, model_name=text(), mode=MODE)
_ONE_OF_MODEL = record(
    "image", "duration", "model_name", image=picture(), duration=one_of("5"), model_name=one_of("kling-v1-6")
)
_TWO = record(
    "images",
    "duration",
    images=listing(picture(), 2, 2),
    duration=_FIVE_OR_TEN,
    model_name=one_of("kling-v1", "kling-v1-5", "kling-v1-6"),
    mode=MODE,
)


def _effects(value: Any, where: str, reading: Reading) -> None:
    """All fields at once, as the scene decides about the others."""
    outer: dict[str, Rule] = {**COMMON, **WATERMARK, "effect_scene": text(), "input": record()}
    Fields(outer, ("effect_scene", "input"))(value, where, reading)
    reading.ignored.clear()  # what `input` has is looked at next
    scene = value["effect_scene"]
    if scene not in WITH_MODEL | ONE_PERSON | TWO_PEOPLE:
        raise refuse("effect_scene", f"value {scene!r:.80} is invalid")
    rules = _TWO if scene in TWO_PEOPLE else _ONE_OF_MODEL if scene in WITH_MODEL else _ONE
    Fields({**outer, "input": rules})(value, where, reading)


def _make_effect(order: Order, folder: Path) -> list[Made]:
    file, asked = folder / "video.mp4", order.body["input"]
    people = [one.picture for one in order.media.values()]
    ratio = people[0].width / people[0].height if len(people) == 1 else 16 / 9
    short = 1080 if asked.get("mode") == "pro" else 720
    plan = shot(order, ratio, float(asked["duration"]), short=short)
    effect_video(file, plan, people, order.body["effect_scene"])
    return made_video(file)


# Motion control


def _motion(body: JSON) -> None:
    if given(body, "element_list") and body["character_orientation"] != "video":
        raise refuse("character_orientation", "must be 'video' when element_list is given")


def _judge_motion(order: Order, account: Account) -> None:
    elements(order, account)
    most = 10 if order.body["character_orientation"] == "image" else 30
    if order.media["video_url"].seconds > most + 0.1:
        how = f"with character_orientation {order.body['character_orientation']!r}"
        raise refuse("video_url", f"duration must not exceed {most}s {how}")


def _make_motion(order: Order, folder: Path) -> list[Made]:
    file, source, image = folder / "video.mp4", order.media["video_url"], order.media["image_url"].picture
    plan = shot(order, image.width / image.height, source.seconds)
    edit_video(file, plan, source.file, [image], "motion", keep_sound=order.body["keep_original_sound"] == "yes")
    return made_video(file)


# Omni

_OMNI = {
    **COMMON,
    **WATERMARK,
    **SHOTS,
    "model_name": text(),
    "prompt": text(PROMPT),
    "image_list": images(1, 7, "image_url", type=one_of("first_frame", "end_frame")),
    "element_list": listing(ELEMENT, 1, 7),
    "video_list": listing(
        record(
            "video_url",
            video_url=film(3, 60, megabytes=200, sides=(720, 2160), rates=(24, 60)),
            refer_type=one_of("feature", "base"),
            keep_original_sound=one_of("yes", "no"),
        ),
        1,
        1,
    ),
    "sound": one_of("on", "off"),
    "mode": MODE,
    "aspect_ratio": ASPECT,
    "duration": one_of(*map(str, range(3, 16))),
}


def _omni(body: JSON) -> None:
    pictures, things = body.get("image_list") or [], body.get("element_list") or []
    films = body.get("video_list") or []
    o1, base = body["model_name"] == "kling-video-o1", any(one.get("refer_type", "base") == "base" for one in films)
    frames = [one["type"] for one in pictures if given(one, "type")]
    if o1 and body.get("multi_shot"):
        raise refuse("multi_shot", "is not supported by kling-video-o1")
    shots(body)
    _omni_frames(frames, len(pictures), o1=o1, base=base, several=bool(body.get("multi_shot")))
    most = 4 if films else 7
    if len(pictures) + len(things) > most:
        raise refuse("image_list and element_list", f"must not have more than {most} items together")
    if frames and len(things) > (0 if o1 and "end_frame" in frames else 3):
        raise refuse("element_list", "has too many items beside a start frame, or start and end frame")
    if films and body["sound"] == "on":
        raise refuse("sound", "must be 'off' when video_list is given")
    if not frames and not base:
        require(body, "aspect_ratio", "without a first frame or a video to be edited")
    if not base and int(body["duration"]) > (10 if o1 or films else 15):
        raise refuse("duration", f"value {body['duration']!r} is not supported here")


def _omni_frames(frames: Sequence[str], pictures: int, *, o1: bool, base: bool, several: bool) -> None:
    if "end_frame" in frames and "first_frame" not in frames:
        raise refuse("image_list", "with an end_frame must have a first_frame")
    if len(set(frames)) < len(frames):
        raise refuse("image_list", "must not have two frames of the same type")
    if frames and base:
        raise refuse("image_list", "must not have frames when a video is to be edited (refer_type 'base')")
    if frames and several:
        raise refuse("image_list", "must not have frames when multi_shot is true")
    if frames and o1 and pictures > 2:
        raise refuse("image_list", "with frames must not have more than 2 items with kling-video-o1")


def _judge_omni(order: Order, account: Account) -> None:
    of_video = any(one["reference_type"] == "video_refer" for one in elements(order, account))
    if of_video and _omni_video(order):
        raise refuse("element_list", "must not have video elements beside a video")
    source = _omni_video(order)
    if source and source.seconds > 10.1:
        raise refuse("video_list[0].video_url", f"duration must not exceed 10s, it is {source.seconds:.1f}s")


def _omni_video(order: Order) -> Given | None:
    return order.media.get("video_list[0].video_url")


def _omni_seconds(order: Order) -> float:
    source = _omni_video(order)
    base = source and order.body["video_list"][0].get("refer_type", "base") == "base"
    return round(source.seconds) if source and base else _seconds(order)


def _make_omni(order: Order, folder: Path) -> list[Made]:
    file, source, body = folder / "video.mp4", _omni_video(order), order.body
    pictures, frames = order.pictures("image_list"), _frames(order)
    if source and source.probe and body["video_list"][0].get("refer_type", "base") == "base":
        ratio = source.probe.width / source.probe.height
    elif first := frames.get("first_frame"):
        ratio = first.width / first.height
    else:
        ratio = RATIOS[body["aspect_ratio"]]
    plan, sound = shot(order, ratio, _omni_seconds(order)), body["sound"] == "on"
    if source:
        keep = body["video_list"][0].get("keep_original_sound", "yes") == "yes"
        edit_video(file, plan, source.file, pictures, "addition", keep_sound=keep)
    elif pictures:
        others = [one for one in pictures if one is not frames.get("end_frame")]
        image_video(file, plan, others, last=frames.get("end_frame"), sound=sound)
    else:
        text_video(file, plan, sound=sound)
    return made_video(file)


def _frames(order: Order) -> dict[str, Image.Image]:
    named = enumerate(order.body.get("image_list") or [])
    return {
        one["type"]: order.media[f"image_list[{place}].image_url"].picture for place, one in named if given(one, "type")
    }


WORKFLOWS = [
    Workflow(
        "videos/multi-image2video",
        Fields(
            {
                **COMMON,
                **WATERMARK,
                "model_name": text(),
                "image_list": images(1, 4),
                "prompt": text(PROMPT),
                "negative_prompt": text(PROMPT),
                "mode": MODE,
                "duration": _FIVE_OR_TEN,
                "aspect_ratio": ASPECT,
            },
            ("image_list", "prompt"),
        ),
        _make_several,
        lambda order: length(_seconds(order), order),
        lambda order: (2, 3.5)[order.body["mode"] == "pro"] * _seconds(order) / 5,
        ("kling-v1-6",),
        {"mode": "std", "duration": "5", "aspect_ratio": "16:9"},
    ),
    Workflow(
        "videos/effects",
        _effects,
        _make_effect,
        lambda order: length(float(order.body["input"]["duration"]), order),
        lambda order: 2 * float(order.body["input"]["duration"]) / 5,
    ),
    Workflow(
        "videos/motion-control",
        Fields(
            {
                **COMMON,
                **WATERMARK,
                "model_name": text(),
                "prompt": text(PROMPT),
                "image_url": picture(most=65536),
                "video_url": film(3, 30, sides=(340, 3850)),
                "element_list": listing(ELEMENT, 1, 1),
                "keep_original_sound": one_of("yes", "no"),
                "character_orientation": one_of("image", "video"),
                "mode": MODE,
            },
            ("image_url", "video_url", "character_orientation", "mode"),
        ),
        _make_motion,
        lambda order: length(order.media["video_url"].seconds, order, 120),
        lambda order: 0.5 * order.media["video_url"].seconds,
        ("kling-v2-6", "kling-v3"),
        {"keep_original_sound": "yes"},
        _motion,
        _judge_motion,
    ),
    Workflow(
        "videos/omni-video",
        Fields(_OMNI),
        _make_omni,
        lambda order: length(_omni_seconds(order), order),
        lambda order: (0.6, 0.8)[order.body["mode"] == "pro"] * _omni_seconds(order),
        ("kling-video-o1", "kling-v3-omni"),
        {"mode": "pro", "duration": "5", "sound": "off"},
        _omni,
        _judge_omni,
    ),
]
