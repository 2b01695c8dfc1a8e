"""Objects are brought after their manifests: nothing that is somebody else's, and no trouble stops the rest."""

import asyncio
from typing import Any

from tests.fakes.cluster import FakeCluster
from tests.fakes.store import FakeStore

from sluicegate.serving.operator.applying import Applier, Trouble
from sluicegate.serving.operator.cluster.caches import ALWAYS, Caches
from sluicegate.serving.operator.errors import RefusedError

OWNER = {"name": "flights", "namespace": "default", "uid": "u1"}


def service(name: str, *, headless: bool = False, **metadata: Any) -> dict[str, Any]:
    """A Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "annotations": {"sluicegate.dev/applied": "1"}, **metadata},
        "spec": {"ports": [{"port": 8000}]} | ({"clusterIP": "None"} if headless else {}),
    }


class Strict(FakeCluster):
    """Refuses what is called ``wrong``."""

    async def apply(self, obj: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        """As the API server would."""
        if obj["metadata"]["name"] == "wrong":
            raise RefusedError("exceeded quota")
        return await super().apply(obj, dry_run=dry_run)


def applied(store: FakeStore, *manifests: dict[str, Any]) -> tuple[Trouble, ...]:
    """Apply to what is stored."""
    cluster: Any = Strict(store)
    caches = Caches(cluster, namespace=None, kinds=ALWAYS, changed=lambda _key: None)
    live = {(each["kind"], each["metadata"]["name"]): each for each in store.list("Service")}
    return asyncio.run(Applier(cluster, caches).apply(manifests, live, OWNER))


def test_what_one_meets_does_not_stop_the_others() -> None:
    store = FakeStore()
    labels = {"seldon-deployment-id": "flights", "sluicegate.dev/predictor": "v1"}

    [trouble] = applied(store, service("wrong", labels=labels), service("right"))

    assert [each["metadata"]["name"] for each in store.list("Service")] == ["right"]
    assert (trouble.server.workload, trouble.server.state) == ("flights.v1", "Failed")
    assert trouble.server.message == "Service 'wrong' is refused: exceeded quota"


def test_what_another_controller_owns_is_not_touched() -> None:
    store = FakeStore()
    theirs = {"apiVersion": "v1", "kind": "Other", "name": "x", "uid": "u2", "controller": True}
    store.create(service("taken", ownerReferences=[theirs]))

    [trouble] = applied(store, service("taken", headless=True))

    assert "another controller owns the object" in str(trouble.error)
    assert "clusterIP" not in store.get("Service", "taken")["spec"]


def test_a_service_that_cannot_become_headless_is_made_anew() -> None:
    store = FakeStore()
    before = store.create(service("flights"))

    assert applied(store, service("flights", headless=True)) == ()

    after = store.get("Service", "flights")
    assert after["spec"]["clusterIP"] == "None"
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
