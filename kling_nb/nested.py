"""The one place of nest-asyncio: nested event loops, for lessons and pasted scripts, at a price that is told."""

__all__ = ["allow_nested_loops"]


def allow_nested_loops() -> None:
    """Let ``asyncio.run(...)`` and ``loop.run_until_complete(...)`` work inside a notebook cell.

    A kernel's event loop is running already, so both raise ``RuntimeError`` there. Scripts pasted from elsewhere and
    lessons on asyncio want them to work. Nothing in kling_nb needs it: ``await job`` and ``job.wait()`` work as is.

    Notes
    -----
    It patches asyncio for the whole process, cannot be undone, and has a cost: while a nested loop runs, a click on a
    widget can be lost for good ("cannot enter context: ... is already entered"; measured with nest-asyncio 1.6 and
    ipykernel 7.4), and tasks may run in an order that asyncio never promised. Restart the kernel to be rid of it.
    """
    import nest_asyncio

    nest_asyncio.apply()
