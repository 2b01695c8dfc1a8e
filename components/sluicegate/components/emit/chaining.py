"""Several steps as one: a task of a pipeline in one process, because each process pays for its imports anew.

Steps stay single-purpose; a chain calls them in order and passes by name what one returns or writes to those that take
it. Its own inputs are what no earlier link gives, its outputs what all links give (the later of the same name).
"""

import inspect
from collections import namedtuple
from dataclasses import dataclass
from typing import Annotated, Any

from sluicegate.components.step import Input, Output, Slot, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain(Step[..., Any]):
    """A step that is several; each of them tells on standard output what it found."""

    links: tuple[Step[..., Any], ...]


def chain(name: str, *links: Step[..., Any], summary: str) -> Chain:
    """One step that runs ``links`` in order. ``summary`` is its docstring's first sentence."""

    def run(**given: Any) -> Any:
        values = dict(given)
        for link in links:
            returned = link(**{slot.name: values[slot.name] for slot in link.inputs if slot.name in values})
            found = returned._asdict() if returned is not None else {}
            values |= found
            tell(link, found)
        return returns(**{field: values[field] for field in outputs})

    outputs = {field: kind for link in links for field, kind in link.outputs.items()}
    returns: Any = namedtuple(f"{name.title().replace('-', '')}Outputs", outputs)  # type: ignore[misc]  # fields are known only now
    returns.__annotations__ = dict(outputs)
    slots = open_inputs(links)
    annotations = {slot.name: _annotation(slot) for slot in slots}
    run.__name__ = run.__qualname__ = name.replace("-", "_")
    run.__doc__ = f"{summary}\n\nRuns in one process: {', '.join(link.name for link in links)}. Raises what they raise."
    run.__annotations__ = {**annotations, "return": returns}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # functions may carry one, PEP 362
        [
            inspect.Parameter(s.name, inspect.Parameter.KEYWORD_ONLY, default=s.default, annotation=annotations[s.name])
            for s in slots
        ],
        return_annotation=returns,
    )
    return Chain(
        name=name,
        function=run,
        effects=any(link.effects for link in links),
        links=links,
        extras=tuple(sorted({extra for link in links for extra in link.extras})),
    )


def open_inputs(links: tuple[Step[..., Any], ...]) -> tuple[Slot, ...]:
    """What a chain takes from outside: artefacts that it writes, and everything that no earlier link gives."""
    given: set[str] = set()
    slots: dict[str, Slot] = {}
    for link in links:
        for slot in link.inputs:
            if slot.name not in given:
                slots.setdefault(slot.name, slot)
        given |= {*link.outputs, *(slot.name for slot in link.inputs if slot.kind == "output")}
    return tuple(sorted(slots.values(), key=lambda slot: not slot.required))


def _annotation(slot: Slot) -> Any:
    marks: dict[str, Any] = {
        "input": Input(slot.description, slot.artefact),
        "output": Output(slot.description, slot.artefact),
    }
    return Annotated[slot.type, marks.get(slot.kind, slot.description)]


def tell(link: Step[..., Any], found: dict[str, Any]) -> None:
    """One line on what a step found, for the task's log."""
    facts = "  ".join(f"{name}={value}" for name, value in found.items())
    print(f"{link.name}: {facts or 'done'}", flush=True)  # noqa: T201  # the log of a task is its standard output
