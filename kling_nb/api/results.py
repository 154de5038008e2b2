"""What the workflows return that answer at once: faces, selections, cut-outs, packages of units.

As with tasks, unknown fields are kept, and a detail that makes no sense is dropped rather than the whole.
"""

from typing import Any

from pydantic import Field

from kling_nb.api.tasks import Answer, Audio, Detail, Image

__all__ = ["Cutout", "Face", "Faces", "Mask", "Masks", "Package", "Preview", "Selection", "Session", "Speech"]


class Face(Answer):
    """A face found in a video.

    Attributes
    ----------
    face_id
        What ``advanced_lip_sync`` takes.
    face_image
        URL of its picture.
    start_time, end_time
        When it can be lip-synced, in milliseconds of the video.
    """

    face_id: str
    face_image: Detail[str] = None
    start_time: Detail[int] = None
    end_time: Detail[int] = None


class Faces(Answer):
    """The faces of a video, and the session (24 hours) in which one of them can be made to speak."""

    session_id: str
    face_data: list[Face] = Field(default_factory=list)
    final_unit_deduction: Detail[str] = None

    @property
    def face_id(self) -> str | None:
        """The id of the face, when there is just one."""
        return self.face_data[0].face_id if len(self.face_data) == 1 else None


class Session(Answer):
    """An answer of an editing session (24 hours).

    Attributes
    ----------
    session_id
        What the next step takes.
    status
        0, or the service's code for what it did not recognise.
    """

    session_id: str
    status: int = 0
    final_unit_deduction: Detail[str] = None

    @property
    def recognised(self) -> bool:
        """Whether the service recognised what it was shown."""
        return self.status == 0


class Selection(Session):
    """A video that is ready for marking.

    Attributes
    ----------
    fps, total_frame
        Frames a second, and frames in all.
    width, height
        Pixels.
    original_duration
        Its length as the service writes it; `seconds` is computed from the frames.
    normalized_video
        URL of the video that the frames are counted in.
    """

    fps: Detail[float] = None
    total_frame: Detail[int] = None
    width: Detail[int] = None
    height: Detail[int] = None
    original_duration: Detail[float] = None
    normalized_video: Detail[str] = None

    @property
    def seconds(self) -> float | None:
        """Length in seconds."""
        return self.total_frame / self.fps if self.total_frame and self.fps else None


class Mask(Answer):
    """What was recognised at the marked points of one frame.

    Attributes
    ----------
    rle_mask
        ``size`` (height, width) and ``counts``: COCO's compressed run lengths.
    png_mask
        ``size`` and ``base64``: the same as a PNG.
    """

    object_id: Detail[int] = None
    rle_mask: dict[str, Any] = Field(default_factory=dict)
    png_mask: dict[str, Any] = Field(default_factory=dict)


class _Marked(Answer):
    frame_index: Detail[int] = None
    rle_mask_list: list[Mask] = Field(default_factory=list)


class Masks(Session):
    """The marked areas after a point was added or taken away; ``res.rle_mask_list`` has the masks."""

    res: _Marked = Field(default_factory=_Marked)


class _Previewed(Answer):
    video: Detail[str] = None
    video_cover: Detail[str] = None
    tracking_output: Detail[str] = None


class Preview(Session):
    """The video with its marked areas: URLs of ``res.video``, ``res.video_cover`` and ``res.tracking_output``."""

    res: _Previewed = Field(default_factory=_Previewed)


class Cutout(Image):
    """A part of a picture that was looked for.

    Attributes
    ----------
    type
        "object_seg", "head_seg" (with hair), "face_seg" (without) or "cloth_seg".
    is_contain
        Whether it is in the picture.
    """

    type: Detail[str] = None
    is_contain: Detail[bool] = None
    url: str = ""


class Package(Answer):
    """A package of units that the account has bought.

    Attributes
    ----------
    total_quantity, remaining_quantity
        Units; what remains is counted 12 hours late.
    effective_time, invalid_time
        Unix time in milliseconds from which and until which it is valid.
    status
        "toBeOnline", "online", "expired" or "runOut".
    """

    resource_pack_name: Detail[str] = None
    resource_pack_id: Detail[str] = None
    resource_pack_type: Detail[str] = None
    total_quantity: Detail[float] = None
    remaining_quantity: Detail[float] = None
    purchase_time: Detail[int] = None
    effective_time: Detail[int] = None
    invalid_time: Detail[int] = None
    status: Detail[str] = None


class Speech(Audio):
    """A spoken text, with what it cost.

    Attributes
    ----------
    id
        What avatar and advanced_lip_sync take, for 30 days; None when the service sent the sound itself.
    """

    final_unit_deduction: Detail[str] = None
