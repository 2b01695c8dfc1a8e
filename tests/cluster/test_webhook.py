"""The webhook as a real API server calls it: kubectl says every error, the fence holds, rotations lose no admission.

The door runs on this machine, and the configuration, which asks about one namespace only, points at it.
"""

import asyncio
import base64
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from tests.cluster.api_server import ApiServer, ClusterDryRun, ClusterSecrets, ClusterWebhookConfigurations, Kubectl
from tests.door_rig import RunningDoor
from tests.fakes.admission import FakeStored, rendered
from tests.fakes.world import rollout
from tests.rule_tables import INSTALLED, OWN, predictor
from tests.waiting import wait_until

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.authority import read_certificates
from sluicegate.serving.operator.admission.certificates import Decision, Periods
from sluicegate.serving.operator.admission.configuration import Door, webhook_configuration
from sluicegate.serving.operator.admission.keeping import Identity, KeptCertificate, keep
from sluicegate.serving.operator.admission.reviewer import Reviewer
from sluicegate.serving.operator.admission.tls import ServedCertificate
from sluicegate.serving.reconcile.reviews import Servers

KUBECONFIG = Path(os.environ.get("KUBECONFIG", "/nowhere"))
pytestmark = pytest.mark.skipif(not KUBECONFIG.is_file(), reason="needs a cluster: KUBECONFIG is not set")
CRDS = Path(__file__).parents[2] / "manifests/install/crds"
NAMESPACE, NAME = "webhook", "sluicegate-webhook-test"
IDENTITY = Identity(service="hook", namespace=NAMESPACE, configuration=NAME, also=("localhost",))
BRIEF = Periods(authority=timedelta(seconds=24), serving=timedelta(seconds=12), settle=timedelta(seconds=2))


class Wall:
    """The real time."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()


class Webhook:
    """A door that the cluster asks, and the certificate that it keeps; ``told`` is what was done to that."""

    def __init__(self, kubectl: Kubectl, periods: Periods) -> None:
        self.told: list[Decision] = []
        self._kubectl = kubectl
        first = asyncio.run(self._kept(ApiServer(KUBECONFIG), periods).current())
        server, served = ApiServer(KUBECONFIG), ServedCertificate(first)
        dry_run = ClusterDryRun(server)
        reviewer = Reviewer(FakeStored(), Servers(installed=INSTALLED), rendered, dry_run, lambda: "")
        self.door = RunningDoor(reviewer, served, keep(self._kept(server, periods), served.use, 0.2))
        kubectl.must("apply", "-f", "-", given=self._configuration(first.certificate))

    def _kept(self, server: ApiServer, periods: Periods) -> KeptCertificate:
        secrets, webhooks = ClusterSecrets(server), ClusterWebhookConfigurations(server)
        return KeptCertificate(secrets, webhooks, Wall(), IDENTITY, periods, self.told.append)

    def _configuration(self, _certificate: bytes) -> JSON:
        configuration = webhook_configuration(Door(name=NAME, namespaces=(NAMESPACE,)))
        for webhook in configuration["webhooks"]:
            path = webhook["clientConfig"].pop("service")["path"]
            webhook["clientConfig"]["url"] = f"https://localhost:{self.door.port}{path}"
        return configuration

    def is_trusted(self) -> bool:
        """Whether the API server gets through."""
        return self._kubectl("apply", "--dry-run=server", "-f", "-", given=sdep(OWN)).returncode == 0


def sdep(*predictors: JSON, name: str = "d", **spec: object) -> JSON:
    """A SeldonDeployment of the namespace."""
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"predictors": list(predictors), **spec},
    }


@pytest.fixture(scope="module")
def kubectl() -> Iterator[Kubectl]:
    """In a namespace of our own, which is emptied before and after."""
    run = Kubectl(KUBECONFIG, NAMESPACE)
    if CRDS.is_dir():
        run.must("apply", "--server-side", "--force-conflicts", "-f", str(CRDS))
    _clear(run)
    if run("get", "namespace", NAMESPACE).returncode:
        run.must("create", "namespace", NAMESPACE)
    yield run
    _clear(run)


def _clear(run: Kubectl) -> None:
    run.must("delete", "validatingwebhookconfiguration", NAME, "--ignore-not-found")
    run("delete", "seldondeployments,modelrollouts,secrets", "--all")


@pytest.fixture(scope="module")
def webhook(kubectl: Kubectl) -> Iterator[Webhook]:
    """An open door that the API server trusts."""
    webhook = Webhook(kubectl, Periods())
    with webhook.door:
        wait_until(webhook.is_trusted, 20, "the API server reaches the door")
        yield webhook


@pytest.mark.usefixtures("webhook")
def test_kubectl_says_every_error_of_rules_and_of_pods(kubectl: Kubectl) -> None:
    pod = {"spec": {"containers": [{"name": "mine", "image": "i", "resources": {"requests": {"cpu": "-1"}}}]}}
    bad = sdep(predictor("A_B", traffic=3), {**OWN, "componentSpecs": [pod], "traffic": -1}, protocol="odd")

    said = kubectl("apply", "-f", "-", given=bad).stderr

    assert 'The SeldonDeployment "d" is invalid' in said
    for path in (
        "spec.protocol",
        "spec.predictors",
        "spec.predictors[0].name",
        "spec.predictors[1].traffic",
        "spec.predictors[1].componentSpecs[0].spec.containers[0].resources.requests[cpu]",
    ):
        assert f"* {path}: found " in said, said


@pytest.mark.usefixtures("webhook")
@pytest.mark.parametrize(
    ("container", "path"),
    [
        ({"image": 5}, ".image"),
        ({"imagePullPolicy": "Sometimes"}, ".imagePullPolicy"),
        ({"ports": [{"containerPort": 99999}]}, ".ports[0].containerPort"),
        ({"imagee": "i"}, ".imagee"),
    ],
    ids=["type", "word", "range", "unknown"],
)
def test_what_kubernetes_would_not_run_is_refused_by_its_field(kubectl: Kubectl, container: JSON, path: str) -> None:
    pod = {"spec": {"containers": [{"name": "mine", "image": "i", **container}]}}

    done = kubectl("apply", "-f", "-", given=sdep({**OWN, "componentSpecs": [pod]}))

    assert f"spec.predictors[0].componentSpecs[0].spec.containers[0]{path}" in done.stderr, done.stderr
    assert done.returncode == 1


@pytest.mark.usefixtures("webhook")
def test_kubectl_shows_warnings_and_creates(kubectl: Kubectl) -> None:
    done = kubectl("apply", "-f", "-", given=sdep(predictor(), name="bare"))

    assert done.returncode == 0, done.stderr
    assert "Warning: predictor 'p' serves a bare modelUri" in done.stderr


@pytest.mark.usefixtures("webhook")
@pytest.mark.parametrize("version", ["v1alpha2", "v1alpha3"])
def test_older_versions_are_reviewed_too(kubectl: Kubectl, version: str) -> None:
    old = sdep(predictor(traffic=3)) | {"apiVersion": f"machinelearning.seldon.io/{version}"}

    assert "* spec.predictors[0].traffic: found 3" in kubectl("apply", "-f", "-", given=old).stderr


@pytest.mark.usefixtures("webhook")
def test_a_generated_name_is_a_name(kubectl: Kubectl) -> None:
    unnamed = sdep(OWN) | {"metadata": {"generateName": "made-", "namespace": NAMESPACE}}

    assert "/made-" in kubectl.must("create", "-f", "-", "-o", "name", given=unnamed)


@pytest.mark.usefixtures("webhook")
def test_the_fence_holds(kubectl: Kubectl) -> None:
    """A write of another epoch is refused, status writes are nobody's to wait for, and the right epoch passes."""
    given = rollout("2")
    given["metadata"]["namespace"] = NAMESPACE
    kubectl.must("apply", "-f", "-", given=given)
    patch = ("patch", "modelrollout", "flights-2", "--type=merge", "-p")
    kubectl.must(*patch, '{"status": {"phase": "Progressing", "epoch": "e2"}}', "--subresource=status")

    refused = kubectl(*patch, '{"spec": {"desired": {"epoch": "e1", "renewal": 1, "weight": 5}}}')

    assert "* spec.desired.epoch: found 'e1'; expected status.epoch 'e2'" in refused.stderr
    kubectl.must(*patch, '{"spec": {"desired": {"epoch": "e2", "renewal": 1, "weight": 5}}}')


def test_without_a_door_nothing_enters_and_metadata_moves_on(kubectl: Kubectl, webhook: Webhook) -> None:
    """Fail-closed for what is judged only: labels, finalizers, status, scale and deletion do not wait."""
    kubectl.must("apply", "-f", "-", given=sdep(OWN, name="kept"))
    closed = "https://localhost:1"
    for index in (0, 1):
        change = f'[{{"op":"replace","path":"/webhooks/{index}/clientConfig/url","value":"{closed}"}}]'
        kubectl.must("patch", "validatingwebhookconfiguration", NAME, "--type=json", "-p", change)
    wait_until(lambda: not webhook.is_trusted(), 20, "the API server calls the closed port")

    refused = kubectl("apply", "-f", "-", given=sdep({**OWN, "replicas": 2}, name="kept"))

    assert "failed calling webhook" in refused.stderr
    kubectl.must("label", "seldondeployment", "kept", "a=b")
    kubectl.must("patch", "seldondeployment", "kept", "--type=merge", "-p", '{"metadata":{"finalizers":["a.b/c"]}}')
    kubectl.must("patch", "seldondeployment", "kept", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    kubectl.must("scale", "seldondeployment", "kept", "--replicas=2")
    kubectl.must("delete", "seldondeployment", "kept")


def test_rotations_under_a_stream_of_admissions_lose_none(kubectl: Kubectl) -> None:
    """The authority is replaced twice while every creation is judged, and refused creations are refused by us."""
    _clear(kubectl)
    webhook = Webhook(kubectl, BRIEF)
    with webhook.door:
        wait_until(webhook.is_trusted, 20, "the API server reaches the door")
        with ThreadPoolExecutor(1) as stream:
            judged = stream.submit(_stream, webhook)
            answers = judged.result()

    assert [each for each in answers if "* spec.predictors[0].traffic" not in each] == []
    acts = [each.act for each in webhook.told]
    assert acts.count("RetireAuthorities") >= 2
    assert not any(each.is_repair for each in webhook.told)
    print(f"{len(answers)} admissions, {acts}")


def _stream(webhook: Webhook) -> list[str]:
    """What each of many creations was answered, until two authorities have gone."""
    run, answers = Kubectl(KUBECONFIG, NAMESPACE), []
    end = time.monotonic() + 120
    while [each.act for each in webhook.told].count("RetireAuthorities") < 2 and time.monotonic() < end:
        answers.append(run("create", "-f", "-", given=sdep(predictor(traffic=3))).stderr)
    return answers


@pytest.mark.usefixtures("webhook")
def test_the_bundle_of_the_configuration_is_the_secrets(kubectl: Kubectl) -> None:
    path = ("-o", "jsonpath={.webhooks[0].clientConfig.caBundle}")
    bundle = kubectl.must("get", "validatingwebhookconfiguration", NAME, *path)

    assert read_certificates(base64.b64decode(bundle))
