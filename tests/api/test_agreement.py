"""What the client takes, the simulator takes: two readings of one reference, compared over a real socket.

The simulator states every rule a second time, for itself. A request that passes the one and not the other shows a
mistake in either. Requests are drawn from what each workflow may be given, limits included; those that the client
refuses are not sent.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import io
import json
import time
import wave
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kling_nb.api.client import AsyncKling
from kling_nb.api.errors import RequestRefused, TaskFailed
from kling_nb.api.names import CLASSIC_EFFECTS, PAIR_EFFECTS
from kling_nb.api.requests import (
    WORKFLOWS,
    AccountCosts,
    AddSelection,
    CustomElement,
    CustomVoice,
    DeleteElement,
    DeleteVoice,
    IdentifyFace,
    Immediate,
    InitSelection,
    PresetElements,
    PresetVoices,
    Text2Video,
    Tts,
)
from kling_nb.api.results import Session
from kling_nb.api.tasks import Task, TaskStatus, Video
from kling_nb.simulator import Fault, Simulator

from .conftest import Asking, Canned, picture, reply

# ruff: noqa: E501  a workflow's choices are read as lines of a table

pytestmark = pytest.mark.filterwarnings("ignore::kling_nb.api.advice.KlingWarning")

PICTURE = picture()
MASK = {"mask": PICTURE, "trajectories": [{"x": 0, "y": 0}, {"x": 300, "y": 200}]}


def speech(seconds: float) -> bytes:
    """A sound of this length."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * int(8000 * seconds))
    return written.getvalue()


@dataclass
class Made:
    """What there is at the simulator to refer to."""

    video: Video
    spoken: Video
    audio: Any
    faces: Any
    session: Session
    voice: str
    element: int


@pytest.fixture(scope="module")
def made(quick: Simulator, ask: Asking) -> Made:
    there = ask(_make)
    # Acceptance is what is compared: from here on tasks fail, so that nothing has to be rendered for them.
    quick.faults.add(Fault(where="create", how="failed", times=None))
    return there


async def _make(kling: AsyncKling) -> Made:
    video = await video_of(kling, Text2Video("a fox"))
    spoken = await video_of(kling, Text2Video("a fox", model_name="kling-v2-6", mode="pro", sound=True))
    return Made(
        video,
        spoken,
        await kling.call(Tts("well, hello there, and welcome to the lighthouse of the north", "oversea_male1")),
        await kling.call(IdentifyFace(video)),
        await marked(kling, video),
        (await kling.call(PresetVoices()))[0].voice_id,
        (await kling.call(PresetElements()))[0].element_id,
    )


async def marked(kling: AsyncKling, video: Video) -> Session:
    """A session in which one point is marked."""
    session = await kling.call(InitSelection(video))
    return await kling.call(AddSelection(session, frame_index=0, points=[{"x": 0.5, "y": 0.5}]))


async def _finished(kling: AsyncKling, workflow: str, task: Task) -> Task:
    deadline = time.monotonic() + 100
    while not task.status.done and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        task = await kling.get(workflow, task.task_id)
    assert task.status is TaskStatus.SUCCEED
    return task


async def video_of(kling: AsyncKling, request: Text2Video) -> Video:
    (video,) = (await _finished(kling, "text2video", await kling.create(request))).media
    assert isinstance(video, Video)
    return video


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def listed(item: Any, most: int) -> st.SearchStrategy[list[Any]]:
    return st.integers(0, most + 1).map(lambda count: [item] * count)


WORDS = some("x", "x" * 2500, "x" * 2501)
MODES = some("std", "pro")
SCALE = some(0, 0.5, 1)
SHOTS = some([5], [1, 4], [1] * 6, [2, 3]).map(
    lambda lengths: [{"index": n, "prompt": "x", "duration": s} for n, s in enumerate(lengths, 1)]
)
CAMERA = some(
    {"type": "simple", "config": {"zoom": 5}},
    {"type": "simple", "config": {"pan": -10, "tilt": 0}},
    {"type": "down_back"},
    {"type": "left_turn_forward"},
)
CLIP = {
    "mode": MODES,
    "duration": st.integers(3, 15),
    "negative_prompt": WORDS,
    "cfg_scale": SCALE,
    "sound": st.booleans(),
    "camera_control": CAMERA,
    "watermark_info": some({"enabled": False}),
}
MULTI_SHOT = {"multi_shot": st.booleans(), "shot_type": some("customize", "intelligence"), "multi_prompt": SHOTS}
RATIOS = some("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")


def models(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(WORKFLOWS[name].models)


def drawn(made: Made) -> dict[str, tuple[dict[str, Any], dict[str, st.SearchStrategy[Any]]]]:
    """For each workflow: what it cannot do without, and what it may be given besides."""
    video_or_url = {"video_id": some(made.video), "video_url": some(made.video)}
    speak = {"audio_id": some(made.audio), "sound_file": some(speech(2), speech(3))}
    element = made.element
    return {
        "text2video": (
            {"prompt": "x"},
            {**CLIP, **MULTI_SHOT, "model_name": models("text2video"), "aspect_ratio": some("1:1"), "voice_list": listed(made.voice, 2)},
        ),
        "image2video": (
            {"image": PICTURE, "prompt": "x"},
            {
                **CLIP,
                **MULTI_SHOT,
                "model_name": models("image2video"),
                "image_tail": some(PICTURE),
                "static_mask": some(PICTURE),
                "dynamic_masks": listed(MASK, 6),
                "element_list": listed(element, 3),
                "voice_list": listed(made.voice, 2),
            },
        ),
        "multi_image2video": (
            {"prompt": "x", "image_list": [PICTURE]},
            {"image_list": listed(PICTURE, 4), "mode": MODES, "duration": some(5, 10), "aspect_ratio": some("9:16"), "negative_prompt": WORDS},
        ),
        "video_extend": ({"video_id": made.video}, {"prompt": WORDS}),
        "effects": (
            {},
            {
                "effect_scene": st.sampled_from(sorted(CLASSIC_EFFECTS | PAIR_EFFECTS | {"fairy_wing"})),
                "image": some(PICTURE),
                "images": listed(PICTURE, 2),
                "duration": some(5, 10),
                "mode": MODES,
                "model_name": models("effects"),
            },
        ),
        "identify_face": ({}, video_or_url),
        "advanced_lip_sync": (
            {"session_id": made.faces, "face_id": made.faces},
            {
                **speak,
                "sound_start_time": some(0, 1000),
                "sound_end_time": some(2000, 3000),
                "sound_insert_time": some(0, 1000),
                "sound_volume": some(0, 2),
                "original_audio_volume": some(0, 2),
            },
        ),
        "lip_sync": (
            {},
            {
                **video_or_url,
                "text": some("x" * 120),
                "voice_id": some("oversea_male1", "genshin_klee2"),
                "voice_language": some("en", "zh"),
                "voice_speed": some(0.8, 2.0),
                "audio_file": some(speech(2)),
            },
        ),
        "avatar": ({"image": PICTURE}, {**speak, "prompt": WORDS, "mode": MODES}),
        "omni_video": (
            {"prompt": "x"},
            {
                **MULTI_SHOT,
                "model_name": models("omni_video"),
                "mode": MODES,
                "duration": st.integers(3, 15),
                "aspect_ratio": some("16:9", "1:1"),
                "sound": st.booleans(),
                "image_list": st.lists(
                    some(
                        {"image_url": PICTURE},
                        {"image_url": PICTURE, "type": "first_frame"},
                        {"image_url": PICTURE, "type": "end_frame"},
                    ),
                    max_size=5,
                ),
                "element_list": listed(element, 4),
                "video_list": some(
                    [made.video],
                    [{"video_url": made.video, "refer_type": "feature", "keep_original_sound": True}],
                ),
            },
        ),
        "motion_control": (
            {"image_url": PICTURE, "video_url": made.video, "character_orientation": "video", "mode": "std"},
            {
                "character_orientation": some("image", "video"),
                "mode": MODES,
                "prompt": WORDS,
                "model_name": models("motion_control"),
                "keep_original_sound": st.booleans(),
                "element_list": listed(element, 1),
            },
        ),
        "init_selection": ({}, video_or_url),
        "add_selection": (
            {"session_id": made.session, "frame_index": 0, "points": [{"x": 0.5, "y": 0.5}]},
            {"frame_index": some(1, 149), "points": listed({"x": 0, "y": 1}, 10)},
        ),
        "delete_selection": (
            {"session_id": made.session, "frame_index": 0, "points": [{"x": 0.5, "y": 0.5}]},
            {},
        ),
        "clear_selection": ({"session_id": made.session}, {}),
        "preview_selection": ({"session_id": made.session}, {}),
        "multi_elements": (
            {"session_id": made.session, "prompt": "<<<video_1>>> <<<image_1>>>", "edit_mode": "addition", "image_list": [PICTURE]},
            {"image_list": listed(PICTURE, 2), "mode": MODES, "negative_prompt": WORDS},
        ),
        "image_recognize": ({"image": PICTURE}, {}),
        "image_generation": (
            {"prompt": "x"},
            {
                "model_name": models("image_generation"),
                "image": some(PICTURE),
                "image_reference": some("subject", "face"),
                "image_fidelity": SCALE,
                "human_fidelity": SCALE,
                "n": some(1, 9),
                "aspect_ratio": RATIOS,
                "resolution": some("1k"),
                "negative_prompt": WORDS,
                "element_list": listed(element, 2),
            },
        ),
        "multi_image2image": (
            {"subject_image_list": [PICTURE]},
            {
                "subject_image_list": listed(PICTURE, 4),
                "prompt": WORDS,
                "scene_image": some(PICTURE),
                "style_image": some(PICTURE),
                "model_name": models("multi_image2image"),
                "n": some(1, 9),
                "aspect_ratio": RATIOS,
            },
        ),
        "omni_image": (
            {"prompt": "x"},
            {
                "image_list": listed(PICTURE, 4),
                "element_list": listed(element, 2),
                "n": some(1, 9),
                "aspect_ratio": RATIOS | some("auto"),
                "resolution": some("1k"),
            },
        ),
        "expand_image": (
            {"image": PICTURE, "up_expansion_ratio": 0.1},
            {f"{side}_expansion_ratio": some(0, 0.1, 0.5, 1, 2) for side in ("up", "down", "left", "right")}
            | {"prompt": WORDS, "n": some(1, 9)},
        ),
        "virtual_try_on": ({"human_image": PICTURE, "cloth_image": PICTURE}, {"model_name": models("virtual_try_on")}),
        "text_to_audio": ({"prompt": "x", "duration": 3}, {"prompt": some("x" * 200), "duration": some(3, 3.1, 9.9, 10)}),
        "video_to_audio": (
            {},
            {**video_or_url, "sound_effect_prompt": some("x" * 200), "bgm_prompt": some("x"), "asmr_mode": st.booleans()},
        ),
        "tts": (
            {"text": "x", "voice_id": "oversea_male1"},
            {"voice_language": some("en"), "voice_speed": some(0.8, 1.3, 2.0)},
        ),
        "custom_voice": ({"voice_name": "x" * 20}, {"video_id": some(made.spoken), "voice_url": some(made.spoken.url)}),
        "preset_voices": ({}, {"page": some(1, 1000), "size": some(1, 1000)}),
        "custom_element": (
            {"element_name": "x" * 20, "element_description": "x" * 100},
            {
                "reference_type": some("image_refer"),
                "element_image_list": st.integers(0, 4).map(
                    lambda count: {"frontal_image": PICTURE, "refer_images": [PICTURE] * count}
                ),
                "tag_list": some(["o_101"], ["o_102", "o_108"], ["o_109"]),
            },
        ),
        "preset_elements": ({}, {"page": some(1, 1000), "size": some(1, 500)}),
    }  # fmt: skip


NOT_DRAWN = {"delete_voice", "delete_element", "account_costs"}
"""What is made can be deleted once, and costs may be asked for once a second: each has a test of its own."""


@pytest.mark.parametrize("name", sorted(WORKFLOWS.keys() - NOT_DRAWN))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    derandomize=True,
)
@given(data=st.data())
def test_what_the_client_takes_the_simulator_takes(name: str, ask: Asking, made: Made, data: st.DataObject) -> None:
    """No request that passes the client's checks is refused by the simulator's."""
    base, optional = drawn(made)[name]
    if name.endswith("_selection") and name != "init_selection":  # what is marked stays marked: each in a new session
        base["session_id"] = ask(lambda kling: marked(kling, made.video))
    arguments = base | data.draw(st.fixed_dictionaries({}, optional=optional))
    try:
        request = WORKFLOWS[name](**arguments)
    except RequestRefused:
        return

    with contextlib.suppress(TaskFailed):  # taken, and failed as it was told to
        ask(lambda kling: _send(kling, request))


async def _send(kling: AsyncKling, request: Any) -> Any:
    return await (kling.call(request) if isinstance(request, Immediate) else kling.create(request))


def test_costs_can_be_asked_for(ask: Asking) -> None:
    """The account's packages are at the host's root, whatever the prefix."""
    packages = ask(lambda kling: kling.call(AccountCosts()))
    assert packages[0].remaining_quantity is not None


def test_a_jwt_is_a_key_too(quick: Simulator) -> None:
    """Kling's own host takes a token signed with the secret key: it goes where the key goes."""
    head, claims = ({"alg": "HS256", "typ": "JWT"}, {"iss": quick.access_key, "exp": time.time() + 1800, "nbf": 0})
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)]
    signed = hmac.digest(quick.secret_key.encode(), b".".join(parts), "sha256")
    token = b".".join([*parts, base64.urlsafe_b64encode(signed).rstrip(b"=")]).decode()

    with Asking(token, quick.native_url) as ask_natively:
        assert isinstance(ask_natively(lambda kling: kling.list("text2video", size=2)), list)


def test_what_was_made_can_be_deleted(canned: Canned) -> None:
    """A voice and an element of one's own live and go."""
    canned.answers += [reply(200, speech(6), "audio/wav")] * 2
    address = canned.base_url

    async def life(kling: AsyncKling) -> None:
        ann = CustomVoice("Ann", voice_url=f"{address}/a.wav")
        voice = await _finished(kling, "custom_voice", await kling.create(ann))
        assert (await kling.call(DeleteVoice(voice))).status is TaskStatus.SUCCEED
        images = {"frontal_image": PICTURE, "refer_images": [PICTURE]}
        rex = CustomElement("Rex", "a dog", reference_type="image_refer", element_image_list=images)
        element = await _finished(kling, "custom_element", await kling.create(rex))
        assert (await kling.call(DeleteElement(element))).status is TaskStatus.SUCCEED

    with Simulator(speed=1000, seed=1) as fresh, Asking(fresh.api_key, fresh.base_url) as ask:
        ask(life)


def test_every_workflow_is_compared(made: Made) -> None:
    """A workflow that is not drawn from would agree with nothing."""
    assert drawn(made).keys() | NOT_DRAWN == WORKFLOWS.keys()
