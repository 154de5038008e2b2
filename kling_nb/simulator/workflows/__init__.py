"""Every workflow that the simulator speaks: its fields, the rules between them, and what it makes.

The simulator's own reading of Kling's v1 document (early 2026) and of the gateway's pages. Nothing here comes from the
client's models: a mistake in either is found by the other. Adding a workflow is adding an entry to one of the tables.
"""

from kling_nb.simulator.workflows import clips, extend, library, pictures, references, selection, sounds, talking
from kling_nb.simulator.workflows.base import Call, Workflow

__all__ = ["CALLS", "LISTS", "WORKFLOWS", "Call", "Workflow"]

_FAMILIES = (clips, references, extend, talking, selection, pictures, sounds, library)

WORKFLOWS = {workflow.path: workflow for family in _FAMILIES for workflow in family.WORKFLOWS}
CALLS = {call.path: call for family in (talking, selection, pictures, library) for call in family.CALLS}
LISTS = library.LISTS
