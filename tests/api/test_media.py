"""Pictures, sounds and videos as people have them become what Kling takes, or are refused before anything is sent."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import sys
import wave
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kling_nb.api import media
from kling_nb.api.errors import RequestRefused
from kling_nb.api.fields import Part
from kling_nb.api.media import ImageInput, by_url
from kling_nb.api.pictures import look
from kling_nb.api.requests import KlingWarning
from kling_nb.api.tasks import Audio as AudioResult
from kling_nb.api.tasks import Image as ImageResult
from kling_nb.api.tasks import Task
from kling_nb.api.tasks import Video as VideoResult


class Album(Part):
    """A part that takes one of each."""

    picture: ImageInput | None = None
    speech: media.SoundInput | None = None
    clip: Annotated[str, by_url((3, 30))] | None = None


def picture(width: int = 400, height: int = 300, form: str = "PNG", **options: Any) -> bytes:
    """A picture with a red upper left corner."""
    image = Image.new("RGB", (width, height), "white")
    image.paste((255, 0, 0), (0, 0, width // 2, height // 2))
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


def rotated(form: str = "JPEG") -> bytes:
    """A picture that a camera stored lying: 400x300 in the file, 300x400 to the eye."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(form=form, exif=exif)


def speech(seconds: float) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(b"\x80" * int(8000 * seconds))
    return written.getvalue()


def sent(value: Any, field: str = "picture") -> str:
    wire = Album(**{field: value}).model_dump()[field]
    assert isinstance(wire, str)
    return wire


def seen(value: Any) -> Image.Image:
    """The picture that Kling would see."""
    return Image.open(io.BytesIO(base64.b64decode(sent(value), validate=True)))


def refused(value: Any, field: str = "picture") -> str:
    with pytest.raises(RequestRefused) as caught:
        Album(**{field: value})
    return str(caught.value)


# -- pictures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_bytes_and_files_go_as_they_are(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upright picture keeps its bytes, as bare base64 without a data: prefix."""
    data = picture(form=form)
    path = tmp_path / "a picture.bin"
    path.write_bytes(data)
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in (data, bytearray(data), memoryview(data), path, str(path), "~/a picture.bin"):
        assert base64.b64decode(sent(value), validate=True) == data


def test_a_url_goes_as_a_url() -> None:
    """What lies on the web is fetched by Kling itself."""
    assert sent("https://example.com/a.png?x=1") == "https://example.com/a.png?x=1"


def test_a_data_url_loses_its_prefix() -> None:
    """Kling wants bare base64."""
    data = base64.b64encode(picture()).decode()
    assert sent(f"data:image/png;base64,{data}") == data


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16", "F"])
def test_a_pillow_image_of_any_mode_goes(mode: str) -> None:
    """Whatever mode an image has, Kling gets a picture of its size."""
    assert seen(Image.new(mode, (400, 300))).size == (400, 300)


def test_transparency_stays() -> None:
    """A cut-out stays a cut-out."""
    assert seen(Image.new("RGBA", (400, 300), (1, 2, 3, 0))).mode == "RGBA"


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.full((300, 400), 200, "uint8"), id="grey"),
        pytest.param(np.full((300, 400, 3), 200, "uint8"), id="colour"),
        pytest.param(np.full((300, 400, 4), 200, "uint8"), id="with-alpha"),
        pytest.param(np.full((300, 400, 3), 200 / 255), id="floats-from-0-to-1"),
        pytest.param(np.full((300, 400, 3), 200 / 255, "float32")[::-1, ::-1], id="a-view-backwards"),
    ],
)
def test_an_array_goes_as_a_picture(array: np.ndarray[Any, Any]) -> None:
    """Height, width and values are those of the array."""
    image = seen(array)
    assert image.size == (400, 300)
    assert np.asarray(image.convert("L"))[10, 10] == 200


def test_a_mask_of_booleans_goes_as_black_and_white() -> None:
    """True is white."""
    mask = np.zeros((300, 400), bool)
    mask[:150] = True
    assert set(np.unique(np.asarray(seen(mask)))) == {0, 255}


@pytest.mark.parametrize(
    ("array", "said"),
    [
        pytest.param(
            np.zeros((300, 400, 2), "uint8"), r"shape \(300, 400, 2\): it may be \(height, width\)", id="shape"
        ),
        pytest.param(np.zeros((0, 400), "uint8"), r"shape \(0, 400\)", id="empty"),
        pytest.param(np.zeros((300, 400), "int32"), "array of int32: it may hold uint8", id="integers"),
        pytest.param(np.full((300, 400), 200.0), "from 200 to 200: they may go from 0 to 1", id="floats-to-255"),
        pytest.param(np.full((300, 400), np.nan), "from nan to nan", id="nan"),
    ],
)
def test_an_array_that_is_no_picture_is_refused(array: np.ndarray[Any, Any], said: str) -> None:
    """Guessing a range would send something else than the person sees."""
    with pytest.raises(RequestRefused, match=said):
        Album(picture=array)


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("way", ["bytes", "path", "pillow"])
def test_a_rotated_picture_is_turned_upright(form: str, way: str, tmp_path: Path) -> None:
    """The phone's picture is sent as the person sees it: the red corner moves from the left to the right."""
    data = rotated(form)
    path = tmp_path / "p"
    path.write_bytes(data)
    image = seen({"bytes": data, "path": path, "pillow": Image.open(io.BytesIO(data))}[way]).convert("RGB")
    assert image.size == (300, 400)
    assert image.getpixel((290, 10)) == pytest.approx((255, 0, 0), abs=8)
    assert image.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(picture(299, 400), "299x400 pixels; each side must have at least 300", id="too-small"),
        pytest.param(picture(400, 1001), "400x1001 pixels; the ratio may be 1:2.5 to 2.5:1", id="too-tall"),
        pytest.param(picture(1001, 400), "1001x400 pixels; the ratio may be 1:2.5 to 2.5:1", id="too-wide"),
        pytest.param(picture(form="GIF"), "no JPEG or PNG", id="a-gif"),
        pytest.param(picture(form="WEBP"), "no JPEG or PNG", id="a-webp"),
        pytest.param(picture(form="PNG") + b"x" * 10_000_000, "has 10.0 MB; Kling takes 10 MB at most", id="too-large"),
        pytest.param(picture(form="PNG")[:600], "damaged", id="a-png-cut-short"),
        pytest.param(picture(form="JPEG")[:900], "damaged", id="a-jpeg-cut-short"),
        pytest.param(picture(form="JPEG")[:20], "damaged", id="a-jpeg-of-nothing"),
        pytest.param(b"", "no JPEG or PNG", id="empty"),
        pytest.param(b"<html>", "no JPEG or PNG", id="html"),
        pytest.param("no such file.png", "there is no file no such file.png", id="no-file"),
        pytest.param(".", "is no file", id="a-folder"),
        pytest.param("/dev/zero", "is no file", id="a-device"),
        pytest.param("", "is no file", id="empty-path"),
        pytest.param(base64.b64encode(picture()).decode(), "no file|cannot read", id="base64-as-text"),
        pytest.param("a\0b", "cannot read|no file", id="nul-in-a-path"),
        pytest.param("http://", "no complete URL", id="half-a-url"),
        pytest.param("https://exa mple.com/a.png", "no complete URL", id="url-with-a-blank"),
        pytest.param("data:image/png;base64,!!!", "broken base64", id="broken-data-url"),
        pytest.param(7, "this int is no image; give a path, URL, bytes", id="a-number"),
        pytest.param(object(), "this object is no image", id="an-object"),
    ],
)
def test_what_kling_refuses_is_refused_here(value: Any, said: str) -> None:
    """It names what was given and what may be, and costs no request."""
    assert re.search(said, refused(value)), refused(value)


@pytest.mark.parametrize(
    "size", [(300, 300), (400, 1000), (1000, 400), (300, 750)], ids=["smallest", "tallest", "widest", "smallest-tall"]
)
def test_the_limits_themselves_are_taken(size: tuple[int, int]) -> None:
    """At least and at most include the limit."""
    assert seen(picture(*size)).size == size


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    """A file of 100 GB by mistake is told by its size."""
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(100_000_000_000)
    assert "100000.0 MB" in refused(path)


def test_a_refusal_does_not_flood_the_cell() -> None:
    """A megabyte of base64 given as a path is told in a line."""
    assert len(refused(base64.b64encode(b"x" * 1_000_000).decode())) < 500


@given(st.binary(max_size=64), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1"]))
@settings(max_examples=300, deadline=None)
def test_no_bytes_break_the_looking(data: bytes, start: bytes) -> None:
    """Any bytes are a picture or a ValueError."""
    with contextlib.suppress(ValueError):
        assert look(start + data).width >= 0


@given(st.integers(1, 900), st.integers(1, 900), st.sampled_from(["PNG", "JPEG"]), st.booleans())
@settings(max_examples=30, deadline=None)
def test_the_header_tells_what_pillow_tells(width: int, height: int, form: str, progressive: bool) -> None:
    """Sides are read the same with and without Pillow."""
    seen_here = look(picture(width, height, form, **({"progressive": True} if form == "JPEG" and progressive else {})))
    assert (seen_here.width, seen_here.height, seen_here.orientation) == (width, height, 1)


@pytest.fixture
def _without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name == "PIL" or name.startswith("PIL."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)


@pytest.mark.usefixtures("_without_pillow")
def test_without_pillow_limits_hold_all_the_same() -> None:
    """Format and sides are read from the header."""
    small = base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
    )
    assert "1x1 pixels" in refused(small)


def test_without_pillow_a_rotated_picture_is_warned_of(request: pytest.FixtureRequest) -> None:
    """It is sent lying, and the person hears of it and of the way to mend it."""
    data = rotated()
    request.getfixturevalue("_without_pillow")
    with pytest.warns(KlingWarning, match=r"rotated.*pip install"):
        assert base64.b64decode(sent(data)) == data


def test_without_pillow_an_array_says_what_is_missing(request: pytest.FixtureRequest) -> None:
    """The line to type is in the refusal."""
    request.getfixturevalue("_without_pillow")
    assert "pip install 'kling-nb[simulator]'" in refused(np.zeros((300, 400), "uint8"))


def test_a_file_whose_name_is_no_text_is_taken(tmp_path: Path) -> None:
    """Linux lets names be any bytes; the picture is sent, and its record can be written."""
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    path.write_bytes(picture())
    assert json.dumps(Album(picture=path).model_dump(mode="json", context={"described": True})).isascii()
    assert base64.b64decode(sent(path)) == picture()


# -- sounds --------------------------------------------------------------------------------------------------------


def test_a_sound_goes_as_bare_base64(tmp_path: Path) -> None:
    """Bytes and files go as they are."""
    data = speech(3)
    (tmp_path / "s").write_bytes(data)
    assert base64.b64decode(sent(data, "speech"), validate=True) == data
    assert base64.b64decode(sent(tmp_path / "s", "speech"), validate=True) == data
    assert sent("https://example.com/s.mp3", "speech") == "https://example.com/s.mp3"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(b"OggS" + b"x" * 100, "is no MP3, WAV, M4A or AAC", id="ogg"),
        pytest.param(picture(), "is no MP3, WAV, M4A or AAC", id="a-picture"),
        pytest.param(speech(630), "has 5.0 MB; Kling takes 5 MB at most", id="too-large"),
        pytest.param(b"ID3" + b"\0" * 200, "damaged|no sound", id="damaged"),
        pytest.param(3.5, "this float is no audio", id="a-number"),
    ],
)
def test_a_sound_that_kling_refuses_is_refused_here(value: Any, said: str) -> None:
    """Format and size are told."""
    assert re.search(said, refused(value, "speech")), refused(value, "speech")


# -- videos --------------------------------------------------------------------------------------------------------


def test_a_video_goes_by_url_only(tmp_path: Path) -> None:
    """Kling takes no uploads of videos, and a local file hears what to do instead."""
    (tmp_path / "v.mp4").write_bytes(b"x")
    assert sent("https://example.com/v.mp4", "clip") == "https://example.com/v.mp4"
    for local in (tmp_path / "v.mp4", str(tmp_path / "v.mp4"), b"mp4"):
        assert "takes videos only by URL" in refused(local, "clip")
    assert "this int is no video" in refused(3, "clip")


# -- earlier results -----------------------------------------------------------------------------------------------


def test_earlier_results_go_by_their_url() -> None:
    """What Kling made can be given on as it is."""
    url = "https://m/x"
    assert sent(ImageResult(url=url)) == url
    assert sent(AudioResult(url=url), "speech") == url
    assert sent(VideoResult(url=url), "clip") == url


def test_an_earlier_image_on_disk_goes_by_its_bytes(tmp_path: Path) -> None:
    """Its URL may have expired; the file has not."""
    path = tmp_path / "i.png"
    path.write_bytes(picture())

    class OnDisk(ImageResult):
        path: Path

    assert base64.b64decode(sent(OnDisk(url="https://m/expired", path=path))) == picture()


def test_a_task_gives_its_only_result() -> None:
    """The whole task does as well, when there is nothing to choose."""
    task = Task.model_validate({"task_id": "7", "task_result": {"images": [{"url": "https://m/1"}]}})
    assert sent(task) == "https://m/1"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        pytest.param("picture", VideoResult(url="u"), "of kind video is no image", id="a-video-for-a-picture"),
        pytest.param("speech", VideoResult(url="u"), "of kind video is no audio", id="a-video-for-a-sound"),
        pytest.param("clip", ImageResult(url="u"), "of kind image is no video", id="a-picture-for-a-video"),
        pytest.param(
            "picture",
            Task.model_validate({"task_id": "7", "task_result": {"images": [{"url": "a"}, {"url": "b"}]}}),
            "2 results of kind image: choose one",
            id="a-series-for-a-picture",
        ),
    ],
)
def test_a_result_of_another_kind_is_refused(field: str, value: Any, said: str) -> None:
    """Mixing up jobs is told by kind."""
    assert said in refused(value, field)


def test_speech_that_came_as_bytes_can_be_given_on() -> None:
    """A data: URL in a result is a sound like any other."""
    data = speech(2)
    result = AudioResult(url="data:audio/wav;base64," + base64.b64encode(data).decode())
    assert result.content == data
    assert base64.b64decode(sent(result, "speech")) == data


def test_records_show_where_it_came_from_and_no_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger keeps a path, URL or hash: enough to find it again, and small."""
    path = tmp_path / "p.png"
    path.write_bytes(picture())
    monkeypatch.chdir(tmp_path)

    def described(value: Any) -> Any:
        return Album(picture=value).model_dump(context={"described": True})["picture"]

    assert described(path) == str(path)
    assert described(path.name) == str(path), "a record is read in another folder"
    assert described("https://m/x") == "https://m/x"
    assert "sha256" in described(picture())
    assert described(picture()) == described(picture())
    assert described(Image.new("RGB", (400, 300))).startswith("PIL Image, sha256")
    assert "b64" not in repr(Album(picture=path))
    assert len(repr(Album(picture=path))) < 400
