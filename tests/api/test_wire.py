"""The exact JSON of one request a workflow: wire.json holds it, written by hand from the reference."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import KlingError
from kling_nb.api.requests import (
    WORKFLOWS,
    AccountCosts,
    AddSelection,
    AdvancedLipSync,
    Avatar,
    Call,
    ClearSelection,
    CustomElement,
    CustomVoice,
    DeleteElement,
    DeleteSelection,
    DeleteVoice,
    Effects,
    ExpandImage,
    IdentifyFace,
    Image2Video,
    ImageGeneration,
    ImageRecognize,
    Immediate,
    InitSelection,
    LipSync,
    MotionControl,
    MultiElements,
    MultiImage2Image,
    MultiImage2Video,
    OmniImage,
    OmniVideo,
    PresetElements,
    PresetVoices,
    PreviewSelection,
    Request,
    Text2Video,
    TextToAudio,
    Tts,
    VideoExtend,
    VideoToAudio,
    VirtualTryOn,
)

from .conftest import URL, Canned, reply

pytestmark = pytest.mark.filterwarnings("ignore::kling_nb.api.advice.KlingWarning")

WIRE: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "wire.json").read_text())
MINE = {"external_task_id": "mine"}
SESSION = "847570360458960960"
POINTS = [{"x": 0.5, "y": 0.25}]

EXAMPLES: list[Call] = [
    Text2Video(
        "a red panda surfs a wave",
        negative_prompt="blur",
        cfg_scale=0.7,
        camera_control={"type": "simple", "config": {"zoom": 5}},
        watermark_info={"enabled": True},
        callback_url="https://example.com/called",
        **MINE,
    ),
    Image2Video(
        URL,
        model_name="kling-v3",
        multi_shot=True,
        shot_type="customize",
        multi_prompt=[{"index": 1, "prompt": "fog", "duration": 2}, {"index": 2, "prompt": "rain", "duration": 3}],
        element_list=[829836802793406551],
        sound=True,
        mode="pro",
        **MINE,
    ),
    MultiImage2Video([URL, URL], "they meet", mode="pro", duration=10, aspect_ratio="1:1", **MINE),
    VideoExtend("743211632612511839", "the wave breaks", negative_prompt="blur", cfg_scale=0.5, **MINE),
    Effects("hug", images=[URL, URL], model_name="kling-v1-6", mode="pro", duration=10, **MINE),
    IdentifyFace("743211632612511839"),
    AdvancedLipSync(
        "850508686686064678",
        "0",
        sound_file=URL,
        sound_end_time=3000,
        sound_insert_time=1000,
        sound_volume=2,
        original_audio_volume=0,
        **MINE,
    ),
    LipSync(video_url=URL, text="welcome", voice_id="oversea_male1", voice_speed=1.2, **MINE),
    Avatar(URL, audio_id="a1", prompt="she nods", **MINE),
    OmniVideo(
        "like <<<video_1>>>, with <<<image_1>>> and <<<element_1>>>",
        image_list=[URL],
        element_list=[7],
        video_list=[{"video_url": URL, "refer_type": "feature", "keep_original_sound": False}],
        aspect_ratio="1:1",
        duration=7,
        **MINE,
    ),
    MotionControl(URL, URL, character_orientation="image", mode="pro", keep_original_sound=True, **MINE),
    InitSelection(video_url=URL),
    AddSelection(SESSION, frame_index=0, points=POINTS),
    DeleteSelection(SESSION, frame_index=0, points=POINTS),
    ClearSelection(SESSION),
    PreviewSelection(SESSION),
    MultiElements(
        SESSION, "swap", "swap the hat from <<<image_1>>> for the cap from <<<video_1>>>", image_list=[URL], **MINE
    ),
    ImageRecognize(URL),
    ImageGeneration(
        "a knight",
        model_name="kling-v1-5",
        image=URL,
        image_reference="subject",
        image_fidelity=0.5,
        human_fidelity=0.45,
        resolution="1k",
        n=3,
        aspect_ratio="3:2",
        **MINE,
    ),
    MultiImage2Image([URL, URL], "at the beach", scene_image=URL, style_image=URL, aspect_ratio="21:9", **MINE),
    OmniImage("<<<image_1>>> in the snow", image_list=[URL], resolution="2k", n=2, aspect_ratio="auto", **MINE),
    ExpandImage(
        URL, up_expansion_ratio=0.5, left_expansion_ratio=0.5, right_expansion_ratio=0.5, prompt="mountains", **MINE
    ),
    VirtualTryOn(URL, URL, model_name="kolors-virtual-try-on-v1-5", **MINE),
    TextToAudio("fireworks", duration=3.5, **MINE),
    VideoToAudio(video_url=URL, sound_effect_prompt="waves", bgm_prompt="piano", asmr_mode=True, **MINE),
    Tts("welcome", "oversea_male1", voice_speed=0.8),
    CustomVoice("Ann", voice_url=URL, **MINE),
    PresetVoices(),
    DeleteVoice("850087542757535834"),
    CustomElement(
        "Rex",
        "a dog",
        reference_type="image_refer",
        element_image_list={"frontal_image": URL, "refer_images": [URL]},
        tag_list=["o_103"],
        **MINE,
    ),
    PresetElements(page=2, size=500),
    DeleteElement(829836802793406551),
    AccountCosts(start_time=1726124664368, end_time=datetime(2024, 9, 26, 16, tzinfo=UTC)),
]


def same(value: Any, expected: Any) -> bool:
    """Equal in type too: 5 is not "5", and true is not 1; 0 and 0.0 are one number in JSON."""
    if isinstance(value, dict) and isinstance(expected, dict):
        return value.keys() == expected.keys() and all(same(value[name], expected[name]) for name in value)
    if isinstance(value, list) and isinstance(expected, list):
        return len(value) == len(expected) and all(map(same, value, expected))
    return value == expected and isinstance(value, bool) == isinstance(expected, bool)


@pytest.mark.parametrize("request_", EXAMPLES, ids=lambda request: request.title())
def test_the_wire_is_what_the_reference_says(request_: Call, canned: Canned) -> None:
    """Path, field names and types of every workflow, as they go over a socket."""
    expected = WIRE[request_.title()]

    async def sending(kling: AsyncKling) -> None:
        if isinstance(request_, Immediate):
            await kling.call(request_)
        else:
            assert isinstance(request_, Request)
            await kling.create(request_)

    with pytest.raises(KlingError):
        canned.ask(sending, reply(400, {"code": 1200, "message": "enough seen"}))
    (asked,) = canned.asked
    path, _, query = asked.target.partition("?")
    method, _, where = expected["send"].partition(" ")
    assert (asked.method, path) == (method, where if where.startswith("/") else f"/kling/v1/{where}")
    if method == "GET":
        assert asked.body == b""
        assert query == "&".join(f"{name}={value}" for name, value in expected["query"].items())
    else:
        assert query == ""
        assert same(asked.json, expected["json"]), asked.json


def test_every_workflow_has_its_example() -> None:
    """A workflow without an example on the wire is not finished."""
    assert {request.title() for request in EXAMPLES} == set(WIRE) == set(WORKFLOWS)


@pytest.mark.parametrize("request_", EXAMPLES, ids=lambda request: request.title())
def test_every_request_can_be_recorded(request_: Call) -> None:
    """What the ledger keeps is JSON, with the fields as they were given."""
    assert json.loads(json.dumps(request_.described()))
