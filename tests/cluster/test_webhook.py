"""The webhook as a real API server calls it: kubectl says every error, the fence holds, rotations lose no admission.

The door runs on this machine, and the configuration, which asks about one namespace only, points at it.
"""

import asyncio
import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.cluster.kubectl import Kubectl
from tests.door_rig import RunningDoor
from tests.fakes.admission import FakeStored
from tests.fakes.world import rollout
from tests.rule_tables import OWN, predictor
from tests.waiting import wait_until

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.asking import ClusterDryRun, ClusterSecrets, ClusterWebhookConfigurations
from sluicegate.serving.operator.admission.authority import read_certificates
from sluicegate.serving.operator.admission.certificates import Decision, Periods
from sluicegate.serving.operator.admission.configuration import Door, webhook_configuration
from sluicegate.serving.operator.admission.keeping import Identity, KeptCertificate, keep
from sluicegate.serving.operator.admission.rendering import renderer
from sluicegate.serving.operator.admission.reviewer import Reviewer
from sluicegate.serving.operator.admission.tls import ServedCertificate
from sluicegate.serving.operator.clock import SystemClock
from sluicegate.serving.operator.cluster.access import connect, from_kubeconfig
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.settings import read_installation
from sluicegate.serving.reconcile.reviews import Servers

KIND = "validatingwebhookconfiguration"
BRIEF = Periods(authority=timedelta(seconds=24), serving=timedelta(seconds=12), settle=timedelta(seconds=2))
INSTALLATION = read_installation({})
HERE = os.environ.get("SLUICEGATE_TEST_HOST_NAME", "localhost")
"""This machine's name, as the API server knows it."""
ADDRESS = "127.0.0.1" if HERE == "localhost" else "0.0.0.0"


class Webhook:
    """A door on this machine that the cluster asks about one namespace, and the certificate that it keeps."""

    def __init__(self, kubectl: Kubectl, namespace: str, periods: Periods) -> None:
        self.told: list[Decision] = []
        self.name, self.namespace, self._periods = f"hook-{namespace}", namespace, periods
        self.kubectl = kubectl.within(namespace)
        served = ServedCertificate(asyncio.run(self._kept().current()))
        render = renderer(INSTALLATION, lambda _namespace, _name: {})
        servers = Servers(installed=lambda protocol: INSTALLATION.served(protocol or "seldon"))
        reviewer = Reviewer(FakeStored(), servers, render, ClusterDryRun(cluster()), lambda: "")
        self.door = RunningDoor(reviewer, served, keep(self._kept(), served.use, 0.2), address=ADDRESS)

    def __enter__(self) -> "Webhook":
        self.door.__enter__()
        self.kubectl("apply", "-f", "-", stdin=self.manifest())
        wait_until(self.is_reached, 30, "the API server reaches the door")
        return self

    def __exit__(self, *_: object) -> None:
        self.door.__exit__()
        self.kubectl("delete", KIND, self.name)

    def is_reached(self) -> bool:
        """Whether the API server gets through and likes what it hears."""
        return self.kubectl.run("apply", "--dry-run=server", "-f", "-", stdin=sdep(OWN)).returncode == 0

    def acts(self, act: str) -> int:
        """How often this was done to the certificate."""
        return [each.act for each in self.told].count(act)

    def call(self, url: str) -> None:
        """Point the configuration somewhere else."""
        changes = [{"op": "replace", "path": f"/webhooks/{at}/clientConfig/url", "value": url} for at in (0, 1)]
        self.kubectl("patch", KIND, self.name, "--type=json", "-p", json.dumps(changes))

    def _kept(self) -> KeptCertificate:
        api_server = cluster()
        own = Identity(
            service="hook",
            namespace=self.namespace,
            configuration=self.name,
            secret=self.name,
            also=(HERE,),
        )
        secrets, webhooks = ClusterSecrets(api_server), ClusterWebhookConfigurations(api_server)
        return KeptCertificate(secrets, webhooks, SystemClock(), own, self._periods, self.told.append)

    def manifest(self) -> JSON:
        """The configuration, which points at this machine."""
        configuration = webhook_configuration(Door(name=self.name, namespaces=(self.namespace,)))
        for webhook in configuration["webhooks"]:
            path = webhook["clientConfig"].pop("service")["path"]
            webhook["clientConfig"]["url"] = f"https://{HERE}:{self.door.port}{path}"
        return configuration


def cluster() -> Cluster:
    """The operator's own client."""
    return Cluster(connect(from_kubeconfig(os.environ["KUBECONFIG"])))


def sdep(*predictors: JSON, name: str = "d", **spec: object) -> JSON:
    """A SeldonDeployment."""
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name},
        "spec": {"predictors": list(predictors), **spec},
    }


@pytest.fixture(scope="module")
def webhook(kubectl: Kubectl, namespace: str) -> Iterator[Webhook]:
    """One whose certificate lives as long as any."""
    with Webhook(kubectl, namespace, Periods()) as webhook:
        yield webhook


@pytest.fixture
def another_namespace(kubectl: Kubectl, namespace: str) -> Iterator[str]:
    """One that the module's webhook is not asked about."""
    kubectl("create", "namespace", f"{namespace}-brief")
    yield f"{namespace}-brief"
    kubectl("delete", "namespace", f"{namespace}-brief", "--wait=false")


def applied(webhook: Webhook, obj: JSON) -> subprocess.CompletedProcess[str]:
    """What kubectl says to an object."""
    return webhook.kubectl.run("apply", "-f", "-", stdin=obj)


def test_kubectl_says_every_error_of_rules_and_of_pods(webhook: Webhook) -> None:
    pod = {"spec": {"containers": [{"name": "mine", "image": "i", "resources": {"requests": {"cpu": "-1"}}}]}}
    bad = sdep(predictor("A_B", traffic=3), {**OWN, "componentSpecs": [pod], "traffic": -1}, transport="odd")

    said = applied(webhook, bad).stderr

    assert 'The SeldonDeployment "d" is invalid' in said
    for path in (
        "spec.transport",
        "spec.predictors",
        "spec.predictors[0].name",
        "spec.predictors[1].traffic",
        "spec.predictors[1].componentSpecs[0].spec.containers[0].resources.requests[cpu]",
    ):
        assert f"* {path}: found " in said, said


@pytest.mark.parametrize(
    ("container", "path"),
    [
        ({"image": 5}, ".image"),
        ({"imagePullPolicy": "Sometimes"}, ".imagePullPolicy"),
        ({"ports": [{"name": "more", "containerPort": 99999}]}, ".ports[0].containerPort"),
        ({"imagee": "i"}, ".imagee"),
        ({"env": [{"name": "a=b", "value": "c"}]}, ".env[0].name"),
    ],
    ids=["type", "word", "range", "unknown", "format"],
)
def test_what_kubernetes_would_not_run_is_refused_by_its_field(webhook: Webhook, container: JSON, path: str) -> None:
    pod = {"spec": {"containers": [{"name": "mine", "image": "i", **container}]}}

    done = applied(webhook, sdep({**OWN, "componentSpecs": [pod]}))

    assert f"spec.predictors[0].componentSpecs[0].spec.containers[0]{path}: " in done.stderr, done.stderr
    assert done.returncode == 1


def test_an_autoscalers_bounds_are_proven_too(webhook: Webhook) -> None:
    pod = {"spec": {"containers": [{"name": "mine", "image": "i"}]}, "hpaSpec": {"minReplicas": 3, "maxReplicas": 2}}

    done = applied(webhook, sdep({**OWN, "componentSpecs": [pod]}))

    assert "spec.predictors[0].componentSpecs[0].hpaSpec.maxReplicas: " in done.stderr, done.stderr


def test_kubectl_shows_warnings_and_creates(webhook: Webhook) -> None:
    done = applied(webhook, sdep(predictor(), name="bare"))

    assert done.returncode == 0, done.stderr
    assert "Warning: predictor 'p' serves a bare modelUri" in done.stderr


@pytest.mark.parametrize("version", ["v1alpha2", "v1alpha3"])
def test_older_versions_are_reviewed_too(webhook: Webhook, version: str) -> None:
    old = sdep(predictor(traffic=3)) | {"apiVersion": f"machinelearning.seldon.io/{version}"}

    assert "spec.predictors[0].traffic: found 3" in applied(webhook, old).stderr


def test_a_generated_name_is_a_name(webhook: Webhook) -> None:
    unnamed = sdep(OWN) | {"metadata": {"generateName": "made-"}}

    assert "/made-" in webhook.kubectl("create", "-f", "-", "-o", "name", stdin=unnamed)


def test_the_fence_holds(webhook: Webhook) -> None:
    """A write of another epoch is refused; the right one's passes."""
    given = rollout("2")
    del given["metadata"]["namespace"]
    webhook.kubectl("apply", "-f", "-", stdin=given)
    patch = ("patch", "modelrollout", "flights-2", "--type=merge", "-p")
    webhook.kubectl(*patch, '{"status": {"phase": "Progressing", "epoch": "e2"}}', "--subresource=status")

    refused = webhook.kubectl.run(*patch, '{"spec": {"desired": {"epoch": "e1", "renewal": 1, "weight": 5}}}')

    assert "spec.desired.epoch: found 'e1'; expected status.epoch 'e2'" in refused.stderr, refused.stderr
    webhook.kubectl(*patch, '{"spec": {"desired": {"epoch": "e2", "renewal": 1, "weight": 5}}}')


def test_without_a_door_nothing_enters_and_metadata_moves_on(webhook: Webhook) -> None:
    """Fail-closed for what is judged only: labels, finalizers, status, scale and deletion do not wait."""
    patch = ("patch", "seldondeployment", "kept", "--type=merge", "-p")
    webhook.kubectl("apply", "-f", "-", stdin=sdep(OWN, name="kept"))
    webhook.call(f"https://{HERE}:1/closed")
    wait_until(lambda: not webhook.is_reached(), 30, "the API server calls the closed port")

    try:
        refused = applied(webhook, sdep({**OWN, "replicas": 2}, name="kept"))
        webhook.kubectl("label", "seldondeployment", "kept", "a=b")
        webhook.kubectl(*patch, '{"metadata": {"finalizers": ["a.b/c"]}}')
        webhook.kubectl(*patch, '{"metadata": {"finalizers": null}}')
        webhook.kubectl(*patch, '{"status": {"state": "Available"}}', "--subresource=status")
        webhook.kubectl("scale", "seldondeployment", "kept", "--replicas=2")
        webhook.kubectl("delete", "seldondeployment", "kept")
    finally:
        webhook.kubectl("apply", "-f", "-", stdin=webhook.manifest())
        wait_until(webhook.is_reached, 30, "the API server is back")

    assert "failed calling webhook" in refused.stderr


def test_the_bundle_of_the_configuration_is_one_of_certificates(webhook: Webhook) -> None:
    """It came from the Secret, by the replica itself."""
    path = "jsonpath={.webhooks[0].clientConfig.caBundle}"

    assert read_certificates(base64.b64decode(webhook.kubectl("get", KIND, webhook.name, "-o", path)))


@pytest.mark.full
@pytest.mark.timeout(240)
def test_rotations_under_a_stream_of_admissions_lose_none(kubectl: Kubectl, another_namespace: str) -> None:
    """Two authorities go while every creation is judged by us: no answer is anybody else's."""
    answers = []

    with Webhook(kubectl, another_namespace, BRIEF) as webhook:
        end = time.monotonic() + 120
        while webhook.acts("RetireAuthorities") < 2 and time.monotonic() < end:
            answers.append(webhook.kubectl.run("create", "-f", "-", stdin=sdep(predictor(traffic=3))).stderr)

    assert [each for each in answers if "spec.predictors[0].traffic" not in each] == []
    assert webhook.acts("RetireAuthorities") >= 2
    assert [each for each in webhook.told if each.is_repair] == []
    print(len(answers), "admissions,", [each.act for each in webhook.told])
