"""Everything that can be asked of Kling: one class a workflow, and the table of them all."""

from kling_nb.api.advice import KlingWarning
from kling_nb.api.clips import Image2Video, ImageItem, MultiImage2Video, Text2Video, VideoExtend
from kling_nb.api.parts import (
    CameraControl,
    CameraMove,
    DynamicMask,
    Element,
    Shot,
    Trajectory,
    VideoRequest,
    Voice,
    Watermark,
)
from kling_nb.api.workflow import WORKFLOWS, Call, Request

__all__ = [
    "WORKFLOWS",
    "Call",
    "CameraControl",
    "CameraMove",
    "DynamicMask",
    "Element",
    "Image2Video",
    "ImageItem",
    "KlingWarning",
    "MultiImage2Video",
    "Request",
    "Shot",
    "Text2Video",
    "Trajectory",
    "VideoExtend",
    "VideoRequest",
    "Voice",
    "Watermark",
]
