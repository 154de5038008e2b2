"""How things look: inline styles and the front end's own colours, so that every theme, export and width is right.

Saved output must not need a style sheet (an untrusted notebook loses it), so each piece carries its style. Colours
are the theme's text colour, fainter or fuller; only what went wrong has a colour of its own.
"""

import html
from collections.abc import Sequence

__all__ = ["FAINT", "TEXT", "WARNING", "badge", "clock", "cost", "plain", "problem", "side_by_side"]

TEXT = "font-family:var(--jp-ui-font-family,inherit);font-size:var(--jp-ui-font-size1,13px);line-height:1.5"
FAINT = "opacity:.8"  # on white or black still 10:1
WARNING = "border-left:3px solid var(--jp-error-color1,#d32f2f);padding-left:8px"

_LONG = 300  # characters of a text that is shown beside other things
_WHOLE = 4000  # characters of a message; a server may send a page of them


def plain(text: object, most: int = _LONG) -> str:
    """Text as HTML that shows it: nothing in it is markup, and what is too long ends in an ellipsis."""
    # Half a surrogate pair, from a file name or a cut text, cannot be sent to a front end.
    said = str(text).encode("utf-8", "replace").decode()
    return html.escape(said if len(said) <= most else f"{said[: most - 1]}…")


def badge(text: str) -> str:
    """A word that must not be overlooked, such as SIMULATED."""
    return (
        '<span style="border:1px solid currentColor;border-radius:3px;padding:0 5px;margin-right:6px;'
        f'font-size:85%;font-weight:600;letter-spacing:.04em">{plain(text)}</span>'
    )


def problem(text: object) -> str:
    """What went wrong, in whole."""
    return f'<div role="alert" style="{WARNING};margin-top:4px">{plain(text, _WHOLE)}</div>'


def cost(units: str) -> str:
    """Write what a task cost, in Kling's units: ``cost 0.25 units``."""
    return f"cost {units} {'unit' if units == '1' else 'units'}"


def clock(seconds: float) -> str:
    """Write a length of time as a person would: ``0:42``, ``12:05``, ``1:02:03``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def side_by_side(pieces: Sequence[str], width: int = 280) -> str:
    """Put pieces of HTML into as many columns of at least this many pixels as there is room for."""
    if len(pieces) == 1:
        return pieces[0]
    cells = "".join(f'<div style="flex:1 1 {width}px;max-width:640px">{piece}</div>' for piece in pieces)
    return f'<div style="display:flex;flex-wrap:wrap;gap:16px">{cells}</div>'
