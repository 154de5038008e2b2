"""What is answered at once comes back as what it is, and a lost answer says that it may have been billed."""

from __future__ import annotations

import io
import wave
from typing import Any

import pytest

from kling_nb.api.client import GATEWAY, AsyncKling
from kling_nb.api.errors import RequestRefused, ServiceUnavailable, TaskFailed, Unconfirmed
from kling_nb.api.requests import (
    AccountCosts,
    AddSelection,
    ClearSelection,
    DeleteVoice,
    IdentifyFace,
    ImageRecognize,
    InitSelection,
    KlingWarning,
    MotionControl,
    PresetElements,
    PresetVoices,
    PreviewSelection,
    Tts,
)

from .conftest import KEY, RESET, URL, Canned, reply

TTS = Tts("hello", "oversea_male1")


def asked(canned: Canned, request: Any, data: Any) -> Any:
    return canned.ask(lambda kling: kling.call(request), reply(body={"code": 0, "message": "SUCCEED", "data": data}))


def test_speech_comes_with_its_id_and_cost(canned: Canned) -> None:
    """The id is what avatar and lip-sync take."""
    speech = asked(
        canned,
        TTS,
        {
            "task_id": "7",
            "task_status": "succeed",
            "task_result": {"audios": [{"id": "a1", "url": URL, "duration": "1.5"}]},
            "final_unit_deduction": "0.05",
        },
    )
    assert (speech.id, speech.url, speech.duration, speech.final_unit_deduction) == ("a1", URL, 1.5, "0.05")
    assert speech.content is None


@pytest.mark.parametrize("kind", ["audio/mpeg", "audio/wav", "application/octet-stream", ""])
def test_speech_may_come_as_the_sound_itself(canned: Canned, kind: str) -> None:
    """One client saw raw bytes from the gateway: they are the sound, whatever they are called."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * 8000)
    speech = canned.ask(lambda kling: kling.call(TTS), reply(200, written.getvalue(), kind))
    assert speech.content == written.getvalue()
    assert speech.id is None


def test_a_text_that_was_not_spoken_says_why(canned: Canned) -> None:
    """The task that failed within the answer is a failure, with the service's reason."""
    with pytest.raises(TaskFailed, match="risk control"):
        asked(canned, TTS, {"task_id": "7", "task_status": "failed", "task_status_msg": "risk control"})


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(RESET, id="reset"),
        pytest.param(reply(502, b"<html>"), id="html-502"),
        pytest.param(reply(200, b"\x00\x01\x02", "audio/mpeg"), id="a-sound-that-is-none"),
        pytest.param(reply(body={"code": 0, "data": {"task_id": "7", "task_result": {}}}), id="no-sound-in-it"),
        pytest.param(reply(body={"code": 0, "data": "later"}), id="a-word"),
    ],
)
def test_a_lost_speech_may_be_billed(canned: Canned, answer: bytes) -> None:
    """It is asked once, and nobody asks again by himself."""
    with pytest.raises(Unconfirmed, match="may have been billed"):
        canned.ask(lambda kling: kling.call(TTS), answer)
    assert len(canned.asked) == 1


def test_a_lost_list_can_be_asked_for_again(canned: Canned) -> None:
    """What is free is not called lost money."""
    with pytest.raises(ServiceUnavailable, match="asked again"):
        canned.ask(lambda kling: kling.call(PresetVoices()), reply(502, b""))


def test_faces_come_with_their_session(canned: Canned) -> None:
    """Times are in milliseconds, as they were."""
    face = {"face_id": 0, "face_image": URL, "start_time": "0", "end_time": 5200}
    faces = asked(canned, IdentifyFace("v"), {"session_id": 850, "face_data": [face]})
    assert faces.session_id == "850"
    assert faces.face_id == "0"
    assert faces.face_data[0].end_time == 5200


def test_a_video_without_faces_has_none(canned: Canned) -> None:
    """No face is an answer, not an error."""
    faces = asked(canned, IdentifyFace("v"), {"session_id": "s", "face_data": []})
    assert faces.face_data == []
    assert faces.face_id is None


def test_a_selection_knows_its_length(canned: Canned) -> None:
    """Counted from the frames: Kling's own example of original_duration fits no unit."""
    selection = asked(
        canned,
        InitSelection("v"),
        {"status": 0, "session_id": "s", "fps": 30.0, "original_duration": 1000, "total_frame": 300, "width": 720},
    )
    assert selection.seconds == 10
    assert selection.recognised


def test_masks_come_as_they_are(canned: Canned) -> None:
    """Run lengths and PNG, for who wants to draw them."""
    mask = {"object_id": 0, "rle_mask": {"size": [720, 1280], "counts": "abc"}, "png_mask": {"base64": "xyz"}}
    masks = asked(
        canned,
        AddSelection("s", frame_index=0, points=[{"x": 0, "y": 0}]),
        {"status": 0, "session_id": "s", "res": {"frame_index": 0, "rle_mask_list": [mask]}},
    )
    assert masks.res.rle_mask_list[0].rle_mask["counts"] == "abc"


def test_what_was_not_recognised_says_so(canned: Canned) -> None:
    """A status other than 0 is seen, and the session goes on."""
    session = asked(canned, ClearSelection("s"), {"status": 7, "session_id": "s"})
    assert not session.recognised


def test_a_preview_has_its_urls(canned: Canned) -> None:
    """The marked video and its cover."""
    preview = asked(canned, PreviewSelection("s"), {"session_id": "s", "res": {"video": URL, "video_cover": URL}})
    assert preview.res.video == URL


def test_cutouts_say_what_is_there(canned: Canned) -> None:
    """All four kinds come, those that are not in the picture too."""
    images = [
        {"type": "face_seg", "is_contain": True, "url": URL},
        {"type": "cloth_seg", "is_contain": False, "url": ""},
        {"type": "head_seg", "is_contain": False},
    ]
    cutouts = asked(canned, ImageRecognize(URL), {"task_result": {"images": images}})
    assert [(cutout.type, cutout.is_contain, cutout.url) for cutout in cutouts] == [
        ("face_seg", True, URL),
        ("cloth_seg", False, ""),
        ("head_seg", False, ""),
    ]


def test_lists_of_what_kling_has_are_flat(canned: Canned) -> None:
    """The service wraps each voice in a task; a person wants voices."""
    voices = [
        {"task_id": n, "task_status": "succeed", "task_result": {"voices": [{"voice_id": n, "voice_name": "Ann"}]}}
        for n in ("1", "2")
    ]
    assert [voice.voice_id for voice in asked(canned, PresetVoices(), voices)] == ["1", "2"]
    elements = [{"task_id": "1", "task_result": {"elements": [{"element_id": 829836802793406551}]}}]
    assert [element.element_id for element in asked(canned, PresetElements(), elements)] == [829836802793406551]


def test_a_deletion_tells_its_status(canned: Canned) -> None:
    """The service answers with a task's id and status."""
    assert asked(canned, DeleteVoice("7"), {"task_id": "9", "task_status": "succeed"}).status.done


def test_costs_are_asked_at_the_hosts_root(canned: Canned) -> None:
    """No prefix there; the packages come with their numbers."""
    package = {"resource_pack_name": "Video", "total_quantity": 200.0, "remaining_quantity": 118.0, "new": 1}
    packages = asked(canned, AccountCosts(), {"code": 0, "resource_pack_subscribe_infos": [package]})
    assert canned.asked[0].target.startswith("/account/costs?start_time=")
    assert packages[0].remaining_quantity == 118
    assert packages[0].model_dump()["new"] == 1


def test_a_refusal_is_a_refusal(canned: Canned) -> None:
    """The service's reason comes through, as with tasks."""
    with pytest.raises(RequestRefused, match="no face"):
        canned.ask(lambda kling: kling.call(IdentifyFace("v")), reply(400, {"code": 1201, "message": "no face"}))


def test_what_only_klings_own_host_documents_is_warned_of() -> None:
    """At the gateway it is sent all the same; here nothing answers, so that nothing is asked of anybody."""
    import asyncio

    import httpx

    seen = []

    def away(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.path)
        return httpx.Response(404, json={"code": 1203, "message": "no such path"})

    async def asking() -> None:
        async with AsyncKling(KEY, base_url=GATEWAY, transport=httpx.MockTransport(away)) as kling:
            await kling.create(MotionControl(URL, URL, character_orientation="video", mode="std"))

    with pytest.warns(KlingWarning, match="only Kling's own host documents it"), pytest.raises(RequestRefused):
        asyncio.run(asking())
    assert seen == ["/kling/v1/videos/motion-control"]


def test_a_task_of_advanced_lip_sync_may_not_be_found_by_our_id(canned: Canned) -> None:
    """No document says that it is: the question goes out with a warning."""
    answer = reply(404, {"code": 1203, "message": "no such task"})
    with pytest.warns(KlingWarning, match="no document says"), pytest.raises(RequestRefused):
        canned.ask(lambda kling: kling.get("advanced_lip_sync", external_task_id="mine"), answer)
