"""Voices and elements that the account keeps, those that Kling has for everybody, and how to be rid of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kling_nb.simulator.account import PRESET_ELEMENTS, PRESET_VOICES, Account
from kling_nb.simulator.orders import Made, Order
from kling_nb.simulator.rules import (
    JSON,
    Fields,
    Reading,
    exclude,
    film,
    listing,
    one_of,
    picture,
    record,
    refuse,
    require,
    sound,
    text,
)
from kling_nb.simulator.sound import read_sound, speech, write_mp3
from kling_nb.simulator.tasks import milliseconds
from kling_nb.simulator.workflows.base import COMMON, Call, Workflow, images

__all__ = ["CALLS", "LISTS", "WORKFLOWS"]

_VOICES, _ELEMENTS = "general/custom-voices", "general/advanced-custom-elements"
_VOICE = (5, 30)  # seconds of a voice to learn from
_TRIAL = 5.0  # seconds
_MEDIAN = 30.0  # seconds
_OWNER = "10000001"  # the account's number
_TALKING = ("videos/avatar/image2video", "videos/lip-sync", "videos/advanced-lip-sync")
_TAGS = tuple(f"o_{number}" for number in range(101, 109))
_RATIO = 16 / 9


# Voices


def _one_voice(body: JSON) -> None:
    exclude(body, ("voice_url",), ("video_id",), one=True)


def _judge_voice(order: Order, account: Account) -> None:
    if "voice_url" in order.media:
        order.media["voice"] = order.media["voice_url"]
        return
    task, source = account.video("video_id", order.body["video_id"])
    loud = task.body.get("model_name") == "kling-v2-6" and task.body.get("sound") == "on"
    if not loud and task.path not in _TALKING:
        raise refuse("video_id", "must be a video by kling-v2-6 with sound, or of avatar or lip-sync")
    if not _VOICE[0] - 0.1 <= source.seconds <= _VOICE[1] + 0.1:
        raise refuse("video_id", f"duration must be from 5s to 30s, it is {source.seconds:.1f}s")
    order.media["voice"] = source


def _learn_voice(order: Order, folder: Path) -> list[Made]:
    trial = folder / "trial.mp3"
    write_mp3(trial, read_sound(order.media["voice"].file, seconds=_TRIAL))
    facts = {"voice_name": order.body["voice_name"], "owned_by": _OWNER}
    return [Made("voices", {"trial_url": trial}, facts)]


def _preset_voices(_: Account, folder: Path, where: str) -> list[JSON]:
    listed = []
    for voice_id, name in PRESET_VOICES.items():
        trial = folder / f"{voice_id}.mp3"
        if not trial.exists():
            speech(trial, f"This is {name}.", voice=voice_id)
        voice = {"voice_id": voice_id, "voice_name": name, "trial_url": f"{where}/{trial.name}", "owned_by": "kling"}
        listed.append(_preset(voice_id, {"voices": [voice]}))
    return listed


# Elements


def _element(body: JSON) -> None:
    of_video = body["reference_type"] == "video_refer"
    kind = "element_video_list" if of_video else "element_image_list"
    require(body, kind, f"when reference_type is {body['reference_type']!r}")
    if not of_video:
        exclude(body, ("element_image_list",), ("element_voice_id",))


def _judge_element(order: Order, account: Account) -> None:
    if "element_voice_id" in order.body:
        account.voice("element_voice_id", order.body["element_voice_id"])
    if order.body["reference_type"] != "video_refer":
        return
    where = "element_video_list.refer_videos[0].video_url"
    held = order.media[where].probe
    assert held is not None
    ratio = held.width / held.height
    if min(abs(ratio - _RATIO), abs(1 / ratio - _RATIO)) > 0.02:
        raise refuse(where, "aspect ratio must be 16:9 or 9:16")


def _keep_element(order: Order, _: Path) -> list[Made]:
    body = order.body
    names = ("element_name", "element_description", "reference_type", "tag_list")
    facts = {name: body[name] for name in names if name in body}
    voice = {"voice_id": body["element_voice_id"]} if "element_voice_id" in body else {}
    return [Made("elements", {}, facts | {"element_voice_info": voice, "owned_by": _OWNER, "status": "succeed"})]


def _preset_elements(_: Account, __: Path, ___: str) -> list[JSON]:
    listed = []
    for element_id, name in PRESET_ELEMENTS.items():
        element = {
            "element_id": element_id,
            "element_name": name,
            "element_description": name,
            "reference_type": "image_refer",
            "owned_by": "kling",
            "status": "succeed",
        }
        listed.append(_preset(str(element_id), {"elements": [element]}))
    return listed


def _preset(task_id: str, result: JSON) -> JSON:
    at = milliseconds(1767225600)  # 2026-01-01
    told = {"task_id": task_id, "task_status": "succeed", "task_status_msg": "", "task_result": result}
    return told | {"created_at": at, "updated_at": at}


# Deleting


def _deletes(name: str, path: str) -> Call:
    def judge(order: Order, account: Account) -> None:
        account.own(name, str(order.body[name]), path)

    def answer(order: Order, account: Account, _: Path) -> JSON:
        task = account.own(name, str(order.body[name]), path)
        task.deleted = True
        return {"task_id": task.task_id, "task_status": "succeed"}

    def either(value: object, where: str, reading: Reading) -> None:
        """A number where it is made, a string in Kling's document of the deletion."""
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise refuse(where, "must be an id")

    route = "general/delete-voices" if name == "voice_id" else "general/delete-elements"
    return Call(route, Fields({name: either}, (name,)), answer, judge)


LISTS: dict[str, Callable[[Account, Path, str], list[JSON]]] = {
    "general/presets-voices": _preset_voices,
    "general/advanced-presets-elements": _preset_elements,
}
CALLS = [_deletes("voice_id", _VOICES), _deletes("element_id", _ELEMENTS)]
WORKFLOWS = [
    Workflow(
        _VOICES,
        Fields(
            {
                **COMMON,
                "voice_name": text(20),
                "voice_url": sound(*_VOICE, megabytes=100, films=True, inline=False),
                "video_id": text(),
            },
            ("voice_name",),
        ),
        _learn_voice,
        lambda _: _MEDIAN,
        lambda _: 0.05,
        between=_one_voice,
        judge=_judge_voice,
        kind="library",
    ),
    Workflow(
        _ELEMENTS,
        Fields(
            {
                **COMMON,
                "element_name": text(20),
                "element_description": text(100),
                "reference_type": one_of("video_refer", "image_refer"),
                "element_image_list": record(
                    "frontal_image",
                    "refer_images",
                    frontal_image=picture(),
                    refer_images=images(1, 3, "image_url"),
                ),
                "element_video_list": record(
                    "refer_videos",
                    refer_videos=listing(
                        record("video_url", video_url=film(3, 8, megabytes=200, sides=(1080, 1920))), 1, 1
                    ),
                ),
                "element_voice_id": text(),
                "tag_list": listing(record("tag_id", tag_id=one_of(*_TAGS)), 1, len(_TAGS)),
            },
            ("element_name", "element_description", "reference_type"),
        ),
        _keep_element,
        lambda _: _MEDIAN,
        lambda _: 0.0,
        between=_element,
        judge=_judge_element,
        kind="library",
    ),
]
