"""The command line: ``kling-nb demo`` and ``kling-nb simulate``."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from kling_nb.api.errors import KlingError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except KlingError as error:
        print(f"kling-nb: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kling-nb", description="Kling video generation for Jupyter notebooks.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    demo = commands.add_parser(
        "demo",
        help="run the quickstart notebook with the simulator: no key, no cost",
        description="Run a notebook from prompt to playing video with the built-in simulator: no key, no cost.",
    )
    demo.add_argument("--notebook", type=Path, help="another notebook than the quickstart")
    demo.add_argument("--output", type=Path, default=Path("demo"), help="folder for what comes out (default: ./demo)")
    demo.add_argument("--speed", type=float, default=10.0, help="times faster than Kling (default: 10)")
    demo.set_defaults(run=_demo)

    simulate = commands.add_parser(
        "simulate",
        help="run Kling on localhost",
        description="Run Kling on localhost. With a COMMAND, run that with everything set so that kling_nb uses the "
        "simulator, and end with it: kling-nb simulate -- jupyter lab",
    )
    simulate.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    simulate.add_argument("--speed", type=float, default=1.0, help="times faster than Kling (default: 1)")
    simulate.add_argument("--seed", type=int, default=None, help="for the same render times every time")
    simulate.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run with it")
    simulate.set_defaults(run=_simulate)
    return parser


def _demo(options: argparse.Namespace) -> None:
    from kling_nb.demo import demo

    demo(options.notebook, options.output, speed=options.speed)


def _simulate(options: argparse.Namespace) -> int:
    from kling_nb.demo import use
    from kling_nb.simulator import Simulator

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    with Simulator(port=options.port, speed=options.speed, seed=options.seed) as simulator:
        chosen = use(simulator)
        if command:
            try:
                return subprocess.call(command, env=os.environ | chosen)  # noqa: S603  the person's own command
            except KeyboardInterrupt:
                return 128 + signal.SIGINT
        print(f"SIMULATED Kling at {simulator.base_url} (Ctrl-C ends it). For kling_nb:")
        for name, value in chosen.items():
            print(f"  export {name}={value}")
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)  # an Event's wait could not be interrupted on Windows
        print()
        return 0


if __name__ == "__main__":
    sys.exit(main())
