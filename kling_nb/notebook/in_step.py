"""Playing the videos of a gallery in step, in front ends that run code: by anywidget, where it is installed.

The saved gallery is plain HTML. This adds to it in the page and leaves nothing in the file: a widget without a view,
whose code finds the gallery's videos by their class.
"""

from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["INSTALL", "keep_in_step"]

INSTALL = "pip install 'kling-nb[gallery]'"


def keep_in_step(group: str) -> Any:
    """Begin to keep videos in step; return the widget that does, or None without anywidget.

    Parameters
    ----------
    group
        The class of the element that holds the videos.
    """
    widget = _widget()
    return None if widget is None else widget(group=group)


@cache
def _widget() -> Any:
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None

    class InStep(anywidget.AnyWidget):
        _esm = Path(__file__).with_suffix(".js")
        group = traitlets.Unicode().tag(sync=True)

    return InStep
