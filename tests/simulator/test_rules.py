"""The rules that are stated twice: here as the simulator reads Kling's document, and once more in the client.

Each row is one rule of one workflow: a change of a good request that keeps to it, one that breaks it, and what the
refusal must name. The simulator has no slot free for any task, so that a request which breaks no rule is answered with
1303 ("parallel task over resource pack limit") and costs no rendering.
"""

# ruff: noqa: E501  one rule a line reads as the table that it is

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kling_nb.simulator import Simulator

from .conftest import Asker, film, picture, sound

OUT = object()  # in a change: the field is left out
PROMPT = {"prompt": "a fox"}
SHOT = {"index": 1, "prompt": "a fox", "duration": "5"}
VOICE, ELEMENT = "829824295735410756", 829836802793406551  # presets of the simulator's
TRACK = [{"x": 1, "y": 1}, {"x": 9, "y": 9}]
MASK = {"mask": picture(), "trajectories": TRACK}
LIPS = {"face_id": "0", "sound_file": sound(3), "sound_start_time": 0, "sound_end_time": 2000, "sound_insert_time": 0}
SPOKEN = {"mode": "text2video", "video_id": "v1-6", "text": "hello", "voice_id": "AOT", "voice_language": "en"}
HEARD = {"mode": "audio2video", "video_id": "v1-6", "audio_type": "file", "audio_file": sound(3)}
FRAMES = [{"image_url": picture(), "type": "first_frame"}, {"image_url": picture(), "type": "end_frame"}]
POINT = {"x": 0.5, "y": 0.5}
ELEMENT_OF_IMAGES = {"frontal_image": picture(), "refer_images": [{"image_url": picture()}]}
ELEMENT_OF_VIDEO = {
    "reference_type": "video_refer",
    "element_image_list": OUT,
    "element_video_list": {"refer_videos": [{"video_url": film("1920x1080", 3)}]},
}
PRO_V26 = {"model_name": "kling-v2-6", "mode": "pro"}

Change = dict[str, Any]
Row = tuple[str, Change, Change, str]  # the rule, what keeps to it, what breaks it, what the refusal names


def of_text(name: str, most: int) -> list[Row]:
    return [
        (f"{name} is text", {name: "x"}, {name: 5}, name),
        (f"{name} has at most {most} characters", {name: "x" * most}, {name: "x" * (most + 1)}, name),
        (f"{name} is not blank", {name: "x"}, {name: "  "}, name),
    ]


def of_number(name: str, least: float, most: float, beyond: float = 0.1) -> list[Row]:
    return [
        (f"{name} is at least {least}", {name: least}, {name: least - beyond}, name),
        (f"{name} is at most {most}", {name: most}, {name: most + beyond}, name),
        (f"{name} is a number", {name: most}, {name: str(most)}, name),
    ]


def of_choice(name: str, good: Any, bad: Any) -> Row:
    return (f"{name} may be {good}, not {bad}", {name: good}, {name: bad}, name)


def needed(*names: str) -> list[Row]:
    return [(f"{name} is required", {}, {name: OUT}, name) for name in names]


COMMON: list[Row] = [
    ("callback_url is called on this machine only", {"callback_url": "http://127.0.0.1:9/"}, {"callback_url": "https://example.com/"}, "callback_url"),
    ("external_task_id is text", {"external_task_id": "mine"}, {"external_task_id": 5}, "external_task_id"),
]  # fmt: skip
WATERMARK: list[Row] = [
    ("watermark_info says whether", {"watermark_info": {"enabled": True}}, {"watermark_info": {"enabled": "yes"}}, "watermark_info.enabled"),
    ("watermark_info has enabled", {"watermark_info": {"enabled": False}}, {"watermark_info": {"on": True}}, "watermark_info.enabled"),
]  # fmt: skip
CLIP: list[Row] = [
    *COMMON,
    *WATERMARK,
    *of_text("prompt", 2500),
    *of_text("negative_prompt", 2500),
    of_choice("mode", "pro", "master"),
    of_choice("duration", "10", "7"),
    of_choice("duration", "5", 5),
    of_choice("sound", "off", True),
    ("kling-v3 makes 3 to 15 s", {"model_name": "kling-v3", "duration": "15"}, {"model_name": "kling-v3", "duration": "16"}, "duration"),
    ("only kling-v3 makes other lengths", {"model_name": "kling-v3", "duration": "3"}, {"duration": "3"}, "duration"),
    *of_number("cfg_scale", 0, 1),
    ("v2 models take no cfg_scale", {"cfg_scale": 0.5}, {"cfg_scale": 0.5, "model_name": "kling-v2-master"}, "cfg_scale"),
    ("sound of kling-v2-6 is for pro", PRO_V26 | {"sound": "on"}, {"model_name": "kling-v2-6", "sound": "on"}, "sound"),
    ("kling-v1 is silent", {"model_name": "kling-v3", "sound": "on"}, {"sound": "on"}, "sound"),
    ("several shots are for kling-v3", {"model_name": "kling-v3", "multi_shot": True, "shot_type": "intelligence"}, {"multi_shot": True, "shot_type": "intelligence"}, "multi_shot"),
    ("multi_shot is true or false", {"multi_shot": False}, {"multi_shot": "true"}, "multi_shot"),
    ("several shots need a shot_type", {"model_name": "kling-v3", "multi_shot": True, "shot_type": "customize", "multi_prompt": [SHOT]}, {"model_name": "kling-v3", "multi_shot": True}, "shot_type"),
    ("shot_type is known", {"shot_type": "customize"}, {"shot_type": "free"}, "shot_type"),
    ("customized shots are given", {"model_name": "kling-v3", "multi_shot": True, "shot_type": "customize", "multi_prompt": [SHOT], "prompt": ""}, {"model_name": "kling-v3", "multi_shot": True, "shot_type": "customize"}, "multi_prompt"),
    ("shots of Kling's choice need a prompt", {"model_name": "kling-v3", "multi_shot": True, "shot_type": "intelligence"}, {"model_name": "kling-v3", "multi_shot": True, "shot_type": "intelligence", "prompt": ""}, "prompt"),
    ("shots add up to the duration", {"model_name": "kling-v3", "multi_shot": True, "shot_type": "customize", "multi_prompt": [SHOT | {"duration": "2"}, SHOT | {"duration": "3"}]}, {"model_name": "kling-v3", "multi_shot": True, "shot_type": "customize", "multi_prompt": [SHOT | {"duration": "4"}]}, "multi_prompt"),
    ("there are at most 6 shots", {"multi_prompt": [SHOT] * 6}, {"multi_prompt": [SHOT] * 7}, "multi_prompt"),
    ("a shot's prompt has at most 512 characters", {"multi_prompt": [SHOT | {"prompt": "x" * 512}]}, {"multi_prompt": [SHOT | {"prompt": "x" * 513}]}, "multi_prompt[0].prompt"),
    ("a shot has 1 s at least", {"multi_prompt": [SHOT | {"duration": "1"}]}, {"multi_prompt": [SHOT | {"duration": "0"}]}, "multi_prompt[0].duration"),
    ("a shot's length is text", {"multi_prompt": [SHOT]}, {"multi_prompt": [SHOT | {"duration": 5}]}, "multi_prompt[0].duration"),
    ("a shot's number is a number", {"multi_prompt": [SHOT | {"index": 6}]}, {"multi_prompt": [SHOT | {"index": "1"}]}, "multi_prompt[0].index"),
]  # fmt: skip


def of_camera(able: Change, unable: Change, bad_type: Change) -> list[Row]:
    def moved(change: Change, **camera: Any) -> Change:
        return change | {"camera_control": {"type": "simple", "config": {"zoom": 5}} | camera}

    return [
        ("camera control is for one model, mode and length", moved(able), moved(unable), "camera_control"),
        ("camera control is for 5 s", moved(able), moved(able) | {"duration": "10"}, "camera_control"),
        ("a camera's type is known", moved(able), moved(able, type="spin"), "camera_control.type"),
        ("a simple camera has a config", moved(able), moved(able, config=OUT), "camera_control.config"),
        ("a camera moves from -10", moved(able, config={"pan": -10}), moved(able, config={"pan": -10.5}), "camera_control.config.pan"),
        ("a camera moves to 10", moved(able, config={"roll": 10}), moved(able, config={"roll": 11}), "camera_control.config.roll"),
        ("a camera moves one way", moved(able, config={"pan": 1, "tilt": 0}), moved(able, config={"pan": 1, "tilt": 1}), "camera_control.config"),
        ("a camera does move", moved(able), moved(able, config={"pan": 0}), "camera_control.config"),
        ("a preset has no config", *([moved(able, type="down_back", config=OUT), moved(able, type="down_back")] if not bad_type else [moved(able), moved(able, **bad_type)]), "camera_control"),
    ]  # fmt: skip


def of_pictures(name: str) -> list[Row]:
    """The rules of a picture in a field of its own."""
    return [
        (f"{name} has sides of 300 px", {name: picture(300, 300)}, {name: picture(299, 300)}, f"{name}: image sides"),
        (f"{name} is at most 2.5 times as wide", {name: picture(750, 300)}, {name: picture(760, 300)}, f"{name}: image aspect"),
        (f"{name} is at most 2.5 times as high", {name: picture(300, 750)}, {name: picture(300, 760)}, f"{name}: image aspect"),
        (f"{name} is a JPEG or PNG", {name: picture(kind="JPEG")}, {name: picture(kind="WEBP")}, f"{name}: not an image"),
        (f"{name} is a picture", {name: picture()}, {name: sound(2)}, f"{name}: not an image"),
        (f"{name} comes without a prefix", {name: picture()}, {name: f"data:image/png;base64,{picture()}"}, f"{name}: base64"),
        (f"{name} is base64", {name: picture()}, {name: "no picture!"}, f"{name}: neither"),
        (f"{name} is fetched from this machine", {name: "shop:picture-400x300.png"}, {name: "https://example.com/a.png"}, f"{name}: the simulator fetches only"),
        (f"{name} is there", {name: "shop:picture-400x300.png"}, {name: "shop:nothing.png"}, f"{name}: cannot fetch"),
        (f"{name} is not elsewhere", {name: "shop:picture-400x300.png"}, {name: "shop:elsewhere"}, f"{name}: cannot fetch"),
        (f"{name} is text", {name: picture()}, {name: 5}, name),
    ]  # fmt: skip


def of_sound(name: str, most: float) -> list[Row]:
    return [
        (f"{name} has 2 s", {name: sound(2)}, {name: sound(1.5)}, f"{name}: duration"),
        (f"{name} has at most {most} s", {name: sound(10)}, {name: sound(most + 1)}, f"{name}: duration"),
        (f"{name} is a sound", {name: "shop:sound-3s.wav"}, {name: picture()}, f"{name}: not an audio"),
        (f"{name} is no video", {name: sound(3)}, {name: film("512x512", 3)}, f"{name}: not an audio"),
    ]


def of_source(size: str, least: float, most: float, fps: int = 5, **wrong_sizes: str) -> list[Row]:
    """The rules of a video named by its id or URL."""

    def url(value: str) -> Change:
        return {"video_id": OUT, "video_url": value}

    rows = [
        ("there is a video", {"video_id": "v1-6"}, {"video_id": OUT}, "video_id and video_url"),
        ("there is one video", url(film(size, 5)), {"video_url": film(size, 5)}, "video_id and video_url"),
        ("video_id exists", {"video_id": "v1-6"}, {"video_id": "123456789012345678900"}, "video_id"),
        ("the video is on this machine", url(film(size, 5)), url("https://example.com/a.mp4"), "video_url: the simulator"),
        ("the video is a URL", url(film(size, 5)), url("AAAA"), "video_url: must be a URL"),
        ("the video is mp4 or mov", url(film(size, 5, kind="mov")), url(film(size, 5, kind="avi")), "video_url: not a video"),
        ("the video is a video", url(film(size, 5)), url("shop:sound-5s.wav"), "video_url: not a video"),
        (f"the video has at least {least} s", url(film(size, least)), url(film(size, least - 1, 6)), "video_url: duration"),
        (f"the video has at most {most} s", url(film(size, most, fps)), url(film(size, most + 1, 5)), "video_url: duration"),
    ]  # fmt: skip
    return rows + [
        (f"the video is not {how}", url(film(size, 5)), url(film(wrong, 5, 5)), "video_url: video width")
        for how, wrong in wrong_sizes.items()
    ]


TABLE: dict[str, tuple[Change, list[Row]]] = {
    "videos/text2video": (
        PROMPT,
        [
            *CLIP,
            *needed("prompt"),
            of_choice("aspect_ratio", "9:16", "4:3"),
            ("kling-v1-5 has no text2video", {"model_name": "kling-v1-6"}, {"model_name": "kling-v1-5"}, "model_name"),
            ("kling-v2-1 has no text2video", {"model_name": "kling-v2-1-master"}, {"model_name": "kling-v2-1"}, "model_name"),
            *of_camera({}, {"mode": "pro"}, {}),
        ],
    ),
    "videos/image2video": (
        PROMPT | {"image": picture()},
        [
            *CLIP,
            *of_pictures("image"),
            *of_pictures("image_tail"),
            ("a picture to start with or end on", {"image": OUT, "image_tail": picture()}, {"image": OUT}, "image"),
            ("a prompt may be left out", {"prompt": OUT}, {"prompt": OUT, "image": OUT}, "image"),
            ("the end frame of kling-v1 is for 5 s", {"image_tail": picture()}, {"image_tail": picture(), "duration": "10"}, "image_tail"),
            ("the end frame of kling-v1-5 is for pro", {"image_tail": picture(), "model_name": "kling-v1-5", "mode": "pro"}, {"image_tail": picture(), "model_name": "kling-v1-5"}, "image_tail"),
            ("the masters have no end frame", {"image_tail": picture(), "model_name": "kling-v3"}, {"image_tail": picture(), "model_name": "kling-v2-master"}, "image_tail"),
            ("the end frame of kling-v2-6 is silent", PRO_V26 | {"image_tail": picture()}, PRO_V26 | {"image_tail": picture(), "sound": "on"}, "image_tail"),
            ("several shots have no end frame", {"model_name": "kling-v3", "multi_shot": True, "shot_type": "intelligence"}, {"model_name": "kling-v3", "multi_shot": True, "shot_type": "intelligence", "image_tail": picture()}, "image_tail"),
            *of_camera({"model_name": "kling-v1-5", "mode": "pro"}, {}, {"type": "down_back", "config": OUT}),
            ("masks and an end frame exclude each other", {"static_mask": picture()}, {"static_mask": picture(), "image_tail": picture()}, "image_tail and static_mask"),
            ("masks are for 5 s", {"dynamic_masks": [MASK]}, {"dynamic_masks": [MASK], "duration": "10"}, "dynamic_masks"),
            ("masks of kling-v1-5 are for pro", {"static_mask": picture(), "model_name": "kling-v1-5", "mode": "pro"}, {"static_mask": picture(), "model_name": "kling-v1-5"}, "static_mask"),
            ("kling-v1-6 takes no masks", {"static_mask": picture()}, {"static_mask": picture(), "model_name": "kling-v1-6", "mode": "pro"}, "static_mask"),
            ("a mask has the picture's ratio", {"static_mask": picture(640, 480)}, {"static_mask": picture(640, 400)}, "static_mask must have the aspect ratio"),
            ("masks are of one size", {"static_mask": picture(), "dynamic_masks": [MASK]}, {"static_mask": picture(640, 480), "dynamic_masks": [MASK]}, "same size"),
            ("there are at most 6 masks", {"dynamic_masks": [MASK] * 6}, {"dynamic_masks": [MASK] * 7}, "dynamic_masks"),
            ("a path has 2 points", {"dynamic_masks": [MASK]}, {"dynamic_masks": [MASK | {"trajectories": TRACK[:1]}]}, "trajectories"),
            ("a path has at most 77 points", {"dynamic_masks": [MASK | {"trajectories": TRACK[:1] * 77}]}, {"dynamic_masks": [MASK | {"trajectories": TRACK[:1] * 78}]}, "trajectories"),
            ("a path is of whole pixels", {"dynamic_masks": [MASK]}, {"dynamic_masks": [MASK | {"trajectories": [{"x": 0.5, "y": 1}] * 2}]}, "trajectories[0].x"),
            ("elements are for kling-v3", {"model_name": "kling-v3", "element_list": [{"element_id": ELEMENT}]}, {"element_list": [{"element_id": ELEMENT}]}, "element_list"),
            ("there are at most 3 elements", {"model_name": "kling-v3", "element_list": [{"element_id": ELEMENT}] * 3}, {"model_name": "kling-v3", "element_list": [{"element_id": ELEMENT}] * 4}, "element_list"),
            ("an element's id is a number", {"model_name": "kling-v3", "element_list": [{"element_id": ELEMENT}]}, {"model_name": "kling-v3", "element_list": [{"element_id": str(ELEMENT)}]}, "element_list[0].element_id"),
            ("an element exists", {"model_name": "kling-v3", "element_list": [{"element_id": ELEMENT}]}, {"model_name": "kling-v3", "element_list": [{"element_id": 7}]}, "element_list[0]"),
            ("elements and voices exclude each other", PRO_V26 | {"sound": "on", "voice_list": [{"voice_id": VOICE}]}, PRO_V26 | {"sound": "on", "voice_list": [{"voice_id": VOICE}], "element_list": [{"element_id": ELEMENT}]}, "element_list and voice_list"),
            ("voices are for kling-v2-6", PRO_V26 | {"sound": "on", "voice_list": [{"voice_id": VOICE}]}, {"model_name": "kling-v3", "sound": "on", "voice_list": [{"voice_id": VOICE}]}, "voice_list"),
            ("voices need sound", PRO_V26 | {"sound": "on", "voice_list": [{"voice_id": VOICE}]}, PRO_V26 | {"voice_list": [{"voice_id": VOICE}]}, "voice_list"),
            ("there are at most 2 voices", PRO_V26 | {"sound": "on", "voice_list": [{"voice_id": VOICE}] * 2}, PRO_V26 | {"sound": "on", "voice_list": [{"voice_id": VOICE}] * 3}, "voice_list"),
            ("a voice exists", PRO_V26 | {"sound": "on", "voice_list": [{"voice_id": VOICE}]}, PRO_V26 | {"sound": "on", "voice_list": [{"voice_id": "AOT"}]}, "voice_list[0]"),
        ],
    ),
    "videos/multi-image2video": (
        PROMPT | {"image_list": [{"image": picture()}]},
        [
            *COMMON,
            *WATERMARK,
            *needed("prompt", "image_list"),
            *of_text("prompt", 2500),
            *of_text("negative_prompt", 2500),
            of_choice("mode", "pro", "std2"),
            of_choice("duration", "10", "6"),
            of_choice("aspect_ratio", "1:1", "21:9"),
            ("there are at most 4 pictures", {"image_list": [{"image": picture()}] * 4}, {"image_list": [{"image": picture()}] * 5}, "image_list"),
            ("each has a picture", {"image_list": [{"image": picture()}]}, {"image_list": [{"url": picture()}]}, "image_list[0].image"),
            ("each is large enough", {"image_list": [{"image": picture()}]}, {"image_list": [{"image": picture()}, {"image": picture(200, 200)}]}, "image_list[1].image: image sides"),
        ],
    ),
    "videos/effects": (
        {"effect_scene": "squish", "input": {"model_name": "kling-v1-6", "image": picture(), "duration": "5"}},
        [
            *COMMON,
            *WATERMARK,
            *needed("effect_scene", "input"),
            of_choice("effect_scene", "squish", "squash"),
            ("the first scenes need their model", {}, {"input": {"image": picture(), "duration": "5"}}, "input.model_name"),
            ("the first scenes have one model", {}, {"input": {"model_name": "kling-v1", "image": picture(), "duration": "5"}}, "input.model_name"),
            ("the first scenes have 5 s", {}, {"input": {"model_name": "kling-v1-6", "image": picture(), "duration": "10"}}, "input.duration"),
            ("later scenes need no model", {"effect_scene": "ski_ski", "input": {"image": picture(), "duration": "5"}}, {"effect_scene": "ski_ski", "input": {"duration": "5"}}, "input.image"),
            ("two people have two pictures", {"effect_scene": "hug", "input": {"images": [picture()] * 2, "duration": "10"}}, {"effect_scene": "hug", "input": {"images": [picture()], "duration": "5"}}, "input.images"),
            ("two people come as images", {"effect_scene": "kiss", "input": {"images": [picture()] * 2, "duration": "5"}}, {"effect_scene": "kiss", "input": {"image": picture(), "duration": "5"}}, "input.images"),
            ("two people have three models", {"effect_scene": "hug", "input": {"model_name": "kling-v1-5", "images": [picture()] * 2, "duration": "5"}}, {"effect_scene": "hug", "input": {"model_name": "kling-v2-master", "images": [picture()] * 2, "duration": "5"}}, "input.model_name"),
            ("two people have two modes", {"effect_scene": "hug", "input": {"mode": "pro", "images": [picture()] * 2, "duration": "5"}}, {"effect_scene": "hug", "input": {"mode": "max", "images": [picture()] * 2, "duration": "5"}}, "input.mode"),
            ("a length is text", {}, {"input": {"model_name": "kling-v1-6", "image": picture(), "duration": 5}}, "input.duration"),
        ],
    ),
    "videos/video-extend": (
        {"video_id": "v1-6"},
        [
            *COMMON,
            *WATERMARK,
            *needed("video_id"),
            *of_text("prompt", 2500),
            *of_text("negative_prompt", 2500),
            *of_number("cfg_scale", 0, 1),
            ("the video exists", {}, {"video_id": "123456789012345678900"}, "video_id"),
            ("the video is by a v1 model", {"video_id": "v1"}, {"video_id": "v2-6"}, "video_id"),
            ("kling-v1 takes no negative_prompt", {"negative_prompt": "x"}, {"negative_prompt": "x", "video_id": "v1"}, "negative_prompt"),
            ("kling-v1 takes no cfg_scale", {"cfg_scale": 1}, {"cfg_scale": 1, "video_id": "v1"}, "cfg_scale"),
            ("the id of a sound will not do", {}, {"video_id": "tts"}, "video_id"),
        ],
    ),
    "videos/identify-face": ({"video_id": "v1-6"}, of_source("512x512", 2, 60, small="500x600", large="2164x600")),
    "videos/advanced-lip-sync": (
        {"session_id": "faces", "face_choose": [LIPS]},
        [
            *COMMON,
            *WATERMARK,
            *needed("session_id", "face_choose"),
            ("the session exists", {}, {"session_id": "5"}, "session_id"),
            *[
                (words, {"face_choose": [LIPS | good]}, {"face_choose": [LIPS | bad]}, f"face_choose[0].{said}")
                for words, good, bad, said in [
                    ("the face was found", {}, {"face_id": "9"}, "face_id"),
                    ("there is a sound", {"sound_file": OUT, "audio_id": "tts"}, {"sound_file": OUT}, ""),
                    *of_sound("sound_file", 60),
                    *[
                        (f"{name} is required", {}, {name: OUT}, name)
                        for name in ("face_id", "sound_start_time", "sound_end_time", "sound_insert_time")
                    ],
                    ("times are ms, or digits", {"sound_end_time": "2000"}, {"sound_end_time": 2000.5}, "sound_end_time"),
                    ("2 s of sound are kept", {}, {"sound_end_time": 1999}, "sound_end_time"),
                    ("the sound is long enough", {"sound_end_time": 3000}, {"sound_end_time": 4000}, "sound_end_time"),
                    ("the sound ends with the video", {"sound_insert_time": 3000}, {"sound_insert_time": 3100}, "sound_insert_time"),
                    ("nothing is before the video", {"sound_insert_time": 0}, {"sound_insert_time": -1}, "sound_insert_time"),
                    *of_number("sound_volume", 0, 2),
                    *of_number("original_audio_volume", 0, 2),
                    ("speech has 2 s", {"sound_file": OUT, "audio_id": "tts"}, {"sound_file": OUT, "audio_id": "short tts"}, "audio_id"),
                    ("speech exists", {"sound_file": OUT, "audio_id": "tts"}, {"sound_file": OUT, "audio_id": "7"}, "audio_id"),
                ]
                if said != ""
            ],
            ("there is one sound", {"face_choose": [LIPS]}, {"face_choose": [LIPS | {"audio_id": "tts"}]}, "audio_id and sound_file"),
            ("there is a sound", {"face_choose": [LIPS]}, {"face_choose": [LIPS | {"sound_file": OUT}]}, "audio_id and sound_file"),
            ("there is one face", {"face_choose": [LIPS]}, {"face_choose": [LIPS, LIPS]}, "face_choose"),
        ],
    ),
    "videos/lip-sync": (
        {"input": SPOKEN},
        [
            *COMMON,
            *needed("input"),
            *[
                (words, {"input": SPOKEN | good}, {"input": SPOKEN | bad}, said)
                for words, good, bad, said in [
                    *of_source("720x720", 2, 10, small="700x800", large="1924x800"),
                    ("mode is known", {}, {"mode": "voice"}, "input.mode"),
                    *of_text("text", 120),
                    *[(f"{name} is required", {}, {name: OUT}, name) for name in ("mode", "text", "voice_id", "voice_language")],
                    ("a voice exists", {}, {"voice_id": "nobody"}, "input.voice_id"),
                    ("a voice has its language", {"voice_id": "mengwa-v1", "voice_language": "zh"}, {"voice_id": "mengwa-v1"}, "input.voice_id"),
                    ("a language is known", {}, {"voice_language": "de"}, "input.voice_language"),
                    *of_number("voice_speed", 0.8, 2.0),
                    ("a speed has one decimal", {"voice_speed": 1.1}, {"voice_speed": 1.15}, "input.voice_speed"),
                ]
            ],
            *[
                (words, {"input": HEARD | good}, {"input": HEARD | bad}, said)
                for words, good, bad, said in [
                    ("audio_type is required", {}, {"audio_type": OUT}, "audio_type"),
                    ("audio_type is known", {}, {"audio_type": "mp3"}, "input.audio_type"),
                    ("a file is given", {}, {"audio_file": OUT}, "audio_file"),
                    ("a URL is given", {"audio_type": "url", "audio_url": "shop:sound-3s.wav"}, {"audio_type": "url"}, "audio_url"),
                    ("a URL is one", {"audio_type": "url", "audio_url": "shop:sound-3s.wav"}, {"audio_type": "url", "audio_url": sound(3)}, "audio_url"),
                    *of_sound("audio_file", 60),
                ]
            ],
        ],
    ),
    "videos/avatar/image2video": (
        {"image": picture(), "sound_file": sound(3)},
        [
            *COMMON,
            *WATERMARK,
            *needed("image"),
            *of_pictures("image"),
            *of_sound("sound_file", 300),
            *of_text("prompt", 2500),
            of_choice("mode", "pro", "best"),
            ("there is a sound", {"sound_file": OUT, "audio_id": "tts"}, {"sound_file": OUT}, "audio_id and sound_file"),
            ("there is one sound", {}, {"audio_id": "tts"}, "audio_id and sound_file"),
            ("speech exists", {"sound_file": OUT, "audio_id": "tts"}, {"sound_file": OUT, "audio_id": "7"}, "audio_id"),
        ],
    ),
    "videos/multi-elements/init-selection": (
        {"video_id": "v1-6"},
        [
            *of_source("720x720", 2, 10, 24, small="700x800", large="2164x800"),
            ("6 s are not taken", {"video_id": OUT, "video_url": film("720x720", 7)}, {"video_id": OUT, "video_url": film("720x720", 6)}, "video_url: duration"),
            ("the frame rate is 24, 30 or 60", {"video_id": OUT, "video_url": film("720x720", 2, 30)}, {"video_id": OUT, "video_url": film("720x720", 2, 25)}, "frame rate"),
        ],
    ),
    "videos/multi-elements/add-selection": (
        {"session_id": "unmarked", "frame_index": 0, "points": [POINT]},
        [
            *needed("session_id", "frame_index", "points"),
            ("the session exists", {}, {"session_id": "5"}, "session_id"),
            ("the frame exists", {"frame_index": 119}, {"frame_index": 120}, "frame_index"),
            ("a frame has a whole number", {"frame_index": 1}, {"frame_index": 1.5}, "frame_index"),
            ("at most 10 points at once", {"frame_index": 2, "points": [POINT] * 10}, {"frame_index": 3, "points": [POINT] * 11}, "points"),
            ("at most 10 points on a frame", {"session_id": "marked", "frame_index": 2, "points": [POINT]}, {"session_id": "marked", "frame_index": 2, "points": [POINT] * 8}, "points"),
            ("x is at most 1", {"points": [{"x": 1, "y": 1}]}, {"points": [{"x": 1.1, "y": 1}]}, "points[0].x"),
            ("y is at least 0", {"points": [{"x": 0, "y": 0}]}, {"points": [{"x": 0, "y": -0.1}]}, "points[0].y"),
        ],
    ),
    "videos/multi-elements/delete-selection": (
        {"session_id": "marked", "frame_index": 0, "points": [POINT]},
        [
            ("the session exists", {}, {"session_id": "5"}, "session_id"),
            ("the points are those that were added", {"frame_index": 1}, {"frame_index": 2, "points": [{"x": 0.4, "y": 0.5}]}, "points"),
        ],
    ),
    "videos/multi-elements/clear-selection": ({"session_id": "to be cleared"}, needed("session_id")),
    "videos/multi-elements/preview-selection": (
        {"session_id": "marked"},
        [*needed("session_id"), ("something is selected", {}, {"session_id": "empty"}, "session_id")],
    ),
    "videos/multi-elements": (
        PROMPT | {"session_id": "marked", "edit_mode": "removal"},
        [
            *COMMON,
            *WATERMARK,
            *needed("session_id", "edit_mode", "prompt"),
            *of_text("prompt", 2500),
            *of_text("negative_prompt", 2500),
            of_choice("mode", "pro", "x"),
            of_choice("edit_mode", "removal", "change"),
            ("the session exists", {}, {"session_id": "5"}, "session_id"),
            ("what goes was marked", {}, {"session_id": "empty"}, "session_id"),
            ("what comes need not be marked", {"session_id": "empty", "edit_mode": "addition", "image_list": [{"image": picture()}]}, {"session_id": "empty", "edit_mode": "swap", "image_list": [{"image": picture()}]}, "session_id"),
            ("an addition has 1 or 2 pictures", {"edit_mode": "addition", "image_list": [{"image": picture()}] * 2}, {"edit_mode": "addition"}, "image_list"),
            ("a swap has 1 picture", {"edit_mode": "swap", "image_list": [{"image": picture()}]}, {"edit_mode": "swap", "image_list": [{"image": picture()}] * 2}, "image_list"),
            ("a removal has none", {"image_list": []}, {"image_list": [{"image": picture()}]}, "image_list"),
            ("the length is the source's", {"duration": "5"}, {"duration": "10"}, "duration"),
        ],
    ),
    "videos/omni-video": (
        PROMPT | {"aspect_ratio": "16:9"},
        [
            *COMMON,
            *WATERMARK,
            *needed("prompt", "aspect_ratio"),
            *of_text("prompt", 2500),
            of_choice("mode", "std", "x"),
            of_choice("sound", "on", "yes"),
            of_choice("duration", "10", "11"),
            of_choice("duration", "3", "2"),
            ("kling-v3-omni makes up to 15 s", {"model_name": "kling-v3-omni", "duration": "15"}, {"model_name": "kling-v3-omni", "duration": "16"}, "duration"),
            ("o1 has no several shots", {"model_name": "kling-v3-omni", "multi_shot": True, "shot_type": "intelligence"}, {"multi_shot": True, "shot_type": "intelligence"}, "multi_shot"),
            ("several shots have no frames", {"model_name": "kling-v3-omni", "multi_shot": True, "shot_type": "intelligence", "image_list": [{"image_url": picture()}]}, {"model_name": "kling-v3-omni", "multi_shot": True, "shot_type": "intelligence", "image_list": FRAMES}, "image_list"),
            ("a first frame gives the ratio", {"aspect_ratio": OUT, "image_list": FRAMES[:1]}, {"aspect_ratio": OUT, "image_list": [{"image_url": picture()}]}, "aspect_ratio"),
            ("a video to be edited gives the ratio", {"aspect_ratio": OUT, "video_list": [{"video_url": film("720x720", 3)}]}, {"aspect_ratio": OUT, "video_list": [{"video_url": film("720x720", 3), "refer_type": "feature"}]}, "aspect_ratio"),
            ("an end frame needs a first frame", {"image_list": FRAMES}, {"image_list": FRAMES[1:]}, "image_list"),
            ("there is one first frame", {"image_list": FRAMES[:1]}, {"image_list": FRAMES[:1] * 2}, "image_list"),
            ("a frame's type is known", {"image_list": FRAMES[:1]}, {"image_list": [FRAMES[0] | {"type": "last"}]}, "image_list[0].type"),
            ("o1 with more than 2 pictures takes no frames", {"image_list": [*FRAMES[:1], {"image_url": picture()}]}, {"image_list": [*FRAMES, {"image_url": picture()}]}, "image_list"),
            ("7 pictures and elements at most", {"image_list": [{"image_url": picture()}] * 6, "element_list": [{"element_id": ELEMENT}]}, {"image_list": [{"image_url": picture()}] * 7, "element_list": [{"element_id": ELEMENT}]}, "image_list and element_list"),
            ("4 of them beside a video", {"image_list": [{"image_url": picture()}] * 4, "video_list": [{"video_url": film("720x720", 3)}]}, {"image_list": [{"image_url": picture()}] * 5, "video_list": [{"video_url": film("720x720", 3)}]}, "image_list and element_list"),
            ("3 elements beside a first frame", {"image_list": FRAMES[:1], "element_list": [{"element_id": ELEMENT}] * 3}, {"image_list": FRAMES[:1], "element_list": [{"element_id": ELEMENT}] * 4}, "element_list"),
            ("o1 has no elements beside both frames", {"model_name": "kling-v3-omni", "image_list": FRAMES, "element_list": [{"element_id": ELEMENT}]}, {"image_list": FRAMES, "element_list": [{"element_id": ELEMENT}]}, "element_list"),
            ("an element exists", {"element_list": [{"element_id": ELEMENT}]}, {"element_list": [{"element_id": 7}]}, "element_list[0]"),
            ("a video excludes elements of videos", {"element_list": [{"element_id": "of video"}]}, {"element_list": [{"element_id": "of video"}], "video_list": [{"video_url": film("720x720", 3)}]}, "element_list"),
            ("a video to be edited excludes frames", {"image_list": FRAMES, "video_list": [{"video_url": film("720x720", 3), "refer_type": "feature"}]}, {"image_list": FRAMES, "video_list": [{"video_url": film("720x720", 3)}]}, "image_list"),
            ("a video makes it silent", {"video_list": [{"video_url": film("720x720", 3)}]}, {"sound": "on", "video_list": [{"video_url": film("720x720", 3)}]}, "sound"),
            ("there is one video", {"video_list": [{"video_url": film("720x720", 3)}]}, {"video_list": [{"video_url": film("720x720", 3)}] * 2}, "video_list"),
            ("a video has 3 s", {"video_list": [{"video_url": film("720x720", 3)}]}, {"video_list": [{"video_url": film("720x720", 2)}]}, "duration"),
            ("a video has at most 10 s", {"video_list": [{"video_url": film("720x720", 10)}]}, {"video_list": [{"video_url": film("720x720", 11)}]}, "duration"),
            ("a video has 720 px", {"video_list": [{"video_url": film("720x720", 3)}]}, {"video_list": [{"video_url": film("700x720", 3)}]}, "video width"),
            ("a video has 24 frames a second", {"video_list": [{"video_url": film("720x720", 3)}]}, {"video_list": [{"video_url": film("720x720", 3, 20)}]}, "frame rate"),
            ("a video's use is known", {"video_list": [{"video_url": film("720x720", 3), "refer_type": "feature"}]}, {"video_list": [{"video_url": film("720x720", 3), "refer_type": "style"}]}, "refer_type"),
            ("its sound is kept or not", {"video_list": [{"video_url": film("720x720", 3), "keep_original_sound": "no"}]}, {"video_list": [{"video_url": film("720x720", 3), "keep_original_sound": False}]}, "keep_original_sound"),
            ("with a reference video it has at most 10 s", {"model_name": "kling-v3-omni", "duration": "10", "video_list": [{"video_url": film("720x720", 3), "refer_type": "feature"}]}, {"model_name": "kling-v3-omni", "duration": "11", "video_list": [{"video_url": film("720x720", 3), "refer_type": "feature"}]}, "duration"),
        ],
    ),
    "videos/motion-control": (
        {"image_url": picture(), "video_url": film("340x340", 3), "character_orientation": "image", "mode": "std"},
        [
            *COMMON,
            *WATERMARK,
            *needed("image_url", "video_url", "character_orientation", "mode"),
            *of_text("prompt", 2500),
            *of_pictures("image_url"),
            of_choice("mode", "pro", "x"),
            of_choice("character_orientation", "video", "left"),
            of_choice("keep_original_sound", "no", False),
            ("a video has 3 s", {}, {"video_url": film("340x340", 2)}, "video_url: duration"),
            ("as the image stands it has at most 10 s", {"video_url": film("340x340", 10, 5)}, {"video_url": film("340x340", 11, 5)}, "video_url duration"),
            ("as the video stands it has at most 30 s", {"character_orientation": "video", "video_url": film("340x340", 30, 5)}, {"character_orientation": "video", "video_url": film("340x340", 31, 5)}, "video_url: duration"),
            ("a video has 340 px", {}, {"video_url": film("338x340", 3)}, "video_url: video width"),
            ("a video has at most 3850 px", {"video_url": film("3850x340", 3, 5)}, {"video_url": film("3852x340", 3, 5)}, "video_url: video width"),
            ("there is one element", {"character_orientation": "video", "element_list": [{"element_id": ELEMENT}]}, {"character_orientation": "video", "element_list": [{"element_id": ELEMENT}] * 2}, "element_list"),
            ("an element stands as in the video", {"character_orientation": "video", "element_list": [{"element_id": ELEMENT}]}, {"element_list": [{"element_id": ELEMENT}]}, "character_orientation"),
        ],
    ),
    "images/generations": (
        PROMPT,
        [
            *COMMON,
            *WATERMARK,
            *needed("prompt"),
            *of_text("prompt", 2500),
            *of_text("negative_prompt", 2500),
            *of_pictures("image"),
            *of_number("n", 1, 9, 1),
            ("n is whole", {"n": 2}, {"n": 2.5}, "n"),
            *[(words, good | {"image": picture()}, bad | {"image": picture()}, said) for words, good, bad, said in of_number("image_fidelity", 0, 1)],
            of_choice("resolution", "2k", "4k"),
            of_choice("aspect_ratio", "3:2", "5:4"),
            ("kling-v1 has no 21:9", {"model_name": "kling-v2", "aspect_ratio": "21:9"}, {"aspect_ratio": "21:9"}, "aspect_ratio"),
            ("a picture excludes negative_prompt", {"image": picture()}, {"image": picture(), "negative_prompt": "x"}, "negative_prompt and image"),
            ("what is referred to is known", {"model_name": "kling-v1-5", "image": picture(), "image_reference": "face"}, {"model_name": "kling-v1-5", "image": picture(), "image_reference": "style"}, "image_reference"),
            ("image_reference is for kling-v1-5", {"model_name": "kling-v1-5", "image": picture(), "image_reference": "face"}, {"image": picture(), "image_reference": "face"}, "image_reference"),
            ("image_reference needs a picture", {"model_name": "kling-v1-5", "image": picture(), "image_reference": "face"}, {"model_name": "kling-v1-5", "image_reference": "face"}, "image"),
            ("human_fidelity is for subjects", {"model_name": "kling-v1-5", "image": picture(), "image_reference": "subject", "human_fidelity": 0.3}, {"model_name": "kling-v1-5", "image": picture(), "image_reference": "face", "human_fidelity": 0.3}, "human_fidelity"),
            ("elements are for kling-v3", {"model_name": "kling-v3", "element_list": [{"element_id": ELEMENT}]}, {"element_list": [{"element_id": ELEMENT}]}, "element_list"),
        ],
    ),
    "images/multi-image2image": (
        {"subject_image_list": [{"subject_image": picture()}]},
        [
            *COMMON,
            *needed("subject_image_list"),
            *of_text("prompt", 2500),
            *of_pictures("scene_image"),
            *of_pictures("style_image"),
            *of_number("n", 1, 9, 1),
            of_choice("aspect_ratio", "21:9", "1:2"),
            ("there are at most 4 pictures", {"subject_image_list": [{"subject_image": picture()}] * 4}, {"subject_image_list": [{"subject_image": picture()}] * 5}, "subject_image_list"),
            ("each has a subject_image", {}, {"subject_image_list": [{"image": picture()}]}, "subject_image_list[0].subject_image"),
        ],
    ),
    "images/omni-image": (
        PROMPT,
        [
            *COMMON,
            *needed("prompt"),
            *of_text("prompt", 2500),
            *of_number("n", 1, 9, 1),
            of_choice("resolution", "1k", "1K"),
            of_choice("aspect_ratio", "auto", "free"),
            ("each has an image", {"image_list": [{"image": picture()}]}, {"image_list": [{"image_url": picture()}]}, "image_list[0].image"),
            ("an element exists", {"element_list": [{"element_id": ELEMENT}]}, {"element_list": [{"element_id": 7}]}, "element_list[0]"),
        ],
    ),
    "images/editing/expand": (
        {"image": picture()} | {f"{side}_expansion_ratio": 0.1 for side in ("up", "down", "left", "right")},
        [
            *COMMON,
            *needed("image", "up_expansion_ratio", "down_expansion_ratio", "left_expansion_ratio", "right_expansion_ratio"),
            *of_pictures("image"),
            *of_text("prompt", 2500),
            *of_number("n", 1, 9, 1),
            ("a ratio is at least 0", {"up_expansion_ratio": 0}, {"up_expansion_ratio": -0.1}, "up_expansion_ratio"),
            ("a ratio is at most 2", {"up_expansion_ratio": 0.5}, {"left_expansion_ratio": 2.1}, "left_expansion_ratio"),
            ("it grows to 3 times at most", {"up_expansion_ratio": 1.4}, {"up_expansion_ratio": 1.5}, "expansion"),
        ],
    ),
    "images/kolors-virtual-try-on": (
        {"human_image": picture(), "cloth_image": picture()},
        [*COMMON, *needed("human_image", "cloth_image"), *of_pictures("human_image"), *of_pictures("cloth_image")],
    ),
    "videos/image-recognize": ({"image": picture()}, [*needed("image"), *of_pictures("image")]),
    "audio/text-to-audio": (
        PROMPT | {"duration": 3},
        [
            *COMMON,
            *needed("prompt", "duration"),
            *of_text("prompt", 200),
            *of_number("duration", 3.0, 10.0),
            ("a length has one decimal", {"duration": 3.5}, {"duration": 3.55}, "duration"),
        ],
    ),
    "audio/video-to-audio": (
        {"video_id": "v1-6"},
        [
            *COMMON,
            *of_source("64x64", 3, 20),
            *of_text("sound_effect_prompt", 200),
            *of_text("bgm_prompt", 200),
            ("asmr_mode is true or false", {"asmr_mode": True}, {"asmr_mode": "on"}, "asmr_mode"),
        ],
    ),
    "audio/tts": (
        {"text": "hello", "voice_id": "AOT", "voice_language": "en"},
        [
            *needed("text", "voice_id", "voice_language"),
            *of_text("text", 1000),
            of_choice("voice_language", "en", "de"),
            ("a voice exists", {}, {"voice_id": "nobody"}, "voice_id"),
            ("a voice has its language", {"voice_id": "mengwa-v1", "voice_language": "zh"}, {"voice_id": "mengwa-v1"}, "voice_id"),
            ("a speed out of range is rounded", {"voice_speed": 5}, {"voice_speed": "fast"}, "voice_speed"),
        ],
    ),
    "general/custom-voices": (
        {"voice_name": "me", "voice_url": "shop:sound-5s.wav"},
        [
            *COMMON,
            *needed("voice_name"),
            *of_text("voice_name", 20),
            ("a voice has 5 s", {}, {"voice_url": "shop:sound-4s.wav"}, "voice_url: duration"),
            ("a voice has at most 30 s", {}, {"voice_url": "shop:sound-31s.wav"}, "voice_url: duration"),
            ("there is one voice", {"voice_url": OUT, "video_id": "v2-6"}, {"video_id": "v2-6"}, "voice_url and video_id"),
            ("there is a voice", {}, {"voice_url": OUT}, "voice_url and video_id"),
            ("a voice comes from a video with sound", {"voice_url": OUT, "video_id": "v2-6"}, {"voice_url": OUT, "video_id": "v1-6"}, "video_id"),
            ("a voice is a URL", {}, {"voice_url": sound(5)}, "voice_url: must be a URL"),
        ],
    ),
    "general/delete-voices": ({"voice_id": "own voice"}, [*needed("voice_id"), ("a preset stays", {}, {"voice_id": VOICE}, "voice_id")]),
    "general/advanced-custom-elements": (
        {"element_name": "me", "element_description": "it", "reference_type": "image_refer", "element_image_list": ELEMENT_OF_IMAGES},
        [
            *COMMON,
            *needed("element_name", "element_description", "reference_type"),
            *of_text("element_name", 20),
            *of_text("element_description", 100),
            of_choice("reference_type", "image_refer", "text_refer"),
            ("pictures come with image_refer", {}, {"element_image_list": OUT}, "element_image_list"),
            ("a front is needed", {}, {"element_image_list": {"refer_images": [{"image_url": picture()}]}}, "frontal_image"),
            ("other sides are needed", {}, {"element_image_list": {"frontal_image": picture()}}, "refer_images"),
            ("there are at most 3 other sides", {"element_image_list": ELEMENT_OF_IMAGES | {"refer_images": [{"image_url": picture()}] * 3}}, {"element_image_list": ELEMENT_OF_IMAGES | {"refer_images": [{"image_url": picture()}] * 4}}, "refer_images"),
            ("a video comes with video_refer", ELEMENT_OF_VIDEO, {"reference_type": "video_refer"}, "element_video_list"),
            ("a video is 1080p", ELEMENT_OF_VIDEO, ELEMENT_OF_VIDEO | {"element_video_list": {"refer_videos": [{"video_url": film("1280x720", 3)}]}}, "video width"),
            ("a video is 16:9", ELEMENT_OF_VIDEO, ELEMENT_OF_VIDEO | {"element_video_list": {"refer_videos": [{"video_url": film("1080x1080", 3)}]}}, "aspect ratio"),
            ("a video has 3 to 8 s", ELEMENT_OF_VIDEO, ELEMENT_OF_VIDEO | {"element_video_list": {"refer_videos": [{"video_url": film("1920x1080", 9, 5)}]}}, "duration"),
            ("a voice exists", ELEMENT_OF_VIDEO | {"element_voice_id": VOICE}, ELEMENT_OF_VIDEO | {"element_voice_id": "7"}, "element_voice_id"),
            ("a voice is for elements of videos", ELEMENT_OF_VIDEO | {"element_voice_id": VOICE}, {"element_voice_id": VOICE}, "element_voice_id"),
            ("a tag is known", {"tag_list": [{"tag_id": "o_108"}]}, {"tag_list": [{"tag_id": "o_109"}]}, "tag_list[0].tag_id"),
        ],
    ),
    "general/delete-elements": ({"element_id": "own element"}, [*needed("element_id"), ("a preset stays", {}, {"element_id": ELEMENT}, "element_id")]),
}  # fmt: skip

ROWS = [
    pytest.param(path, {**base, **good}, {**base, **bad}, said, id=f"{path}: {words}")
    for path, (base, rows) in TABLE.items()
    for words, good, bad, said in rows
]  # fmt: skip


class Full:
    """An account with something of everything that a request may refer to, and no slot free for any task."""

    def __init__(self, ask: Asker, shop: str) -> None:
        self.ask, self._shop = ask, shop
        self._of_video = {"element_name": "me", "element_description": "it", **ELEMENT_OF_VIDEO}
        self.known: dict[str, Any] = {}
        self._accepted: dict[tuple[str, str], str] = {}
        video = {
            name: ask.finish("videos/text2video", prompt="a fox", **more)["task_result"]["videos"][0]["id"]
            for name, more in {
                "v1-6": {"model_name": "kling-v1-6"},
                "v1": {},
                "v2-6": PRO_V26 | {"sound": "on"},
            }.items()
        }
        said = {"voice_id": "AOT", "voice_language": "en"}
        for name, text in (("tts", "A fox went out on a chilly night, and prayed for light."), ("short tts", "Hi.")):
            task = ask.create("audio/tts", text=text, **said)
            self.known[name] = task["task_result"]["audios"][0]["id"]
        self.known |= video
        self.known["faces"] = ask.create("videos/identify-face", video_id=video["v1-6"])["session_id"]
        for name in ("unmarked", "empty", "marked", "to be cleared"):
            begun = ask.create("videos/multi-elements/init-selection", video_id=video["v1-6"])
            self.known[name] = begun["session_id"]
        for frame in (0, 1, 2):
            marks = {"session_id": self.known["marked"], "frame_index": frame, "points": [POINT] * (frame + 1)}
            ask.create("videos/multi-elements/add-selection", **marks)
        self._library()

    def accepts(self, path: str, body: Any) -> str:
        """Why a request is refused, for another reason than that no slot is free; asked once for equal requests."""
        key = path, json.dumps(body, sort_keys=True)
        if key not in self._accepted:
            answer = self.ask.post(path, body)
            good = (answer.status_code, answer.json()["code"]) in ((200, 0), (429, 1303))
            self._accepted[key] = "" if good else answer.text
        return self._accepted[key]

    def _library(self) -> None:
        element = self.ask.finish("general/advanced-custom-elements", **self.told(self._of_video))
        self.known["of video"] = element["task_result"]["elements"][0]["element_id"]
        other = self.ask.finish("general/advanced-custom-elements", **self.told(self._of_video))
        self.known["own element"] = other["task_result"]["elements"][0]["element_id"]
        voice = {"voice_name": "me", "voice_url": f"{self._shop}/sound-5s.wav"}
        made = self.ask.finish("general/custom-voices", **voice)
        self.known["own voice"] = made["task_result"]["voices"][0]["voice_id"]

    def told(self, value: Any) -> Any:
        """A value of the table with what it names in place of the names."""
        if isinstance(value, dict):
            return {name: self.told(item) for name, item in value.items() if item is not OUT}
        if isinstance(value, list):
            return [self.told(item) for item in value]
        if isinstance(value, str) and value.startswith("shop:"):
            return f"{self._shop}/{value.removeprefix('shop:')}"
        return self.known.get(value, value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def full(shop: str) -> Iterator[Full]:
    slots: dict[Any, int] = {}
    with Simulator(speed=1e6, seed=1, parallel=slots) as simulator:
        ask = Asker(simulator)
        with ask.http:
            account = Full(ask, shop)
            slots.update(dict.fromkeys(("video", "image", "try-on", "audio", "library"), 0))
            yield account


@pytest.mark.parametrize(("path", "good", "bad", "said"), ROWS)
def test_a_rule(full: Full, path: str, good: Change, bad: Change, said: str) -> None:
    """What breaks a rule is refused with 1201 and the name of what is wrong; what keeps to it is refused by no rule."""
    refused = full.ask.post(path, full.told(bad))
    assert (refused.status_code, refused.json()["code"]) == (400, 1201), refused.text
    assert said in refused.json()["message"]

    assert full.accepts(path, full.told(good)) == ""


def test_every_request_has_rules_here() -> None:
    """A workflow that is added to the simulator without a row in this table fails here."""
    from kling_nb.simulator.workflows import CALLS, WORKFLOWS

    assert set(TABLE) == {*WORKFLOWS, *CALLS}


FIELDS = sorted({name for base, rows in TABLE.values() for row in rows for name in {**base, **row[1], **row[2]}})
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)
anything = st.recursive(
    scalars,
    lambda few: st.lists(few, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), few, max_size=3),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(sorted(TABLE)), st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=3))
def test_nonsense_is_answered_as_kling_would(full: Full, path: str, nonsense: Change) -> None:
    """Whatever stands in whatever field of whatever request, the answer is Kling's, and never a fault of the server."""
    answer = full.ask.post(path, full.told({**TABLE[path][0], **nonsense}))
    assert answer.status_code < 500 or answer.json()["error"]["code"] == "model_not_found", answer.text
    assert answer.status_code >= 500 or {"code", "message", "request_id"} <= answer.json().keys()
