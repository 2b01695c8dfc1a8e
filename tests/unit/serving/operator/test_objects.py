"""What a predictor becomes: a table of behaviours, a field of an object in each line."""

from typing import Any

import pytest
from tests.unit.serving.operator.rendered import INSTALLATION, MISSING, at, only, render
from tests.unit.serving.operator.samples import (
    HPA_V2BETA1,
    KEDA,
    SAMPLES,
    SKLEARN,
    component,
    container,
    deployment,
    graph,
    predictor,
)

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.operator.errors import InstallationRefusedError, NotRenderableError
from sluicegate.serving.operator.objects.explainer import explainer_warnings
from sluicegate.serving.operator.settings import read_installation

CLASSIFIER = "Deployment/iris-default-0-classifier"
POD = "spec.template.spec."
SERVER = "spec.template.spec.containers[classifier]."
FETCH = "spec.template.spec.initContainers[classifier-model-initializer]."
LABELS = "spec.template.metadata.labels"
NOTES = "spec.template.metadata.annotations"

BEHAVIOURS: list[tuple[str, str, str, Any]] = [
    # sample, object, field, value
    ("prepackaged server", CLASSIFIER, "spec.strategy.rollingUpdate", {"maxUnavailable": 0, "maxSurge": "25%"}),
    ("prepackaged server", CLASSIFIER, "spec.replicas", 1),
    ("prepackaged server", CLASSIFIER, "spec.progressDeadlineSeconds", MISSING),
    ("certificate, initialiser of kfserving", CLASSIFIER, "spec.progressDeadlineSeconds", 120),
    ("prepackaged server", CLASSIFIER, "spec.selector.matchLabels.app", "iris-default-0-classifier"),
    ("prepackaged server", CLASSIFIER, "spec.selector.matchLabels.seldon-deployment-id", "iris"),
    ("prepackaged server", CLASSIFIER, "metadata.ownerReferences[iris].controller", True),
    ("prepackaged server", CLASSIFIER, "metadata.labels[app.kubernetes.io/managed-by]", "seldon-core"),
    # labels and annotations of pods
    ("prepackaged server", CLASSIFIER, f"{LABELS}.version", "default"),
    ("prepackaged server", CLASSIFIER, f"{LABELS}[sluicegate.dev/predictor]", "default"),
    ("prepackaged server", CLASSIFIER, f"{LABELS}.seldon-app", "iris-default"),
    ("prepackaged server", CLASSIFIER, f"{LABELS}.seldon-app-svc-classifier", "iris-default-classifier"),
    ("prepackaged server", CLASSIFIER, f"{LABELS}[seldon.io/model]", "true"),
    ("prepackaged server", CLASSIFIER, f"{LABELS}[seldon-deployment-contains-svcorch]", MISSING),
    ("prepackaged server", CLASSIFIER, f"{NOTES}[prometheus.io/scrape]", "true"),
    ("prepackaged server", CLASSIFIER, f"{NOTES}[prometheus.io/path]", "/prometheus"),
    ("prepackaged server", CLASSIFIER, f"{NOTES}[prometheus.io/port]", "9000"),
    ("quantities and a sidecar", "Deployment/iris-default-0-classifier-sidecar", f"{LABELS}.team", "a"),
    ("quantities and a sidecar", "Deployment/iris-default-0-classifier-sidecar", f"{NOTES}.note", "b"),
    ("chain in one pod", "Deployment/iris-default-0-clean-predict", f"{LABELS}[seldon.io/transformer]", "true"),
    # a shadow that becomes the main one keeps its pods
    ("main and shadow", "Deployment/iris-shadow-0-classifier", "metadata.labels[seldon.io/shadow]", "true"),
    ("main and shadow", "Deployment/iris-shadow-0-classifier", f"{LABELS}[seldon.io/shadow]", MISSING),
    ("main and shadow", "Deployment/iris-shadow-0-classifier", "spec.replicas", 2),
    # our server
    ("prepackaged server", CLASSIFIER, SERVER + "image", "sluicegate/server-sklearn:1"),
    ("prepackaged server", CLASSIFIER, SERVER + "imagePullPolicy", "IfNotPresent"),
    ("prepackaged server", CLASSIFIER, SERVER + "terminationMessagePolicy", "FallbackToLogsOnError"),
    ("prepackaged server", CLASSIFIER, SERVER + "readinessProbe.httpGet.path", "/ready"),
    ("prepackaged server", CLASSIFIER, SERVER + "livenessProbe.httpGet.path", "/live"),
    ("prepackaged server", CLASSIFIER, SERVER + "lifecycle.preStop.sleep.seconds", 5),
    ("prepackaged server", CLASSIFIER, POD + "terminationGracePeriodSeconds", 30),
    ("prepackaged server", CLASSIFIER, SERVER + "env[SLUICEGATE_DRAIN_SECONDS].value", "23"),
    ("prepackaged server", CLASSIFIER, SERVER + "env[SLUICEGATE_HOST].value", "0.0.0.0"),
    ("prepackaged server", CLASSIFIER, SERVER + "env[SLUICEGATE_IMPLEMENTATION].value", "SKLEARN_SERVER"),
    ("prepackaged server", CLASSIFIER, SERVER + "env[SLUICEGATE_MODEL_URI].value", "/mnt/models"),
    ("prepackaged server", CLASSIFIER, SERVER + "env[OMP_NUM_THREADS].value", "1"),
    ("prepackaged server", CLASSIFIER, SERVER + "env[PREDICTIVE_UNIT_HTTP_SERVICE_PORT].value", "9000"),
    ("prepackaged server", CLASSIFIER, SERVER + "env[PREDICTIVE_UNIT_ID].value", "classifier"),
    ("prepackaged server", CLASSIFIER, SERVER + "env[PREDICTOR_LABELS].value", '{"version":"default"}'),
    ("prepackaged server", CLASSIFIER, SERVER + "env[MLSERVER_HTTP_PORT]", MISSING),
    ("registered bundle", CLASSIFIER, SERVER + "env[SLUICEGATE_BUNDLE_DIGEST].value", "sha256:" + "a" * 64),
    ("registered bundle", CLASSIFIER, SERVER + "env[SLUICEGATE_MODEL_VERSION].value", "7"),
    ("prepackaged server", CLASSIFIER, SERVER + "securityContext.runAsNonRoot", True),
    ("prepackaged server", CLASSIFIER, SERVER + "securityContext.capabilities.drop", ["ALL"]),
    ("prepackaged server", CLASSIFIER, SERVER + "volumeMounts[/etc/podinfo].name", "seldon-podinfo"),
    (
        "class of the user",
        "Deployment/iris-default-0-model",
        POD + "containers[model].env[SLUICEGATE_IMPLEMENTATION].value",
        "team.Model",
    ),
    ("class of the user", "Deployment/iris-default-0-model", POD + "containers[model].image", "sluicegate/server-sklearn:1"),
    # the user wins
    ("quantities and a sidecar", "Deployment/iris-default-0-classifier-sidecar", SERVER + "env[OMP_NUM_THREADS].value", "2"),
    ("quantities and a sidecar", "Deployment/iris-default-0-classifier-sidecar", SERVER + "resources.limits.cpu", 2),
    ("quantities and a sidecar", "Deployment/iris-default-0-classifier-sidecar", SERVER + "ports[http].containerPort", 9001),
    (
        "quantities and a sidecar",
        "Deployment/iris-default-0-classifier-sidecar",
        POD + "automountServiceAccountToken",
        False,
    ),
    ("quantities and a sidecar", "Deployment/iris-default-0-classifier-sidecar", POD + "containers[sidecar].env", MISSING),
    # models
    ("prepackaged server", CLASSIFIER, FETCH + "image", "sluicegate/storage-initializer:1"),
    (
        "prepackaged server",
        CLASSIFIER,
        FETCH + "command",
        ["python", "-m", "sluicegate.serving.bundle", "fetch"],
    ),
    ("prepackaged server", CLASSIFIER, FETCH + "args", ["s3://models/iris", "/mnt/models"]),
    ("prepackaged server", CLASSIFIER, FETCH + "volumeMounts[/mnt/models].name", "classifier-provision-location"),
    ("prepackaged server", CLASSIFIER, SERVER + "volumeMounts[/mnt/models].readOnly", True),
    ("prepackaged server", CLASSIFIER, POD + "volumes[classifier-provision-location].emptyDir", {}),
    ("certificate, initialiser of kfserving", CLASSIFIER, FETCH + "command", MISSING),
    ("certificate, initialiser of kfserving", CLASSIFIER, FETCH + "args", ["s3://models/iris", "/mnt/models"]),
    ("certificate, initialiser of kfserving", CLASSIFIER, FETCH + "envFrom", [{"secretRef": {"name": "s3"}}]),
    ("certificate, initialiser of kfserving", CLASSIFIER, SERVER + "envFrom", []),
    ("certificate, initialiser of kfserving", CLASSIFIER, SERVER + "volumeMounts[/cert/].name", "cert-volume"),
    ("certificate, initialiser of kfserving", CLASSIFIER, POD + "volumes[cert-volume].secret.secretName", "iris-tls"),
    ("server fetches by itself", CLASSIFIER, POD + "initContainers", []),
    ("server fetches by itself", CLASSIFIER, SERVER + "env[SLUICEGATE_MODEL_URI].value", "s3://models/iris"),
    ("server fetches by itself", CLASSIFIER, SERVER + "envFrom", [{"secretRef": {"name": "s3"}}]),
    ("claim", CLASSIFIER, POD + "initContainers", []),
    ("claim", CLASSIFIER, SERVER + "volumeMounts[/mnt/models].subPath", "iris/3"),
    (
        "claim",
        CLASSIFIER,
        POD + "volumes[classifier-provision-location].persistentVolumeClaim",
        {"claimName": "models", "readOnly": True},
    ),
    # users' containers and other servers
    ("container of the user", "Deployment/iris-default-0-own", POD + "containers[own].readinessProbe.tcpSocket.port", "http"),
    ("container of the user", "Deployment/iris-default-0-own", POD + "containers[own].readinessProbe.initialDelaySeconds", 20),
    ("container of the user", "Deployment/iris-default-0-own", POD + "containers[own].livenessProbe.initialDelaySeconds", 60),
    ("container of the user", "Deployment/iris-default-0-own", POD + "containers[own].env[SELDON_DEPLOYMENT_ID].value", "iris"),
    ("container of the user", "Deployment/iris-default-0-own", POD + "containers[own].env[SELDON_EXECUTOR_ENABLED].value", "true"),
    ("container of the user", "Deployment/iris-default-0-own", POD + "containers[own].ports[metrics].containerPort", 6000),
    ("container of the user", "Deployment/iris-default-0-own", POD + "containers[own].securityContext", MISSING),
    ("mlserver", CLASSIFIER, SERVER + "image", "seldonio/mlserver:1.3.5-sklearn"),
    ("mlserver", CLASSIFIER, SERVER + "env[MLSERVER_MODEL_IMPLEMENTATION].value", "mlserver_sklearn.SKLearnModel"),
    ("mlserver", CLASSIFIER, SERVER + "env[MLSERVER_MODEL_URI].value", "/mnt/models"),
    ("mlserver", CLASSIFIER, SERVER + "env[MLSERVER_MODEL_EXTRA].value", '{"method":"predict"}'),
    # graphs
    ("chain in one pod", "Deployment/iris-default-0-clean-predict", POD + "containers[0].name", "seldon-container-engine"),
    ("chain in one pod", "Deployment/iris-default-0-clean-predict", POD + "containers[predict].ports[http].containerPort", 9001),
    ("chain in one pod", "Deployment/iris-default-0-clean-predict", POD + "containers[predict].ports[grpc].containerPort", 9501),
    ("chain in one pod", "Deployment/iris-default-0-clean-predict", f"{NOTES}[prometheus.io/port]", "8000"),
    ("built-in graph without pods", "Deployment/iris-default-svc-orch", POD + "containers[0].name", "seldon-container-engine"),
    ("graph in two pods, engine apart", "Deployment/iris-default-svc-orch", "spec.replicas", 3),
    ("graph in two pods, engine apart", "Deployment/iris-default-svc-orch", f"{LABELS}.seldon-app", "iris-default"),
    ("graph in two pods, engine apart", "Deployment/iris-default-0-choose-one", f"{LABELS}.seldon-app", MISSING),
    ("graph in two pods, engine apart", "Deployment/iris-default-1-second", "spec.replicas", 2),
    (
        "graph in two pods, engine apart",
        "Deployment/iris-default-svc-orch",
        POD + "containers[0].env[SELDON_LOG_LEVEL].value",
        "DEBUG",
    ),
    ("graph in two pods, engine apart", "Deployment/iris-default-svc-orch", POD + "containers[0].env[LOG_LEVEL].value", "INFO"),
    ("graph in two pods, engine apart", "Deployment/iris-default-svc-orch", POD + "containers[0].env[SEPARATE_POD]", MISSING),
    # Services
    (
        "prepackaged server",
        "Service/iris-default",
        "spec.ports[http]",
        {"name": "http", "port": 8000, "targetPort": "http", "protocol": "TCP"},
    ),
    ("prepackaged server", "Service/iris-default", "spec.ports[grpc].port", 5001),
    ("prepackaged server", "Service/iris-default", "spec.selector", {"seldon-app": "iris-default"}),
    ("prepackaged server", "Service/iris-default", "spec.clusterIP", MISSING),
    ("headless and renamed", "Service/flowers", "spec.clusterIP", "None"),
    ("headless and renamed", "Service/flowers", "spec.selector", {"seldon-app": "flowers"}),
    ("chain in one pod", "Service/iris-default-predict", "spec.ports[http].targetPort", 9001),
    (
        "chain in one pod",
        "Service/iris-default-predict",
        "spec.selector",
        {"seldon-app-svc-predict": "iris-default-predict"},
    ),
    # autoscalers
    ("hpa of old", CLASSIFIER, "spec.replicas", MISSING),
    ("hpa of old", "HorizontalPodAutoscaler/iris-default-0-classifier", "spec.scaleTargetRef.name", "iris-default-0-classifier"),
    ("hpa and budget", "HorizontalPodAutoscaler/iris-default-0-classifier", "spec.behavior.scaleDown", {"stabilizationWindowSeconds": 60}),
    (
        "hpa and budget",
        "PodDisruptionBudget/iris-default-0-classifier",
        "spec",
        {
            "maxUnavailable": "50%",
            "selector": {"matchLabels": {"seldon-deployment-id": "iris", "app": "iris-default-0-classifier"}},
        },
    ),
    # explainer
    ("explainer", "Deployment/iris-default-explainer", POD + "containers[0].image", "seldonio/alibiexplainer:1.17.1"),
    (
        "explainer",
        "Deployment/iris-default-explainer",
        POD + "containers[0].args",
        [
            "--model_name=iris",
            "--predictor_host=iris-default:8000",
            "--protocol=seldon.http",
            "--http_port=9000",
            "--storage_uri=/mnt/models",
            "AnchorTabular",
            "--threshold=0.9",
        ],
    ),
    ("explainer", "Deployment/iris-default-explainer", f"{LABELS}[sluicegate.dev/predictor]", MISSING),
    ("explainer", "Service/iris-default-explainer", "spec.selector", {"seldon-app": "iris-default-explainer"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sample", "name", "field", "value"), BEHAVIOURS, ids=[f"{each[0]}: {each[1]} {each[2]}" for each in BEHAVIOURS]
)
def test_a_predictor_becomes(sample: str, name: str, field: str, value: Any) -> None:
    assert at(render(SAMPLES[sample])[name], field) == value


def test_metrics_of_v2beta1_become_metrics_of_v2() -> None:
    autoscaler = only(render(SAMPLES["hpa of old"]), "HorizontalPodAutoscaler")

    assert autoscaler["spec"]["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}},
        {
            "type": "Pods",
            "pods": {"metric": {"name": "rows"}, "target": {"type": "AverageValue", "averageValue": "1000m"}},
        },
        {
            "type": "Object",
            "object": {
                "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "queue"},
                "metric": {"name": "depth"},
                "target": {"type": "Value", "value": "5000m"},
            },
        },
        {"type": "External", "external": {"metric": {"name": "lag"}, "target": {"type": "Value", "value": 10}}},
    ]


def test_keda_wins_over_an_hpa_which_wins_over_replicas() -> None:
    objects = render(deployment(predictor(None, component(kedaSpec=KEDA, hpaSpec=HPA_V2BETA1, replicas=3))))

    assert only(objects, "ScaledObject")["spec"] == {**KEDA, "scaleTargetRef": {"name": "iris-default-0-classifier"}}
    assert "replicas" not in only(objects, "Deployment")["spec"]
    assert not any(name.startswith("HorizontalPodAutoscaler/") for name in objects)


def test_without_keda_on_the_cluster_replicas_are_as_stated() -> None:
    installation = read_installation({"SLUICEGATE_KEDA": "false"})

    objects = render(deployment(predictor(None, component(kedaSpec=KEDA, replicas=3))), installation=installation)

    assert only(objects, "Deployment")["spec"]["replicas"] == 3
    assert not any(name.startswith("ScaledObject/") for name in objects)


@pytest.mark.parametrize(
    ("own", "predictors", "deployments", "expected"), [(1, 2, 3, 1), (None, 2, 3, 2), (None, None, 3, 3), (0, 2, 3, 0)]
)
def test_replicas_of_a_component_win_over_the_predictors_and_those_over_the_deployments(
    own: int | None, predictors: int | None, deployments: int | None, expected: int
) -> None:
    raw = deployment(predictor(None, component(replicas=own), replicas=predictors), replicas=deployments)

    assert only(render(raw), "Deployment")["spec"]["replicas"] == expected


@pytest.mark.parametrize(
    ("raw", "kind", "field"),
    [
        (deployment(predictor()), "Deployment", "spec.replicas"),
        (SAMPLES["hpa of old"], "HorizontalPodAutoscaler", "spec.minReplicas"),
        (deployment(predictor(None, component(kedaSpec=KEDA))), "ScaledObject", "spec.minReplicaCount"),
    ],
    ids=["replicas", "hpa", "keda"],
)
def test_pods_of_a_stable_predictor_are_held_whoever_scales_them(raw: Any, kind: str, field: str) -> None:
    assert at(only(render(raw, hold=5), kind), field) == 5


def test_replicas_that_we_stated_stay_until_the_autoscaler_states_its_own() -> None:
    """A field that its only applier leaves out goes back to its default: ten pods would become one."""
    fields = {"manager": "sluicegate-operator", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    ours = {"metadata": {"managedFields": [fields]}, "spec": {"replicas": 10}}
    scaled = {"metadata": {"managedFields": [{**fields, "manager": "kube-controller-manager"}]}, "spec": ours["spec"]}

    before, after = (
        render(SAMPLES["hpa of old"], live={("Deployment", "iris-default-0-classifier"): live})
        for live in (ours, scaled)
    )

    assert (at(only(before, "Deployment"), "spec.replicas"), at(only(after, "Deployment"), "spec.replicas")) == (
        10,
        MISSING,
    )


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
        render(deployment(predictor({**SKLEARN, "implementation": "XGBOOST_SERVER"})))


def test_an_installations_own_server_is_used_by_its_protocol() -> None:
    installation = read_installation({"SLUICEGATE_SERVERS": '{"XGBOOST_SERVER": {"v2": "mlserver:1"}}'})
    raw = deployment(predictor({**SKLEARN, "implementation": "XGBOOST_SERVER"}), protocol="kfserving")

    assert at(only(render(raw, installation=installation), "Deployment"), SERVER + "image") == "mlserver:1"


def test_an_explainer_without_an_image_is_left_out_and_said_so() -> None:
    raw = deployment(predictor(explainer={"type": "AnchorTabular"}))

    assert "Deployment/iris-default-explainer" not in render(raw)
    assert list(explainer_warnings(decode(raw, SeldonDeployment), INSTALLATION)) != []


def test_a_unit_that_does_not_simply_predict_is_led_by_an_engine() -> None:
    raw = deployment(predictor(graph("own", "TRANSFORMER"), component(container("own"))))

    names = [each["name"] for each in at(only(render(raw), "Deployment"), POD + "containers")]

    assert names == ["seldon-container-engine", "own"]


@pytest.mark.parametrize(("name", "text"), [("SLUICEGATE_SERVERS", "[]"), ("SLUICEGATE_KEDA", "perhaps")])
def test_a_setting_that_cannot_be_read_is_refused_by_name(name: str, text: str) -> None:
    with pytest.raises(InstallationRefusedError, match=name):
        read_installation({name: text})
