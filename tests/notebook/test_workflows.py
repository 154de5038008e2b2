"""Every workflow, as a person runs it: created over a socket, followed, downloaded, and looked into.

One simulator serves them all, and what makes tasks is started at once: the test of each then waits for its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw

import kling_nb as kling
from kling_nb.api.requests import WORKFLOWS
from kling_nb.notebook import workflows as functions
from kling_nb.simulator import Simulator
from kling_nb.simulator.film import probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::kling_nb.api.advice.KlingWarning")

PROMPT = "a red panda surfs a wave at sunset"
SAID = "well, hello there, and welcome to the lighthouse of the north, where the light is never out"


@dataclass(frozen=True)
class Film:
    """A video that is expected: seconds (and by how much they may differ), size, and whether it sounds."""

    seconds: float
    size: tuple[int, int] | None = (1280, 720)
    sound: bool = False
    within: float = 0.2


@dataclass(frozen=True)
class Pictures:
    """Pictures that are expected: how many, and the ratio of width to height."""

    count: int = 1
    ratio: float | None = None


@dataclass(frozen=True)
class Sound:
    """A sound that is expected: seconds."""

    seconds: float | None = None


EXPECTED: dict[str, tuple[Film | Pictures | Sound, ...]] = {
    "text2video": (Film(5, (720, 1280)),),
    "image2video": (Film(5),),
    "multi_image2video": (Film(5),),
    "video_extend": (Film(9.5, (720, 1280), within=0.7),),
    "effects": (Film(5, None),),
    "lip_sync": (Film(5, (720, 1280), sound=True),),
    "advanced_lip_sync": (Film(5, (720, 1280), sound=True),),
    "avatar": (Film(4, None, sound=True, within=6),),
    "omni_video": (Film(5, None),),
    "motion_control": (Film(5, None),),
    "multi_elements": (Film(5, (720, 1280)),),
    "image_generation": (Pictures(3, 4 / 3),),
    "multi_image2image": (Pictures(1, 1),),
    "omni_image": (Pictures(2, 16 / 9),),
    "expand_image": (Pictures(1),),
    "virtual_try_on": (Pictures(1),),
    "text_to_audio": (Sound(4.5),),
    "video_to_audio": (Film(5, (720, 1280), sound=True), Sound(5)),
    "tts": (Sound(None),),
}


class Studio:
    """What was started, by workflow, each with what it needs of the others."""

    def __init__(self, folder: Path) -> None:
        picture = folder / "panda.png"
        image = Image.new("RGB", (640, 360), "teal")
        ImageDraw.Draw(image).ellipse((200, 80, 440, 320), "orange")
        image.save(picture)
        self.picture = picture
        self.jobs: dict[str, Any] = {}
        video = self.jobs["text2video"] = kling.text2video(PROMPT, aspect_ratio="9:16")
        speech = self.jobs["tts"] = kling.tts(
            "well, hello there, and welcome to the lighthouse of the north, where the light is never out",
            "oversea_male1",
        )
        rest: dict[str, Callable[[], Any]] = {
            "image2video": lambda: kling.image2video(picture, PROMPT, watermark_info={"enabled": True}),
            "multi_image2video": lambda: kling.multi_image2video([picture, image], PROMPT),
            "video_extend": lambda: kling.video_extend(video, prompt="the wave breaks"),
            "effects": lambda: kling.effects("squish", picture),
            "lip_sync": lambda: kling.lip_sync(video, text="hello", voice_id="oversea_male1"),
            "avatar": lambda: kling.avatar(picture, audio_id=speech),
            "omni_video": lambda: kling.omni_video("like <<<image_1>>>", image_list=[picture], aspect_ratio="1:1"),
            "image_generation": lambda: kling.image_generation(PROMPT, n=3, aspect_ratio="4:3"),
            "multi_image2image": lambda: kling.multi_image2image([picture], PROMPT, aspect_ratio="1:1"),
            "omni_image": lambda: kling.omni_image(PROMPT, n=2, aspect_ratio="16:9"),
            "expand_image": lambda: kling.expand_image(
                picture,
                up_expansion_ratio=0.2,
                down_expansion_ratio=0,
                left_expansion_ratio=0.5,
                right_expansion_ratio=0.5,
            ),
            "virtual_try_on": lambda: kling.virtual_try_on(picture, picture),
            "text_to_audio": lambda: kling.text_to_audio("fireworks", duration=4.5),
            "video_to_audio": lambda: kling.video_to_audio(video, sound_effect_prompt="waves"),
            "motion_control": lambda: kling.motion_control(
                video_url=video, image_url=picture, character_orientation="image", mode="std"
            ),
            "custom_voice": lambda: kling.custom_voice("Ann", voice_url=speech),
            "custom_element": lambda: kling.custom_element(
                "Rex",
                "a dog",
                reference_type="image_refer",
                element_image_list={"frontal_image": picture, "refer_images": [{"image_url": picture}]},
            ),
        }
        self.jobs |= {name: begin() for name, begin in rest.items()}
        film = video.wait()
        self.faces = kling.identify_face(film)
        self.jobs["advanced_lip_sync"] = kling.advanced_lip_sync(
            self.faces, self.faces, audio_id=speech, sound_start_time=0, sound_end_time=2500, sound_insert_time=0
        )
        self.session = kling.init_selection(film)
        self.masks = kling.add_selection(self.session, frame_index=0, points=[{"x": 0.5, "y": 0.5}])
        self.jobs["multi_elements"] = kling.multi_elements(self.session, "removal", "remove it from <<<video_1>>>")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patched, Simulator(speed=500.0, seed=1) as simulator:
        patched.setenv("KLING_NB_HOME", str(folder / "home"))
        patched.chdir(folder)
        service = kling.connect(simulator=simulator, folder=folder / "media")
        yield Studio(folder)
        service.close()


def test_every_workflow_has_a_function_and_its_help() -> None:
    """Adding a class without its function, or one that is not exported, does not go unnoticed."""
    for name, workflow in WORKFLOWS.items():
        function = getattr(functions, name)
        assert function.__doc__ == workflow.__doc__
        assert getattr(kling, name) is function
        assert getattr(kling, workflow.__name__) is workflow
    made = {name for name, cls in WORKFLOWS.items() if not cls.immediate} | {"tts"}
    assert made == set(EXPECTED) | {"custom_voice", "custom_element"}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_was_asked_for_is_on_disk(studio: Studio, name: str) -> None:
    """Each result has the kind, length, size and number that were asked for, and is shown by IPython's own class."""
    started = studio.jobs[name]
    results = [started] if isinstance(started, kling.Audio) else started.wait() and started.results
    expected = EXPECTED[name]
    if isinstance(expected[0], Pictures):
        assert len(results) == expected[0].count
        expected *= len(results)
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        _check(result, wanted)


def _check(result: Any, wanted: Film | Pictures | Sound) -> None:
    html = result._repr_mimebundle_()["text/html"]
    match wanted:
        case Film():
            found = probe(result.path)
            assert found.video
            assert found.video_codec == "h264"
            assert found.audio == wanted.sound
            assert found.seconds == pytest.approx(wanted.seconds, abs=wanted.within)
            assert wanted.size in (None, (found.width, found.height))
            assert isinstance(result, kling.Video)
            assert "<video" in html
        case Pictures():
            with Image.open(result.path) as picture:
                assert wanted.ratio is None or picture.width / picture.height == pytest.approx(wanted.ratio, rel=0.02)
            assert isinstance(result, kling.Image)
            assert "<img" in html
        case Sound():
            found = probe(result.path)
            assert found.audio
            assert wanted.seconds is None or found.seconds == pytest.approx(wanted.seconds, abs=0.2)
            assert isinstance(result, kling.Audio)
            assert "<audio" in html


def test_every_form_of_a_result_is_kept(studio: Studio) -> None:
    """A sound in each of its formats, and a video with its watermark beside it, are on disk too."""
    sound, video = studio.jobs["text_to_audio"].wait(), studio.jobs["image2video"].wait()
    assert {sound.path.suffix, *(path.suffix for path in sound.variants.values())} == {".wav", ".mp3"}
    assert probe(video.variants["watermark"]).seconds == pytest.approx(5, abs=0.2)
    assert video.variants["watermark"].name in video._repr_mimebundle_()["text/html"]


def test_what_is_answered_at_once_is_the_answer(studio: Studio) -> None:
    """Faces, selections, cut-outs and lists come back as they are, typed."""
    assert studio.faces.face_id
    assert studio.masks.res.rle_mask_list
    assert kling.preview_selection(studio.session).res.video
    assert kling.clear_selection(studio.session).recognised
    assert {cut.type for cut in kling.image_recognize(studio.picture)} >= {"object_seg", "face_seg"}
    assert kling.preset_voices()[0].voice_id
    assert kling.preset_elements()[0].element_id
    assert kling.account_costs()[0].remaining_quantity is not None


def test_a_voice_and_an_element_come_without_media(studio: Studio) -> None:
    """A task that makes no file ends well, and gives what later requests take."""
    voice, element = studio.jobs["custom_voice"].wait(), studio.jobs["custom_element"].wait()
    assert voice.voices[0].voice_id
    kling.image2video(
        studio.picture, "<<<voice_1>>> hi", model_name="kling-v2-6", mode="pro", sound=True, voice_list=[voice]
    ).stop()
    assert element.elements[0].element_id


def test_speech_is_recorded_and_kept(studio: Studio) -> None:
    """What is answered at once and billed is in the history too, with its file."""
    (entry,) = kling.history(workflow="tts")
    assert entry.state == "succeed"
    assert entry.files == (str(studio.jobs["tts"].path),)
    assert entry.cost
