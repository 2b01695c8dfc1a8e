"""What the body of every KFP component calls: artefacts become paths, outputs what KFP expects of a component."""

import json
from collections import namedtuple
from pathlib import Path
from typing import Any

from sluicegate.components.emit.catalogue import find_step
from sluicegate.components.emit.chaining import Chain, tell
from sluicegate.components.emit.running import run
from sluicegate.components.emit.values import whole
from sluicegate.components.errors import InputRefusedError


def execute(name: str, **given: Any) -> Any:
    """Run the step of this name with what KFP gave. Returns a named tuple of its outputs, or None when it has none."""
    step = find_step(name)
    if step is None:
        raise InputRefusedError(f"there is no step {name!r} in this release; is the image another one?")
    kinds = {slot.name: slot for slot in step.inputs}
    arguments = {key: _argument(value, kinds[key].kind) for key, value in given.items() if value is not None}
    outputs = run(step, arguments)
    if not isinstance(step, Chain):
        tell(step, outputs)
    for key, slot in kinds.items():
        if slot.kind == "output" and slot.artefact == "Metrics":
            given[key].metadata.update(json.loads(Path(given[key].path).read_text()))
    return namedtuple("Outputs", outputs)(**outputs) if outputs else None  # fields are the step's


def _argument(value: Any, kind: str) -> Any:
    if kind == "parameter":
        return whole(value) if isinstance(value, dict | list) else value
    path = Path(value.path)
    if kind == "output":
        path.parent.mkdir(parents=True, exist_ok=True)
    return path
