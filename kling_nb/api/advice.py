"""Advice: what is sent all the same, though this release or one of the documents has a doubt about it."""

import sys
import warnings

from kling_nb.api.earlier import checking

__all__ = ["KlingWarning", "advise"]


_INSIDE = ("kling_nb", "pydantic")


class KlingWarning(UserWarning):
    """Something is sent that this release does not know, or that one of the documents advises against."""


def advise(text: str) -> None:
    """Warn at the line, outside this package, that asked for it: a second cell gets the warning too."""
    if checking():  # the request that is really made will say it
        return
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, KlingWarning, stacklevel=level)
