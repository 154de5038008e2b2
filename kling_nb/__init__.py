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
    from kling_nb.api.requests import Image2Video, KlingWarning, Text2Video
    from kling_nb.api.tasks import Task, TaskStatus
    from kling_nb.nested import allow_nested_loops
    from kling_nb.notebook.batch import Batch
    from kling_nb.notebook.gallery import Gallery, compare, gallery
    from kling_nb.notebook.history import History, history, job, resume
    from kling_nb.notebook.job import Job, image2video, start, text2video
    from kling_nb.notebook.media import Audio, Image, Video
    from kling_nb.notebook.options import options
    from kling_nb.notebook.sweep import sweep
    from kling_nb.watch.following import State
    from kling_nb.watch.ledger import Entry
    from kling_nb.watch.service import Service, connect

_HOMES = {
    "api.client": "AsyncKling",
    "api.errors": "AuthenticationFailed DownloadFailed KlingError LedgerError MediaExpired MediaUnreachable MissingKey "
    "RequestRefused ServiceUnavailable Stopped TaskFailed TaskNotFound TooManyRequests Unconfirmed",
    "api.requests": "Image2Video KlingWarning Text2Video",
    "api.tasks": "Task TaskStatus",
    "nested": "allow_nested_loops",
    "notebook.history": "History history job resume",
    "notebook.batch": "Batch",
    "notebook.gallery": "Gallery compare gallery",
    "notebook.job": "Job image2video start text2video",
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
    "AsyncKling",
    "Audio",
    "AuthenticationFailed",
    "Batch",
    "DownloadFailed",
    "Entry",
    "Gallery",
    "History",
    "Image",
    "Image2Video",
    "Job",
    "KlingError",
    "KlingWarning",
    "LedgerError",
    "MediaExpired",
    "MediaUnreachable",
    "MissingKey",
    "RequestRefused",
    "Service",
    "ServiceUnavailable",
    "State",
    "Stopped",
    "Task",
    "TaskFailed",
    "TaskNotFound",
    "TaskStatus",
    "Text2Video",
    "TooManyRequests",
    "Unconfirmed",
    "Video",
    "allow_nested_loops",
    "compare",
    "connect",
    "gallery",
    "history",
    "image2video",
    "job",
    "options",
    "resume",
    "start",
    "sweep",
    "text2video",
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
