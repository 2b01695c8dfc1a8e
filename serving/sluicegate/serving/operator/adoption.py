"""What becomes of a deployment that Seldon Core's operator ran when ours takes it over. Pure.

It decides nothing of its own: manifests, what is left over, whose pods stay and which fields change hands are said by
the functions that the controller calls, so that ``sluicegate adopt --dry-run`` tells what will happen.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.validation import validate_deployment
from sluicegate.serving.operator.errors import NotRenderableError
from sluicegate.serving.operator.making import Makings, makings_of
from sluicegate.serving.operator.objects.comparison import is_others, must_be_replaced
from sluicegate.serving.operator.objects.foresight import Change, changes_of
from sluicegate.serving.operator.objects.kept import reasons, revision_kept
from sluicegate.serving.operator.objects.layout import Pod, layout_of
from sluicegate.serving.operator.objects.left_out import left_out
from sluicegate.serving.operator.objects.manifest import APPLIED_ANNOTATION, ObjectKey, key_of
from sluicegate.serving.operator.objects.names import deployment_name, engine_deployment_name
from sluicegate.serving.operator.objects.subject import Subject
from sluicegate.serving.operator.objects.takeover import ROUTES_ANNOTATION
from sluicegate.serving.operator.settings import Installation
from sluicegate.serving.reconcile.snapshot import StoredDeployment, snapshot_of
from sluicegate.serving.reconcile.workloads import Workload, desired_workloads

Verdict = Literal["kept", "changed", "created", "replaced", "removed", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one object. ``kept``: at most its labels, annotations and owner change."""

    kind: str
    name: str
    verdict: Verdict
    changes: tuple[Change, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodsFate:
    """What becomes of a Deployment's pods: they go on, or others replace them, one after another, for reasons."""

    deployment: str
    number: int
    restart: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Everything about one deployment. ``refusal``: why nothing is changed; what runs goes on."""

    namespace: str
    name: str
    adopted: bool
    refusal: str = ""
    objects: tuple[Fate, ...] = ()
    pods: tuple[PodsFate, ...] = ()
    unsupported: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    traffic: tuple[str, ...] = ()

    @property
    def disturbs(self) -> bool:
        """Whether somebody should look before it happens."""
        return bool(
            self.refusal
            or self.unsupported
            or any(each.restart for each in self.pods)
            or any(each.verdict in {"removed", "replaced", "refused"} for each in self.objects)
        )


def adoption_of(
    raw: JSON, live: Mapping[ObjectKey, JSON], routes: Iterable[JSON], installation: Installation
) -> Adoption:
    """``live`` are the objects made for it, managedFields included; ``routes`` those of Istio and Ambassador."""
    stored = snapshot_of([raw], [], None).deployments
    meta = raw["metadata"]
    adopted = any(APPLIED_ANNOTATION in (each["metadata"].get("annotations") or {}) for each in live.values())
    if not stored:
        return Adoption(namespace=meta["namespace"], name=meta["name"], adopted=adopted, refusal="it is being deleted")
    return _adoption(stored[0], live, tuple(routes), installation, adopted=adopted)


def _adoption(
    stored: StoredDeployment,
    live: Mapping[ObjectKey, JSON],
    routes: tuple[JSON, ...],
    installation: Installation,
    *,
    adopted: bool,
) -> Adoption:
    view, owner = stored.target.view, stored.raw["metadata"]
    refusal, makings = stored.invalid, None
    workloads = desired_workloads(view, None)
    try:
        makings = None if refusal else makings_of(view, owner, workloads, None, live, installation)
    except NotRenderableError as error:
        refusal = str(error)
    _, warnings = validate_deployment(view, known_servers=None)
    return Adoption(
        namespace=owner["namespace"],
        name=owner["name"],
        adopted=adopted,
        refusal=refusal,
        objects=tuple(_fates(makings, owner)) if makings else (),
        pods=tuple(_pods(makings, stored, workloads, installation)) if makings else (),
        unsupported=tuple(left_out(view, installation)),
        warnings=tuple(map(str, warnings)),
        traffic=tuple(_traffic(live, routes, owner)),
    )


def _fates(makings: Makings, owner: JSON) -> Iterator[Fate]:
    for manifest in makings.wanted:
        kind, name = key_of(manifest)
        found = makings.live.get((kind, name))
        if found is None:
            yield Fate(kind=kind, name=name, verdict="created")
        elif is_others(found, owner):
            yield Fate(kind=kind, name=name, verdict="refused", reason="another controller owns it")
        elif must_be_replaced(manifest, found):
            reason = "a Service keeps its address, or the lack of one, for life"
            yield Fate(kind=kind, name=name, verdict="replaced", reason=reason)
        else:
            changes = changes_of(found, manifest)
            deep = any(each.path.startswith("spec") for each in changes)
            yield Fate(kind=kind, name=name, verdict="changed" if deep else "kept", changes=changes)
    for left in makings.leftovers(frozenset(), owner):
        kind, name = key_of(left)
        yield Fate(kind=kind, name=name, verdict="removed", reason="nothing in the deployment asks for it")


def _pods(
    makings: Makings, stored: StoredDeployment, workloads: tuple[Workload, ...], installation: Installation
) -> Iterator[PodsFate]:
    wanted = {key_of(each): each for each in makings.wanted}
    for workload in workloads:
        layout = layout_of(stored.target.view, workload.predictor)
        subject = Subject(
            workload=workload, layout=layout, owner={}, installation=installation, live=makings.live, hold_replicas=None
        )
        named: list[tuple[str, Pod | None]] = [(deployment_name(layout, pod), pod) for pod in layout.pods]
        named += [(engine_deployment_name(layout), None)] if layout.separate_engine else []
        for name, pod in named:
            found = makings.live.get(("Deployment", name))
            if found is not None:
                yield _pods_of(subject, found, wanted["Deployment", name], pod)


def _pods_of(subject: Subject, found: JSON, manifest: JSON, pod: Pod | None) -> PodsFate:
    changes = [each for each in changes_of(found, manifest) if each.path.startswith("spec.template")]
    number, why = int(found["spec"].get("replicas", 1)), reasons(subject, found, pod)
    if changes and not why:
        why = ("its Deployment bears no mark of being kept any more",)
    return PodsFate(
        deployment=found["metadata"]["name"],
        number=number,
        restart=bool(changes),
        reasons=why if changes else ("kept as Seldon Core made them",) if revision_kept(manifest) else (),
    )


def _traffic(live: Mapping[ObjectKey, JSON], routes: tuple[JSON, ...], owner: JSON) -> Iterator[str]:
    for route in routes:
        yield (
            f"{route['kind']} {route['metadata']['name']} stays, and nobody changes it any more: requests that come by "
            "it get the shares of today; delete it when clients ask sluicegate's gateway"
        )
    for (kind, name), each in live.items():
        if kind == "Service" and ROUTES_ANNOTATION in (each["metadata"].get("annotations") or {}):
            yield (
                f"the annotation {ROUTES_ANNOTATION} of Service {name} stays, and nobody changes it any more; take it "
                "away when clients ask sluicegate's gateway"
            )
    yield f"sluicegate's gateway answers at /seldon/{owner['namespace']}/{owner['name']}/ and follows spec.predictors"
