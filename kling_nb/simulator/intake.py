"""From a request's JSON to an accepted order: every rule is asked, every medium looked at, before anything is made."""

from __future__ import annotations

import asyncio
import hashlib
import json
from concurrent.futures import Future
from typing import Any

from kling_nb.simulator import callbacks
from kling_nb.simulator.account import Account
from kling_nb.simulator.inputs import Given, Inputs
from kling_nb.simulator.orders import Made, Order
from kling_nb.simulator.refusals import GatewayRefused, Refused
from kling_nb.simulator.rules import JSON, Reading, empty
from kling_nb.simulator.studio import Studio
from kling_nb.simulator.tasks import Task
from kling_nb.simulator.workflows import Call, Workflow
from kling_nb.simulator.workflows.base import label

__all__ = ["Intake"]


class Intake:
    """Takes requests in, or refuses them.

    Parameters
    ----------
    account
        What requests may refer to, and what they add to.
    inputs
        Brings the media that they name.
    studio
        Makes what they ask for.
    """

    def __init__(self, account: Account, inputs: Inputs, studio: Studio) -> None:
        self._account, self._inputs, self._studio = account, inputs, studio

    async def task(self, workflow: Workflow, body: bytes, *, native: bool, failure: str | None = None) -> Task:
        """Make a task of a request; with `failure` it is one that will fail for this reason."""
        request, asked = _read(body, workflow.defaults)
        if workflow.models:
            name = asked.setdefault("model_name", workflow.models[0])
            if name not in workflow.models:
                raise _no_model(name, native=native)
        asked, reading = _known(workflow, asked)
        callbacks.check(asked.get("callback_url"))
        workflow.between(asked)
        order = await self._order(workflow, asked, reading)
        return self._account.tasks.add(
            lambda: self._studio.begin(order, workflow.make) if failure is None else _nothing(),
            median=workflow.median(order),
            external_task_id=asked.get("external_task_id"),
            kind=workflow.kind,
            slots=order.body.get("n", 1),  # only requests for pictures have it
            units=workflow.units(order),
            path=workflow.path,
            request=request,
            body=order.body,
            ignored=reading.ignored,
            info=order.info,
            failure=failure,
        )

    async def call(self, call: Call, body: bytes) -> JSON:
        """Answer a request that makes no task."""
        _, asked = _read(body, {})
        asked, reading = _known(call, asked)
        order = await self._order(call, asked, reading)
        return await asyncio.to_thread(call.answer, order, self._account, self._studio.new_folder())

    async def _order(self, workflow: Workflow | Call, asked: JSON, reading: Reading) -> Order:
        media: dict[str, Given] = {}
        digest = hashlib.sha256()
        for where, (given, limits) in reading.media.items():
            media[where], own = await self._inputs.bring(where, given, limits)
            digest.update(f"{where} {own} ".encode())
        order = Order(workflow.path, asked, media, digest.hexdigest(), label(asked))
        await asyncio.to_thread(workflow.judge, order, self._account)
        return order


def _nothing() -> Future[list[Made]]:
    """What a task makes that fails: no file of it is ever asked for."""
    made: Future[list[Made]] = Future()
    made.set_result([])
    return made


def _read(body: bytes, defaults: JSON) -> tuple[JSON, JSON]:
    """A request as it came, and with its defaults in place of what is empty."""
    try:
        request: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(1200, "request body is not valid JSON") from None
    if not isinstance(request, dict):
        raise Refused(1200, "request body must be a JSON object")
    return request, defaults | {name: value for name, value in request.items() if not empty(value)}


def _known(workflow: Workflow | Call, asked: JSON) -> tuple[JSON, Reading]:
    """What is asked for in fields that the workflow has, and what came to light on the way."""
    reading = Reading()
    workflow.fields(asked, "", reading)
    return {name: value for name, value in asked.items() if name not in reading.ignored}, reading


def _no_model(name: object, *, native: bool) -> Refused:
    if native:
        return Refused(1203, f"model {name!r:.80} does not exist")
    return GatewayRefused(503, f"No available channel for model {name!s:.80}", code="model_not_found")
