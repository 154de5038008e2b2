"""One line of text that changes in place, for terminals: there are no widgets, and a wait should not look dead."""

import shutil
import sys
from types import TracebackType
from typing import Self, TextIO

__all__ = ["Line"]


class Line:
    """A line on a terminal that is written over, and taken away at the end; nothing at all where it goes to a file.

    Parameters
    ----------
    stream
        Where to; the error stream when left out, so that what a script prints stays clean.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream is not None and self._stream.isatty()
        self._shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.show("")

    def show(self, text: str) -> None:
        """Write this in place of what stands there; the terminal's width of it."""
        if not self._live or text == self._shown:
            return
        # What a service says may hold anything, also what would move the cursor or set the window's title.
        safe = "".join(letter if letter.isprintable() else " " for letter in text)
        room = shutil.get_terminal_size().columns - 1
        self._stream.write(f"\r\x1b[K{safe[:room]}")
        self._stream.flush()
        self._shown = text
