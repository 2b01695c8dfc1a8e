"""What can be wrong with the inputs, outputs and volumes of a template, in the words of who wrote it: pure."""

from sluicegate.pipelines.workflows.errors import ManifestError
from sluicegate.pipelines.workflows.library import Library
from sluicegate.pipelines.workflows.manifest import Call, Template
from sluicegate.pipelines.workflows.parts import Container, Parameter

_POD = {"container", "script"}


def lint_ins_and_outs(library: Library, template: Template, where: str) -> None:
    """Refuse a template whose inputs or outputs cannot be had.

    Raises ManifestError with the parameter or artefact and what is expected.
    """
    for parameter in template.inputs.parameters:
        source = parameter.value_from
        if source is not None and source.config_map_key_ref is None:
            raise ManifestError(f"{where}: input {parameter.name!r}: valueFrom: expected configMapKeyRef")
    for parameter in template.outputs.parameters:
        _lint_output(parameter, template.kind, f"{where}: output {parameter.name!r}")
    if template.kind in _POD:
        for artifact in (*template.inputs.artifacts, *template.outputs.artifacts):
            if not artifact.path.startswith("/"):
                raise ManifestError(f"{where}: artifact {artifact.name!r}: path: expected one that begins with /")
        _lint_mounts(library, template, where)


def lint_given(call: Call, where: str) -> None:
    """Refuse arguments of a call that give no value."""
    for parameter in call.arguments.parameters:
        if parameter.value is None:
            raise ManifestError(f"{where}: argument {parameter.name!r}: expected a value; a call gives nothing else")
    for artifact in call.arguments.artifacts:
        if not (artifact.from_ or artifact.from_expression or artifact.raw):
            raise ManifestError(f"{where}: artifact {artifact.name!r}: expected from, fromExpression or raw")


def _lint_output(parameter: Parameter, kind: str, where: str) -> None:
    source = parameter.value_from
    if kind in _POD and (source is None or not source.path.startswith("/")):
        raise ManifestError(f"{where}: valueFrom.path: expected a path that begins with /")
    if kind in {"steps", "dag"} and (source is None or not (source.parameter or source.expression)):
        raise ManifestError(f"{where}: valueFrom: expected parameter or expression")
    if kind == "suspend" and (source is None or source.supplied is None):
        raise ManifestError(f"{where}: valueFrom: expected supplied")
    if kind == "resource":
        raise ManifestError(f"{where}: a resource template leaves no outputs here; read the object in a step after it")


def _lint_mounts(library: Library, template: Template, where: str) -> None:
    container = template.container or template.script or Container()
    volumes = {volume.name for volume in (*library.spec.volumes, *template.volumes)}
    names = [mount.name for mount in container.volume_mounts]
    unknown = set(names) - volumes
    if unknown:
        have = ", ".join(sorted(volumes)) or "none"
        raise ManifestError(f"{where}: volumeMounts: no volume {min(unknown)!r}; there are: {have}")
    if len(set(names)) != len(names):
        raise ManifestError(f"{where}: volumeMounts: a volume is mounted twice; here each mount has its own directory")
