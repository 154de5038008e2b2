"""``%kling`` and ``%%kling``: a cell that is nothing but the prompt, with the workflow's own fields as options.

The options are read off the workflow's class, as its function's arguments are, and its checks apply.
"""

import argparse
import json
import shlex
from typing import Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

import kling_nb
from kling_nb.api.requests import WORKFLOWS

__all__ = ["KlingMagics"]

WORDS = ("prompt", "text")  # fields that a cell's body can be, the first that a workflow has


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}\n{self.format_usage()}")


@magics_class
class KlingMagics(Magics):
    """The magics, once ``%load_ext kling_nb`` has been run."""

    @no_var_expand
    @line_cell_magic
    def kling(self, line: str, cell: str | None = None) -> Any:
        """Start a workflow: ``%%kling WORKFLOW [--field value ...] [--as NAME]``, with the prompt as the cell's body.

        ::

            %%kling text2video --duration 5 --aspect_ratio 9:16 --as job
            a red panda surfs a wave at sunset

        Fields are those of the workflow; ``%kling text2video --help`` tells them. ``$name`` stands for a variable (or
        any expression without spaces), JSON for lists and objects. ``--as`` keeps the job in a variable.
        """
        words = shlex.split(line)
        name = words.pop(0) if words else ""
        if name not in WORKFLOWS:
            raise UsageError(f"%%kling WORKFLOW [--field value ...] [--as NAME], with one of: {', '.join(WORKFLOWS)}")
        fields = WORKFLOWS[name].model_fields
        parser = _Parser(f"%%kling {name}", add_help=False)
        parser.add_argument("words", nargs="?", metavar="PROMPT")
        parser.add_argument("--as", dest="_as", metavar="NAME")
        parser.add_argument("--help", dest="_help", action="store_true")
        for field in fields:
            parser.add_argument(*dict.fromkeys((f"--{field}", f"--{field.replace('_', '-')}")), dest=field)
        given = vars(parser.parse_args(words))
        keep, help_, said = given.pop("_as"), given.pop("_help"), given.pop("words")
        function = getattr(kling_nb, name)
        if help_:
            print(function.__doc__)  # noqa: T201  what the person asked for
            return None

        arguments = {field: self._value(text) for field, text in given.items() if text is not None}
        said = cell.strip() if cell and cell.strip() else said
        if said is not None:
            arguments.setdefault(next((word for word in WORDS if word in fields), WORDS[0]), said)
        started = function(**arguments)
        if keep:
            self._shell().user_ns[keep] = started
        return started

    def _value(self, text: str) -> Any:
        """What an option's text stands for; the workflow's own field makes numbers and truth values of words."""
        if text.startswith("$"):
            return self._shell().ev(text[1:])
        if text.startswith(("[", "{")):
            try:
                return json.loads(text)
            except ValueError as error:
                raise UsageError(f"{text} is no JSON: {error}") from None
        return text

    def _shell(self) -> InteractiveShell:
        assert self.shell is not None
        return self.shell
