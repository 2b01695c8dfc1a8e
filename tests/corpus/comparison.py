"""Compares what the local runner made of a workflow with what the controller did: pure.

Everything that is recorded is compared. Where the two may differ is declared here, each with its reason, and printed
in ``docs/reference/argo-behaviour.md``; a rule that no workflow of the corpus needs fails a test.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

JSON = dict[str, Any]
_EXPRESSION = re.compile(
    r"^(?P<start>.*?(?:Invalid 'when' expression '.*?': |failed to evaluate expression: "
    r"|withParam value could not be parsed as a JSON list: .*?: ))",
    re.DOTALL,
)
_PLACE = re.compile(r"/var/run/argo/outputs/(?:parameters|artifacts)(?P<path>/\S*?)(?:\.tgz)?: (?P<why>[^;]*)(?:; )?$")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same; ``node`` is empty for the workflow itself."""

    node: str
    field: str
    recorded: Any
    local: Any
    bad: bool
    """Whether what it is said of failed here."""

    def __str__(self) -> str:
        return f"{self.node or 'the workflow'}: {self.field}: the controller {self.recorded!r}, here {self.local!r}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A difference that is meant."""

    name: str
    what: str
    why: str
    covers: Callable[[Difference], bool]


@dataclass(frozen=True, slots=True)
class Departure:
    """A workflow of the corpus that is meant to end otherwise."""

    case: str
    what: str
    why: str
    refusal: str = ""
    """Words of the refusal, when it is refused here."""
    message: str = ""
    """Words of the message, when it runs here."""


def _continued(found: Difference) -> bool:
    texts = isinstance(found.local, str) and isinstance(found.recorded, str | None)
    return found.field == "message" and texts and found.bad and found.local.startswith(found.recorded or "")


def _own_words(found: Difference) -> bool:
    if found.field != "message":
        return False
    starts = [
        match["start"] if (match := _EXPRESSION.match(str(text))) else None for text in (found.recorded, found.local)
    ]
    return starts[0] is not None and starts[0] == starts[1]


def _file_named(found: Difference) -> bool:
    plain = _PLACE.sub(r"\g<path>: \g<why>", str(found.recorded))
    return found.field == "message" and found.bad and str(found.local).startswith(plain)


RULES = (
    Rule(
        "cause",
        "The message of what failed goes on after Argo's words: the last lines that the command wrote, and above it "
        "the child that failed, with its message.",
        "Argo shows them in a pod's log and behind a node's identifier; here the message is what a person sees first.",
        _continued,
    ),
    Rule(
        "result",
        "`outputs.result` is kept for every container and script.",
        "Argo keeps it only of those whose result somebody refers to; here it costs nothing.",
        lambda found: found.field == "result" and found.recorded is None,
    ),
    Rule(
        "expression words",
        "What is wrong with an expression, a condition or a list is said in words of our own, after Argo's beginning.",
        "The words after it are those of Go libraries, with positions in texts that a person did not write.",
        _own_words,
    ),
    Rule(
        "place of a file",
        "The message about a missing output names the path of the template.",
        "Argo names the place to which its executor copies the file inside of the pod.",
        _file_named,
    ),
)


DEPARTURES = (
    Departure(
        "parameters-configmap-missing",
        "A workflow parameter from a ConfigMap that is not there: Argo starts the workflow and fails it; here it is "
        "refused before anything runs.",
        "Everything that can be known before is said before.",
        refusal="ConfigMap 'not-there' has no key 'colour'",
    ),
    Departure(
        "output-of-skipped-used",
        "A step that uses the output of a skipped one without a default: Argo 4.0 waits for it and never ends; here "
        "the step group ends in an error.",
        "A run that waits for ever is of no use on one machine; give the output a `valueFrom.default`, or choose with "
        "`valueFrom.expression`.",
        message="{{steps.make.outputs.result}} has no value",
    ),
)


def departure_of(case: str) -> Departure | None:
    """How a workflow is meant to depart as a whole."""
    return next((each for each in DEPARTURES if each.case == case), None)


def differences(recorded: JSON, local: JSON) -> list[Difference]:
    """All that is not the same."""
    found = list(_of_part("", recorded, local))
    names = sorted({*recorded["nodes"], *local["nodes"]})
    return found + [
        each for name in names for each in _of_part(name, recorded["nodes"].get(name, {}), local["nodes"].get(name, {}))
    ]


def _of_part(node: str, recorded: JSON, local: JSON) -> Iterator[Difference]:
    bad = local.get("phase") in {"Failed", "Error"}
    for field in sorted({*recorded, *local} - {"nodes", "argo"}):
        if recorded.get(field) != local.get(field):
            yield Difference(node, field, recorded.get(field), local.get(field), bad)


def rule_of(found: Difference) -> Rule | None:
    """The rule that explains a difference."""
    return next((rule for rule in RULES if rule.covers(found)), None)
