"""What an account keeps at Kling: voices, elements and packages of units. Kling's own host documents these."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from kling_nb.api.earlier import ElementId, VoiceId, earlier_video
from kling_nb.api.fields import Loose, Part
from kling_nb.api.media import ImageInput, WebUrl, by_url
from kling_nb.api.parts import wrapped
from kling_nb.api.results import Package
from kling_nb.api.tasks import MadeElement, MadeVoice, Task
from kling_nb.api.workflow import Immediate, Request

__all__ = [
    "AccountCosts",
    "CustomElement",
    "CustomVoice",
    "DeleteElement",
    "DeleteVoice",
    "ElementImages",
    "ElementVideos",
    "PresetElements",
    "PresetVoices",
    "ReferenceImage",
    "ReferenceVideo",
    "Tag",
]

Name = Annotated[str, Field(min_length=1, max_length=20)]


class CustomVoice(Request):
    """Make a voice of your own from a recording, for ``voice_list`` in videos with sound.

    Parameters
    ----------
    voice_name
        At most 20 characters.
    voice_url
        URL of a recording, or an earlier sound: MP3, WAV, MP4 or MOV, 5 to 30 s, one clean voice.
    video_id
        Or an earlier video with a voice, or its id: of kling-v2-6 with sound, avatar or lip-sync.
    external_task_id, callback_url, extra
        See `Request`.

    Notes
    -----
    POST general/custom-voices; yields a voice (`Task.voices`). Source: Kling's v1 document, custom voice. CometAPI does
    not list it. These voices are not those of lip-sync and tts.
    """

    path: ClassVar[str] = "general/custom-voices"
    yields: ClassVar[str] = "voice"
    gateway: ClassVar[bool] = False

    voice_name: Name = Field(kw_only=False)
    voice_url: WebUrl | None = None
    video_id: Annotated[Loose[str], earlier_video((5, 30))] | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        yield from self.exactly_one("voice_url", "video_id")


class _Library(Immediate):
    method: ClassVar[Literal["GET", "POST"]] = "GET"
    costs: ClassVar[bool] = False
    gateway: ClassVar[bool] = False


class PresetVoices(_Library):
    """List Kling's own voices for ``voice_list``; answers at once.

    Parameters
    ----------
    page, size
        1 to 1000 each; 30 voices a page unless told otherwise.
    extra
        See `Request`.

    Returns
    -------
    list of MadeVoice
        Each with its ``voice_id`` and a ``trial_url``.

    Notes
    -----
    GET general/presets-voices. Source: Kling's v1 document, custom voice. CometAPI does not list it.
    """

    path: ClassVar[str] = "general/presets-voices"
    yields: ClassVar[str] = "voices"

    page: int = Field(default=1, ge=1, le=1000)
    size: int = Field(default=30, ge=1, le=1000)

    def body(self) -> dict[str, Any]:
        return {"pageNum": self.page, "pageSize": self.size}

    def answer(self, data: Any) -> list[MadeVoice]:
        return [voice for task in _tasks(data) for voice in task.voices]


class DeleteVoice(_Library):
    """Delete a voice of your own; answers at once.

    Parameters
    ----------
    voice_id
        The voice, or its id.
    extra
        See `Request`.

    Returns
    -------
    Task
        Whose status tells whether it is done.

    Notes
    -----
    POST general/delete-voices. Source: Kling's v1 document, custom voice. CometAPI does not list it.
    """

    path: ClassVar[str] = "general/delete-voices"
    yields: ClassVar[str] = "nothing"
    method: ClassVar[Literal["GET", "POST"]] = "POST"

    voice_id: VoiceId = Field(kw_only=False)

    def answer(self, data: Any) -> Task:
        return Task.model_validate(data)


class ReferenceImage(Part):
    """One more picture of an element."""

    image_url: ImageInput


class ElementImages(Part):
    """Pictures of an element: one from the front, and 1 to 3 from other sides or nearer."""

    frontal_image: ImageInput
    refer_images: list[Annotated[Loose[ReferenceImage], wrapped("image_url")]] = Field(min_length=1, max_length=3)


class ReferenceVideo(Part):
    """A video of an element: MP4 or MOV by URL, 3 to 8 s, 1080p, 16:9 or 9:16, at most 200 MB."""

    video_url: Annotated[Loose[str], by_url((3, 8))]


class ElementVideos(Part):
    """The video of an element, exactly one."""

    refer_videos: list[Annotated[Loose[ReferenceVideo], wrapped("video_url")]] = Field(min_length=1, max_length=1)


class Tag(Part):
    """A tag: o_101 hottest, o_102 character, o_103 animal, o_104 item, o_105 costume, o_106 scene, o_107 effect,
    o_108 others.
    """  # noqa: D205  a list of eight does not fit into a line

    tag_id: str = Field(pattern=r"^o_10[1-8]$")


class CustomElement(Request):
    """Keep a character or thing, so that it looks the same in every video.

    Parameters
    ----------
    element_name, element_description
        At most 20 and 100 characters.
    reference_type
        "image_refer" or "video_refer": what it is made from.
    element_image_list
        `ElementImages`: ``{"frontal_image": ..., "refer_images": [...]}``.
    element_video_list
        `ElementVideos`: ``{"refer_videos": [url]}``; realistic people only.
    element_voice_id
        A voice of the library, or its id; with a video only.
    tag_list
        `Tag`, or their ids.
    external_task_id, callback_url, extra
        See `Request`.

    Notes
    -----
    POST general/advanced-custom-elements; yields an element (`Task.elements`). Source: Kling's v1 document, element.
    CometAPI does not list it.
    """

    path: ClassVar[str] = "general/advanced-custom-elements"
    yields: ClassVar[str] = "element"
    gateway: ClassVar[bool] = False

    element_name: Name = Field(kw_only=False)
    element_description: str = Field(min_length=1, max_length=100, kw_only=False)
    reference_type: Literal["video_refer", "image_refer"]
    element_image_list: Loose[ElementImages] | None = None
    element_video_list: Loose[ElementVideos] | None = None
    element_voice_id: VoiceId | None = None
    tag_list: list[Annotated[Loose[Tag], wrapped("tag_id")]] | None = Field(default=None, min_length=1)

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        wanted, other = "element_image_list", "element_video_list"
        if self.reference_type == "video_refer":
            wanted, other = other, wanted
        if getattr(self, wanted) is None:
            yield f"{wanted} is required with reference_type={self.reference_type!r}."
        if getattr(self, other) is not None:
            yield f"{other}: not with reference_type={self.reference_type!r}."
        if self.element_voice_id is not None and self.reference_type == "image_refer":
            yield f"element_voice_id = {self.element_voice_id!r}: only elements made from a video have a voice."


class PresetElements(_Library):
    """List Kling's own elements; answers at once.

    Parameters
    ----------
    page
        1 to 1000.
    size
        Elements a page, 1 to 500; 30 unless told otherwise.
    extra
        See `Request`.

    Returns
    -------
    list of MadeElement
        Each with its ``element_id``.

    Notes
    -----
    GET general/advanced-presets-elements. Source: Kling's v1 document, element. CometAPI does not list it.
    """

    path: ClassVar[str] = "general/advanced-presets-elements"
    yields: ClassVar[str] = "elements"

    page: int = Field(default=1, ge=1, le=1000)
    size: int = Field(default=30, ge=1, le=500)

    def body(self) -> dict[str, Any]:
        return {"pageNum": self.page, "pageSize": self.size}

    def answer(self, data: Any) -> list[MadeElement]:
        return [element for task in _tasks(data) for element in task.elements]


class DeleteElement(_Library):
    """Delete an element of your own; answers at once.

    Parameters
    ----------
    element_id
        The element, or its id.
    extra
        See `Request`.

    Returns
    -------
    Task
        Whose status tells whether it is done.

    Notes
    -----
    POST general/delete-elements. Source: Kling's v1 document, element, where the id is text here and a number
    elsewhere. CometAPI does not list it.
    """

    path: ClassVar[str] = "general/delete-elements"
    yields: ClassVar[str] = "nothing"
    method: ClassVar[Literal["GET", "POST"]] = "POST"

    element_id: ElementId = Field(kw_only=False)

    def body(self) -> dict[str, Any]:
        return {"element_id": str(self.element_id)}

    def answer(self, data: Any) -> Task:
        return Task.model_validate(data)


def _milliseconds(value: Any) -> Any:
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


Moment = Annotated[Loose[int], BeforeValidator(_milliseconds), Field(ge=0)]
MONTH = 30 * 24 * 3600 * 1000  # milliseconds


class AccountCosts(_Library):
    """Ask what the account's packages of units hold; answers at once, at most one call a second.

    Parameters
    ----------
    start_time, end_time
        Which packages: a datetime or Unix milliseconds. The last 30 days when left out.
    resource_pack_name
        One package only.
    extra
        See `Request`.

    Returns
    -------
    list of Package
        What remains in each is counted 12 hours late.

    Notes
    -----
    GET /account/costs at the host's root. Source: Kling's v1 document, account information. Kling's own host only.
    """

    path: ClassVar[str] = "/account/costs"
    yields: ClassVar[str] = "packages"

    start_time: Moment = Field(default_factory=lambda: int(time.time() * 1000) - MONTH)
    end_time: Moment = Field(default_factory=lambda: int(time.time() * 1000))
    resource_pack_name: str | None = None

    def problems(self) -> Iterator[str]:
        yield from super().problems()
        if self.start_time >= self.end_time:
            yield f"start_time = {self.start_time}: it must be before end_time = {self.end_time}."

    def answer(self, data: Any) -> list[Package]:
        packages = data.get("resource_pack_subscribe_infos") if isinstance(data, dict) else None
        return [Package.model_validate(package) for package in packages or []]


def _tasks(data: Any) -> list[Task]:
    """The service lists what it has as the results of tasks."""
    return [Task.model_validate(task) for task in (data if isinstance(data, list) else [data])]
