"""The workflows as a table: for the cell, the terminal, and the README."""

import html
from dataclasses import dataclass

from kling_nb.api.workflow import WORKFLOWS, Call

__all__ = ["Row", "Table", "workflows"]

GROUPS = {"videos": 0, "images": 1, "audio": 2, "general": 3}  # by the first segment of the path
HEADINGS = ("function", "makes", "models", "gateway", "what it does")


@dataclass(frozen=True, slots=True)
class Row:
    """One workflow.

    Attributes
    ----------
    name
        Its function: ``kling.text2video``.
    cls
        Its class, with the fields and limits.
    path
        Where it is sent, after the service's prefix.
    yields
        What comes of it.
    models
        Models known to work; none where it has no choice.
    gateway
        Whether CometAPI documents it, or only Kling's own host.
    immediate
        Whether it answers at once.
    about
        What it does, in one line.
    """

    name: str
    cls: type[Call]
    path: str
    yields: str
    models: tuple[str, ...]
    gateway: bool
    immediate: bool
    about: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as text, under `HEADINGS`."""
        yields = f"{self.yields}, at once" if self.immediate else self.yields
        return (self.name, yields, ", ".join(self.models), "yes" if self.gateway else "Kling only", self.about)


class Table(tuple[Row, ...]):
    """All workflows. Shows itself as a table in a cell and as text in a terminal."""

    __slots__ = ()

    def __repr__(self) -> str:
        rows = [(row.name, row.cells[1], row.cells[3], row.about) for row in self]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(
            "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
        )

    def _repr_html_(self) -> str:
        head = "".join(f'<th style="text-align:left">{heading}</th>' for heading in HEADINGS)
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{html.escape(cell)}</td>' for cell in row.cells) + "</tr>"
            for row in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def markdown(self) -> str:
        """Write the table as Markdown, as the README has it."""
        lines = [f"| {' | '.join(HEADINGS)} |", "|---" * len(HEADINGS) + "|"]
        for row in self:
            name, *rest = row.cells
            lines.append(f"| `{name}` | {' | '.join(cell.replace('|', chr(92) + '|') for cell in rest)} |")
        return "\n".join(lines) + "\n"


def workflows() -> Table:
    """List everything that can be asked of Kling, as a table: videos, then images, sounds and the rest."""
    rows = [
        Row(name, cls, cls.path, cls.yields, cls.models, cls.gateway, cls.immediate, cls.about())
        for name, cls in WORKFLOWS.items()
    ]
    return Table(sorted(rows, key=lambda row: GROUPS.get(row.path.partition("/")[0], len(GROUPS))))
