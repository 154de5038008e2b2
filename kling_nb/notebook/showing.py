"""Putting something before a person's eyes: in the cell that runs, in the place it had before, or on a terminal."""

import os
import sys
from collections.abc import Mapping

from IPython import get_ipython
from IPython.display import display

__all__ = ["in_notebook", "outputs_change", "show"]


def in_notebook() -> bool:
    """Whether there is a front end that shows more than text."""
    return hasattr(get_ipython(), "kernel")


def outputs_change() -> bool:
    """Whether an output can be replaced later; Voila draws each once, and only widgets change after that."""
    return "VOILA_REQUEST_URL" not in os.environ


def show(bundle: Mapping[str, object], place: str | None = None, *, again: bool = False) -> None:
    """Show a MIME bundle, which has ``text/plain`` for where that is all that can be shown.

    Parameters
    ----------
    bundle
        What to show, by MIME type.
    place
        A display id of the caller's, to come back to.
    again
        Whether to put it in place of what was shown there, in whichever cell that is.
    """
    if not in_notebook():
        sys.stdout.write(f"{bundle['text/plain']}\n")  # IPython would print the bundle itself in a plain script
    elif place is None:
        display(bundle, raw=True)
    else:
        display(bundle, raw=True, display_id=place, update=again)
