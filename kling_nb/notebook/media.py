"""Finished media as a person gets it: on disk, with everything the service said, and shown inline by IPython.

The page that is saved must hold the video itself or a way to it, without any script: `figure` builds plain HTML
around `IPython.display.Video`, and the text that stands beside it for terminals and diffs.
"""

import html
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from IPython import display
from pydantic import Field

from kling_nb.api import tasks
from kling_nb.api.tasks import Task

__all__ = ["Audio", "Image", "Result", "Video", "finished"]

EMBEDDED = 3_000_000  # bytes; a larger file is linked, or saving the notebook would take noticeable time
WIDTH = 640  # pixels on the page at most


class _OnDisk(tasks.Media):
    path: Path
    task: Task | None = Field(None, exclude=True, repr=False)
    about: str = Field("", exclude=True, repr=False)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.figure()}

    def figure(self) -> str:
        """Plain HTML of the medium with its caption; needs no script and no widget."""
        shown = html.escape(os.path.relpath(self.path))
        return (
            f'<figure style="margin:0;max-width:{WIDTH}px">{self._inline()}'
            '<figcaption style="font-size:var(--jp-ui-font-size1,13px);opacity:.8">'
            f"{html.escape(self.about)}{' · ' if self.about else ''}"
            f'<a href="{_address(self.path)}">{shown}</a></figcaption></figure>'
        )

    def _inline(self) -> str:
        raise NotImplementedError


class Video(tasks.Video, _OnDisk):
    """A finished video on disk.

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
    """

    def _inline(self) -> str:
        style = "max-width:100%;max-height:480px;border-radius:4px"
        attributes = f'controls loop playsinline preload="auto" style="{style}"'
        if self.path.stat().st_size <= EMBEDDED:
            shown = display.Video(str(self.path), embed=True, mimetype="video/mp4", html_attributes=attributes)
        else:
            shown = display.Video(_address(self.path), html_attributes=attributes)
        return str(shown._repr_html_()).strip()


class Image(tasks.Image, _OnDisk):
    """A finished picture on disk; ``index`` is its place in the series."""

    def _inline(self) -> str:
        return f'<img src="{_address(self.path)}" style="max-width:100%">'


class Audio(tasks.Audio, _OnDisk):
    """A finished sound on disk; ``duration`` is its length in seconds."""

    def _inline(self) -> str:
        return str(display.Audio(filename=str(self.path))._repr_html_())


Result = Video | Image | Audio
_FINISHED: dict[str, type[Result]] = {"video": Video, "image": Image, "audio": Audio}


def finished(medium: tasks.Media, path: Path, task: Task, about: str) -> Result:
    """Join what the service said of a medium with the file it became."""
    given = medium.model_dump() | {"path": path, "task": task, "about": about}
    return _FINISHED[medium.kind].model_validate(given)


def _address(path: Path) -> str:
    """A URL that JupyterLab plays: relative to the notebook's folder, which is the kernel's (absolute ones fail)."""
    return quote(Path(os.path.relpath(path)).as_posix())
