"""What mypy must know of the client's answers; checked by tests/api/test_typing.py, never run."""

from pathlib import Path
from typing import assert_type

from kling_nb.api.client import AsyncKling
from kling_nb.api.requests import (
    AccountCosts,
    AddSelection,
    AdvancedLipSync,
    ClearSelection,
    DeleteVoice,
    IdentifyFace,
    Image2Video,
    ImageRecognize,
    InitSelection,
    MultiElements,
    OmniVideo,
    PresetElements,
    PresetVoices,
    PreviewSelection,
    Text2Video,
    Tts,
)
from kling_nb.api.results import Cutout, Faces, Masks, Package, Preview, Selection, Session, Speech
from kling_nb.api.tasks import MadeElement, MadeVoice, Task


async def answers(kling: AsyncKling) -> None:
    """Each call is answered with a type of its own."""
    assert_type(await kling.create(Text2Video("a fox")), Task)
    assert_type(await kling.get("text2video", "7"), Task)
    assert_type(await kling.list(Text2Video), list[Task])
    assert_type(await kling.call(Tts("hello", "oversea_male1")), Speech)
    assert_type(await kling.call(IdentifyFace("v")), Faces)
    assert_type(await kling.call(InitSelection("v")), Selection)
    assert_type(await kling.call(AddSelection("s", frame_index=0, points=[])), Masks)
    assert_type(await kling.call(ClearSelection("s")), Session)
    assert_type(await kling.call(PreviewSelection("s")), Preview)
    assert_type(await kling.call(ImageRecognize("a.png")), list[Cutout])
    assert_type(await kling.call(PresetVoices()), list[MadeVoice])
    assert_type(await kling.call(PresetElements()), list[MadeElement])
    assert_type(await kling.call(DeleteVoice("7")), Task)
    assert_type(await kling.call(AccountCosts()), list[Package])


def requests(frames: list[bytes], faces: Faces, selection: Selection) -> None:
    """Fields are known by name and type, and take what becomes them: paths, dicts, bare items, results."""
    Text2Video("a fox", duration=10, camera_control={"type": "simple", "config": {"zoom": 5}})
    Text2Video("a fox", mode="fast")  # type: ignore[arg-type]
    Text2Video("a fox", colour="red")  # type: ignore[call-arg]
    Image2Video(Path("a.png"), "it runs", image_tail=frames[0], element_list=[7])
    OmniVideo("x", image_list=["a.png"], video_list=["https://example.com/a.mp4"], aspect_ratio="1:1")
    AdvancedLipSync(faces, faces, sound_file="a.mp3", sound_end_time=3000)
    MultiElements(selection, "swap", "<<<video_1>>> <<<image_1>>>", image_list=["a.png"])
