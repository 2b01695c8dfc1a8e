"""What a workflow may say to Argo that this runner refuses, with the reason and what to do instead.

Declared here and nowhere else: ``reading`` refuses by this table when a file is read, all that it finds at once, and
``docs/reference/argo-fields.md`` prints it. A field that is in neither table nor view is refused as unknown.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

JSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A field of a kind of part (``spec``, ``template``, …) that this runner cannot honour."""

    part: str
    field: str
    why: str
    instead: str


_CLUSTER = "run it on a cluster: argo submit"
_POD = "a pod's containers share a network and volumes; here each container is one process"
_STORE = "it comes from, or goes to, a store of your own with keys in Secrets"
_FETCH = "fetch it in a container, and pass the file on as an artifact"

REFUSALS: tuple[Refusal, ...] = (
    Refusal(part="template", field="http", why="it needs Argo's agent", instead="use a container that runs curl"),
    Refusal(part="template", field="plugin", why="it needs an executor plugin in Argo's agent", instead=_CLUSTER),
    Refusal(part="template", field="containerSet", why=_POD, instead="use a dag of containers that pass artifacts"),
    Refusal(part="template", field="data", why="it lists and filters objects of an artefact store",
            instead="use a script that lists them"),
    Refusal(part="template", field="daemon", why="here a command that runs on is no service for others",
            instead="start what you need before the workflow, or " + _CLUSTER),
    Refusal(part="template", field="sidecars", why=_POD, instead="start it inside your command, or " + _CLUSTER),
    Refusal(part="template", field="initContainers", why=_POD, instead="use a step before it that passes an artifact"),
    Refusal(part="spec", field="volumeClaimTemplates", why="there is nobody here to make a PersistentVolume",
            instead="pass files on as artifacts"),
    Refusal(part="spec", field="suspend", why="a run that waits at its start has nothing to wait in here",
            instead="begin with a suspend template"),
    Refusal(part="spec", field="shutdown", why="it is written into a running workflow", instead="press Ctrl-C"),
    Refusal(part="spec", field="podDisruptionBudget", why="there are no pods", instead="leave it out"),
    Refusal(part="artifact", field="s3", why=_STORE, instead=_FETCH),
    Refusal(part="artifact", field="gcs", why=_STORE, instead=_FETCH),
    Refusal(part="artifact", field="azure", why=_STORE, instead=_FETCH),
    Refusal(part="artifact", field="oss", why=_STORE, instead=_FETCH),
    Refusal(part="artifact", field="hdfs", why=_STORE, instead=_FETCH),
    Refusal(part="artifact", field="artifactory", why=_STORE, instead=_FETCH),
    Refusal(part="artifact", field="git", why=_STORE, instead="clone it in a container"),
    Refusal(part="artifact", field="http", why=_STORE, instead=_FETCH),
    Refusal(part="artifact", field="plugin", why="it needs an artifact plugin", instead=_FETCH),
    Refusal(part="artifact", field="subPath", why="it is a key inside of a store", instead=_FETCH),
    Refusal(part="valueFrom", field="event", why="there is no event that started this run",
            instead="give the parameter with -p"),
    Refusal(part="valueFrom", field="jsonPath", why="it reads the object of a resource template",
            instead="read the object in a step that leaves an output"),
    Refusal(part="valueFrom", field="jqFilter", why="it reads the object of a resource template",
            instead="read the object in a step that leaves an output"),
    Refusal(part="resource", field="manifestFrom", why="the manifest would be an artifact",
            instead="write it into resource.manifest"),
    Refusal(part="resource", field="flags", why="they are kubectl's, and there is no kubectl in between",
            instead="write what they mean into resource.manifest"),
    Refusal(part="volume", field="persistentVolumeClaim", why="there are no volumes of a cluster here",
            instead="use emptyDir, or pass files on as artifacts"),
    Refusal(part="volume", field="configMap", why="here only emptyDir is mounted",
            instead="give the keys as env, or as raw artifacts"),
    Refusal(part="volume", field="secret", why="here only emptyDir is mounted", instead="give the keys as env"),
    Refusal(part="volume", field="hostPath", why="a command here sees this machine's files already",
            instead="use the path itself"),
    Refusal(part="variable", field="fieldRef", why="there is no pod whose field it could be",
            instead="use a variable like {{workflow.name}}"),
    Refusal(part="variable", field="resourceFieldRef", why="there is no pod whose limits it could be",
            instead="give a value"),
    Refusal(part="semaphore", field="database", why="it is held in a database that clusters share",
            instead="use configMapKeyRef"),
    Refusal(part="mutex", field="database", why="it is held in a database that clusters share",
            instead="leave database out"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A refused field, and where it stands."""

    path: str
    refusal: Refusal

    def __str__(self) -> str:
        return f"{self.path}: the local runner refuses it: {self.refusal.why}; {self.refusal.instead}"


def refused(spec: JSON) -> list[Found]:
    """Every refused field of a spec."""
    known = {(each.part, each.field): each for each in REFUSALS}
    return [
        Found(f"{path}.{field}", known[part, field])
        for part, path, value in _parts(spec, "spec")
        for field in value
        if (part, field) in known and value[field] is not None
    ]


_KEYED = {
    "container": "container", "script": "container", "resource": "resource", "valueFrom": "valueFrom",
    "templateDefaults": "template", "inline": "template",
}  # fmt: skip
_LISTED = {
    "templates": "template", "artifacts": "artifact", "volumes": "volume", "env": "env", "semaphores": "semaphore",
    "mutexes": "mutex",
}  # fmt: skip


def _parts(value: JSON, path: str, part: str = "spec") -> Iterator[tuple[str, str, JSON]]:
    """Every object below a spec with what kind of part it is and its path."""
    yield part, path, value
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            kind = "variable" if (part, key) == ("env", "valueFrom") else _KEYED.get(key, "")
            yield from _parts(inner, f"{path}.{key}", kind)
        for number, each in _each(inner):
            name = each.get("name") or number
            yield from _parts(each, f"{path}.{key}[{name}]", _LISTED.get(key, ""))


def _each(value: Any) -> Iterator[tuple[str, JSON]]:
    """The objects of a list, and of the lists in it: ``steps`` is a list of lists."""
    for number, each in enumerate(value if isinstance(value, list) else ()):
        if isinstance(each, Mapping):
            yield str(number), each
        else:
            yield from ((f"{number}][{inner}", found) for inner, found in _each(each))
