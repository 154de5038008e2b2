"""Every workflow, over a real socket: asked for, waited for, fetched, and looked into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kling_nb.simulator.caption import mark_box
from kling_nb.simulator.film import probe

from .conftest import Asker, Film, film, picture, sound

LIPS = {"face_id": "0", "sound_start_time": 0, "sound_end_time": 2000, "sound_insert_time": 1000}
PRO = {"mode": "pro"}


@dataclass(frozen=True)
class Example:
    """One request, and what must come of it."""

    path: str
    body: dict[str, Any]
    kind: str = "videos"
    size: tuple[int, int] = (1280, 720)
    seconds: float = 5.0
    fps: int = 24
    audible: bool = False
    count: int = 1
    words: str = ""

    def __str__(self) -> str:
        return f"{self.path} {self.words}".strip().replace(" ", "-")


EXAMPLES = [
    Example("videos/text2video", {"prompt": "a fox"}, fps=30),
    Example("videos/text2video", {"prompt": "a fox", "model_name": "kling-v1-6", "aspect_ratio": "9:16"}, size=(720, 1280), words="upright"),
    Example("videos/text2video", {"prompt": "a fox", "model_name": "kling-v3", "mode": "pro", "duration": "3", "aspect_ratio": "1:1", "sound": "on"}, size=(1080, 1080), seconds=3, audible=True, words="square with sound"),
    Example("videos/image2video", {"image": picture(600, 400)}, size=(1080, 720), fps=30),
    Example("videos/image2video", {"image_tail": picture(), "model_name": "kling-v2-1", "mode": "pro"}, size=(1440, 1080), words="to an end"),
    Example("videos/multi-image2video", {"prompt": "a fox", "image_list": [{"image": picture()}, {"image": picture(colour="navy")}]}),
    Example("videos/effects", {"effect_scene": "squish", "input": {"model_name": "kling-v1-6", "image": picture(), "duration": "5"}}, size=(960, 720)),
    Example("videos/effects", {"effect_scene": "hug", "input": {"images": [picture(), picture(colour="navy")], "duration": "5"}}, words="for two"),
    Example("videos/video-extend", {"video_id": "v1-6", "prompt": "a cat comes"}, seconds=10),
    Example("videos/advanced-lip-sync", {"session_id": "faces", "face_choose": [LIPS | {"sound_file": sound(3)}]}, audible=True),
    Example("videos/lip-sync", {"input": {"mode": "text2video", "video_id": "v1-6", "text": "hello", "voice_id": "AOT", "voice_language": "en"}}, audible=True),
    Example("videos/lip-sync", {"input": {"mode": "audio2video", "video_url": film("720x720", 2), "audio_type": "file", "audio_file": sound(2)}}, size=(720, 720), seconds=2, audible=True, words="from a URL"),
    Example("videos/avatar/image2video", {"image": picture(), "sound_file": sound(2.5)}, size=(960, 720), seconds=2.5, audible=True),
    Example("videos/multi-elements", {"prompt": "away", "session_id": "marked", "edit_mode": "removal"}),
    Example("videos/omni-video", {"prompt": "a fox", "aspect_ratio": "1:1", "duration": "3", "mode": "std", "model_name": "kling-v3-omni", "sound": "on"}, size=(720, 720), seconds=3, audible=True),
    Example("videos/omni-video", {"prompt": "a fox", "mode": "std", "image_list": [{"image_url": picture(), "type": "first_frame"}, {"image_url": picture(colour="navy"), "type": "end_frame"}]}, size=(960, 720), words="between two frames"),
    Example("videos/omni-video", {"prompt": "a hat", "mode": "std", "image_list": [{"image_url": picture()}], "video_list": [{"video_url": film("720x720", 3)}]}, size=(720, 720), seconds=3, words="of a video"),
    Example("videos/motion-control", {"image_url": picture(), "video_url": film("340x340", 3), "character_orientation": "image", "mode": "std"}, size=(960, 720), seconds=3),
    Example("images/generations", {"prompt": "a fox", "n": 3, "aspect_ratio": "3:2", "resolution": "2k"}, "images", size=(2512, 1680), count=3),
    Example("images/multi-image2image", {"prompt": "a fox", "subject_image_list": [{"subject_image": picture()}], "aspect_ratio": "1:1"}, "images", size=(1024, 1024)),
    Example("images/omni-image", {"prompt": "a fox", "image_list": [{"image": picture(800, 400)}]}, "images", size=(1456, 720)),
    Example("images/editing/expand", {"image": picture(400, 400), "n": 2} | {f"{side}_expansion_ratio": 0.25 for side in ("up", "down", "left", "right")}, "images", size=(600, 600), count=2),
    Example("images/kolors-virtual-try-on", {"human_image": picture(400, 600), "cloth_image": picture(colour="navy")}, "images", size=(400, 600)),
    Example("audio/text-to-audio", {"prompt": "rain", "duration": 3.5}, "audios", seconds=3.5),
    Example("audio/video-to-audio", {"video_id": "v1-6", "sound_effect_prompt": "waves"}, audible=True),
]  # fmt: skip
# ruff: noqa: E501  one example a line reads as the table that it is


@pytest.fixture
def known(ask: Asker, shop: str) -> Known:
    return Known(ask, shop)


class Known:
    """What examples refer to, made when it is first asked for."""

    def __init__(self, ask: Asker, shop: str) -> None:
        self._ask, self._shop = ask, shop

    def _video(self) -> str:
        task = self._ask.finish("videos/text2video", prompt="a fox", model_name="kling-v1-6")
        video_id: str = task["task_result"]["videos"][0]["id"]
        return video_id

    def _named(self, name: str) -> str:
        if name.startswith("shop:"):
            return f"{self._shop}/{name.removeprefix('shop:')}"
        if name == "v1-6":
            return self._video()
        if name == "faces":
            return str(self._ask.create("videos/identify-face", video_id=self._video())["session_id"])
        if name == "marked":
            session: str = self._ask.create("videos/multi-elements/init-selection", video_id=self._video())[
                "session_id"
            ]
            points = [{"x": 0.5, "y": 0.4}]
            self._ask.create("videos/multi-elements/add-selection", session_id=session, frame_index=0, points=points)
            return session
        return name

    def told(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.told(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.told(item) for item in value]
        return self._named(value) if isinstance(value, str) else value


def marked(frame: Any) -> bool:
    """Whether the word SIMULATED stands where it belongs: a bright label with dark letters."""
    height, width = frame.shape[:2]
    left, top, right, bottom = mark_box((width, height))
    label = frame[top:bottom, left:right].astype(float).mean(axis=2)
    bar = frame[bottom : min(height, bottom + (bottom - top) // 4), left:right].astype(float).mean()
    letters, ground = np.percentile(label, 5), np.percentile(label, 80)
    return bool(ground > bar + 60 and ground > letters + 60 and 0.5 < (label > (letters + ground) / 2).mean() < 0.95)


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_a_workflow(ask: Asker, known: Known, tmp_path: Path, example: Example) -> None:
    """The task succeeds, says what it cost, and yields the kind, number, size and length of media that was asked for."""
    task = ask.finish(example.path, **known.told(example.body))
    assert task["task_status"] == "succeed", task
    assert float(task["final_unit_deduction"]) > 0
    made = task["task_result"][example.kind]
    assert len(made) == example.count
    {"videos": _check_video, "images": _check_image, "audios": _check_audio}[example.kind](ask, made, example, tmp_path)


def _check_video(ask: Asker, made: list[dict[str, Any]], example: Example, folder: Path) -> None:
    assert float(made[0]["duration"]) == pytest.approx(example.seconds, abs=0.1)
    found = Film.of(ask.fetch(made[0]["url"], folder))
    assert found.seconds == pytest.approx(example.seconds, abs=0.1)
    assert found.size == example.size
    assert found.fps == example.fps
    assert found.codecs == (("h264", "aac") if example.audible else ("h264",))
    assert [marked(frame) for frame in found.frames] == [True, True, True]


def _check_image(ask: Asker, made: list[dict[str, Any]], example: Example, folder: Path) -> None:
    assert [one["index"] for one in made] == list(range(example.count))
    for one in made:
        image = Image.open(ask.fetch(one["url"], folder)).convert("RGB")
        assert image.size == example.size
        assert _stamped(image)


def _stamped(image: Image.Image) -> bool:
    """Pictures without a caption below them carry the label on the picture itself."""
    left, top, right, bottom = mark_box(image.size)
    label = np.asarray(image)[top:bottom, left:right].astype(float).mean(axis=2)
    letters, ground = np.percentile(label, 5), np.percentile(label, 80)
    return bool(ground > letters + 60 and 0.5 < (label > (letters + ground) / 2).mean() < 0.95)


def _check_audio(ask: Asker, made: list[dict[str, Any]], example: Example, folder: Path) -> None:
    for kind in ("mp3", "wav"):
        held = probe(ask.fetch(made[0][f"url_{kind}"], folder))
        assert held.audio
        assert not held.video
        assert held.seconds == pytest.approx(example.seconds, abs=0.1)
        assert float(made[0][f"duration_{kind}"]) == pytest.approx(example.seconds, abs=0.1)


def test_every_workflow_has_an_example() -> None:
    """A workflow that is added to the simulator without an example fails here."""
    from kling_nb.simulator.workflows import WORKFLOWS

    making = {path for path in WORKFLOWS if not path.startswith("general/")} - {"audio/tts"}  # these have tests below
    assert {example.path for example in EXAMPLES} == making


# -- what is answered at once --------------------------------------------------------------------------------------


def test_speech_comes_with_the_answer(ask: Asker, tmp_path: Path) -> None:
    """A longer text makes a longer sound, a quicker voice a shorter one, and there is nothing to poll."""
    said = {"voice_id": "AOT", "voice_language": "en"}
    tasks = [
        ask.create("audio/tts", text="Hello there, my old friend.", **said),
        ask.create("audio/tts", text="Hello there, my old friend. " * 3, **said),
        ask.create("audio/tts", text="Hello there, my old friend.", voice_speed=2.0, **said),
    ]
    lengths = [probe(ask.fetch(task["task_result"]["audios"][0]["url"], tmp_path)).seconds for task in tasks]
    assert lengths[2] < lengths[0] < lengths[1]
    assert all(task["task_status"] == "succeed" for task in tasks)
    assert float(tasks[0]["task_result"]["audios"][0]["duration"]) == pytest.approx(lengths[0], abs=0.01)
    assert ask.get(f"audio/tts/{tasks[0]['task_id']}").status_code == 404


def test_a_face_is_found(ask: Asker, known: Known, tmp_path: Path) -> None:
    """Identifying faces answers a session, and one face that is there throughout, with its picture."""
    found = ask.create("videos/identify-face", video_id=known.told("v1-6"))
    face = found["face_data"][0]
    assert (face["face_id"], face["start_time"], face["end_time"]) == ("0", 0, 5000)
    with Image.open(ask.fetch(face["face_image"], tmp_path)) as image:
        assert image.size[0] > 100


def test_a_picture_is_taken_apart(ask: Asker, tmp_path: Path) -> None:
    """Image-recognize answers the four cut-outs of Kling's document, each transparent around what it shows."""
    found = ask.create("videos/image-recognize", image=picture(400, 600))["task_result"]["images"]
    assert [one["type"] for one in found] == ["object_seg", "head_seg", "face_seg", "cloth_seg"]
    for one in found:
        cut = Image.open(ask.fetch(one["url"], tmp_path))
        assert one["is_contain"] is True
        assert cut.size == (400, 600)
        assert cut.getchannel("A").getextrema() == (0, 255)


def test_a_selection_is_told_and_previewed(ask: Asker, known: Known, tmp_path: Path) -> None:
    """Points are added, previewed, taken back and cleared; what is selected is seen in the preview."""
    path, video_id = "videos/multi-elements", known.told("v1-6")
    begun = ask.create(f"{path}/init-selection", video_id=video_id)
    measures = {name: begun[name] for name in ("fps", "original_duration", "width", "height", "total_frame", "status")}
    assert measures == {
        "fps": 24.0,
        "original_duration": 5000,
        "width": 1280,
        "height": 720,
        "total_frame": 120,
        "status": 0,
    }
    session, point = begun["session_id"], {"x": 0.25, "y": 0.3}
    added = ask.create(f"{path}/add-selection", session_id=session, frame_index=3, points=[point])
    assert added["res"]["frame_index"] == 3
    assert added["res"]["rle_mask_list"][0]["rle_mask"]["size"] == [720, 1280]

    shown = ask.create(f"{path}/preview-selection", session_id=session)["res"]
    before, after = (
        Film.of(ask.fetch(url, tmp_path)).frames[1].astype(int) for url in (begun["normalized_video"], shown["video"])
    )
    changed = np.abs(after - before).sum(axis=2)
    assert changed[190:240, 290:350].mean() > 60
    assert changed[100:400, 900:1200].mean() < 20
    assert ask.fetch(shown["video_cover"], tmp_path).stat().st_size > 1000
    assert ask.fetch(shown["tracking_output"], tmp_path).stat().st_size > 1000

    taken = ask.create(f"{path}/delete-selection", session_id=session, frame_index=3, points=[point])
    assert taken["res"]["rle_mask_list"] == []
    ask.create(f"{path}/add-selection", session_id=session, frame_index=3, points=[point])
    ask.create(f"{path}/clear-selection", session_id=session)
    assert ask.post(f"{path}/preview-selection", {"session_id": session}).status_code == 400


# -- voices, elements, the account ---------------------------------------------------------------------------------


def test_a_voice_is_made_kept_and_deleted(ask: Asker, shop: str, tmp_path: Path) -> None:
    """A custom voice is a task with a voice to try; once deleted it can no longer be used."""
    made = ask.finish("general/custom-voices", voice_name="me", voice_url=f"{shop}/sound-6s.wav")
    voice = made["task_result"]["voices"][0]
    assert voice["voice_name"] == "me"
    assert probe(ask.fetch(voice["trial_url"], tmp_path)).audio
    speaking = {"image": picture(), "model_name": "kling-v2-6", "mode": "pro", "sound": "on"}
    used = speaking | {"voice_list": [{"voice_id": voice["voice_id"]}]}
    assert ask.post("videos/image2video", used).status_code == 200
    assert ask.create("general/delete-voices", voice_id=voice["voice_id"])["task_status"] == "succeed"
    assert ask.post("videos/image2video", used).status_code == 400
    presets = ask.get("general/presets-voices").json()["data"]
    assert {one["task_result"]["voices"][0]["owned_by"] for one in presets} == {"kling"}
    assert probe(ask.fetch(presets[0]["task_result"]["voices"][0]["trial_url"], tmp_path)).audio


def test_an_element_is_made_kept_and_deleted(ask: Asker) -> None:
    """An element's id is a 64-bit number; a deleted one says so in the list and can no longer be used."""
    images = {"frontal_image": picture(), "refer_images": [{"image_url": picture(colour="navy")}]}
    about = {"element_name": "fox", "element_description": "red", "reference_type": "image_refer"}
    made = ask.finish("general/advanced-custom-elements", element_image_list=images, **about)
    element = made["task_result"]["elements"][0]
    assert isinstance(element["element_id"], int)
    assert element["element_id"] > 2**53
    assert (element["element_name"], element["status"]) == ("fox", "succeed")
    ask.create("general/delete-elements", element_id=str(element["element_id"]))
    again = ask.task("general/advanced-custom-elements", made["task_id"])
    assert again["task_result"]["elements"][0]["status"] == "deleted"
    drawn = {"prompt": "a fox", "model_name": "kling-v3", "element_list": [{"element_id": element["element_id"]}]}
    assert ask.post("images/generations", drawn).status_code == 400
    presets = ask.get("general/advanced-presets-elements").json()["data"]
    known = presets[0]["task_result"]["elements"][0]["element_id"]
    assert ask.post("images/generations", drawn | {"element_list": [{"element_id": known}]}).status_code == 200


# -- what results tell ---------------------------------------------------------------------------------------------


def test_an_extension_tells_its_parent_and_can_be_extended(ask: Asker, known: Known) -> None:
    """The parent video is named with id, URL and length; the extended video is a source again."""
    video_id = known.told("v1-6")
    first = ask.finish("videos/video-extend", video_id=video_id, prompt="a cat comes")
    parent = first["task_info"]["parent_video"]
    assert (parent["id"], parent["duration"]) == (video_id, "5")
    assert parent["url"].endswith(".mp4")
    longer = first["task_result"]["videos"][0]
    second = ask.finish("videos/video-extend", video_id=longer["id"], prompt="it goes")
    assert second["task_info"]["parent_video"]["duration"] == "10"
    assert float(second["task_result"]["videos"][0]["duration"]) == pytest.approx(15, abs=0.1)


def test_a_watermarked_copy_comes_when_asked_for(ask: Asker, tmp_path: Path) -> None:
    """With watermark_info the result has a second file, which looks like the first but for one more mark."""
    task = ask.finish("images/generations", prompt="a fox", watermark_info={"enabled": True})
    one = task["task_result"]["images"][0]
    plain, marked_too = (
        np.asarray(Image.open(ask.fetch(one[name], tmp_path)), int) for name in ("url", "watermark_url")
    )
    different = (np.abs(plain - marked_too).sum(axis=2) > 30).mean()
    assert 0 < different < 0.02
    assert task["watermark_info"] == {"enabled": True}
    assert "watermark_url" not in ask.finish("images/generations", prompt="a fox")["task_result"]["images"][0]


def test_fields_that_kling_does_not_know_are_ignored_and_noted(ask: Asker) -> None:
    """As in Kling's document a field called model is without effect; its name is kept for whoever wants to know."""
    task_id = ask.create("videos/text2video", prompt="a fox", model="kling-v9", camera="left")["task_id"]
    task = next(task for task in ask.simulator.tasks if task.task_id == task_id)
    assert task.ignored == ["model", "camera"]
    assert task.body["model_name"] == "kling-v1"
