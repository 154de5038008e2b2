"""The other workflows: for every rule an example that is refused and one that is taken."""

# ruff: noqa: E501  a rule is read as one line of a table

from __future__ import annotations

import io
import wave
from typing import Any

import pytest

from kling_nb.api.names import EFFECTS, VOICES
from kling_nb.api.requests import (
    WORKFLOWS,
    AccountCosts,
    AddSelection,
    AdvancedLipSync,
    Avatar,
    Call,
    CustomElement,
    CustomVoice,
    DeleteElement,
    DeleteVoice,
    Effects,
    ExpandImage,
    IdentifyFace,
    ImageGeneration,
    Immediate,
    InitSelection,
    KlingWarning,
    LipSync,
    MotionControl,
    MultiElements,
    MultiImage2Image,
    OmniImage,
    OmniVideo,
    PresetElements,
    PresetVoices,
    Request,
    TextToAudio,
    Tts,
    VideoToAudio,
    VirtualTryOn,
    workflows,
)
from kling_nb.api.results import Face, Faces, Selection
from kling_nb.api.tasks import Audio, MadeElement, MadeVoice, Task, Video

from .conftest import URL, Rule, named, picture, refusal


def speech(seconds: float) -> bytes:
    """A silent WAV."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(4000)
        file.writeframes(b"\x80" * int(4000 * seconds))
    return written.getvalue()


def video(seconds: float) -> Video:
    return Video(id="v1", url=URL, duration=seconds)


SQUISH = {"effect_scene": "squish", "image": URL}
HUG = {"effect_scene": "hug", "images": [URL, URL]}
FACE = {"session_id": "s", "face_id": "0", "audio_id": "a", "sound_end_time": 3000}
SAY = {"video_id": "v", "text": "hello", "voice_id": "oversea_male1"}
OMNI = {"prompt": "x", "aspect_ratio": "16:9"}
FIRST, END = {"image_url": URL, "type": "first_frame"}, {"image_url": URL, "type": "end_frame"}
FEATURE = [{"video_url": URL, "refer_type": "feature"}]
SHOTS = {"multi_shot": True, "shot_type": "customize", "multi_prompt": [{"index": 1, "prompt": "x", "duration": 5}]}
OMNI_SHOTS = {"model_name": "kling-v3-omni", "aspect_ratio": "16:9", "prompt": None, **SHOTS}
MOTION = {"image_url": URL, "video_url": URL, "character_orientation": "video", "mode": "std"}
MARK = {"session_id": "s", "frame_index": 0, "points": [{"x": 0, "y": 1}]}
EDIT = {"session_id": "s", "edit_mode": "swap", "prompt": "<<<video_1>>> <<<image_1>>>", "image_list": [URL]}
DRAW = {"prompt": "x"}
PORTRAIT = {"prompt": "x", "model_name": "kling-v1-5", "image": URL}
WIDE = {"image": URL, "up_expansion_ratio": 1, "left_expansion_ratio": 0.5}
TTS = {"text": "hello", "voice_id": "oversea_male1"}
REX = {
    "element_name": "Rex",
    "element_description": "a dog",
    "reference_type": "image_refer",
    "element_image_list": {"frontal_image": URL, "refer_images": [URL]},
}
ANN = {
    "element_name": "Ann",
    "element_description": "she",
    "reference_type": "video_refer",
    "element_video_list": {"refer_videos": [URL]},
}

RULES = [
    # -- effects ------------------------------------------------------------------------------------------------
    Rule("a scene is required", Effects, SQUISH, {"effect_scene": ""}, "effect_scene = ''"),
    Rule("a scene has a picture", Effects, SQUISH, {"image": None}, "image or images: give exactly one of them, not none"),
    Rule("a picture or two people", Effects, {"effect_scene": "fairy_wing", "image": URL}, {"images": [URL, URL]}, "give exactly one of them, not image and images"),
    Rule("a hug has two people", Effects, HUG, {"images": None, "image": URL}, "image: hug wants two people"),
    Rule("two people are two", Effects, HUG, {"images": [URL]}, "images"),
    Rule("a squish has one picture", Effects, SQUISH, {"image": None, "images": [URL, URL]}, "images: squish wants one picture"),
    Rule("a squish lasts 5 s", Effects, SQUISH | {"duration": 5}, {"duration": 10}, "duration = 10: squish makes videos of 5 seconds"),
    Rule("a hug lasts 5 or 10 s", Effects, HUG | {"duration": 10}, {"duration": 7}, "duration = 7: it may be 5 or 10 seconds"),
    Rule("a squish is v1-6", Effects, SQUISH | {"model_name": "kling-v1-6"}, {"model_name": "kling-v1"}, "model_name = 'kling-v1': squish works with kling-v1-6"),
    Rule("a hug is v1.x", Effects, HUG | {"model_name": "kling-v1-5"}, {"model_name": "kling-v2-6"}, "model_name = 'kling-v2-6': effects works with kling-v1, kling-v1-5 or kling-v1-6"),
    Rule("two people have a mode", Effects, HUG | {"mode": "pro"}, {**SQUISH, "images": None}, "mode = 'pro': only scenes of two people have it"),
    # -- identify_face, init_selection, video_to_audio: one video ----------------------------------------------------
    *[
        rule
        for cls in (IdentifyFace, InitSelection, VideoToAudio)
        for rule in [
            Rule("a video is given", cls, {"video_id": "v"}, {"video_id": None}, "video_id or video_url: give exactly one of them, not none"),
            Rule("one video is given", cls, {"video_url": URL}, {"video_id": "v"}, "give exactly one of them, not video_id and video_url"),
            Rule("a video by URL is one", cls, {"video_url": URL}, {"video_url": "a.mp4"}, "a.mp4: Kling takes videos only by URL"),
        ]
    ],
    Rule("a face is found within 60 s", IdentifyFace, {"video_id": video(60)}, {"video_id": video(61)}, "a length of 61 s: it may be 0 to 60 s"),
    Rule("a face by URL needs 2 s", IdentifyFace, {"video_url": video(2)}, {"video_url": video(1)}, "a length of 1 s: it may be 2 to 60 s"),
    Rule("5 s can be edited", InitSelection, {"video_id": video(5.1)}, {"video_id": video(6)}, "a length of 6 s: it may be 2 to 5 or 7 to 10 s"),
    Rule("10 s can be edited", InitSelection, {"video_url": video(10)}, {"video_url": video(11)}, "a length of 11 s: it may be 2 to 5 or 7 to 10 s"),
    Rule("20 s can get a sound", VideoToAudio, {"video_id": video(20)}, {"video_id": video(21)}, "a length of 21 s: it may be 3 to 20 s"),
    Rule("a sound is told in 200 characters", VideoToAudio, {"video_id": "v", "sound_effect_prompt": "x" * 200}, {"sound_effect_prompt": "x" * 201}, "at most 200 characters"),
    Rule("music is told in 200 characters", VideoToAudio, {"video_id": "v", "bgm_prompt": "x" * 200}, {"bgm_prompt": "x" * 201}, "at most 200 characters"),
    # -- advanced_lip_sync --------------------------------------------------------------------------------------
    Rule("a face speaks one sound", AdvancedLipSync, FACE, {"sound_file": URL}, "audio_id or sound_file: give exactly one of them, not audio_id and sound_file"),
    Rule("a face speaks a sound", AdvancedLipSync, FACE, {"audio_id": None}, "give exactly one of them, not none"),
    Rule("the end of an unknown sound is given", AdvancedLipSync, FACE, {"sound_end_time": None}, "sound_end_time is required"),
    Rule("2 s of sound are kept", AdvancedLipSync, FACE | {"sound_start_time": 1000}, {"sound_start_time": 1001}, "sound_start_time = 1001, sound_end_time = 3000: at least 2000 milliseconds"),
    Rule("a sound ends at its end", AdvancedLipSync, {"session_id": "s", "face_id": "0", "sound_file": speech(3), "sound_end_time": 3000}, {"sound_end_time": 3100}, "sound_end_time = 3100: the sound ends at 3000"),
    Rule("a sound has 2 s", AdvancedLipSync, {"session_id": "s", "face_id": "0", "sound_file": speech(2)}, {"sound_file": speech(1.5)}, "lasts 1.5 s; it may last 2 to 60 s"),
    Rule("a sound has 60 s at most", AdvancedLipSync, FACE | {"audio_id": Audio(id="a", url=URL, duration=60)}, {"audio_id": Audio(id="a", url=URL, duration=61)}, "a length of 61 s: it may be 2 to 60 s"),
    Rule("a sound begins at 0", AdvancedLipSync, FACE | {"sound_insert_time": 0}, {"sound_insert_time": -1}, "sound_insert_time = -1"),
    Rule("a sound is up to twice as loud", AdvancedLipSync, FACE | {"sound_volume": 2}, {"sound_volume": 2.1}, "sound_volume = 2.1"),
    Rule("the video's sound is up to twice as loud", AdvancedLipSync, FACE | {"original_audio_volume": 0}, {"original_audio_volume": -0.1}, "original_audio_volume = -0.1"),
    # -- lip_sync -----------------------------------------------------------------------------------------------
    Rule("the older way: one video", LipSync, SAY, {"video_url": URL}, "give exactly one of them, not video_id and video_url"),
    Rule("the older way: text or a sound", LipSync, SAY, {"audio_url": URL}, "text, audio_file or audio_url: give exactly one of them, not text and audio_url"),
    Rule("the older way: text has a voice", LipSync, SAY, {"voice_id": None}, "voice_id is required with text"),
    Rule("the older way: 120 characters", LipSync, SAY | {"text": "x" * 120}, {"text": "x" * 121}, "at most 120 characters"),
    Rule("the older way: a sound has no voice", LipSync, {"video_id": "v", "audio_url": URL}, {"voice_id": "oversea_male1"}, "voice_id = 'oversea_male1': only with text"),
    Rule("the older way: 10 s", LipSync, SAY | {"video_id": video(10)}, {"video_id": video(11)}, "a length of 11 s: it may be 2 to 10 s"),
    Rule("the older way: speed to 2", LipSync, SAY | {"voice_speed": 2.0}, {"voice_speed": 2.1}, "voice_speed = 2.1"),
    # -- avatar -------------------------------------------------------------------------------------------------
    Rule("an avatar speaks one sound", Avatar, {"image": URL, "audio_id": "a"}, {"sound_file": URL}, "audio_id or sound_file: give exactly one of them"),
    Rule("an avatar speaks 300 s at most", Avatar, {"image": URL, "audio_id": Audio(id="a", url=URL, duration=300)}, {"audio_id": Audio(id="a", url=URL, duration=301)}, "a length of 301 s: it may be 2 to 300 s"),
    Rule("an avatar speaks 2 s at least", Avatar, {"image": URL, "sound_file": speech(2)}, {"sound_file": speech(1)}, "lasts 1.0 s; it may last 2 to 300 s"),
    Rule("an avatar has a face", Avatar, {"image": picture(), "audio_id": "a"}, {"image": picture(200, 200)}, "200x200 pixels"),
    # -- omni_video ---------------------------------------------------------------------------------------------
    Rule("omni needs a prompt", OmniVideo, OMNI, {"prompt": " "}, "prompt is required"),
    Rule("omni needs its ratio", OmniVideo, OMNI, {"aspect_ratio": None}, "aspect_ratio is required without a first frame or a video to be edited"),
    Rule("a first frame gives the ratio", OmniVideo, {"prompt": "x", "image_list": [FIRST]}, {"image_list": [URL]}, "aspect_ratio is required"),
    Rule("an end frame needs a first", OmniVideo, {"prompt": "x", "image_list": [FIRST, END]}, {"image_list": [END]}, "an end_frame needs a first_frame"),
    Rule("one first frame", OmniVideo, {"prompt": "x", "image_list": [FIRST, END]}, {"image_list": [FIRST, FIRST]}, "2 pictures are first_frame; there can be one"),
    Rule("o1 has no frames among many pictures", OmniVideo, {"prompt": "x", "model_name": "kling-v3-omni", "image_list": [FIRST, URL, URL]}, {"model_name": "kling-video-o1"}, "kling-video-o1 takes no first or end frame among more than 2 pictures"),
    Rule("7 pictures and elements", OmniVideo, OMNI | {"image_list": [URL] * 4, "element_list": [1, 2, 3]}, {"element_list": [1, 2, 3, 4]}, "4 + 4; together they may be 7"),
    Rule("4 pictures and elements beside a video", OmniVideo, OMNI | {"video_list": FEATURE, "image_list": [URL] * 2, "element_list": [1, 2]}, {"element_list": [1, 2, 3]}, "2 + 3; together they may be 4 beside a video"),
    Rule("3 elements with a first frame", OmniVideo, {"prompt": "x", "image_list": [FIRST], "element_list": [1, 2, 3]}, {"element_list": [1, 2, 3, 4]}, "element_list: 4; with a first frame there may be 3"),
    Rule("o1 has no elements between frames", OmniVideo, {"prompt": "x", "model_name": "kling-v3-omni", "image_list": [FIRST, END], "element_list": [1]}, {"model_name": "kling-video-o1"}, "kling-video-o1 takes none with a first and an end frame"),
    Rule("one video", OmniVideo, {"prompt": "x", "video_list": [URL]}, {"video_list": [URL, URL]}, "video_list"),
    Rule("a video has 3 s", OmniVideo, {"prompt": "x", "video_list": [video(3)]}, {"video_list": [video(2)]}, "a length of 2 s: it may be at least 3 s"),
    Rule("an edited video has no frames", OmniVideo, {"prompt": "x", "video_list": [URL], "image_list": [URL]}, {"image_list": [FIRST]}, "first_frame cannot stand beside a video to be edited"),
    Rule("a video has no new sound", OmniVideo, OMNI | {"video_list": FEATURE, "sound": False}, {"sound": True}, "sound = 'on': beside a video it can only be off"),
    Rule("o1 makes 10 s at most", OmniVideo, OMNI | {"duration": 10}, {"duration": 11}, "duration = 11: kling-video-o1 makes 3 to 10 seconds"),
    Rule("v3-omni makes 15 s at most", OmniVideo, OMNI | {"duration": 15, "model_name": "kling-v3-omni"}, {"duration": 16}, "duration = 16: should be less than or equal to 15"),
    Rule("v3-omni makes 10 s beside a video", OmniVideo, OMNI | {"duration": 10, "model_name": "kling-v3-omni", "video_list": FEATURE}, {"duration": 11}, "duration = 11: kling-v3-omni makes 3 to 10 seconds beside a video"),
    Rule("3 s at least", OmniVideo, OMNI | {"duration": 3}, {"duration": 2}, "duration = 2: should be greater than or equal to 3"),
    Rule("o1 has no multi-shot", OmniVideo, OMNI_SHOTS, {"model_name": "kling-video-o1"}, "multi_shot = True: kling-video-o1 has no multi-shot"),
    Rule("multi-shot has no frames", OmniVideo, OMNI_SHOTS | {"image_list": [URL]}, {"image_list": [FIRST]}, "first_frame cannot be used with multi_shot"),
    Rule("shots add up", OmniVideo, OMNI_SHOTS, {"duration": 6}, "must add up to duration = 6"),
    Rule("omni has its own models", OmniVideo, OMNI, {"model_name": "kling-v3"}, "model_name = 'kling-v3': omni_video works with kling-video-o1 or kling-v3-omni"),
    Rule("a video is edited or followed", OmniVideo, OMNI | {"video_list": FEATURE}, {"video_list": [{"video_url": URL, "refer_type": "style"}]}, "refer_type = 'style': should be 'feature' or 'base'"),
    # -- motion_control -----------------------------------------------------------------------------------------
    Rule("a motion needs its orientation", MotionControl, MOTION, {"character_orientation": None}, "character_orientation = None"),
    Rule("a motion needs its mode", MotionControl, MOTION, {"mode": None}, "mode = None"),
    Rule("one element moves", MotionControl, MOTION | {"element_list": [1]}, {"element_list": [1, 2]}, "element_list"),
    Rule("an element faces as in the video", MotionControl, MOTION | {"element_list": [1]}, {"character_orientation": "image"}, "character_orientation = 'image': with an element it can only be 'video'"),
    Rule("a motion lasts 30 s at most", MotionControl, MOTION | {"video_url": video(30)}, {"video_url": video(31)}, "a length of 31 s: it may be 3 to 30 s"),
    Rule("a motion is v2-6 or v3", MotionControl, MOTION | {"model_name": "kling-v3"}, {"model_name": "kling-v1"}, "model_name = 'kling-v1': motion_control works with kling-v2-6 or kling-v3"),
    # -- multi_elements -----------------------------------------------------------------------------------------
    Rule("a point lies in the frame", AddSelection, MARK, {"points": [{"x": 1.1, "y": 0}]}, "x = 1.1"),
    Rule("10 points at most", AddSelection, MARK | {"points": [{"x": 0, "y": 0}] * 10}, {"points": [{"x": 0, "y": 0}] * 11}, "at most 10 items"),
    Rule("a point at least", AddSelection, MARK, {"points": []}, "at least 1 item"),
    Rule("frames count from 0", AddSelection, MARK, {"frame_index": -1}, "frame_index = -1"),
    Rule("a swap has a picture", MultiElements, EDIT, {"image_list": [URL, URL]}, "image_list: 2; swap takes 1 picture"),
    Rule("an addition has two at most", MultiElements, EDIT | {"edit_mode": "addition", "image_list": [URL, URL]}, {"image_list": [URL] * 3}, "image_list: 3; addition takes 1 or 2 pictures"),
    Rule("an addition has one at least", MultiElements, EDIT | {"edit_mode": "addition"}, {"image_list": None}, "image_list: 0; addition takes 1 or 2 pictures"),
    Rule("a removal has none", MultiElements, EDIT | {"edit_mode": "removal", "image_list": None}, {"image_list": [URL]}, "image_list: 1; removal takes none"),
    Rule("an edit is one of three", MultiElements, EDIT, {"edit_mode": "paint"}, "edit_mode = 'paint': should be 'addition', 'swap' or 'removal'"),
    Rule("an edit lasts 5 or 10 s", MultiElements, EDIT | {"duration": 10}, {"duration": 8}, "duration = 8: it may be 5 or 10 seconds"),
    Rule("an edit has a prompt", MultiElements, EDIT, {"prompt": ""}, "prompt = ''"),
    # -- images -------------------------------------------------------------------------------------------------
    Rule("9 pictures at most", ImageGeneration, DRAW | {"n": 9}, {"n": 10}, "n = 10"),
    Rule("a picture at least", ImageGeneration, DRAW | {"n": 1}, {"n": 0}, "n = 0"),
    Rule("a picture has a prompt", ImageGeneration, DRAW, {"prompt": ""}, "prompt = ''"),
    Rule("a reference needs a picture", ImageGeneration, PORTRAIT | {"image_reference": "face"}, {"image": None}, "image_reference = 'face': only with image"),
    Rule("a reference is v1-5", ImageGeneration, PORTRAIT | {"image_reference": "face"}, {"model_name": "kling-v2"}, "image_reference = 'face': kling-v1-5 has it, not kling-v2"),
    Rule("fidelity needs a picture", ImageGeneration, PORTRAIT | {"image_fidelity": 1}, {"image": None}, "image_fidelity = 1.0: only with image"),
    Rule("fidelity goes to 1", ImageGeneration, PORTRAIT | {"image_fidelity": 0}, {"image_fidelity": 1.5}, "image_fidelity = 1.5"),
    Rule("a face is kept with its subject", ImageGeneration, PORTRAIT | {"image_reference": "subject", "human_fidelity": 0.9}, {"image_reference": "face"}, "human_fidelity = 0.9: only with image_reference='subject'"),
    Rule("nothing is avoided beside a picture", ImageGeneration, PORTRAIT, {"negative_prompt": "x"}, "negative_prompt: not with image"),
    Rule("v1 has no 21:9", ImageGeneration, DRAW | {"aspect_ratio": "21:9", "model_name": "kling-v2"}, {"model_name": "kling-v1"}, "aspect_ratio = '21:9': kling-v1 has it not"),
    Rule("a resolution is one of two", ImageGeneration, DRAW | {"resolution": "2k"}, {"resolution": "8k"}, "resolution = '8k': should be '1k' or '2k'"),
    Rule("elements are v3", ImageGeneration, DRAW | {"model_name": "kling-v3", "element_list": [1]}, {"model_name": "kling-v2"}, "element_list: kling-v3 takes elements, not kling-v2"),
    Rule("four subjects at most", MultiImage2Image, {"subject_image_list": [URL] * 4}, {"subject_image_list": [URL] * 5}, "subject_image_list"),
    Rule("subjects meet in v2", MultiImage2Image, {"subject_image_list": [URL], "model_name": "kling-v2-1"}, {"model_name": "kling-v1"}, "model_name = 'kling-v1': multi_image2image works with kling-v2 or kling-v2-1"),
    Rule("10 pictures and elements", OmniImage, DRAW | {"image_list": [URL] * 5, "element_list": [1] * 5}, {"element_list": [1] * 6}, "5 + 6; together they may be 10"),
    Rule("omni pictures have many ratios", OmniImage, DRAW | {"aspect_ratio": "auto"}, {"aspect_ratio": "5:4"}, "aspect_ratio"),
    Rule("3 times the area", ExpandImage, WIDE, {"left_expansion_ratio": 0.6}, "the ratios give 3.20 times the area; it may be 3 times at most"),
    Rule("twice the side", ExpandImage, {"image": URL, "up_expansion_ratio": 2}, {"up_expansion_ratio": 2.1}, "up_expansion_ratio = 2.1"),
    Rule("some side grows", ExpandImage, WIDE, {"up_expansion_ratio": 0, "left_expansion_ratio": 0}, "at least one side must be larger"),
    Rule("clothes are needed", VirtualTryOn, {"human_image": URL, "cloth_image": URL}, {"cloth_image": None}, "cloth_image"),
    # -- audio --------------------------------------------------------------------------------------------------
    Rule("a sound is told in 200 characters", TextToAudio, {"prompt": "x" * 200, "duration": 5}, {"prompt": "x" * 201}, "at most 200 characters"),
    Rule("a sound lasts 10 s at most", TextToAudio, {"prompt": "x", "duration": 10}, {"duration": 10.1}, "duration = 10.1"),
    Rule("a sound lasts 3 s at least", TextToAudio, {"prompt": "x", "duration": 3}, {"duration": 2.9}, "duration = 2.9"),
    Rule("a length has one decimal", TextToAudio, {"prompt": "x", "duration": 3.1}, {"duration": 3.14}, "duration: 3.14 has more than one decimal"),
    Rule("a speech has 1,000 characters", Tts, TTS | {"text": "x" * 1000}, {"text": "x" * 1001}, "at most 1000 characters"),
    Rule("a speech says something", Tts, TTS, {"text": ""}, "text = ''"),
    Rule("a speech has a speed of 0.8", Tts, TTS | {"voice_speed": 0.8}, {"voice_speed": 0.7}, "voice_speed = 0.7"),
    Rule("a speech is zh or en", Tts, TTS | {"voice_language": "en"}, {"voice_language": "de"}, "voice_language = 'de': should be 'zh' or 'en'"),
    # -- library ------------------------------------------------------------------------------------------------
    Rule("a voice has a name of 20", CustomVoice, {"voice_name": "x" * 20, "voice_url": URL}, {"voice_name": "x" * 21}, "at most 20 characters"),
    Rule("a voice has one source", CustomVoice, {"voice_name": "x", "video_id": "v"}, {"voice_url": URL}, "voice_url or video_id: give exactly one of them"),
    Rule("a voice lies on the web", CustomVoice, {"voice_name": "x", "voice_url": URL}, {"voice_url": "a.mp3"}, "voice_url: a.mp3: it must be a URL"),
    Rule("a voice is heard for 5 s", CustomVoice, {"voice_name": "x", "video_id": video(5)}, {"video_id": video(4)}, "a length of 4 s: it may be 5 to 30 s"),
    Rule("1000 voices a page", PresetVoices, {"size": 1000}, {"size": 1001}, "size = 1001"),
    Rule("500 elements a page", PresetElements, {"size": 500}, {"size": 501}, "size = 501"),
    Rule("an element is told in 100", CustomElement, REX | {"element_description": "x" * 100}, {"element_description": "x" * 101}, "at most 100 characters"),
    Rule("an element of pictures has them", CustomElement, REX, {"element_image_list": None}, "element_image_list is required with reference_type='image_refer'"),
    Rule("an element of a video has it", CustomElement, ANN, {"element_video_list": None}, "element_video_list is required with reference_type='video_refer'"),
    Rule("an element is one or the other", CustomElement, REX, {"element_video_list": {"refer_videos": [URL]}}, "element_video_list: not with reference_type='image_refer'"),
    Rule("a picture has no voice", CustomElement, ANN | {"element_voice_id": "7"}, REX | {"element_video_list": None}, "element_voice_id = '7': only elements made from a video have a voice"),
    Rule("three more pictures at most", CustomElement, REX, {"element_image_list": {"frontal_image": URL, "refer_images": [URL] * 4}}, "refer_images"),
    Rule("a video of 8 s at most", CustomElement, ANN | {"element_video_list": {"refer_videos": [video(8)]}}, {"element_video_list": {"refer_videos": [video(9)]}}, "a length of 9 s: it may be 3 to 8 s"),
    Rule("a tag is one of eight", CustomElement, REX | {"tag_list": ["o_108"]}, {"tag_list": ["o_109"]}, "tag_id = 'o_109'"),
    Rule("time goes on", AccountCosts, {"start_time": 1, "end_time": 2}, {"end_time": 1}, "start_time = 1: it must be before end_time = 1"),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::kling_nb.api.advice.KlingWarning")
@pytest.mark.parametrize("rule", RULES, ids=named)
def test_every_rule_has_two_sides(rule: Rule) -> None:
    """What keeps to the rule is taken; what breaks it is refused, by field, value and what may be."""
    rule.hold()


@pytest.mark.filterwarnings("ignore::kling_nb.api.advice.KlingWarning")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(lambda: Effects("moon_walk", URL), "'moon_walk' is not among the names of early 2026", id="an-effect-of-next-month"),
        pytest.param(lambda: Tts("hello", "robot_7"), "'robot_7' is not among the voices", id="a-voice-of-next-month"),
        pytest.param(lambda: Tts("hello", "oversea_male1", voice_language="zh"), "is known in en only", id="a-voice-in-another-language"),
        pytest.param(lambda: Tts("hello", "ai_kaiya"), "speaks en and zh; Kling's default, zh, is taken", id="a-voice-of-two-languages"),
        pytest.param(lambda: OmniVideo("x", aspect_ratio="1:1", duration=7), "makes 5 or 10 seconds by Kling's table", id="a-length-that-two-pages-tell-differently"),
        pytest.param(lambda: OmniVideo("x", video_list=[URL], duration=7), "duration = 7 has no effect", id="a-length-of-an-edited-video"),
        pytest.param(lambda: OmniVideo("x", image_list=[FIRST], aspect_ratio="1:1"), "aspect_ratio = '1:1' has no effect", id="a-ratio-beside-a-frame"),
        pytest.param(lambda: OmniVideo("<<<image_2>>>", image_list=[URL], aspect_ratio="1:1"), "names <<<image_2>>>, and there are 1", id="a-picture-that-is-not-there"),
        pytest.param(lambda: MultiElements("s", "removal", "remove it"), "does not name <<<video_1>>>", id="an-edit-that-names-no-video"),
        pytest.param(lambda: ImageGeneration("x" * 501), "older pages say 500", id="a-long-prompt-for-a-picture"),
        pytest.param(lambda: MotionControl(**MOTION, model_name="kling-v9"), "'kling-v9' is not in this release", id="a-model-of-next-year"),
    ],
)  # fmt: skip
def test_a_doubt_is_told_and_sent_all_the_same(make: Any, said: str) -> None:
    """What is unknown or doubtful goes out with a warning at the person's own line."""
    with pytest.warns(KlingWarning, match=said) as caught:
        assert make().wire()
    assert {warning.filename for warning in caught} == {__file__}


# -- what follows from what was given -------------------------------------------------------------------------------


def test_a_single_scene_has_its_model_on_the_wire() -> None:
    """Kling's five own scenes name kling-v1-6; two people are left to the service's default."""
    assert Effects("squish", URL).wire()["input"] == {"model_name": "kling-v1-6", "image": URL, "duration": "5"}
    assert Effects("hug", images=[URL, URL]).wire()["input"] == {"images": [URL, URL], "duration": "5"}
    assert Effects("fairy_wing", URL).wire()["input"] == {"image": URL, "duration": "5"}


def test_extra_reaches_into_the_input() -> None:
    """A new field of a scene goes where the scene's fields are."""
    assert Effects("squish", URL, extra={"input": {"seed": 1}}).wire()["input"]["seed"] == 1


def test_the_end_of_a_sound_is_its_length() -> None:
    """Where the length is known, nobody has to count milliseconds."""
    face = AdvancedLipSync("s", "0", sound_file=speech(2.5)).wire()["face_choose"][0]
    assert (face["sound_start_time"], face["sound_end_time"], face["sound_insert_time"]) == (0, 2500, 0)


@pytest.mark.parametrize(
    ("given", "wire"),
    [
        pytest.param({"audio_url": URL}, {"mode": "audio2video", "audio_type": "url", "audio_url": URL}, id="a-url"),
        pytest.param({"audio_file": URL}, {"mode": "audio2video", "audio_type": "url", "audio_url": URL}, id="a-url-as-a-file"),
        pytest.param({"audio_file": b"ID3"}, {}, id="a-file"),
    ],
)  # fmt: skip
def test_the_older_lip_sync_says_how_its_sound_comes(given: dict[str, Any], wire: dict[str, str]) -> None:
    """Mode and audio_type follow from what was given."""
    if given.get("audio_file") == b"ID3":
        sound = LipSync("v", audio_file=speech(2)).wire()["input"]
        assert (sound["mode"], sound["audio_type"]) == ("audio2video", "file")
        assert sound["audio_file"].startswith("UklGR")  # RIFF in base64
    else:
        assert LipSync("v", **given).wire()["input"] == {"video_id": "v"} | wire


def test_an_edited_video_keeps_length_and_ratio() -> None:
    """Kling ignores both beside a video to be edited: they are not sent."""
    assert not {"duration", "aspect_ratio"} & OmniVideo("x", video_list=[URL]).wire().keys()


def test_bare_items_become_what_the_list_holds() -> None:
    """Pictures, videos and ids are enough in every list."""
    body = OmniVideo("x", image_list=[URL], video_list=[URL], element_list=[1]).wire()
    assert body["image_list"] == [{"image_url": URL}]
    assert body["video_list"] == [{"video_url": URL, "refer_type": "base"}]
    assert body["element_list"] == [{"element_id": 1}]


# -- earlier results ------------------------------------------------------------------------------------------------

FACES = Faces(session_id="s1", face_data=[Face(face_id="f1", start_time=0, end_time=5000)])


@pytest.mark.parametrize(
    ("make", "field", "value"),
    [
        pytest.param(lambda: IdentifyFace(video(5)), "video_id", "v1", id="a-video-by-its-id"),
        pytest.param(lambda: IdentifyFace(video_url=video(5)), "video_url", URL, id="a-video-by-its-url"),
        pytest.param(lambda: VideoToAudio(video(5)), "video_id", "v1", id="a-video-for-its-sound"),
        pytest.param(lambda: Avatar(URL, audio_id=Audio(id="a1", url=URL)), "audio_id", "a1", id="a-speech"),
        pytest.param(lambda: MultiElements(Selection(session_id="s1"), "removal", "<<<video_1>>>"), "session_id", "s1", id="a-selection"),
        pytest.param(lambda: AdvancedLipSync(FACES, FACES, audio_id="a", sound_end_time=2000), "session_id", "s1", id="the-faces"),
        pytest.param(lambda: DeleteVoice(MadeVoice(voice_id="7")), "voice_id", "7", id="a-voice"),
        pytest.param(lambda: DeleteElement(MadeElement(element_id=7)), "element_id", "7", id="an-element"),
        pytest.param(lambda: DeleteElement(Task.model_validate({"task_id": "t", "task_result": {"elements": [{"element_id": 7}]}})), "element_id", "7", id="a-task-that-made-one"),
    ],
)  # fmt: skip
def test_an_earlier_result_gives_the_id_that_is_wanted(make: Any, field: str, value: str) -> None:
    """The thing itself stands for whichever of its ids the field takes."""
    assert make().wire()[field] == value


def test_the_only_face_need_not_be_named() -> None:
    """The answer of identify_face stands for its session and its face."""
    body = AdvancedLipSync(FACES, FACES, audio_id="a", sound_end_time=2000).wire()
    assert body["face_choose"][0]["face_id"] == "f1"


@pytest.mark.parametrize(
    ("cls", "given", "said"),
    [
        pytest.param(IdentifyFace, {"video_id": Audio(id="a", url=URL)}, "this Audio has none", id="a-sound-for-a-video"),
        pytest.param(IdentifyFace, {"video_id": Video(url=URL)}, "this Video has none", id="a-video-without-an-id"),
        pytest.param(IdentifyFace, {"video_id": 3.5}, "this float has none", id="a-number"),
        pytest.param(AdvancedLipSync, {"session_id": "s", "face_id": Faces(session_id="s"), "audio_id": "a", "sound_end_time": 2000}, "it takes a face_id", id="no-face-was-found"),
        pytest.param(MultiElements, {"session_id": Selection(session_id="s", status=3), "edit_mode": "removal", "prompt": "x"}, "nothing was recognised there (status 3)", id="nothing-was-recognised"),
        pytest.param(IdentifyFace, {"video_id": Task.model_validate({"task_id": "t", "task_result": {"videos": [{"id": "1", "url": "u"}, {"id": "2", "url": "u"}]}})}, "has 2: choose one", id="two-videos"),
    ],
)  # fmt: skip
def test_a_result_that_does_not_fit_is_refused(cls: type[Call], given: dict[str, Any], said: str) -> None:
    """What has no such id says so by name."""
    assert said in refusal(cls, **given)


# -- the table ------------------------------------------------------------------------------------------------------


def test_the_table_lists_every_workflow() -> None:
    """Every class is a row, videos first, with a line of its own words."""
    table = workflows()
    assert {row.name for row in table} == set(WORKFLOWS)
    assert table[0].name == "text2video"
    for row in table:
        assert row.about.endswith(".")
        assert len(row.about) < 110
        assert row.cls is WORKFLOWS[row.name]


def test_the_table_reads_everywhere() -> None:
    """As text, as HTML without a script, and as Markdown."""
    table = workflows()
    assert "omni_video" in repr(table)
    assert repr(table).count("\n") == len(table) - 1
    page = table._repr_html_()
    assert page.count("<tr>") == len(table) + 1
    assert "<script" not in page
    lines = table.markdown().splitlines()
    assert len(lines) == len(table) + 2
    assert {line.count(" | ") for line in lines if not line.startswith("|---")} == {4}


def test_a_workflow_of_ones_own_is_one_class() -> None:
    """A class with a path is in the table, has a name, and is checked and written like the others."""
    from pydantic import Field

    class DepthMap(Request):
        """Tell how far everything is."""

        path = "images/depth-map"
        yields = "image"
        image_url: str = Field(kw_only=False)

    try:
        assert WORKFLOWS["depth_map"] is DepthMap
        assert DepthMap(URL, external_task_id="x").wire() == {"external_task_id": "x", "image_url": URL}
        assert "image_url is required" in refusal(DepthMap)
    finally:
        del WORKFLOWS["depth_map"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_workflow_tells_all_of_its_fields(name: str) -> None:
    """Shift-Tab shows what each field may be, and where that is known from."""
    cls = WORKFLOWS[name]
    assert cls.__doc__
    described = cls.__doc__.partition("Notes\n")[0]
    assert not [field for field in cls.model_fields if field not in described]
    assert "Source:" in cls.__doc__
    verb = cls.method if issubclass(cls, Immediate) else "POST"
    assert f"{verb} {cls.path}" in cls.__doc__


def test_names_are_data_of_one_date() -> None:
    """The names that the service knew, as many as there were."""
    assert len(EFFECTS) == 241 + 8
    assert {language: len(voices) for language, voices in VOICES.items()} == {"en": 27, "zh": 35}


@pytest.mark.parametrize(
    ("make", "dollars"),
    [
        pytest.param(lambda: ImageGeneration("x", n=9), 9 * 0.003325, id="nine-of-v1"),
        pytest.param(lambda: ImageGeneration("x", model_name="kling-v2"), 0.0133, id="v2"),
        pytest.param(lambda: ImageGeneration("x", model_name="kling-v2", image=URL), 0.0266, id="v2-with-a-picture"),
        pytest.param(lambda: MultiImage2Image([URL], n=2), 0.0266, id="two-of-many"),
        pytest.param(lambda: ExpandImage(URL, up_expansion_ratio=1), 0.0266, id="an-expansion"),
        pytest.param(lambda: ImageGeneration("x", image=URL), None, id="v1-with-a-picture-is-not-known"),
        pytest.param(lambda: OmniImage("x"), None, id="omni-is-not-known"),
        pytest.param(lambda: TextToAudio("x", duration=5), None, id="sounds-are-not-known"),
    ],
)
def test_estimates_are_from_the_table_or_none(make: Any, dollars: float | None) -> None:
    """A series costs its count; what is not known is not guessed."""
    estimate = make().estimate()
    assert (estimate and estimate.dollars) == (dollars and pytest.approx(dollars))
