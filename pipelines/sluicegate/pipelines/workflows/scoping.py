"""What calls may refer to: the outputs and ends of the nodes before them, pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sluicegate.pipelines.workflows.errors import WorkflowError
from sluicegate.pipelines.workflows.exprlang.evaluating import evaluate
from sluicegate.pipelines.workflows.exprlang.values import go_json
from sluicegate.pipelines.workflows.library import as_text
from sluicegate.pipelines.workflows.manifest import Template
from sluicegate.pipelines.workflows.nodes import Node
from sluicegate.pipelines.workflows.parts import Artifact, Parameter, ValueFrom
from sluicegate.pipelines.workflows.templating import environment, value_text


@dataclass(slots=True)
class Scope:
    """Texts and files by the dotted names under which they are referred to."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def copy(self) -> "Scope":
        """One that can grow by itself."""
        return Scope(dict(self.texts), dict(self.files))

    def add_node(self, base: str, node: Node) -> None:
        """What can be said of a node that has ended, below ``steps.NAME`` or ``tasks.NAME``."""
        self.texts |= {f"{base}.status": node.phase, f"{base}.id": node.id}
        if node.started_at:
            self.texts[f"{base}.startedAt"] = node.started_at
        if node.finished_at:
            self.texts[f"{base}.finishedAt"] = node.finished_at
        self.add_outputs(base, node)

    def add_outputs(self, base: str, node: Node) -> None:
        """Its outputs alone."""
        self.texts |= {f"{base}.outputs.parameters.{name}": value for name, value in node.outputs.items()}
        self.files |= {f"{base}.outputs.artifacts.{name}": path for name, path in node.artifacts.items()}
        if node.result is not None:
            self.texts[f"{base}.outputs.result"] = node.result
        if node.exit_code is not None:
            self.texts[f"{base}.exitCode"] = str(node.exit_code)

    def add_loop(self, base: str, nodes: Iterable[Node], *, results: bool) -> None:
        """The outputs of a loop's nodes that succeeded, as JSON lists in the order of the items.

        ``results`` says whether somebody refers to their results. Raises WorkflowError for a result that is no JSON.
        """
        found = [node for node in nodes if node.phase == "Succeeded"]
        sets = [node.outputs for node in found if node.outputs]
        if results:
            told = [_result(node) for node in found if node.result is not None]
            self.texts[f"{base}.outputs.result"] = go_json(told)
        self.texts[f"{base}.outputs.parameters"] = go_json(sets)
        for name in dict.fromkeys(name for each in sets for name in each):
            self.texts[f"{base}.outputs.parameters.{name}"] = _joined([each[name] for each in sets if name in each])


def refers_to_result(template: Template, name: str) -> bool:
    """Whether a part of the template refers to the result of its call of that name."""
    text = msgspec.json.encode(template).decode()
    return (
        re.search(rf"(?:\.{re.escape(name)}|\[\\?['\"]{re.escape(name)}\\?['\"]\])\.outputs\.result", text) is not None
    )


def _result(node: Node) -> Any:
    """The result of a loop's node, which has to be JSON, because the results of all become one list.

    Raises WorkflowError for one that is not, as the controller does.
    """
    try:
        return json.loads(node.result or "")
    except json.JSONDecodeError as error:
        first = f"invalid character '{(node.result or ' ').lstrip()[:1]}' looking for beginning of value"
        if not (node.result or "").strip():
            first = "unexpected end of JSON input"
        raise WorkflowError(
            f"{first}: {node.display_name!r} left the result {node.result!r}; the results of a loop have to be JSON, "
            f"so print it in double quotes"
        ) from error


def _parsed(text: str) -> Any:
    """A result as JSON when it is some, else as the text it is."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _joined(values: list[str]) -> str:
    """A JSON list of texts; of objects or lists when each of the texts is one."""
    parsed = [_parsed(value) for value in values]
    return go_json(parsed if all(isinstance(value, dict | list) for value in parsed) else values)


def composed_outputs(template: Template, scope: Scope) -> tuple[dict[str, str], dict[str, str]]:
    """Parameters and artefacts of a steps or dag template that succeeded, taken from its parts.

    Raises WorkflowError for one that has no value.
    """
    parameters = {each.name: _parameter(each, scope) for each in template.outputs.parameters}
    files = {each.name: artifact_path(each, scope) for each in template.outputs.artifacts}
    return parameters, {name: path for name, path in files.items() if path is not None}


def _parameter(parameter: Parameter, scope: Scope) -> str:
    source = parameter.value_from
    if source is None:
        raise WorkflowError("output parameters must have a valueFrom specified")
    try:
        return _found(source, scope)
    except WorkflowError:
        if source.default is None:
            raise
        return as_text(source.default)


def _found(source: ValueFrom, scope: Scope) -> str:
    if source.expression:
        return value_text(evaluate(source.expression, environment(_with_files(scope))))
    name = source.parameter.strip("{} ")
    if name not in scope.texts:
        raise WorkflowError(f'Unable to resolve: "{name}"')
    return scope.texts[name]


def artifact_path(artifact: Artifact, scope: Scope) -> str | None:
    """Where the file lies that an artefact comes from; None when there is none and it is optional.

    Raises WorkflowError when it has to be there.
    """
    if artifact.from_expression:
        found = evaluate(artifact.from_expression.strip("{}= "), environment(_with_files(scope)))
        path = str(found) if found is not None else None
    else:
        path = scope.files.get(artifact.from_.strip("{} "))
    if path is None and not artifact.optional:
        raise WorkflowError(
            f"unable to resolve references: Unable to resolve: {artifact.from_ or artifact.from_expression}"
        )
    return path


def _with_files(scope: Scope) -> Mapping[str, Any]:
    return {**scope.texts, **scope.files}
