"""What a person sets once for a notebook; every call that shows something takes the same as an argument."""

from typing import Literal, get_args

from kling_nb.api.errors import RequestRefused
from kling_nb.api.fields import listed, shown

__all__ = ["Form", "Options", "as_form", "options"]

Form = Literal["auto", "preview", "embed", "link"]


def as_form(value: object) -> Form:
    """Take a form of display, or say what it may be."""
    for form in get_args(Form):
        if value == form:
            return form  # type: ignore[no-any-return]
    raise RequestRefused(f"display = {shown(value)}: it may be {listed(get_args(Form))}.")


class Options:
    """Settings of this session.

    Attributes
    ----------
    display : {"auto", "preview", "embed", "link"}
        How finished media goes into the notebook.

        "embed" puts the whole file in: the notebook plays anywhere and grows by a third more than its videos. "link"
        refers to the file, relative to the notebook: a few hundred bytes, and nothing to see where the file is not.
        "preview" puts a small copy beside the link (at most 480 pixels high, 0.4 MB for 5 s): the file itself plays
        where it is, the copy elsewhere; it needs PyAV (``pip install 'kling-nb[simulator]'``). "auto", the default,
        embeds what is below 1 MB and previews the rest.

    Examples
    --------
    >>> import kling_nb as kling
    >>> kling.options.display = "preview"
    """

    def __init__(self) -> None:
        self._display: Form = "auto"

    def __repr__(self) -> str:
        return f"<kling_nb options: display = {self.display!r}>"

    @property
    def display(self) -> Form:
        return self._display

    @display.setter
    def display(self, value: Form) -> None:
        self._display = as_form(value)


options = Options()
