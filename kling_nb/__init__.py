"""Kling video generation for Jupyter notebooks: live progress while you work, the finished video inline.

>>> import kling_nb as kling
>>> job = kling.text2video("a red panda surfs a wave at sunset", duration=5)  # doctest: +SKIP
>>> video = await job  # doctest: +SKIP

Everything here is loaded when it is first used: importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from kling_nb.api.client import AsyncKling
    from kling_nb.api.errors import (
        AuthenticationFailed,
        DownloadFailed,
        KlingError,
        LedgerError,
        MediaExpired,
        MediaUnreachable,
        MissingKey,
        RequestRefused,
        ServiceUnavailable,
        Stopped,
        TaskFailed,
        TaskNotFound,
        TooManyRequests,
        Unconfirmed,
    )
    from kling_nb.api.requests import (
        AccountCosts,
        AddSelection,
        AdvancedLipSync,
        Avatar,
        CameraControl,
        CameraMove,
        ClearSelection,
        CustomElement,
        CustomVoice,
        DeleteElement,
        DeleteSelection,
        DeleteVoice,
        DynamicMask,
        Effects,
        Element,
        ElementImages,
        ElementVideos,
        ExpandImage,
        IdentifyFace,
        Image2Video,
        ImageGeneration,
        ImageItem,
        ImageRecognize,
        InitSelection,
        KlingWarning,
        LipSync,
        MotionControl,
        MultiElements,
        MultiImage2Image,
        MultiImage2Video,
        OmniImage,
        OmniImageItem,
        OmniVideo,
        OmniVideoItem,
        Point,
        PresetElements,
        PresetVoices,
        PreviewSelection,
        ReferenceImage,
        ReferenceVideo,
        Request,
        Shot,
        SubjectItem,
        Tag,
        Text2Video,
        TextToAudio,
        Trajectory,
        Tts,
        VideoExtend,
        VideoToAudio,
        VirtualTryOn,
        Voice,
        Watermark,
        workflows,
    )
    from kling_nb.api.tasks import Task, TaskStatus
    from kling_nb.nested import allow_nested_loops
    from kling_nb.notebook.batch import Batch
    from kling_nb.notebook.gallery import Gallery, compare, gallery
    from kling_nb.notebook.history import History, history, job, resume
    from kling_nb.notebook.job import Job, start
    from kling_nb.notebook.media import Audio, Image, Video
    from kling_nb.notebook.options import options
    from kling_nb.notebook.sweep import sweep
    from kling_nb.notebook.workflows import (
        account_costs,
        add_selection,
        advanced_lip_sync,
        avatar,
        clear_selection,
        custom_element,
        custom_voice,
        delete_element,
        delete_selection,
        delete_voice,
        effects,
        expand_image,
        identify_face,
        image2video,
        image_generation,
        image_recognize,
        init_selection,
        lip_sync,
        motion_control,
        multi_elements,
        multi_image2image,
        multi_image2video,
        omni_image,
        omni_video,
        preset_elements,
        preset_voices,
        preview_selection,
        text2video,
        text_to_audio,
        tts,
        video_extend,
        video_to_audio,
        virtual_try_on,
    )
    from kling_nb.watch.following import State
    from kling_nb.watch.ledger import Entry
    from kling_nb.watch.service import Service, connect

_HOMES = {
    "api.client": "AsyncKling",
    "api.errors": "AuthenticationFailed DownloadFailed KlingError LedgerError MediaExpired MediaUnreachable MissingKey "
    "RequestRefused ServiceUnavailable Stopped TaskFailed TaskNotFound TooManyRequests Unconfirmed",
    "api.requests": (
        "AccountCosts AddSelection AdvancedLipSync Avatar CameraControl CameraMove ClearSelection "
        "CustomElement CustomVoice DeleteElement DeleteSelection DeleteVoice DynamicMask Effects Element "
        "ElementImages ElementVideos ExpandImage IdentifyFace Image2Video ImageGeneration ImageItem "
        "ImageRecognize InitSelection KlingWarning LipSync MotionControl MultiElements MultiImage2Image "
        "MultiImage2Video OmniImage OmniImageItem OmniVideo OmniVideoItem Point PresetElements PresetVoices "
        "PreviewSelection ReferenceImage ReferenceVideo Request Shot SubjectItem Tag Text2Video TextToAudio "
        "Trajectory Tts VideoExtend VideoToAudio VirtualTryOn Voice Watermark workflows"
    ),
    "api.tasks": "Task TaskStatus",
    "nested": "allow_nested_loops",
    "notebook.history": "History history job resume",
    "notebook.batch": "Batch",
    "notebook.gallery": "Gallery compare gallery",
    "notebook.job": "Job start",
    "notebook.workflows": (
        "account_costs add_selection advanced_lip_sync avatar clear_selection custom_element custom_voice "
        "delete_element delete_selection delete_voice effects expand_image identify_face image2video "
        "image_generation image_recognize init_selection lip_sync motion_control multi_elements "
        "multi_image2image multi_image2video omni_image omni_video preset_elements preset_voices "
        "preview_selection text2video text_to_audio tts video_extend video_to_audio virtual_try_on"
    ),
    "notebook.media": "Audio Image Video",
    "notebook.options": "options",
    "notebook.sweep": "sweep",
    "watch.following": "State",
    "watch.ledger": "Entry",
    "watch.service": "Service connect",
}
_HOME = {name: home for home, names in _HOMES.items() for name in names.split()}

__version__ = "0.1.0"
__all__ = [
    "AccountCosts",
    "AddSelection",
    "AdvancedLipSync",
    "AsyncKling",
    "Audio",
    "AuthenticationFailed",
    "Avatar",
    "Batch",
    "CameraControl",
    "CameraMove",
    "ClearSelection",
    "CustomElement",
    "CustomVoice",
    "DeleteElement",
    "DeleteSelection",
    "DeleteVoice",
    "DownloadFailed",
    "DynamicMask",
    "Effects",
    "Element",
    "ElementImages",
    "ElementVideos",
    "Entry",
    "ExpandImage",
    "Gallery",
    "History",
    "IdentifyFace",
    "Image",
    "Image2Video",
    "ImageGeneration",
    "ImageItem",
    "ImageRecognize",
    "InitSelection",
    "Job",
    "KlingError",
    "KlingWarning",
    "LedgerError",
    "LipSync",
    "MediaExpired",
    "MediaUnreachable",
    "MissingKey",
    "MotionControl",
    "MultiElements",
    "MultiImage2Image",
    "MultiImage2Video",
    "OmniImage",
    "OmniImageItem",
    "OmniVideo",
    "OmniVideoItem",
    "Point",
    "PresetElements",
    "PresetVoices",
    "PreviewSelection",
    "ReferenceImage",
    "ReferenceVideo",
    "Request",
    "RequestRefused",
    "Service",
    "ServiceUnavailable",
    "Shot",
    "State",
    "Stopped",
    "SubjectItem",
    "Tag",
    "Task",
    "TaskFailed",
    "TaskNotFound",
    "TaskStatus",
    "Text2Video",
    "TextToAudio",
    "TooManyRequests",
    "Trajectory",
    "Tts",
    "Unconfirmed",
    "Video",
    "VideoExtend",
    "VideoToAudio",
    "VirtualTryOn",
    "Voice",
    "Watermark",
    "account_costs",
    "add_selection",
    "advanced_lip_sync",
    "allow_nested_loops",
    "avatar",
    "clear_selection",
    "compare",
    "connect",
    "custom_element",
    "custom_voice",
    "delete_element",
    "delete_selection",
    "delete_voice",
    "effects",
    "expand_image",
    "gallery",
    "history",
    "identify_face",
    "image2video",
    "image_generation",
    "image_recognize",
    "init_selection",
    "job",
    "lip_sync",
    "motion_control",
    "multi_elements",
    "multi_image2image",
    "multi_image2video",
    "omni_image",
    "omni_video",
    "options",
    "preset_elements",
    "preset_voices",
    "preview_selection",
    "resume",
    "start",
    "sweep",
    "text2video",
    "text_to_audio",
    "tts",
    "video_extend",
    "video_to_audio",
    "virtual_try_on",
    "workflows",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Make ``%kling`` and ``%%kling`` known; called by ``%load_ext kling_nb``."""
    from kling_nb.notebook.magics import KlingMagics

    shell.register_magics(KlingMagics)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
