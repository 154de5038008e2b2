"""The command line: the demo, the simulator, and the history of tasks without a notebook."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kling_nb.api.errors import KlingError, TaskNotFound

if TYPE_CHECKING:
    from kling_nb.notebook.job import Job

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

    history = commands.add_parser(
        "history",
        help="list every task started from this machine",
        description="List every task ever started from this machine, newest first.",
    )
    history.add_argument("--state", action="append", help="only tasks in this state; may be given several times")
    history.add_argument("--workflow", help="only those of this workflow, such as text2video")
    history.add_argument("--since", metavar="DATE", help="not older than this, such as 2026-11-24")
    history.add_argument("--text", help="only those whose prompt contains this")
    history.add_argument("--limit", type=int, help="how many at most")
    history.set_defaults(run=_history)

    resume = commands.add_parser(
        "resume",
        help="follow everything unfinished to its end, and download it",
        description="Follow every unfinished task to its end and download it; nothing is sent or paid for again.",
    )
    resume.set_defaults(run=_resume)

    get = commands.add_parser(
        "get",
        help="follow one task to its end, and download it",
        description="Follow one task to its end and download it, also one that was made elsewhere.",
    )
    get.add_argument("task_id", metavar="TASK_ID", help="Kling's id of it, or our external_task_id")
    get.add_argument("--workflow", help="needed only for a task that this machine never started, e.g. text2video")
    get.set_defaults(run=_get)
    return parser


def _history(options: argparse.Namespace) -> None:
    from kling_nb.notebook.history import history

    narrowed = {name: getattr(options, name) for name in ("state", "workflow", "since", "text", "limit")}
    print(history(**narrowed))


def _resume(options: argparse.Namespace) -> int:
    from kling_nb.notebook.history import resume

    jobs = resume()
    for note in jobs.notes:
        print(note)
    return _finish(list(jobs))


def _get(options: argparse.Namespace) -> int:
    from kling_nb.notebook.history import job

    try:
        return _finish([job(options.task_id, options.workflow)])
    except TaskNotFound:
        if options.workflow:
            raise
        wanted = f"kling-nb get {options.task_id} --workflow text2video"
        raise TaskNotFound(
            f"The ledger has no such task. For one made elsewhere say its workflow too: {wanted}"
        ) from None


def _finish(jobs: "Sequence[Job]") -> int:
    """Wait for jobs and tell of each; 1 when one ended without its media."""
    from kling_nb.notebook.history import ended, outcome

    try:
        for job in ended(jobs):
            print(outcome(job), flush=True)
    except KeyboardInterrupt:
        print("\nStopped watching; the renders go on. kling-nb resume fetches them later.")
        return 128 + signal.SIGINT
    return int(any(job.error is not None for job in jobs))


def _demo(options: argparse.Namespace) -> None:
    from kling_nb.demo import demo

    demo(options.notebook, options.output, speed=options.speed)


def _simulate(options: argparse.Namespace) -> int:
    from kling_nb.demo import use
    from kling_nb.simulator import Simulator, serve

    if command := options.command[1:] if options.command[:1] == ["--"] else options.command:
        with Simulator(port=options.port, speed=options.speed, seed=options.seed) as simulator:
            try:
                return subprocess.call(command, env=os.environ | use(simulator))  # noqa: S603  the person's own command
            except KeyboardInterrupt:
                return 128 + signal.SIGINT

    def tell(simulator: Simulator) -> None:
        print(f"SIMULATED Kling at {simulator.base_url} (Ctrl-C ends it). For kling_nb:")
        for name, value in use(simulator).items():
            print(f"  export {name}={value}", flush=True)

    serve(options.port, options.speed, options.seed, started=tell)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
