"""Finished media as HTML: nothing in it is markup that is not ours, and each form is as large as it says."""

from __future__ import annotations

import io
import sys
import wave
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pictures

import kling_nb as kling
from kling_nb.api.tasks import Task
from kling_nb.notebook import media, preview
from kling_nb.notebook.labels import Labels
from kling_nb.notebook.looks import problem
from kling_nb.notebook.media import About, Result, finished
from kling_nb.simulator.render import Shot, text_video

if TYPE_CHECKING:
    from typing import Any

TAGS = {"figure", "video", "source", "code", "figcaption", "div", "span", "a", "em"}
ATTRIBUTES = {
    "style", "src", "controls", "loop", "playsinline", "preload", "aria-label", "poster", "dir", "href", "target",
    "type", "popover", "role",
}  # fmt: skip

# Text as people and servers write it, with a good share of what a browser might take for markup.
hostile = st.text() | st.lists(
    st.sampled_from(
        ["<script>alert(1)</script>", "<b>", "</div>", '"', "'", ">", "<!--", "-->", "&lt;", "&#60;", "&",
         "<img src=x ", "onerror=alert(1)", "]]>", "<![CDATA[", "\x00", "\u202e", "\ud83d", "javascript:",
         "`", "${x}", "{0}", "\\"]
    )
    | st.text(max_size=4),
    max_size=12,
).map("".join)  # fmt: skip
file_names = (
    hostile.map(lambda text: text.replace("/", "").replace("\x00", "").replace("\ud83d", "\udcff"))
    .filter(lambda name: name not in ("", ".", ".."))
    .filter(lambda name: not any("\ud800" <= letter < "\udc80" for letter in name))  # no file can have such a name
)


class Page(HTMLParser):
    """What a browser makes of HTML: its elements, their attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str | None] = {}
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")


def _finished(kind: str, path: Path, about: About) -> Result:
    """One finished file, as a task that yielded just that."""
    (result,) = finished(Task(task_id="1", task_result={kind: [{"url": "http://127.0.0.1/x"}]}), [path], about)
    return result


def video(path: Path, prompt: str = "a fox", *facts: str) -> Result:
    return _finished("videos", path, About(prompt, facts))


def seen(text: str, most: int = 300) -> str:
    """The text as far as it is shown; half a pair of surrogates has no form of its own."""
    whole = text.encode("utf-8", "replace").decode()
    return whole if len(whole) <= most else whole[: most - 1]


@settings(max_examples=2_500, deadline=None)  # of four texts each
@given(prompt=hostile, fact=hostile, name=file_names, message=hostile)
def test_nothing_that_is_shown_becomes_markup(prompt: str, fact: str, name: str, message: str) -> None:
    """Prompts, facts, file names and messages are text, whatever is in them."""
    labels = Labels([{"prompt": prompt, "negative_prompt": fact}, {"mode": message}])
    shown = video(Path(name), prompt, fact).figure("link") + problem(message)
    page = Page(shown + labels.heading() + labels.label(0) + labels.label(1))
    assert page.tags <= TAGS
    assert page.attributes.keys() <= ATTRIBUTES
    assert not str(page.attributes["href"]).startswith("javascript:")
    for text, most in ((prompt, 300), (fact, 300), (message, 4000)):
        assert seen(text, most) in page.text


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 2 s of 1080p, and an incomplete film."""
    folder = tmp_path_factory.mktemp("films")
    text_video(folder / "film.mp4", Shot("a fox", (1920, 1080), 2), sound=True)
    (folder / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(2_000_000))
    return folder


def sources(figure: str) -> list[str]:
    """Where a player looks, in order: "data", or an address."""
    found = [part.partition('"')[0] for part in figure.replace("&quot;", '"').split(' src="')[1:]]
    return ["data" if address.startswith("data:") else address for address in found]


@pytest.mark.parametrize(
    ("form", "expected", "said"),
    [
        ("embed", ["data"], "embedded"),
        ("preview", ["film.mp4", "data"], "preview embedded"),
        ("link", ["film.mp4"], "linked"),
        ("auto", ["data"], "embedded"),
    ],
)
def test_each_form_plays_from_where_it_says(
    films: Path, monkeypatch: pytest.MonkeyPatch, form: Any, expected: list[str], said: str
) -> None:
    """The caption names the form, and the player has just the sources that belong to it."""
    monkeypatch.setattr(media, "_STARTED_IN", films)
    figure = video(films / "film.mp4").figure(form)
    assert sources(figure) == expected
    assert f", {said})" in figure


def test_auto_previews_what_is_large(films: Path) -> None:
    """From a size on a file is not carried inside, but a small copy of it is."""
    figure = video(films / "film.mp4").figure(most=(films / "film.mp4").stat().st_size)
    assert sources(figure)[-1] == "data"
    assert "preview embedded" in figure


def test_the_form_is_set_once_or_given_each_time(films: Path) -> None:
    """What is set holds until a call says otherwise; a wrong word is refused with the right ones."""
    kling.options.display = "link"
    try:
        assert "linked" in video(films / "film.mp4").figure()
        assert "preview embedded" in video(films / "film.mp4").figure("preview")
    finally:
        kling.options.display = "auto"
    with pytest.raises(kling.RequestRefused, match="it may be auto, preview, embed or link"):
        kling.options.display = "inline"  # type: ignore[assignment]


def test_without_pyav_a_large_file_is_linked_and_the_install_line_shown(
    films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is left wondering why there is no preview."""
    monkeypatch.setitem(sys.modules, "av", None)
    figure = video(films / "film.mp4").figure(most=1)
    assert "data:" not in figure
    assert preview.INSTALL in figure


def test_what_cannot_be_decoded_is_linked(films: Path) -> None:
    """A file that PyAV does not understand is still shown as far as that goes."""
    assert "linked" in video(films / "broken.mp4").figure("preview")


def test_a_file_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    """Deleting a file breaks no cell that shows it."""
    figure = video(tmp_path / "gone.mp4").figure()
    assert "not there any more" in figure
    assert "<video" not in figure


def test_a_preview_keeps_the_shape_and_the_sound(films: Path) -> None:
    """480 pixels high at most, the same length, and with sound where there was one."""
    from kling_nb.simulator.render import probe

    made = preview.small_copy(films / "film.mp4", "video")
    assert made is not None
    found = probe(made.data)
    assert (found.width, found.height, found.video_codec, found.audio_codec) == (854, 480, "h264", "aac")
    assert found.seconds == pytest.approx(2, abs=0.1)


def test_an_upright_film_stays_upright(tmp_path: Path) -> None:
    """9:16 is not squeezed into a wide preview."""
    from kling_nb.simulator.render import probe

    text_video(tmp_path / "tall.mp4", Shot("a fox", (720, 1280), 0.5))
    made = preview.small_copy(tmp_path / "tall.mp4", "video")
    assert made is not None
    assert (probe(made.data).width, probe(made.data).height) == (270, 480)


def test_pictures_and_sounds_are_carried_inside(tmp_path: Path) -> None:
    """A small picture or sound plays anywhere, with its own type."""
    Pictures.new("RGB", (400, 300), "teal").save(tmp_path / "a.png")
    image = _finished("images", tmp_path / "a.png", About('a "fox"'))
    assert 'src="data:image/png;base64,' in image.figure()
    assert 'alt="a &quot;fox&quot;"' in image.figure()

    written = io.BytesIO()
    with wave.open(written, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000))
    for suffix, kind in ((".wav", "audio/wav"), (".m4a", "audio/mp4"), (".mp3", "audio/mpeg"), (".ogg", "audio/ogg")):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(written.getvalue())
        heard = _finished("audios", path, About("waves"))
        assert f'src="data:{kind};base64,' in heard.figure()


def test_a_large_picture_is_previewed_as_a_jpeg(tmp_path: Path) -> None:
    """A 4K picture does not make the notebook megabytes larger."""
    Pictures.effect_noise((1600, 1200), 60).convert("RGB").save(tmp_path / "big.png")
    image = _finished("images", tmp_path / "big.png", About("fog"))
    figure = image.figure()
    assert 'src="data:image/jpeg;base64,' in figure
    assert len(figure) < 400_000


def test_addresses_begin_at_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Jupyter says which notebook it is, links begin there, wherever the code has moved since."""
    notebook = tmp_path / "lessons" / "one.ipynb"
    notebook.parent.mkdir()
    notebook.touch()
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    monkeypatch.chdir("/")
    figure = video(tmp_path / "lessons" / "kling videos" / "100% #1.mp4").figure("link")
    assert 'href="kling%20videos/100%25%20%231.mp4"' in figure
