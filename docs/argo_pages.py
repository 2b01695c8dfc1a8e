"""The pages on the local runner of Argo workflows, from its declarations and from the corpus that holds it to Argo."""

import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

import msgspec
from tests.corpus.comparison import DEPARTURES, RULES, departure_of
from tests.corpus.files import Case, corpus
from tests.corpus.recording import ARGO

from sluicegate.pipelines.workflows import manifest, parts
from sluicegate.pipelines.workflows.exprlang.functions import FUNCTIONS
from sluicegate.pipelines.workflows.exprlang.parsing import PREDICATES
from sluicegate.pipelines.workflows.exprlang.sprig import SPRIG
from sluicegate.pipelines.workflows.refusals import REFUSALS

_WIDTH = 150


def fields() -> Iterator[str]:
    """What is refused, which functions there are, and every field that is read."""
    yield from ("## Refused, with a reason", "", "| where | field | why | instead |", "|---|---|---|---|")
    yield from (f"| {each.part} | `{each.field}` | {each.why} | {each.instead} |" for each in REFUSALS)
    yield from ("", "## Functions of expressions", "")
    yield from _wrapped(f"Of expr-lang and Argo: {_listed({*FUNCTIONS, *PREDICATES})}.")
    yield from ("", *_wrapped(f"Of Sprig, as `sprig.NAME`: {_listed(SPRIG)}."), "")
    yield from ("## Fields", "")
    for kind in _kinds(parts) + _kinds(manifest):
        names = ", ".join(f"`{field.encode_name}`" for field in msgspec.structs.fields(kind))
        yield from (f"### {kind.__name__}", "", *_wrapped(_words(inspect.getdoc(kind) or "")))
        yield from ("", *_wrapped(f"Fields: {names}."), "")


def behaviour() -> Iterator[str]:
    """The corpus as a table, and every accepted difference."""
    cases = corpus()
    yield from _wrapped(f"{len(cases)} workflows, recorded with Argo {ARGO}.")
    yield from ("", "| workflow | shows | on the controller | here |", "|---|---|---|---|")
    yield from map(_row, cases)
    yield from ("", "## Accepted differences", "", "| what | why |", "|---|---|")
    yield from (f"| {rule.what} | {rule.why} |" for rule in RULES)
    yield from ("", "| workflow | what | why |", "|---|---|---|")
    yield from (f"| `{each.case}` | {each.what} | {each.why} |" for each in DEPARTURES)


def _row(case: Case) -> str:
    recorded = case.recording
    invalid = "invalid spec" in recorded["message"]
    there = "refused" if invalid else "waits for ever" if recorded["phase"] == "Running" else recorded["phase"]
    departure = departure_of(case.name)
    here = "refused" if invalid or (departure and departure.refusal) else "an error" if departure else "the same"
    shows = case.shows.replace("|", "\\|").replace("{{", "`{{").replace("}}", "}}`")
    return f"| `{case.name}` | {shows} | {there} | {here} |"


def _kinds(module: Any) -> list[type[msgspec.Struct]]:
    kinds = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if kind.__module__ == module.__name__]
    structs = [kind for kind in kinds if issubclass(kind, msgspec.Struct) and msgspec.structs.fields(kind)]
    return sorted(structs, key=lambda one: inspect.getsourcelines(one)[1])


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _words(text: str) -> str:
    return text.replace("``", "`").replace("\n\n", " ").replace("\n", " ")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
