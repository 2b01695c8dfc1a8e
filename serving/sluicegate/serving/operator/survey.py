"""Reads a cluster for ``sluicegate adopt --dry-run``: what there is, and who looks after it. It writes nothing."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES, RESOURCES, Resource
from sluicegate.serving.operator.adoption import Adoption, adoption_of
from sluicegate.serving.operator.cluster.access import Access, connect
from sluicegate.serving.operator.cluster.cache import OWNER_LABEL, Key, owner_of
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import NotFoundError, RefusedError
from sluicegate.serving.operator.objects.comparison import MADE_KINDS, is_owned
from sluicegate.serving.operator.objects.manifest import ObjectKey
from sluicegate.serving.operator.rights import NAME
from sluicegate.serving.operator.settings import Installation, read_installation

ROUTES: Mapping[str, Resource] = {
    "VirtualService": CLUSTER_RESOURCES["VirtualService"],
    "DestinationRule": CLUSTER_RESOURCES["DestinationRule"],
    "Mapping": Resource("getambassador.io", "v2", "mappings"),
    "TLSContext": Resource("getambassador.io", "v2", "tlscontexts"),
}
"""By which Istio and Ambassador lead requests to what Seldon Core's operator made."""
FORMER = "seldon-controller-manager"
"""Deployment of Seldon Core's operator."""
_DOOR = "seldon-validating-webhook"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """``notes`` are about the cluster as a whole; what is to be done first."""

    adoptions: tuple[Adoption, ...]
    notes: tuple[str, ...]


async def survey(
    access: Access, namespace: str | None, names: Collection[str], home: str, environment: Mapping[str, str]
) -> Survey:
    """All deployments of a namespace, or of all; only ``names`` if there are any. Raises OperatorError.

    ``home`` is where our operator is; ``environment`` has its settings where it is not installed yet.
    """
    cluster = Cluster(connect(access))
    try:
        installation, notes = await _installation(cluster, home, environment)
        stored = await _all(cluster, RESOURCES["SeldonDeployment"], namespace)
        chosen = [each for each in stored if not names or each["metadata"]["name"] in names]
        missing = sorted(set(names) - {each["metadata"]["name"] for each in chosen})
        if missing:
            raise NotFoundError(f"no SeldonDeployment {', '.join(missing)} in {namespace or 'any namespace'}")
        made, routes = await _made(cluster, namespace), await _routes(cluster, namespace)
        adoptions = tuple(_adoption(each, made, routes, installation) for each in chosen)
        return Survey(adoptions=adoptions, notes=(*notes, *await _former(cluster)))
    finally:
        await cluster.close()


def _adoption(
    raw: JSON, made: Mapping[Key, dict[ObjectKey, JSON]], routes: Collection[JSON], installation: Installation
) -> Adoption:
    meta = raw["metadata"]
    # Items of a list do not say their kind, and its owner does not either.
    whole = {**raw, "kind": "SeldonDeployment"}
    mine = [route for route in routes if is_owned(route, meta)]
    return adoption_of(whole, made.get((meta["namespace"], meta["name"]), {}), mine, installation)


async def _installation(
    cluster: Cluster, home: str, environment: Mapping[str, str]
) -> tuple[Installation, tuple[str, ...]]:
    try:
        found = await cluster.get(CLUSTER_RESOURCES["Deployment"], home, NAME)
    except (NotFoundError, RefusedError):
        note = (
            f"no operator of ours in namespace {home!r}: its settings are taken from this environment, or are defaults"
        )
        return read_installation(environment), (note,)
    stated = found["spec"]["template"]["spec"]["containers"][0].get("env") or ()
    return read_installation({each["name"]: each["value"] for each in stated if "value" in each}), ()


async def _made(cluster: Cluster, namespace: str | None) -> dict[Key, dict[ObjectKey, JSON]]:
    """Objects by their deployment, as the operator's caches have them."""
    found: dict[Key, dict[ObjectKey, JSON]] = {}
    lists = await asyncio.gather(
        *(_all(cluster, CLUSTER_RESOURCES[kind], namespace, labels=OWNER_LABEL) for kind in MADE_KINDS)
    )
    for kind, objects in zip(MADE_KINDS, lists, strict=True):
        for each in objects:
            if key := owner_of(each):
                whole = {**each, "kind": kind, "apiVersion": CLUSTER_RESOURCES[kind].api_version}
                found.setdefault(key, {})[kind, each["metadata"]["name"]] = whole
    return found


async def _routes(cluster: Cluster, namespace: str | None) -> list[JSON]:
    found = []
    for kind, resource in ROUTES.items():
        found += [{**each, "kind": kind} for each in await _all(cluster, resource, namespace)]
    return found


async def _all(cluster: Cluster, resource: Resource, namespace: str | None, *, labels: str = "") -> list[JSON]:
    """Nothing where the kind is not served."""
    try:
        objects, _ = await cluster.list(resource, namespace, labels=labels)
    except NotFoundError:
        return []
    return objects


async def _former(cluster: Cluster) -> tuple[str, ...]:
    """Seldon Core's operator and its webhook, where we may look for them."""
    try:
        programs = await _all(cluster, CLUSTER_RESOURCES["Deployment"], None)
        doors = await _all(cluster, CLUSTER_RESOURCES["ValidatingWebhookConfiguration"], None)
    except RefusedError as error:
        return (f"whether Seldon Core's operator still runs cannot be seen: {error}",)
    running = [each for each in programs if each["metadata"]["name"] == FORMER and each["spec"].get("replicas", 1)]
    closed = [each["metadata"]["name"] for each in doors if each["metadata"]["name"].startswith(_DOOR)]
    return (
        *(
            f"Seldon Core's operator runs in namespace {each['metadata']['namespace']!r}: scale its Deployment "
            f"{FORMER} to 0 before ours runs, or the two undo each other's work"
            for each in running
        ),
        *(
            f"delete the ValidatingWebhookConfiguration {name} together with Seldon Core's operator: while it is there "
            "and nobody answers, every change of a SeldonDeployment is refused"
            for name in closed
        ),
    )
