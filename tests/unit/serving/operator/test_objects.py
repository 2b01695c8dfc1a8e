"""What a predictor becomes: a table of behaviours, the fields of an object in each group."""

import base64
import json
from typing import Any

import pytest
from tests.shapes.reading import ACCEPTED, shapes
from tests.unit.serving.operator.rendered import MISSING, SERVERS_FOR_SHAPES, at, only, owned, render
from tests.unit.serving.operator.samples import (
    SAMPLES,
    SKLEARN,
    component,
    container,
    deployment,
    graph,
    predictor,
)

from sluicegate.serving.operator.errors import NotRenderableError
from sluicegate.serving.operator.settings import read_installation

POD = "spec.template.spec."
SERVER = "spec.template.spec.containers[classifier]."
FETCH = "spec.template.spec.initContainers[classifier-model-initializer]."
LABELS = "spec.template.metadata.labels"
NOTES = "spec.template.metadata.annotations"

BEHAVIOURS: dict[tuple[str, str], dict[str, Any]] = {
    ("prepackaged server", "Deployment/iris-default-0-classifier"): {
        "spec.strategy.rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
        "spec.replicas": 1,
        "spec.progressDeadlineSeconds": MISSING,
        "spec.selector.matchLabels.app": "iris-default-0-classifier",
        "spec.selector.matchLabels.seldon-deployment-id": "iris",
        "metadata.ownerReferences[iris].controller": True,
        "metadata.labels[app.kubernetes.io/managed-by]": "seldon-core",
        LABELS + ".version": "default",
        LABELS + "[sluicegate.dev/predictor]": "default",
        LABELS + ".seldon-app": "iris-default",
        LABELS + ".seldon-app-svc-classifier": "iris-default-classifier",
        LABELS + "[seldon.io/model]": "true",
        LABELS + "[seldon-deployment-contains-svcorch]": MISSING,
        NOTES + "[prometheus.io/scrape]": "true",
        NOTES + "[prometheus.io/path]": "/prometheus",
        NOTES + "[prometheus.io/port]": "9000",
        SERVER + "image": "sluicegate/server-sklearn:1",
        SERVER + "imagePullPolicy": "IfNotPresent",
        SERVER + "terminationMessagePolicy": "FallbackToLogsOnError",
        SERVER + "readinessProbe.httpGet.path": "/ready",
        SERVER + "livenessProbe.httpGet.path": "/live",
        SERVER + "lifecycle.preStop.sleep.seconds": 5,
        POD + "terminationGracePeriodSeconds": 30,
        SERVER + "env[SLUICEGATE_DRAIN_SECONDS].value": "23",
        SERVER + "env[SLUICEGATE_HOST].value": "0.0.0.0",
        SERVER + "env[SLUICEGATE_IMPLEMENTATION].value": "SKLEARN_SERVER",
        SERVER + "env[SLUICEGATE_MODEL_URI].value": "/mnt/models",
        SERVER + "env[OMP_NUM_THREADS].value": "1",
        SERVER + "env[PREDICTIVE_UNIT_HTTP_SERVICE_PORT].value": "9000",
        SERVER + "env[PREDICTIVE_UNIT_ID].value": "classifier",
        SERVER + "env[PREDICTOR_LABELS].value": '{"version":"default"}',
        SERVER + "env[MLSERVER_HTTP_PORT]": MISSING,
        SERVER + "securityContext.runAsNonRoot": True,
        SERVER + "securityContext.capabilities.drop": ["ALL"],
        SERVER + "volumeMounts[/etc/podinfo].name": "seldon-podinfo",
        FETCH + "image": "sluicegate/storage-initializer:1",
        FETCH + "command": ["python", "-m", "sluicegate.serving.bundle", "fetch"],
        FETCH + "args": ["s3://models/iris", "/mnt/models"],
        FETCH + "volumeMounts[/mnt/models].name": "classifier-provision-location",
        SERVER + "volumeMounts[/mnt/models].readOnly": True,
        POD + "volumes[classifier-provision-location].emptyDir": {},
    },
    ("certificate, initialiser of kfserving", "Deployment/iris-default-0-classifier"): {
        "spec.progressDeadlineSeconds": 120,
        FETCH + "command": MISSING,
        FETCH + "args": ["s3://models/iris", "/mnt/models"],
        FETCH + "envFrom": [{"secretRef": {"name": "s3"}}],
        SERVER + "envFrom": [],
        SERVER + "volumeMounts[/cert/].name": "cert-volume",
        POD + "volumes[cert-volume].secret.secretName": "iris-tls",
    },
    ("quantities and a sidecar", "Deployment/iris-default-0-classifier-sidecar"): {
        LABELS + ".team": "a",
        NOTES + ".note": "b",
        SERVER + "env[OMP_NUM_THREADS].value": "2",
        SERVER + "resources.limits.cpu": 2,
        SERVER + "ports[http].containerPort": 9001,
        POD + "automountServiceAccountToken": False,
        POD + "containers[sidecar].env": MISSING,
    },
    ("chain in one pod", "Deployment/iris-default-0-clean-predict"): {
        LABELS + "[seldon.io/transformer]": "true",
        POD + "containers[0].name": "seldon-container-engine",
        POD + "containers[predict].ports[http].containerPort": 9001,
        POD + "containers[predict].ports[grpc].containerPort": 9501,
        NOTES + "[prometheus.io/port]": "8000",
    },
    ("main and shadow", "Deployment/iris-shadow-0-classifier"): {
        "metadata.labels[seldon.io/shadow]": "true",
        LABELS + "[seldon.io/shadow]": MISSING,
        "spec.replicas": 2,
    },
    ("registered bundle", "Deployment/iris-default-0-classifier"): {
        SERVER + "env[SLUICEGATE_BUNDLE_DIGEST].value": "sha256:" + "a" * 64,
        SERVER + "env[SLUICEGATE_MODEL_VERSION].value": "7",
    },
    ("class of the user", "Deployment/iris-default-0-model"): {
        POD + "containers[model].env[SLUICEGATE_IMPLEMENTATION].value": "team.Model",
        POD + "containers[model].image": "sluicegate/server-sklearn:1",
    },
    ("server fetches by itself", "Deployment/iris-default-0-classifier"): {
        POD + "initContainers": [],
        SERVER + "env[SLUICEGATE_MODEL_URI].value": "s3://models/iris",
        SERVER + "envFrom": [{"secretRef": {"name": "s3"}}],
    },
    ("claim", "Deployment/iris-default-0-classifier"): {
        POD + "initContainers": [],
        SERVER + "volumeMounts[/mnt/models].subPath": "iris/3",
        POD + "volumes[classifier-provision-location].persistentVolumeClaim": {"claimName": "models", "readOnly": True},
    },
    ("container of the user", "Deployment/iris-default-0-own"): {
        POD + "containers[own].readinessProbe.tcpSocket.port": "http",
        POD + "containers[own].readinessProbe.initialDelaySeconds": 20,
        POD + "containers[own].livenessProbe.initialDelaySeconds": 60,
        POD + "containers[own].env[SELDON_DEPLOYMENT_ID].value": "iris",
        POD + "containers[own].env[SELDON_EXECUTOR_ENABLED].value": "true",
        POD + "containers[own].ports[metrics].containerPort": 6000,
        POD + "containers[own].securityContext": MISSING,
    },
    ("mlserver", "Deployment/iris-default-0-classifier"): {
        SERVER + "image": "seldonio/mlserver:1.3.5-sklearn",
        SERVER + "env[MLSERVER_MODEL_IMPLEMENTATION].value": "mlserver_sklearn.SKLearnModel",
        SERVER + "env[MLSERVER_MODEL_URI].value": "/mnt/models",
        SERVER + "env[MLSERVER_MODEL_EXTRA].value": '{"method":"predict"}',
    },
    ("built-in graph without pods", "Deployment/iris-default-svc-orch"): {
        POD + "containers[0].name": "seldon-container-engine",
    },
    ("graph in two pods, engine apart", "Deployment/iris-default-svc-orch"): {
        "spec.replicas": 3,
        LABELS + ".seldon-app": "iris-default",
        POD + "containers[0].env[SELDON_LOG_LEVEL].value": "DEBUG",
        POD + "containers[0].env[LOG_LEVEL].value": "INFO",
        POD + "containers[0].env[SEPARATE_POD]": MISSING,
    },
    ("graph in two pods, engine apart", "Deployment/iris-default-0-choose-one"): {
        LABELS + ".seldon-app": MISSING,
    },
    ("graph in two pods, engine apart", "Deployment/iris-default-1-second"): {
        "spec.replicas": 2,
    },
    ("prepackaged server", "Service/iris-default"): {
        "spec.ports[http]": {"name": "http", "port": 8000, "targetPort": "http", "protocol": "TCP"},
        "spec.ports[grpc].port": 5001,
        "spec.selector": {"seldon-app": "iris-default"},
        "spec.clusterIP": MISSING,
    },
    ("headless and renamed", "Service/flowers"): {
        "spec.clusterIP": "None",
        "spec.selector": {"seldon-app": "flowers"},
    },
    ("chain in one pod", "Service/iris-default-predict"): {
        "spec.ports[http].targetPort": 9001,
        "spec.selector": {"seldon-app-svc-predict": "iris-default-predict"},
    },
    ("hpa of old", "Deployment/iris-default-0-classifier"): {
        "spec.replicas": MISSING,
    },
    ("hpa of old", "HorizontalPodAutoscaler/iris-default-0-classifier"): {
        "spec.scaleTargetRef.name": "iris-default-0-classifier",
    },
    ("hpa and budget", "HorizontalPodAutoscaler/iris-default-0-classifier"): {
        "spec.behavior.scaleDown": {"stabilizationWindowSeconds": 60},
    },
    ("hpa and budget", "PodDisruptionBudget/iris-default-0-classifier"): {
        "spec": {
            "maxUnavailable": "50%",
            "selector": {"matchLabels": {"seldon-deployment-id": "iris", "app": "iris-default-0-classifier"}},
        },
    },
    ("explainer", "Deployment/iris-default-explainer"): {
        POD + "containers[0].image": "seldonio/alibiexplainer:1.17.1",
        POD + "containers[0].args": [
            "--model_name=iris",
            "--predictor_host=iris-default:8000",
            "--protocol=seldon.http",
            "--http_port=9000",
            "--storage_uri=/mnt/models",
            "AnchorTabular",
            "--threshold=0.9",
        ],
        LABELS + "[sluicegate.dev/predictor]": MISSING,
    },
    ("explainer", "Service/iris-default-explainer"): {
        "spec.selector": {"seldon-app": "iris-default-explainer"},
    },
}
CASES = [(*where, field, value) for where, fields in BEHAVIOURS.items() for field, value in fields.items()]


@pytest.mark.parametrize(
    ("sample", "name", "field", "value"), CASES, ids=[f"{each[0]}: {each[1]} {each[2]}" for each in CASES]
)
def test_a_predictor_becomes(sample: str, name: str, field: str, value: Any) -> None:
    assert at(render(SAMPLES[sample])[name], field) == value


@pytest.mark.parametrize("name", ["seldon.io/istio-retries", "seldon.io/ambassador-id", "team/note"])
def test_an_annotation_that_no_server_reads_starts_no_pod(name: str) -> None:
    annotated = only(render(deployment(predictor(), annotations={name: "3"})), "Deployment")

    assert annotated["spec"]["template"] == only(render(deployment(predictor())), "Deployment")["spec"]["template"]


@pytest.mark.parametrize(
    ("sample", "transport", "address"),
    [
        ("chain in one pod", "rest", ("localhost", 9000)),
        ("chain in one pod", "grpc", ("localhost", 9500)),
        ("graph in two pods, engine apart", "rest", ("iris-default-choose.default.svc.cluster.local", 9000)),
    ],
)
def test_the_engine_is_told_where_each_unit_listens(sample: str, transport: str, address: tuple[str, int]) -> None:
    raw = SAMPLES[sample]
    objects = render({**raw, "spec": {**raw["spec"], "transport": transport}}).values()
    field = POD + "containers[seldon-container-engine].env[ENGINE_PREDICTOR].value"
    engines = (at(each, field) for each in objects if each["kind"] == "Deployment")
    told = json.loads(base64.b64decode(next(each for each in engines if each != MISSING)))

    endpoint = told["graph"]["endpoint"]

    assert (endpoint["service_host"], endpoint["service_port"]) == address


def test_a_live_deployments_selector_stays_and_its_pods_go_on_bearing_it() -> None:
    selector = {"matchLabels": {"app": "older", "fluentd": "yes"}}
    live = {("Deployment", "iris-default-0-classifier"): {"metadata": {}, "spec": {"selector": selector}}}

    found = only(render(SAMPLES["prepackaged server"], live=live), "Deployment")

    assert found["spec"]["selector"] == selector
    assert selector["matchLabels"].items() <= found["spec"]["template"]["metadata"]["labels"].items()


def test_the_users_container_of_a_prepackaged_unit_wins_field_by_field() -> None:
    own = container(
        "classifier",
        image="registry.example/other:2",
        securityContext={"runAsUser": 0},
        readinessProbe={"exec": {"command": ["true"]}},
        volumeMounts=[{"name": "mine", "mountPath": "/mnt/models"}],
        ports=[{"name": "http", "containerPort": 8080}],
    )

    found = at(only(render(deployment(predictor(None, component(own)))), "Deployment"), SERVER[:-1])

    assert (found["image"], found["readinessProbe"]) == (own["image"], own["readinessProbe"])
    assert at(found, "volumeMounts[/mnt/models].name") == "mine"
    assert at(found, "ports[http].containerPort") == 8080
    assert at(found, "env[PREDICTIVE_UNIT_HTTP_SERVICE_PORT].value") == "8080"


@pytest.mark.parametrize(
    ("stated", "gone"),
    [({"runAsUser": 0}, "runAsNonRoot"), ({"privileged": True}, "allowPrivilegeEscalation")],
    ids=["root", "privileged"],
)
def test_a_user_who_asks_for_root_is_not_contradicted(stated: Any, gone: str) -> None:
    own = {"name": "classifier", "securityContext": stated}

    context = at(only(render(deployment(predictor(None, component(own)))), "Deployment"), SERVER + "securityContext")

    assert stated.items() <= context.items()
    assert gone not in context


def test_an_image_that_nobody_names_is_refused_with_the_setting_that_helps() -> None:
    with pytest.raises(NotRenderableError, match="SLUICEGATE_SERVERS"):
        render(deployment(predictor({**SKLEARN, "implementation": "TRITON_SERVER"})))


@pytest.mark.parametrize("protocol", ["seldon", "v2", "kfserving"])
@pytest.mark.parametrize(
    ("implementation", "image"),
    [
        ("SKLEARN_SERVER", "sluicegate/server-sklearn"),
        ("XGBOOST_SERVER", "sluicegate/server-xgboost"),
        ("LIGHTGBM_SERVER", "sluicegate/server-lightgbm"),
        ("MLFLOW_SERVER", "sluicegate/server-mlflow"),
        ("ONNX_SERVER", "sluicegate/server-onnx"),
    ],
)
def test_each_framework_that_we_have_an_image_for_gets_our_server(
    implementation: str, image: str, protocol: str
) -> None:
    raw = deployment(predictor({**SKLEARN, "implementation": implementation}), protocol=protocol)

    found = at(only(render(raw), "Deployment"), SERVER[:-1])

    assert found["image"].partition(":")[0] == image
    assert at(found, "env[SLUICEGATE_IMPLEMENTATION].value") == implementation


def test_what_we_have_no_image_for_is_run_by_seldons() -> None:
    installation = read_installation({})

    assert installation.server_image("TENSORFLOW_SERVER", "tensorflow") == "tensorflow/serving:2.1.0"
    assert installation.server_image("XGBOOST_SERVER", "tensorflow") == ""
    assert {"HUGGINGFACE_SERVER", "ONNX_SERVER"} <= installation.served("v2")
    assert "PYTORCH_SERVER" not in installation.served("v2")


def test_an_installations_own_server_is_used_by_its_protocol() -> None:
    installation = read_installation({"SLUICEGATE_SERVERS": '{"XGBOOST_SERVER": {"v2": "mlserver:1"}}'})
    raw = deployment(predictor({**SKLEARN, "implementation": "XGBOOST_SERVER"}), protocol="kfserving")

    assert at(only(render(raw, installation=installation), "Deployment"), SERVER + "image") == "mlserver:1"


def test_a_server_that_is_not_ours_is_told_in_seldons_way() -> None:
    installation = read_installation({"SLUICEGATE_SERVERS": '{"CATBOOST_SERVER": {"seldon": "catboost:1"}}'})
    raw = deployment(predictor({**SKLEARN, "implementation": "CATBOOST_SERVER"}))

    found = at(only(render(raw, installation=installation), "Deployment"), SERVER[:-1])

    assert found["image"] == "catboost:1"
    assert found["readinessProbe"]["tcpSocket"] == {"port": "http"}
    assert at(found, "env[PREDICTIVE_UNIT_PARAMETERS].value") == (
        '[{"name": "model_uri", "value": "/mnt/models", "type": "STRING"}]'
    )


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_shape_that_seldon_core_took_is_rendered(name: str) -> None:
    installation = read_installation({"SLUICEGATE_SERVERS": SERVERS_FOR_SHAPES})

    for raw in shapes(name):
        if raw["kind"] == "SeldonDeployment":
            assert render(owned(raw), installation=installation)


def test_what_go_writes_for_nothing_is_not_stated() -> None:
    own = {"name": "classifier", "image": "", "resources": {}, "env": []}

    found, bare = (
        at(only(render(deployment(predictor(*components))), "Deployment"), SERVER[:-1])
        for components in ((None, component(own)), ())
    )

    assert found == bare


def test_a_unit_that_does_not_simply_predict_is_led_by_an_engine() -> None:
    raw = deployment(predictor(graph("own", "TRANSFORMER"), component(container("own"))))

    names = [each["name"] for each in at(only(render(raw), "Deployment"), POD + "containers")]

    assert names == ["seldon-container-engine", "own"]


@pytest.mark.parametrize(
    ("logger", "form", "mode"),
    [
        ({"mode": "request", "url": "http://broker"}, "binary", "request"),
        ({"mode": "all"}, None, None),
        ({"url": "http://broker"}, None, None),
    ],
)
def test_a_receiver_of_the_deployments_own_gets_events_as_seldon_sent_them(
    logger: dict[str, str], form: str | None, mode: str | None
) -> None:
    """Our collector gets batches of all, whatever the mode: rollouts are judged by them."""
    found = at(only(render(deployment(predictor({**SKLEARN, "logger": logger}))), "Deployment"), SERVER + "env")

    told = {each["name"]: each.get("value") for each in found}
    assert (told.get("SLUICEGATE_LOG_FORM"), told.get("SLUICEGATE_LOG_MODE")) == (form, mode)
