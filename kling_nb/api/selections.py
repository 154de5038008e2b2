"""Editing what is in a video: mark it step by step, each answered at once, then multi_elements makes the new video."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from kling_nb.api.advice import advise
from kling_nb.api.clips import ImageItems, five_or_ten
from kling_nb.api.earlier import SessionId, earlier_video
from kling_nb.api.fields import Loose, Part, Seconds
from kling_nb.api.media import by_url
from kling_nb.api.parts import Mode, Prompt, VideoRequest, advise_prompt, advise_references
from kling_nb.api.results import Masks, Preview, Selection, Session
from kling_nb.api.workflow import Immediate

__all__ = [
    "AddSelection",
    "ClearSelection",
    "DeleteSelection",
    "InitSelection",
    "MultiElements",
    "Point",
    "PreviewSelection",
]


class InitSelection(Immediate):
    """Open a video for editing: the first step, answered at once.

    Parameters
    ----------
    video_id
        The video, or its id: made by Kling less than 30 days ago, 2 to 5 s or 7 to 10 s.
    video_url
        Or the URL of one: MP4 or MOV, 2 to 5 s or 7 to 10 s, sides of 720 to 2160 px, 24, 30 or 60 fps.
    extra
        See `Request`.

    Returns
    -------
    Selection
        With the ``session_id`` (24 hours) that every further step takes, and the video's frames.

    Notes
    -----
    POST videos/multi-elements/init-selection. Source: Kling's v1 document, multi-elements; CometAPI.
    """

    path: ClassVar[str] = "videos/multi-elements/init-selection"
    yields: ClassVar[str] = "session"

    video_id: Annotated[Loose[str], earlier_video((2, 5), (7, 10))] | None = Field(default=None, kw_only=False)
    video_url: Annotated[Loose[str], by_url((2, 5), (7, 10))] | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from self.exactly_one("video_id", "video_url")

    def answer(self, data: Any) -> Selection:
        return Selection.model_validate(data)


class Point(Part):
    """A point in a frame: ``x`` and ``y`` from 0 to 1, from the upper left corner."""

    x: float = Field(ge=0, le=1)
    y: float = Field(ge=0, le=1)


class _Marking(Immediate):
    yields: ClassVar[str] = "masks"

    session_id: SessionId = Field(kw_only=False)
    frame_index: int = Field(ge=0)
    points: list[Loose[Point]] = Field(min_length=1, max_length=10)

    def answer(self, data: Any) -> Masks:
        return Masks.model_validate(data)


class AddSelection(_Marking):
    """Mark what is to be replaced or removed, by points in one frame; answers at once.

    Parameters
    ----------
    session_id
        The answer of init_selection, or its session id.
    frame_index
        Number of the frame; at most 10 frames can be marked.
    points
        1 to 10 `Point`, each ``{"x": 0.5, "y": 0.3}`` from the upper left corner.
    extra
        See `Request`.

    Returns
    -------
    Masks
        What was recognised there.

    Notes
    -----
    POST videos/multi-elements/add-selection. Source: Kling's v1 document, multi-elements; CometAPI.
    """

    path: ClassVar[str] = "videos/multi-elements/add-selection"


class DeleteSelection(_Marking):
    """Take marked points away again; answers at once.

    Parameters
    ----------
    session_id, frame_index
        As in `AddSelection`.
    points
        Exactly the points that were added.
    extra
        See `Request`.

    Returns
    -------
    Masks
        What is still marked.

    Notes
    -----
    POST videos/multi-elements/delete-selection. Source: Kling's v1 document, multi-elements; CometAPI.
    """

    path: ClassVar[str] = "videos/multi-elements/delete-selection"


class ClearSelection(Immediate):
    """Take all marks away; answers at once.

    Parameters
    ----------
    session_id
        The answer of init_selection, or its session id.
    extra
        See `Request`.

    Returns
    -------
    Session
        The same session, without marks.

    Notes
    -----
    POST videos/multi-elements/clear-selection. Source: Kling's v1 document, multi-elements; CometAPI.
    """

    path: ClassVar[str] = "videos/multi-elements/clear-selection"
    yields: ClassVar[str] = "session"

    session_id: SessionId = Field(kw_only=False)

    def answer(self, data: Any) -> Session:
        return Session.model_validate(data)


class PreviewSelection(Immediate):
    """Look at the marked areas in all frames; answers at once.

    Parameters
    ----------
    session_id
        The answer of init_selection, or its session id.
    extra
        See `Request`.

    Returns
    -------
    Preview
        URLs of the video with its marks, its cover, and the masks of each frame.

    Notes
    -----
    POST videos/multi-elements/preview-selection. Source: Kling's v1 document, multi-elements; CometAPI.
    """

    path: ClassVar[str] = "videos/multi-elements/preview-selection"
    yields: ClassVar[str] = "preview"

    session_id: SessionId = Field(kw_only=False)

    def answer(self, data: Any) -> Preview:
        return Preview.model_validate(data)


class MultiElements(VideoRequest):
    """Add, swap or remove something in a video that was opened with init_selection.

    Parameters
    ----------
    session_id
        An answer of a selection step, or its session id.
    edit_mode
        "addition", "swap" or "removal"; for the last two it is marked first, with add_selection.
    prompt
        What to do, naming ``<<<video_1>>>`` and the pictures, ``<<<image_1>>>``; at most 2,500 characters. For example
        "swap the hat from <<<image_1>>> for the cap from <<<video_1>>>".
    image_list
        Cropped pictures: 1 or 2 for addition, 1 for swap, none for removal.
    duration
        Seconds: 5 (default) for a video of 2 to 5 s, 10 for one of 7 to 10 s.
    model_name
        kling-v1-6.
    mode
        "std" (default) or "pro".
    negative_prompt
        What to avoid, at most 2,500 characters.
    watermark_info, external_task_id, callback_url, extra
        As in `Text2Video`.

    Notes
    -----
    POST videos/multi-elements. Source: Kling's v1 document, multi-elements; CometAPI.
    """

    path: ClassVar[str] = "videos/multi-elements"
    models: ClassVar[tuple[str, ...]] = ("kling-v1-6",)

    session_id: SessionId = Field(kw_only=False)
    edit_mode: Literal["addition", "swap", "removal"] = Field(kw_only=False)
    prompt: Prompt = Field(min_length=1, kw_only=False)
    image_list: ImageItems | None = None
    duration: Seconds = 5
    model_name: str = "kling-v1-6"
    mode: Mode = "std"
    negative_prompt: Prompt | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from five_or_ten(self.duration)
        images = self.image_list or []
        least, most = {"addition": (1, 2), "swap": (1, 1), "removal": (0, 0)}[self.edit_mode]
        if not least <= len(images) <= most:
            allowed = {"addition": "1 or 2 pictures", "swap": "1 picture", "removal": "none"}[self.edit_mode]
            yield f"image_list: {len(images)}; {self.edit_mode} takes {allowed}."
        for name in ["<<<video_1>>>", *(f"<<<image_{number}>>>" for number in range(1, len(images) + 1))]:
            if name not in self.prompt:
                advise(f"prompt: it does not name {name}, which Kling asks for.")
        advise_references([self.prompt], image=images, video=[self.session_id])
        advise_prompt(self.prompt, self.negative_prompt)
