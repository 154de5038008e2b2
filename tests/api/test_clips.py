"""Videos from words and pictures: for every rule an example that is refused and one that is taken."""

from __future__ import annotations

from typing import Any

import pytest

from kling_nb.api.errors import RequestRefused
from kling_nb.api.requests import (
    CameraControl,
    CameraMove,
    Image2Video,
    KlingWarning,
    MultiImage2Video,
    Shot,
    Text2Video,
    VideoExtend,
)
from kling_nb.api.tasks import Task, Video

from .conftest import URL, Rule, named, picture, refusal

T2V, I2V, MULTI, EXTEND = (
    {"prompt": "a fox"},
    {"image": URL, "prompt": "it runs"},
    {"image_list": [URL], "prompt": "x"},
    {},
)

SHOT = {"index": 1, "prompt": "fog", "duration": 2}
SHOTS = [SHOT, {"index": 2, "prompt": "rain", "duration": 3}]
V3 = {"model_name": "kling-v3"}
MULTI_SHOT = {**V3, "multi_shot": True, "shot_type": "customize", "multi_prompt": SHOTS, "duration": 5}
SOUND = {"model_name": "kling-v2-6", "mode": "pro", "sound": True}
MASK = {"mask": URL, "trajectories": [{"x": 1, "y": 1}, {"x": 2, "y": 2}]}
ZOOM = {"type": "simple", "config": {"zoom": 5}}

RULES = [
    # -- both ---------------------------------------------------------------------------------------------------
    *[
        rule
        for cls, base in ((Text2Video, T2V), (Image2Video, I2V))
        for rule in [
            Rule(
                "a prompt has 2,500 characters at most",
                cls,
                base | {"prompt": "x" * 2500},
                {"prompt": "x" * 2501},
                "at most 2500 characters",
            ),
            Rule(
                "a negative prompt has 2,500 characters at most",
                cls,
                base | {"negative_prompt": "x" * 2500},
                {"negative_prompt": "x" * 2501},
                "at most 2500 characters",
            ),
            Rule(
                "v1 makes 5 or 10 s",
                cls,
                base | {"duration": 10},
                {"duration": 7},
                "duration = 7: kling-v1 makes videos of 5 or 10 seconds",
            ),
            Rule(
                "v3 makes up to 15 s",
                cls,
                base | V3 | {"duration": 15},
                {"duration": 16},
                "duration = 16: kling-v3 makes videos of 3 to 15 seconds",
            ),
            Rule(
                "v3 makes at least 3 s",
                cls,
                base | V3 | {"duration": 3},
                {"duration": 2},
                "duration = 2: kling-v3 makes videos of 3 to 15 seconds",
            ),
            Rule(
                "a length is a whole number",
                cls,
                base | {"duration": 5.0},
                {"duration": 5.5},
                "duration = 5.5: should be a valid integer",
            ),
            Rule(
                "a mode is std or pro",
                cls,
                base | {"mode": "pro"},
                {"mode": "fast"},
                "mode = 'fast': should be 'std' or 'pro'",
            ),
            Rule(
                "cfg_scale goes up to 1",
                cls,
                base | {"cfg_scale": 1},
                {"cfg_scale": 1.1},
                "cfg_scale = 1.1: should be less than or equal to 1",
            ),
            Rule(
                "cfg_scale goes down to 0",
                cls,
                base | {"cfg_scale": 0},
                {"cfg_scale": -0.1},
                "cfg_scale = -0.1: should be greater than or equal to 0",
            ),
            Rule(
                "cfg_scale is for v1.x",
                cls,
                base | {"cfg_scale": 0.5, "model_name": "kling-v1-6"},
                {"model_name": "kling-v2-6"},
                "cfg_scale = 0.5: kling-v2-6 takes none; kling-v1",
            ),
            Rule(
                "sound is for v2-6 and v3",
                cls,
                base | V3 | {"sound": True},
                {"model_name": "kling-v2-5-turbo"},
                "sound = 'on': kling-v2-5-turbo does not offer it",
            ),
            Rule(
                "v2-6 has sound in mode pro",
                cls,
                base | SOUND,
                {"mode": "std"},
                "sound = 'on': kling-v2-6 offers it in mode pro only; this is mode std",
            ),
            Rule(
                "multi-shot is for v3",
                cls,
                base | MULTI_SHOT,
                {"model_name": "kling-v2-6"},
                "multi_shot = True: kling-v2-6 has no multi-shot; kling-v3 has",
            ),
            Rule(
                "multi-shot needs its type",
                cls,
                base | MULTI_SHOT,
                {"shot_type": None},
                "shot_type is required with multi_shot: 'customize' or 'intelligence'",
            ),
            Rule(
                "a shot type is one of two",
                cls,
                base | MULTI_SHOT,
                {"shot_type": "manual"},
                "shot_type = 'manual': should be 'customize' or 'intelligence'",
            ),
            Rule(
                "customize needs shots",
                cls,
                base | MULTI_SHOT,
                {"multi_prompt": None},
                "multi_prompt is required with shot_type='customize'",
            ),
            Rule(
                "a shot type needs multi-shot",
                cls,
                base | MULTI_SHOT,
                {"multi_shot": None, "multi_prompt": None},
                "shot_type: needs multi_shot=True",
            ),
            Rule(
                "shots need multi-shot",
                cls,
                base | MULTI_SHOT,
                {"multi_shot": False, "shot_type": None},
                "multi_prompt: needs multi_shot=True",
            ),
            Rule(
                "intelligence takes no shots",
                cls,
                base | MULTI_SHOT | {"shot_type": "intelligence", "multi_prompt": None},
                {"multi_prompt": SHOTS},
                "multi_prompt: only with shot_type='customize'",
            ),
            Rule(
                "shots add up to the length",
                cls,
                base | MULTI_SHOT,
                {"duration": 6},
                "the shots' durations (2 + 3) must add up to duration = 6",
            ),
            Rule(
                "six shots at most",
                cls,
                base
                | MULTI_SHOT
                | {"duration": 6, "multi_prompt": [SHOT | {"index": n, "duration": 1} for n in range(1, 7)]},
                {"multi_prompt": [SHOT | {"index": n, "duration": 1} for n in range(1, 8)], "duration": 7},
                "should have at most 6 items",
            ),
            Rule(
                "a shot lasts at least 1 s",
                cls,
                base | MULTI_SHOT | {"multi_prompt": [SHOT | {"duration": 1}, SHOT | {"index": 2, "duration": 4}]},
                {"multi_prompt": [SHOT | {"duration": 0}, SHOT | {"index": 2, "duration": 5}]},
                "duration = 0: should be greater than or equal to 1",
            ),
            Rule(
                "a shot's prompt has 512 characters at most",
                cls,
                base | MULTI_SHOT | {"multi_prompt": [SHOT | {"prompt": "x" * 512, "duration": 5}]},
                {"multi_prompt": [SHOT | {"prompt": "x" * 513, "duration": 5}]},
                "at most 512 characters",
            ),
            Rule(
                "every shot has its own number",
                cls,
                base | MULTI_SHOT,
                {"multi_prompt": [SHOT, SHOT | {"duration": 3}]},
                "each shot needs an index of its own, not 1 and 1",
            ),
            Rule(
                "two voices at most",
                cls,
                base | SOUND | {"voice_list": ["1", "2"]},
                {"voice_list": ["1", "2", "3"]},
                "voice_list",
            ),
            Rule(
                "voices need sound",
                cls,
                base | SOUND | {"voice_list": ["1"]},
                {"sound": None},
                "voice_list: voices need sound=True",
            ),
            Rule(
                "voices are for v2-6",
                cls,
                base | SOUND | {"voice_list": ["1"]},
                V3,
                "voice_list = 'voices': kling-v3 does not offer it",
            ),
            Rule(
                "an own id has something in it",
                cls,
                base | {"external_task_id": "a"},
                {"external_task_id": ""},
                "external_task_id = ''",
            ),
            Rule(
                "a callback is a URL",
                cls,
                base | {"callback_url": URL},
                {"callback_url": "localhost"},
                "callback_url = 'localhost'",
            ),
            Rule(
                "a watermark is on or off",
                cls,
                base | {"watermark_info": {"enabled": True}},
                {"watermark_info": {"enabled": "maybe"}},
                "enabled = 'maybe'",
            ),
        ]
    ],
    # -- text2video ---------------------------------------------------------------------------------------------
    Rule("a prompt is required", Text2Video, T2V, {"prompt": None}, "prompt is required"),
    Rule("a prompt says something", Text2Video, T2V, {"prompt": " \n"}, "prompt is required"),
    Rule(
        "intelligence needs the plain prompt",
        Text2Video,
        T2V | MULTI_SHOT | {"shot_type": "intelligence", "multi_prompt": None},
        {"prompt": ""},
        "prompt is required",
    ),
    Rule(
        "an aspect ratio is one of three",
        Text2Video,
        T2V | {"aspect_ratio": "1:1"},
        {"aspect_ratio": "4:3"},
        "aspect_ratio = '4:3': should be '16:9', '9:16' or '1:1'",
    ),
    Rule(
        "v1-5 has no text to video",
        Text2Video,
        T2V | {"model_name": "kling-v1-6"},
        {"model_name": "kling-v1-5"},
        "model_name = 'kling-v1-5': text2video works with kling-v1, kling-v1-6",
    ),
    Rule(
        "v2-1 has no text to video",
        Text2Video,
        T2V | {"model_name": "kling-v2-1-master"},
        {"model_name": "kling-v2-1"},
        "model_name = 'kling-v2-1': text2video works with",
    ),
    Rule(
        "the camera is for v1",
        Text2Video,
        T2V | {"camera_control": ZOOM},
        {"model_name": "kling-v1-6"},
        "camera_control = 'simple': kling-v1-6 does not offer it",
    ),
    Rule(
        "the camera is for mode std",
        Text2Video,
        T2V | {"camera_control": ZOOM},
        {"mode": "pro"},
        "camera_control = 'simple': kling-v1 offers it in mode std at 5 s only; this is mode pro, 5 s",
    ),
    Rule(
        "the camera is for 5 s",
        Text2Video,
        T2V | {"camera_control": ZOOM},
        {"duration": 10},
        "at 5 s only; this is mode std, 10 s",
    ),
    Rule(
        "a simple move has a config",
        Text2Video,
        T2V | {"camera_control": ZOOM},
        {"camera_control": {"type": "simple"}},
        "camera_control: config: type simple needs a config",
    ),
    Rule(
        "a named move has no config",
        Text2Video,
        T2V | {"camera_control": {"type": "down_back"}},
        {"camera_control": {"type": "down_back", "config": {"zoom": 1}}},
        "only type simple takes a config, not down_back",
    ),
    Rule(
        "a move is one of the named",
        Text2Video,
        T2V | {"camera_control": {"type": "forward_up"}},
        {"camera_control": {"type": "around"}},
        "type = 'around': should be 'simple', 'down_back'",
    ),
    Rule(
        "one move only",
        Text2Video,
        T2V | {"camera_control": ZOOM},
        {"camera_control": {"type": "simple", "config": {"zoom": 1, "pan": 1}}},
        "exactly one move must differ from 0, not pan and zoom",
    ),
    Rule(
        "one move at least",
        Text2Video,
        T2V | {"camera_control": {"type": "simple", "config": {"zoom": 1, "pan": 0}}},
        {"camera_control": {"type": "simple", "config": {"zoom": 0}}},
        "exactly one move must differ from 0, not none",
    ),
    Rule(
        "a move goes to 10",
        Text2Video,
        T2V | {"camera_control": {"type": "simple", "config": {"roll": -10}}},
        {"camera_control": {"type": "simple", "config": {"roll": -11}}},
        "roll = -11: should be greater than or equal to -10",
    ),
    # -- image2video --------------------------------------------------------------------------------------------
    Rule("a picture is required", Image2Video, I2V, {"image": None}, "image is required (or image_tail, or both)"),
    Rule(
        "an end frame alone will do",
        Image2Video,
        {"image_tail": URL, "prompt": "x", "model_name": "kling-v1-6", "mode": "pro"},
        {"image_tail": None},
        "image is required",
    ),
    Rule(
        "v1 ends at a frame in 5 s",
        Image2Video,
        I2V | {"image_tail": URL},
        {"duration": 10},
        "image_tail = 'an end frame': kling-v1 offers it at 5 s only",
    ),
    *[
        Rule(
            f"{model} ends at a frame in mode pro",
            Image2Video,
            I2V | {"image_tail": URL, "model_name": model, "mode": "pro"},
            {"mode": "std"},
            f"image_tail = 'an end frame': {model} offers it in mode pro",
        )
        for model in ("kling-v1-5", "kling-v1-6", "kling-v2-1", "kling-v2-5-turbo", "kling-v2-6")
    ],
    Rule(
        "v2-6 ends at a frame without sound",
        Image2Video,
        I2V | SOUND | {"image_tail": URL, "sound": False},
        {"sound": True},
        "offers it in mode pro without sound only; this is mode pro, 5 s, with sound",
    ),
    *[
        Rule(
            f"{model} has no end frame",
            Image2Video,
            I2V | {"image_tail": URL, "model_name": "kling-v3"},
            {"model_name": model},
            f"image_tail = 'an end frame': {model} does not offer it",
        )
        for model in ("kling-v2-master", "kling-v2-1-master")
    ],
    Rule(
        "multi-shot has no end frame",
        Image2Video,
        I2V | MULTI_SHOT,
        {"image_tail": URL},
        "image_tail: not together with multi_shot",
    ),
    Rule(
        "an end frame excludes masks",
        Image2Video,
        I2V | {"image_tail": URL},
        {"static_mask": URL},
        "image_tail and static_mask or dynamic_masks exclude each other",
    ),
    Rule(
        "masks exclude the camera",
        Image2Video,
        I2V | {"dynamic_masks": [MASK]},
        {"camera_control": ZOOM, "model_name": "kling-v1-5", "mode": "pro"},
        "static_mask or dynamic_masks and camera_control exclude each other",
    ),
    Rule(
        "an end frame excludes the camera",
        Image2Video,
        I2V | {"image_tail": URL, "model_name": "kling-v1-5", "mode": "pro"},
        {"camera_control": ZOOM},
        "image_tail and camera_control exclude each other",
    ),
    Rule(
        "v1 has masks in 5 s",
        Image2Video,
        I2V | {"static_mask": URL},
        {"duration": 10},
        "static_mask = 'a mask': kling-v1 offers it at 5 s only",
    ),
    Rule(
        "v1-5 has masks in mode pro",
        Image2Video,
        I2V | {"dynamic_masks": [MASK], "model_name": "kling-v1-5", "mode": "pro"},
        {"mode": "std"},
        "dynamic_masks = 'a mask': kling-v1-5 offers it in mode pro at 5 s only",
    ),
    Rule(
        "v1-6 has no masks",
        Image2Video,
        I2V | {"dynamic_masks": [MASK]},
        {"model_name": "kling-v1-6"},
        "dynamic_masks = 'a mask': kling-v1-6 does not offer it",
    ),
    Rule(
        "six moving masks at most",
        Image2Video,
        I2V | {"dynamic_masks": [MASK] * 6},
        {"dynamic_masks": [MASK] * 7},
        "dynamic_masks",
    ),
    Rule(
        "a path has two points at least",
        Image2Video,
        I2V | {"dynamic_masks": [MASK]},
        {"dynamic_masks": [MASK | {"trajectories": [{"x": 1, "y": 1}]}]},
        "at least 2 items",
    ),
    Rule(
        "a path has 77 points at most",
        Image2Video,
        I2V | {"dynamic_masks": [MASK | {"trajectories": [{"x": 1, "y": 1}] * 77}]},
        {"dynamic_masks": [MASK | {"trajectories": [{"x": 1, "y": 1}] * 78}]},
        "at most 77 items",
    ),
    Rule(
        "masks have one size",
        Image2Video,
        I2V | {"static_mask": picture(800, 600), "dynamic_masks": [MASK | {"mask": picture(800, 600)}]},
        {"static_mask": picture(400, 300)},
        "masks must have one size, not 400x300 and 800x600",
    ),
    Rule(
        "a mask has the image's ratio",
        Image2Video,
        I2V | {"image": picture(800, 600), "static_mask": picture(400, 300)},
        {"static_mask": picture(400, 400)},
        "a mask of 400x400: it must have the ratio of the image, 800x600",
    ),
    Rule(
        "the camera is for v1-5",
        Image2Video,
        I2V | {"camera_control": ZOOM, "model_name": "kling-v1-5", "mode": "pro"},
        {"model_name": "kling-v1"},
        "camera_control = 'simple': kling-v1 does not offer it for image2video",
    ),
    Rule(
        "v1-5 knows simple moves",
        Image2Video,
        I2V | {"camera_control": ZOOM, "model_name": "kling-v1-5", "mode": "pro"},
        {"camera_control": {"type": "down_back"}},
        "camera_control = 'down_back': kling-v1-5 offers it in mode pro at 5 s of type simple only",
    ),
    Rule(
        "three elements at most",
        Image2Video,
        I2V | V3 | {"element_list": [1, 2, 3]},
        {"element_list": [1, 2, 3, 4]},
        "element_list",
    ),
    Rule(
        "elements are for v3",
        Image2Video,
        I2V | V3 | {"element_list": [1]},
        {"model_name": "kling-v2-6"},
        "element_list: kling-v2-6 takes no elements; kling-v3 does",
    ),
    Rule(
        "elements exclude voices",
        Image2Video,
        I2V | SOUND | {"voice_list": ["1"]},
        {"element_list": [1]},
        "element_list and voice_list exclude each other",
    ),
    # -- multi_image2video --------------------------------------------------------------------------------------
    Rule(
        "four pictures at most",
        MultiImage2Video,
        MULTI | {"image_list": [URL] * 4},
        {"image_list": [URL] * 5},
        "image_list",
    ),
    Rule(
        "one picture at least",
        MultiImage2Video,
        MULTI,
        {"image_list": []},
        "image_list = []: should have at least 1 item",
    ),
    Rule("many pictures need a prompt", MultiImage2Video, MULTI, {"prompt": ""}, "prompt = ''"),
    Rule(
        "many pictures: 5 or 10 s",
        MultiImage2Video,
        MULTI | {"duration": 10},
        {"duration": 8},
        "duration = 8: it may be 5 or 10 seconds",
    ),
    Rule(
        "many pictures: one model",
        MultiImage2Video,
        MULTI,
        {"model_name": "kling-v1"},
        "model_name = 'kling-v1': multi_image2video works with kling-v1-6",
    ),
    Rule(
        "many pictures: three ratios",
        MultiImage2Video,
        MULTI | {"aspect_ratio": "9:16"},
        {"aspect_ratio": "21:9"},
        "aspect_ratio = '21:9'",
    ),
    # -- video_extend -------------------------------------------------------------------------------------------
    Rule("an extension needs its video", VideoExtend, {"video_id": "v1"}, {"video_id": " "}, "the video_id is empty"),
    Rule("an extension takes no URL", VideoExtend, {"video_id": "v1"}, {"video_id": URL}, "is a URL, not a video_id"),
    Rule(
        "a video grows to three minutes",
        VideoExtend,
        {"video_id": Video(id="v", url="u", duration=170)},
        {"video_id": Video(id="v", url="u", duration=178)},
        "a length of 178 s: it may be 0 to 176 s",
    ),
    Rule(
        "an extension has cfg_scale to 1",
        VideoExtend,
        {"video_id": "v1", "cfg_scale": 1},
        {"cfg_scale": 2},
        "cfg_scale = 2",
    ),
]


@pytest.mark.filterwarnings("ignore::kling_nb.api.advice.KlingWarning")
@pytest.mark.parametrize("rule", RULES, ids=named)
def test_every_rule_has_two_sides(rule: Rule) -> None:
    """What keeps to the rule is taken; what breaks it is refused, by field, value and what may be."""
    rule.hold()


def wire(request: Any) -> dict[str, Any]:
    body = request.wire()
    assert body.pop("external_task_id").startswith("knb-")
    return dict(body)


def test_natural_values_become_the_wires_own() -> None:
    """Lengths are strings and sound is on or off there; what was not given is left to the service."""
    assert wire(Text2Video("a fox", duration=10, **SOUND)) == {
        "model_name": "kling-v2-6",
        "prompt": "a fox",
        "mode": "pro",
        "duration": "10",
        "sound": "on",
        "aspect_ratio": "16:9",
    }
    assert wire(Image2Video(URL, "it runs", sound=False))["sound"] == "off"


def test_parts_can_be_objects_or_dicts() -> None:
    """A camera is the same either way."""
    as_objects = Text2Video("x", camera_control=CameraControl(type="simple", config=CameraMove(zoom=5)))
    assert wire(as_objects) == wire(Text2Video("x", camera_control=ZOOM))
    shots = Text2Video(
        **V3, multi_shot=True, shot_type="customize", multi_prompt=[Shot(index=1, prompt="fog", duration=5)]
    )
    assert wire(shots)["multi_prompt"] == [{"index": 1, "prompt": "fog", "duration": "5"}]


def test_list_items_can_be_given_bare() -> None:
    """A list of ids is enough where the wire wants a list of objects."""
    assert wire(Image2Video(URL, "x", **V3, element_list=[829836802793406551]))["element_list"] == [
        {"element_id": 829836802793406551}
    ]
    assert wire(MultiImage2Video([URL], "x"))["image_list"] == [{"image": URL}]


def test_every_request_has_an_id_of_its_own() -> None:
    """Two requests never share the id under which a lost answer is looked up."""
    assert Text2Video("x").external_task_id != Text2Video("x").external_task_id
    assert Text2Video("x", external_task_id="mine").wire()["external_task_id"] == "mine"


def test_an_earlier_video_gives_its_id() -> None:
    """The video itself, or its task, stands for its id."""
    video = Video(id="v1", url=URL, duration=5.1)
    task = Task.model_validate({"task_id": "7", "task_result": {"videos": [video.model_dump()]}})
    for given in ("v1", video, task):
        assert VideoExtend(given, "the wave breaks").wire()["video_id"] == "v1"


@pytest.mark.filterwarnings("ignore::kling_nb.api.advice.KlingWarning")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(
            lambda: Text2Video("x", model_name="kling-v9", duration=999),
            "'kling-v9' is not in this release",
            id="a-model-of-next-year",
        ),
        pytest.param(
            lambda: Text2Video("x" * 501), "CometAPI's pages say 500", id="a-prompt-longer-than-the-gateway-says"
        ),
        pytest.param(
            lambda: Text2Video("x", negative_prompt="x" * 201), "CometAPI's pages say 200", id="a-long-negative-prompt"
        ),
        pytest.param(lambda: Text2Video("x", **MULTI_SHOT), "prompt is ignored", id="a-prompt-beside-shots"),
        pytest.param(
            lambda: Text2Video("<<<voice_2>>> hello", **SOUND, voice_list=["1"]),
            "names <<<voice_2>>>, and there are 1",
            id="a-voice-that-is-not-there",
        ),
        pytest.param(
            lambda: Text2Video("x", **SOUND, voice_list=["1"]), "lists no such field", id="voices-in-text-to-video"
        ),
        pytest.param(
            lambda: Image2Video(URL, "x", **SOUND, voice_list=["oversea_male1"]),
            "is a voice of tts and lip-sync",
            id="a-voice-of-another-kind",
        ),
        pytest.param(lambda: Image2Video(URL), "prompt is empty", id="a-picture-without-a-prompt"),
        pytest.param(
            lambda: Image2Video(image_tail=URL, prompt="x"), "not documented for kling-v1", id="an-end-frame-alone"
        ),
        pytest.param(
            lambda: Text2Video("x", extra={"mode": "4k"}),
            "mode = '4k' comes from extra",
            id="extra-in-place-of-a-field",
        ),
    ],
)
def test_a_doubt_is_told_and_sent_all_the_same(make: Any, said: str) -> None:
    """What a document doubts or this release does not know is warned of, at the person's own line."""
    with pytest.warns(KlingWarning, match=said) as caught:
        assert make().wire()
    assert {warning.filename for warning in caught} == {__file__}


def test_extra_passes_through() -> None:
    """A field of next month is sent as it is, into objects too."""
    extra = {"seed": 7, "camera_control": {"ease": 1}}
    with pytest.warns(KlingWarning, match="camera_control"):
        body = wire(Text2Video("x", camera_control={"type": "down_back"}, extra=extra))
    assert body["seed"] == 7
    assert body["camera_control"] == {"type": "down_back", "ease": 1}


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        pytest.param({"model": "kling-v3"}, "use model_name", id="the-field-that-kling-ignores"),
        pytest.param({"external_task_id": "x"}, "give it directly", id="our-own-id"),
        pytest.param({"when": object()}, "cannot be written as JSON", id="no-json"),
        pytest.param({"x": float("nan")}, "cannot be written as JSON", id="not-a-number"),
        pytest.param({"x": "\ud83d"}, "cannot be written as JSON", id="half-a-character"),
    ],
)
def test_extra_cannot_go_wrong_in_silence(extra: dict[str, Any], said: str) -> None:
    """What would be ignored, lose the task or break on the way is refused."""
    assert said in refusal(Text2Video, prompt="x", extra=extra)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(
            {"prompt": "x", "promt": "y"}, "promt is not a field of text2video; did you mean prompt?", id="a-typo"
        ),
        pytest.param({"prompt": "x", "model": "kling-v3"}, "did you mean model_name?", id="the-old-name-of-the-model"),
        pytest.param({"prompt": "x", "zzz": 1}, "zzz is not a field of text2video; it takes", id="no-idea"),
        pytest.param(
            {"prompt": b"x", "cfg_scale": "high"},
            "cfg_scale = 'high': should be a valid number",
            id="a-word-for-a-number",
        ),
        pytest.param({"prompt": 7}, "prompt = 7: should be a valid string", id="a-number-for-a-word"),
        pytest.param({"prompt": "\ud83d"}, r"prompt = '\ud83d'", id="half-a-character"),
    ],
)
def test_a_slip_is_told_in_plain_words(given: dict[str, Any], said: str) -> None:
    """Typos and wrong types are named, without a pydantic dump."""
    text = refusal(Text2Video, **given)
    assert said in text
    assert "pydantic" not in text
    assert "Input" not in text
    assert text.startswith("text2video was refused before anything was sent; nothing is billed:")


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Two slips take one look, not two."""
    text = refusal(Text2Video, prompt="x", mode="fast", aspect_ratio="4:3")
    assert "mode = 'fast'" in text
    assert "aspect_ratio = '4:3'" in text


def test_too_many_values_without_a_name_are_refused() -> None:
    """Python's own TypeError would not say which."""
    with pytest.raises(RequestRefused, match="only prompt without a name"):
        Text2Video("a", "b")
    with pytest.raises(RequestRefused, match="given prompt twice"):
        Text2Video("a", prompt="b")


def test_a_request_shows_what_was_given() -> None:
    """Its repr is the call, without everything that was left to its default."""
    assert repr(Text2Video("a fox", duration=10)) == "Text2Video(duration=10, prompt='a fox')"


def test_a_request_stays_as_it_was_checked() -> None:
    """Changing it after the check would send what nobody looked at."""
    with pytest.raises(RequestRefused, match="make a new one to change mode"):
        Text2Video("a").mode = "fast"  # type: ignore[assignment]


class Running:
    """A job as requests know one: awaitable, with a result that is None until it is finished."""

    def __init__(self, result: Any = None) -> None:
        self.result = result
        self.error: Exception | None = None

    def __await__(self) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        return "<a job>"


def test_a_finished_job_stands_for_its_result() -> None:
    """What awaits nothing any more is as good as what it became."""
    job = Running(Video(id="v1", url=URL))
    assert VideoExtend(job).wire()["video_id"] == "v1"
    assert VideoExtend.pending(job) == []


def test_an_unfinished_job_is_refused_in_a_request() -> None:
    """A request that cannot be written out is none yet."""
    assert "<a job> is not finished: wait for it first" in refusal(VideoExtend, video_id=Running())


def test_a_failed_job_is_refused_with_its_reason() -> None:
    """What has failed will never be finished."""
    job = Running()
    job.error = RuntimeError("risk control")
    assert "<a job> has failed: risk control" in refusal(VideoExtend, video_id=job)


def test_unfinished_jobs_are_found_wherever_they_are() -> None:
    """What has to be waited for is known before waiting, deep inside lists too; the rest is checked already."""
    one, two = Running(), Running()
    assert VideoExtend.pending(one, "more") == [one]
    assert MultiImage2Video.pending([one, {"image": two}, URL], "x") == [one, two]
    assert Image2Video.pending(URL, "x") == []
    with pytest.raises(ValueError, match="cfg_scale = 7"):
        VideoExtend.pending(one, cfg_scale=7)
    with pytest.raises(ValueError, match="prompt"):
        Text2Video.pending(one)


@pytest.mark.parametrize(
    ("request_", "dollars"),
    [
        pytest.param(lambda: Text2Video("x"), 0.13, id="v1-std-5-s"),
        pytest.param(lambda: Text2Video("x", duration=10, mode="pro"), 0.92, id="v1-pro-10-s"),
        pytest.param(lambda: Image2Video(URL, "x", model_name="kling-v2-1"), 0.26, id="v2-1-std-5-s"),
        pytest.param(
            lambda: Text2Video("x", model_name="kling-v2-master", mode="pro"), 1.32, id="a-master-has-one-mode"
        ),
        pytest.param(
            lambda: Text2Video("x", model_name="kling-v2-5-turbo", mode="pro", duration=10), 0.66, id="v2-5-turbo"
        ),
    ],
)
def test_an_estimate_says_what_it_is(request_: Any, dollars: float) -> None:
    """A known price comes with its date and the word estimate."""
    estimate = request_().estimate()
    assert estimate.dollars == dollars
    assert "estimate" in str(estimate)
    assert "early 2026" in str(estimate)


@pytest.mark.filterwarnings("ignore::kling_nb.api.advice.KlingWarning")
@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(lambda: Text2Video("x", **V3), id="v3"),
        pytest.param(lambda: Text2Video("x", model_name="kling-v2-5-turbo"), id="v2-5-turbo-std"),
        pytest.param(lambda: Text2Video("x", model_name="kling-v9"), id="an-unknown-model"),
        pytest.param(lambda: VideoExtend("v1"), id="an-extension"),
    ],
)
def test_no_price_is_guessed(request_: Any) -> None:
    """Where no price is known, there is no estimate."""
    assert request_().estimate() is None
