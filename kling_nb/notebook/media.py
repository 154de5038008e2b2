"""Finished media as a person gets it: on disk, with everything the service said, and shown inline by IPython.

What is saved must play, or say how, without any script: at home, in an exported page, and in a stranger's copy. No one
form does all of that, so there are three (see `Options.display`), built of what each place leaves alone:

- A relative ``src`` is the file beside the notebook. JupyterLab plays it, trusted or not; a page exported and opened
  elsewhere cannot.
- A ``data:`` URI in a ``<source>`` plays everywhere but in an untrusted notebook, where JupyterLab takes out the
  ``src`` of every ``<source>``. Posters and pictures in ``data:`` URIs stay even there.
- With two sources the first that loads plays: the file at home, the small copy elsewhere.
"""

import contextlib
import mimetypes
import os
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote

from IPython import display
from pydantic import Field

from kling_nb.api import tasks
from kling_nb.api.tasks import Task
from kling_nb.notebook.looks import FAINT, TEXT, badge, plain
from kling_nb.notebook.options import Form, as_form, options
from kling_nb.notebook.preview import INSTALL, Copy, able, small_copy
from kling_nb.notebook.showing import show

if TYPE_CHECKING:
    from kling_nb.notebook.job import Job

__all__ = ["About", "Audio", "Image", "Result", "Video", "address", "finished", "nearby"]

EMBEDDED = 1_000_000  # bytes; "auto" embeds what is smaller: ten of them still save in a moment
WIDTH = 640  # pixels on the page at most
_MIME_TYPES = {".m4a": "audio/mp4", ".mov": "video/mp4", ".wav": "audio/wav"}  # where the system's table misleads
_STARTED_IN = Path.cwd()
_PRELOAD = 'preload="auto"'

How = Literal["embed", "preview", "link"]

# Shown only where a sanitiser took `popover` away, and with it the sources of the player above.
_UNTRUSTED = (
    f'<div popover style="{TEXT}"><em>This copy of the notebook is not trusted, and Jupyter hides what is embedded in '
    "such a one. To play it, run “Trust Notebook” from the command palette, or open the file:</em></div>"
)


@dataclass(frozen=True, slots=True)
class About:
    """What is told of a medium below it.

    Parameters
    ----------
    prompt
        What was asked for, in words.
    facts
        More of it, each a few words: model, mode, length.
    simulated
        Whether it came from a simulator.
    asked
        The whole request, for telling results apart.
    outcome
        What became of it, each a few words: how long it took, what it cost.
    """

    prompt: str = ""
    facts: tuple[str, ...] = ()
    simulated: bool = False
    asked: Mapping[str, Any] = field(default_factory=dict)
    outcome: tuple[str, ...] = ()

    def caption(self) -> str:
        """Two lines of HTML: the words, then the facts."""
        words = f'<div dir="auto">{badge("SIMULATED") if self.simulated else ""}{plain(self.prompt)}</div>'
        facts = " · ".join(plain(fact) for fact in self.facts + self.outcome)
        return words + (f'<div style="{FAINT}">{facts}</div>' if facts else "")


class _OnDisk(tasks.Media):
    _usual: ClassVar[str]

    path: Path
    task: Task | None = Field(None, exclude=True, repr=False)
    about: About = Field(default_factory=About, exclude=True, repr=False)
    variants: dict[str, Path] = Field(default_factory=dict, exclude=True, repr=False)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.figure()}

    def show(self, form: Form | None = None) -> None:
        """Show it in this cell.

        Parameters
        ----------
        form : {"auto", "preview", "embed", "link"}, optional
            How it goes into the notebook, see `Options.display`; what is set there when left out.
        """
        show({"text/plain": repr(self), "text/html": self.figure(form)})

    def figure(
        self,
        form: Form | None = None,
        *,
        caption: str | None = None,
        most: int = EMBEDDED,
        in_widget: bool = False,
        among_many: bool = False,
    ) -> str:
        """Plain HTML of the medium with its caption; needs no script and no widget.

        Parameters
        ----------
        form
            As for `show`.
        caption
            HTML instead of what `about` says.
        most
            Bytes below which "auto" embeds the whole file.
        in_widget
            Whether it is for a widget, where Jupyter does not resolve relative addresses: only what is carried inside
            can play there.
        among_many
            Whether it is one of so many that browsers would not load them all: it is linked, unless a form was asked
            for, and loaded when it is played.
        """
        form = options.display if form is None else as_form(form)
        form = "link" if form == "auto" and among_many else form
        near = plain(nearby(self.path))
        link = near if in_widget else f'<a href="{address(self.path)}" target="_blank">{near}</a>'
        try:
            size = self.path.stat().st_size
        except OSError:
            shown, held = "", "the file is not there any more"
        else:
            how, copy = self._how(form, size, most)
            shown = "" if in_widget and how == "link" else self._player(how, copy, beside=not in_widget)
            shown = shown.replace(_PRELOAD, 'preload="none"', 1) if among_many else shown
            held = f"{_megabytes(size)}, {_held(how, form)}"
        for name, other in self.variants.items():
            near = plain(f"{name}: {nearby(other)}")
            link += " · " + (near if in_widget else f'<a href="{address(other)}" target="_blank">{near}</a>')
        about = self.about.caption() if caption is None else caption
        return (
            f'<figure style="margin:0;max-width:{WIDTH}px">{shown}'
            f'<figcaption style="{TEXT};margin-top:4px;overflow-wrap:anywhere">{about}'
            f'<div style="{FAINT}">{link} ({held})</div></figcaption></figure>'
        )

    def takes_a_moment(self) -> bool:
        """Whether a copy of it has to be made before it can be shown in the form that is set."""
        form = options.display
        with contextlib.suppress(OSError):
            large = form == "auto" and self.path.stat().st_size >= EMBEDDED
            return (large or form == "preview") and able()
        return False

    def _how(self, form: Form, size: int, most: int) -> tuple[How, Copy | None]:
        """Choose: what is carried inside, and how it is called."""
        if form == "auto":
            form = "embed" if size < most else "preview"
        copy = small_copy(self.path, self.kind) if form == "preview" else None
        if copy is not None and len(copy.data) >= size:  # the file itself is the smaller one
            return "embed", None
        return ("link" if form == "preview" and copy is None else form), copy

    def _player(self, how: How, copy: Copy | None, *, beside: bool) -> str:
        raise NotImplementedError

    def _with_file(self, player: str) -> str:
        """Let the player of a small copy try the file itself first."""
        return player.replace("<source", f'<source src="{address(self.path)}"><source', 1)

    @property
    def _label(self) -> str:
        return self.about.prompt or self.path.stem

    def _whole(self) -> Copy:
        kind = _MIME_TYPES.get(self.path.suffix) or mimetypes.guess_type(self.path.name)[0]
        return Copy(self.path.read_bytes(), kind or self._usual)


class Video(tasks.Video, _OnDisk):
    """A finished video on disk; name it at the end of a cell, or call `show`, to see it.

    Attributes
    ----------
    path
        The file.
    duration
        Length in seconds, as the service says.
    id, url
        Kling's id of it, and where the service keeps it, for 30 days at most.
    task
        The task that made it, with everything the service said.
    about
        What is told of it below it.
    variants
        The same in other forms, by name: "watermark", where that was asked for.
    """

    _usual: ClassVar[str] = "video/mp4"

    def extend(self, prompt: str | None = None, **given: Any) -> "Job":
        """Make it 4 to 5 seconds longer; arguments as for `kling_nb.video_extend`."""
        from kling_nb.notebook.workflows import video_extend

        return video_extend(self, prompt, **given)

    def lip_sync(self, **given: Any) -> "Job":
        """Let the face in it speak a text or a sound; arguments as for `kling_nb.lip_sync`."""
        from kling_nb.notebook.workflows import lip_sync

        return lip_sync(self, **given)

    def _player(self, how: How, copy: Copy | None, *, beside: bool) -> str:
        style = "display:block;max-width:100%;max-height:480px;border-radius:4px"
        attributes = f'controls loop playsinline {_PRELOAD} style="{style}" aria-label="{plain(self._label)}"'
        if how == "link":
            return str(display.Video(url=address(self.path), html_attributes=attributes)._repr_html_())
        if picture := small_copy(self.path, "poster"):
            attributes += f' poster="{_data(picture)}"'
        inside = copy or self._whole()
        shown = display.Video(inside.data, embed=True, mimetype=inside.mimetype, html_attributes=attributes)
        player = str(shown._repr_html_())
        return (self._with_file(player) if copy and beside else player) + _UNTRUSTED


class Image(tasks.Image, _OnDisk):
    """A finished picture on disk; ``index`` is its place in the series."""

    _usual: ClassVar[str] = "image/png"

    def _player(self, how: How, copy: Copy | None, *, beside: bool) -> str:
        source = address(self.path) if how == "link" else _data(copy or self._whole())
        return str(display.Image(url=source, alt=self._label)._repr_html_())


class Audio(tasks.Audio, _OnDisk):
    """A finished sound on disk.

    Attributes
    ----------
    path
        The file, in the best format there is.
    duration
        Length in seconds, as the service says.
    variants
        The same in other formats, by name: "mp3" or "wav".
    """

    _usual: ClassVar[str] = "audio/mpeg"

    def _player(self, how: How, copy: Copy | None, *, beside: bool) -> str:
        label = f'<audio style="width:100%" aria-label="{plain(self._label)}"'
        if how == "link":
            # On the element itself, because an untrusted notebook keeps it there only.
            shown = display.Audio(url=address(self.path))
            return str(shown._repr_html_()).replace("<audio", f'{label} src="{address(self.path)}"', 1)
        inside = copy or self._whole()
        shown = display.Audio(data=inside.data)
        shown.mimetype = inside.mimetype
        player = str(shown._repr_html_()).replace("<audio", label, 1)
        return (self._with_file(player) if copy and beside else player) + _UNTRUSTED


Result = Video | Image | Audio
_FINISHED: dict[str, type[Result]] = {"video": Video, "image": Image, "audio": Audio}


def finished(task: Task, files: Iterable[Path], about: About) -> list[Result]:
    """Join what the service said of a task's media with the files they became, in the order of their `urls`."""
    left = iter(files)
    made = []
    for medium in task.media:
        if paths := [*islice(left, len(medium.urls))]:
            variants = dict(zip([*medium.urls][1:], paths[1:], strict=False))
            given = medium.model_dump() | {"path": paths[0], "variants": variants, "task": task, "about": about}
            made.append(_FINISHED[medium.kind].model_validate(given))
    return made


def _data(copy: Copy) -> str:
    return f"data:{copy.mimetype};base64,{b64encode(copy.data).decode()}"


def _held(how: How, form: Form) -> str:
    """Tell which form it is, and why it is not the one that was asked for."""
    match how:
        case "embed":
            return "embedded"
        case "preview":
            return "preview embedded"
        case _ if form != "link" and not able():
            return f"linked; to carry a preview inside the notebook: {INSTALL}"
        case _:
            return "linked"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.0f} kB"


def _folder() -> Path:
    """The notebook's folder, which relative addresses begin at."""
    # Jupyter's servers tell their kernels which notebook they were started for; a kernel starts in its folder.
    notebook = Path(os.environ.get("JPY_SESSION_NAME", ""))
    return notebook.parent if notebook.is_absolute() and notebook.is_file() else _STARTED_IN


def nearby(path: Path) -> str:
    """The path from the notebook's folder, where there is one: not between two drives of Windows."""
    try:
        return os.path.relpath(path, _folder())
    except ValueError:
        return str(path)


def address(path: Path) -> str:
    """A URL that JupyterLab plays: relative to the notebook (absolute ones fail), safe inside an attribute."""
    near = Path(nearby(path))
    return near.as_uri() if near.is_absolute() else quote(os.fsencode(near.as_posix()))
