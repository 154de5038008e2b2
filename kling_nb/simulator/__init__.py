"""Kling on this machine: the service's paths, answers and refusals, real media, and faults on demand. No money.

>>> from kling_nb.simulator import Simulator
>>> with Simulator(speed=100) as kling:  # doctest: +SKIP
...     print(kling.base_url, kling.api_key)

Its media needs the extra: ``pip install 'kling-nb[simulator]'``. The command line's ``kling-nb simulate --port 8400``
is ``serve(port=8400, started=lambda kling: print(kling.base_url))``, which returns at Ctrl-C.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from kling_nb.simulator.faults import Fault

if TYPE_CHECKING:
    from kling_nb.simulator.server import Simulator, serve

__all__ = ["SIMULATED_KEY", "Fault", "Simulator", "serve"]

SIMULATED_KEY = "sk-simulated"
"""The key that a simulator takes unless it is given another."""


def __getattr__(name: str) -> object:
    if name not in ("Simulator", "serve"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(import_module(f"{__name__}.server"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "kling_nb":
            raise
        raise ModuleNotFoundError(
            f"The simulator needs {error.name}, which is not installed: pip install 'kling-nb[simulator]'",
            name=error.name,
        ) from None
    globals()[name] = value
    return value
