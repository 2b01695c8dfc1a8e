"""On a cluster a real MLflow follows real rollouts: promoted, sent back, missed while it or its follower was away."""

from collections.abc import Iterator

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from tests.cluster import audit, host_rig, storages, workflow_rig
from tests.cluster import operator_rig as rig
from tests.cluster.host_operator import set_apart
from tests.cluster.kubectl import Kubectl
from tests.waiting import free_port, wait_until

from sluicegate.components.rollout.ending import complete, promote
from sluicegate.components.rollout.errors import RolloutEndedError
from sluicegate.components.rollout.preparing import Prepared, prepare_rollout
from sluicegate.components.rollout.rollouts import Rollouts
from sluicegate.pipelines.follower.rights import READS, STARTS
from sluicegate.serving.client.objects import Objects

pytestmark = pytest.mark.timeout(300)
NAME = MODEL = "flights"
FOLLOWER = "sluicegate.pipelines.follower"


class Registry:
    """A real MLflow on this machine, and the follower beside it."""

    def __init__(self, processes: host_rig.Processes, namespace: str) -> None:
        self._processes, self._namespace, self._port = processes, namespace, free_port()
        self.uri = f"http://{host_rig.HOST}:{self._port}"
        self.start()
        self.client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def start(self) -> None:
        """Start MLflow, or start it again on what it had."""
        store = self._processes.directory / "mlflow.db"
        self._processes.module(
            "mlflow", "server", "--host", "0.0.0.0", "--port", str(self._port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{store}", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
        )  # fmt: skip
        wait_until(lambda: host_rig.answers(f"{self.uri}/health"), 60, "MLflow answers")

    def follow(self) -> None:
        """Start the follower, or start it again."""
        told = {"MLFLOW_TRACKING_URI": self.uri, "SLUICEGATE_WATCH_NAMESPACE": self._namespace}
        self._processes.module(FOLLOWER, **told, SLUICEGATE_REGISTRY_REFRESH="1")

    def champion(self) -> str:
        """The version with the alias; nothing while there is none."""
        try:
            return str(self.client.get_model_version_by_alias(MODEL, "champion").version)
        except MlflowException:
            return ""

    def asked(self, *words: str) -> int:
        """How many requests with one of these words MLflow had."""
        return sum(any(word in line for word in words) for line in self._processes.log("mlflow").splitlines())

    def tags(self, version: str) -> dict[str, str]:
        """Of a version."""
        return dict(self.client.get_model_version(MODEL, version).tags)


@pytest.fixture(scope="module")
def plane(namespace: str, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[host_rig.HostPlane]:
    """Operator and gateway for the namespace."""
    storages.need(storages.S3)
    set_apart(kubectl.within(namespace))
    with host_rig.running(namespace, tmp_path_factory.mktemp("host")) as plane:
        yield plane
        kubectl.within(namespace)("delete", "sdep", "--all", "--timeout=60s")


@pytest.fixture(scope="module")
def models(namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, rig.Model]]:
    """Three versions."""
    storages.need(storages.S3)
    directory = tmp_path_factory.mktemp("bundles")
    yield {version: rig.Model(version, directory / version, namespace) for version in ("1", "2", "3")}
    storages.bucket().rm(f"{storages.BUCKET}/{namespace}", recursive=True)


@pytest.fixture(scope="module")
def registry(plane: host_rig.HostPlane, models: dict[str, rig.Model], kubectl: Kubectl) -> Registry:
    """All versions are registered, version 1 is served, and the follower looks."""
    found = Registry(plane.processes, plane.namespace)
    found.client.create_registered_model(MODEL)
    for version in models:
        found.client.create_model_version(MODEL, source=models[version].uri)
    mine = kubectl.within(plane.namespace)
    mine("apply", "-f", "-", stdin=rig.secret())
    mine("apply", "-f", "-", stdin=rig.deployment(NAME, models["1"], replicas=1))
    found.follow()
    wait_until(lambda: found.champion() == "1", 120, "what is served first has the alias")
    return found


def prepared(plane: host_rig.HostPlane, model: rig.Model, name: str) -> Prepared:
    """A rollout of this version whose candidate is ready."""
    return prepare_rollout(
        rollout=name, deployment=NAME, namespace=plane.namespace, model=MODEL, version=model.version,
        bundle_uri=model.uri, bundle_digest=model.digest, expected_disagreement=0.05, timeout=120,
    )  # fmt: skip


def test_the_alias_follows_a_promotion(
    plane: host_rig.HostPlane, models: dict[str, rig.Model], registry: Registry
) -> None:
    """Not before the candidate is the deployment's own."""
    ready = prepared(plane, models["2"], "second")
    assert registry.champion() == "1"
    promote(rollout="second", epoch=ready.epoch, namespace=plane.namespace)
    complete(rollout="second", epoch=ready.epoch, namespace=plane.namespace)

    wait_until(lambda: registry.champion() == "2", 30, "the alias")
    wait_until(lambda: registry.tags("2").get("sluicegate.rollout.phase") == "Promoted", 30, "the tag")


def test_what_has_ended_is_not_taken_up_again(
    plane: host_rig.HostPlane, models: dict[str, rig.Model], registry: Registry
) -> None:
    """As a workflow does that Argo retries."""
    with pytest.raises(RolloutEndedError, match=r"has ended already: Promoted .* with another name for `rollout`"):
        prepared(plane, models["2"], "second")


def test_a_rollback_that_mlflow_and_the_follower_both_missed_is_told_all_the_same(
    plane: host_rig.HostPlane, models: dict[str, rig.Model], registry: Registry
) -> None:
    """Promoted, then sent back in the bake: the alias goes there and back, and the version is tagged as refused."""
    ready = prepared(plane, models["3"], "third")
    promote(rollout="third", epoch=ready.epoch, namespace=plane.namespace)
    wait_until(lambda: registry.champion() == "3", 30, "promoted, it has the alias")
    plane.processes.kill("mlflow")
    assert not host_rig.answers(f"{registry.uri}/health")
    access = Rollouts(objects=Objects(), name="third", namespace=plane.namespace)
    access.desire(ready.epoch, intent="Abort", reason="HarmProven", message="labels are worse")
    access.wait_over(timeout=30)
    plane.processes.kill("follower")

    registry.start()
    registry.follow()

    wait_until(lambda: registry.champion() == "2", 30, "the alias is back")
    wait_until(lambda: registry.tags("3").get("sluicegate.refused") == "HarmProven: labels are worse", 30, "the tag")


@pytest.fixture(scope="module")
def pod(plane: host_rig.HostPlane, registry: Registry, asked: audit.Audit, kubectl: Kubectl) -> Iterator[Kubectl]:
    """The follower is a pod of ``manifests/registry`` that may start rollouts; kubectl in its namespace."""
    mine = kubectl.within(plane.namespace)
    told = {"MLFLOW_TRACKING_URI": registry.uri, "SLUICEGATE_WATCH_NAMESPACE": plane.namespace, **audit.variables()}
    objects = rig.as_list(rig.registry(mine, told | {"SLUICEGATE_REGISTRY_REFRESH": "2"}, "challengers"))
    plane.processes.kill("follower")
    registry.client.set_registered_model_alias(MODEL, "champion", "1")
    mine("apply", "-f", "-", stdin=objects)
    yield mine
    mine("delete", "--wait=false", "-f", "-", stdin=objects)


@pytest.fixture(scope="module")
def asked(namespace: str) -> audit.Audit:
    """What the pod's account asks of the API server."""
    return audit.Audit(namespace, f"{namespace}-registry")


def test_in_a_pod_it_does_the_same_with_its_own_rights_and_its_challenger_starts_a_rollout(
    plane: host_rig.HostPlane, registry: Registry, models: dict[str, rig.Model], pod: Kubectl
) -> None:
    wait_until(lambda: registry.champion() == "2", 90, "the alias is put right")
    said = ("logs", f"deployment/{pod.namespace}-registry")
    wait_until(lambda: "the registry is as it should be" in pod(*said), 30, "it says so")
    workflow_rig.Argo(pod, plane, models).install()
    for tag, value in (("bundle", models["1"].uri), ("bundle-digest", models["1"].digest)):
        registry.client.set_model_version_tag(MODEL, "1", f"sluicegate.{tag}", value)
    registry.client.set_registered_model_alias(MODEL, "challenger", "1")

    name = f"{NAME}-v1-challenger"
    wait_until(lambda: rig.phase(pod, name) == "Progressing", 120, "the rollout is under way")
    assert pod.json("get", "modelrollout", name)["spec"]["model"]["bundleDigest"] == models["1"].digest
    assert registry.tags("1")["sluicegate.challenger"] == name
    pod("delete", "workflow", name, "--wait=false")
    wait_until(rig.ends(pod, name), 30, "without its workflow it is over")
    wait_until(lambda: registry.tags("1").get("sluicegate.rollout.phase") == "RolledBack", 30, "the tag")


def test_the_pod_used_every_right_of_its_and_no_other(pod: Kubectl, asked: audit.Audit) -> None:
    granted = {
        (verb, f"{kind}.{right.group}")
        for right in (*READS, *STARTS)
        for kind in right.resources
        for verb in right.verbs
    }

    assert asked.asked().keys() == granted


def test_nothing_is_written_while_nothing_changes(registry: Registry) -> None:
    """Though the registry is looked at again and again."""
    looks, writes = registry.asked("registered-models/search"), registry.asked("set-tag", "alias HTTP")

    wait_until(lambda: registry.asked("registered-models/search") >= looks + 3, 30, "three looks")
    assert registry.asked("set-tag", "alias HTTP") == writes
