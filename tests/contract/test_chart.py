"""The Helm chart makes the objects of ``manifests/install``, refuses wrong values, and reaches every setting."""

import re
from typing import Any

import helm_python as helm
import pytest
from tests import chart_rig as rig

from sluicegate.pipelines.chart.values import FIXED, defaults, kind_of, settable, table, value_name
from sluicegate.serving.operator.admission.configuration import Door, webhook_configuration
from sluicegate.serving.operator.process import PROCESS_SETTINGS, read_process
from sluicegate.serving.operator.rights import manifests
from sluicegate.serving.operator.settings import SETTINGS, read_installation

KEEP = {"helm.sh/resource-policy": "keep"}
JSON = dict[str, Any]


def nested(path: str, value: Any) -> JSON:
    """``nested("a.b", 1)`` is ``{"a": {"b": 1}}``."""
    first, _, others = path.partition(".")
    return {first: nested(others, value) if others else value}


def test_the_chart_makes_the_objects_of_the_kustomization() -> None:
    """But for the namespace, which Helm makes, and the mark that keeps the definitions."""
    wanted = {key: each for key, each in rig.built().items() if key[0] != "Namespace"}
    found = rig.rendered()
    for (kind, _, _), each in found.items():
        if kind == "CustomResourceDefinition":
            assert each["metadata"].pop("annotations") == KEEP

    assert found == wanted


@pytest.mark.parametrize("kind", ["gateway-api", "istio"])
def test_behind_another_gateway_it_makes_the_objects_of_the_components(kind: str) -> None:
    wanted = {key: each for key, each in rig.built(kind, "without-envoy").items() if key[0] != "Namespace"}
    found = rig.rendered({"settings": {"gatewayKind": kind}, "gateway": {"enabled": False}, "keepCRDs": False})

    for objects in (wanted, found):
        for part in ("operator", "collector"):
            rig.container(objects, part)["env"].sort(key=lambda each: each["name"])
    assert found == wanted


def test_an_operator_of_one_namespace_writes_routes_in_no_other() -> None:
    found = rig.rendered({"watchNamespace": "models", "settings": {"gatewayKind": "gateway-api"}})

    around = found["ClusterRole", "", "sluicegate-operator-gateway-api"]["rules"]
    assert [each["resources"] for each in around] == [["gateways"], ["gatewayclasses"]]
    routes = found["Role", "models", "sluicegate-operator-gateway-api-watched"]["rules"]
    assert routes[0]["resources"] == ["httproutes", "grpcroutes"]
    binding = found["RoleBinding", "models", "sluicegate-operator-gateway-api-watched"]
    assert binding["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "Role",
        "name": "sluicegate-operator-gateway-api-watched",
    }


def test_helm_lint_finds_nothing() -> None:
    report = helm.lint(rig.CHART, strict=True, namespace="sluicegate", kube_version="v1.30.0")

    # An icon would be a link to a place on the web.
    assert ([each["error"] for each in report["messages"]], report["errors"]) == (["icon is recommended"], [])


def test_the_file_of_values_says_what_the_table_says() -> None:
    with helm.Chart.load(rig.CHART) as chart:
        assert chart.values == defaults()
        assert chart.metadata["version"] == chart.metadata["appVersion"] == read_installation({}).version


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("operator.replica", 3),
        ("webhook.failurePolicy", "Maybe"),
        ("image.pullSecrets", ["registry"]),
        ("settings.workers", "four"),
        ("settings.keda", "yes"),
        ("settings.serverResources", "100m"),
        ("gateway.service.port", 70000),
    ],
)
def test_a_value_that_means_nothing_is_refused_with_its_name(path: str, value: Any) -> None:
    with pytest.raises(helm.HelmError, match=path.rpartition(".")[2]):
        rig.rendered(nested(path, value))


def test_every_setting_of_the_operator_can_be_set() -> None:
    values = {
        "text": ("some text", "some text"),
        "truth": (False, "false"),
        "number": (17, "17"),
        "object": ({"V2": {"seldon": "a/b:1"}}, '{"V2":{"seldon":"a/b:1"}}'),
    }
    given = {value_name(each).partition(".")[2]: values[kind_of(each)][0] for each in settable()}
    found = rig.environment(rig.rendered({"settings": given}))

    assert {each.env: found.get(each.env) for each in settable()} == {
        each.env: values[kind_of(each)][1] for each in settable()
    }


def test_what_is_not_a_value_is_decided_by_something_else() -> None:
    names = [each.name for each in (*SETTINGS, *PROCESS_SETTINGS)]

    assert set(FIXED) <= set(names)
    assert {f"settings.{path}" for path in defaults()["settings"]} == {value_name(each) for each in settable()}


def test_the_operator_can_read_what_the_chart_tells_it() -> None:
    given = {"serverResources": {"limits": {"cpu": "2"}}, "nativeSleep": False, "workers": 9, "logLevel": "debug"}
    found = rig.environment(rig.rendered({"settings": given, "image": {"registry": "r.example/s", "tag": "1.2"}}))

    told, process = read_installation(found), read_process(found)
    assert (told.server_resources, told.native_sleep) == ({"limits": {"cpu": "2"}}, False)
    assert (told.registry, told.version) == ("r.example/s", "1.2")
    assert (process.workers, process.log_level) == (9, "debug")


def test_images_come_from_the_registry_that_is_named() -> None:
    secrets = [{"name": "registry"}]
    found = rig.rendered({"image": {"registry": "r.example/s", "tag": "1.2", "pullSecrets": secrets}})

    for part in ("operator", "gateway", "collector"):
        assert rig.container(found, part)["image"] == f"r.example/s/{part}:1.2"
        assert rig.pod(found, part)["imagePullSecrets"] == secrets


@pytest.mark.parametrize("part", ["operator", "gateway", "collector"])
def test_pods_go_where_they_are_told(part: str) -> None:
    places = {
        "nodeSelector": {"pool": "models"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
    }
    more = {"name": "HTTPS_PROXY", "value": "http://proxy"}
    found = rig.rendered({part: {**places, "resources": {"limits": {"cpu": "3"}}, "extraEnv": [more]}})

    pod, container = rig.pod(found, part), rig.container(found, part)
    assert {name: pod[name] for name in places} == places
    assert container["resources"]["limits"]["cpu"] == "3"
    assert container["env"][-1] == more


@pytest.mark.parametrize("part", ["operator", "gateway", "collector"])
def test_pods_can_be_marked_and_keep_what_selects_them(part: str) -> None:
    found = rig.rendered({part: {"podLabels": {"team": "a"}, "podAnnotations": {"note": "true"}}})

    made = found["Deployment", "sluicegate", f"sluicegate-{part}"]["spec"]
    marks = made["template"]["metadata"]
    assert marks["labels"] == made["selector"]["matchLabels"] | {"app.kubernetes.io/part-of": "sluicegate", "team": "a"}
    assert marks["annotations"]["note"] == "true"


def test_an_operator_of_one_namespace_has_rights_in_no_other() -> None:
    found = rig.rendered({"watchNamespace": "models"})

    (cluster,) = (each for key, each in found.items() if key[0] == "ClusterRole")
    assert [each["resources"] for each in cluster["rules"]] == [["validatingwebhookconfigurations"]]
    everywhere = rig.rendered()["ClusterRole", "", "sluicegate-operator"]["rules"]
    watched = found["Role", "models", "sluicegate-operator-watched"]["rules"]
    known = {"namespaces"}  # whose labels an operator of one namespace has no use for
    assert [*watched, *cluster["rules"]] == [each for each in everywhere if not known & set(each["resources"])]
    binding = found["RoleBinding", "models", "sluicegate-operator-watched"]
    assert binding["roleRef"]["name"] == "sluicegate-operator-watched"
    assert binding["subjects"][0]["namespace"] == "sluicegate"
    assert rig.environment(found)["SLUICEGATE_WATCH_NAMESPACE"] == "models"


def test_operators_that_share_a_cluster_have_names_and_selectors_by_their_id() -> None:
    found = rig.rendered({"settings": {"controllerId": "blue"}}, namespace="two")

    door = webhook_configuration(Door(namespace="two", controller_id="blue"))
    assert found["ValidatingWebhookConfiguration", "", "sluicegate-blue"] == door
    for wanted in manifests("two", "blue"):
        meta = wanted["metadata"]
        assert found[wanted["kind"], meta.get("namespace", ""), meta["name"]] == wanted
    assert ("ClusterRole", "", "sluicegate-operator") not in found
    assert rig.environment(found)["SLUICEGATE_CONTROLLER_ID"] == "blue"


def test_without_webhook_and_definitions_an_operator_of_one_namespace_needs_nothing_of_the_cluster() -> None:
    values = {"watchNamespace": "models", "webhook": {"enabled": False}, "installCRDs": False}
    found = rig.rendered(values, namespace="models")

    assert {namespace for _, namespace, _ in found} == {"models"}
    assert rig.environment(found)["SLUICEGATE_WEBHOOK_PORT"] == "0"


def test_everything_is_in_the_releases_namespace() -> None:
    found = rig.rendered(namespace="elsewhere")

    assert {namespace for _, namespace, _ in found} == {"", "elsewhere"}
    assert rig.environment(found)["REQUEST_LOGGER_DEFAULT_ENDPOINT"] == (
        "http://sluicegate-collector.elsewhere:7081/events"
    )
    for webhook in found["ValidatingWebhookConfiguration", "", "sluicegate"]["webhooks"]:
        assert webhook["clientConfig"]["service"]["namespace"] == "elsewhere"
        assert webhook["namespaceSelector"]["matchExpressions"][0]["values"] == ["kube-system", "elsewhere"]


@pytest.mark.parametrize("part", ["gateway", "collector"])
def test_a_part_that_is_off_is_not_there(part: str) -> None:
    found = rig.rendered({part: {"enabled": False}})

    assert not [name for _, _, name in found if name.startswith(f"sluicegate-{part}")]
    assert ("REQUEST_LOGGER_DEFAULT_ENDPOINT", "") in rig.environment(found).items() or part == "gateway"


def test_the_collectors_database_can_outlive_its_pod() -> None:
    persistence = {"enabled": True, "size": "5Gi", "storageClass": "fast"}
    found = rig.rendered({"collector": {"persistence": persistence}})

    claim = found["PersistentVolumeClaim", "sluicegate", "sluicegate-collector"]["spec"]
    assert (claim["storageClassName"], claim["resources"]["requests"]["storage"]) == ("fast", "5Gi")
    used = {"name": "data", "persistentVolumeClaim": {"claimName": "sluicegate-collector"}}
    assert used in rig.pod(found, "collector")["volumes"]


def test_cert_manager_can_keep_the_certificate() -> None:
    found = rig.rendered({"webhook": {"certManager": {"enabled": True}, "failurePolicy": "Ignore"}})

    certificate = found["Certificate", "sluicegate", "sluicegate-webhook"]["spec"]
    assert found["Issuer", "sluicegate", certificate["issuerRef"]["name"]]
    configuration = found["ValidatingWebhookConfiguration", "", "sluicegate"]
    assert configuration["metadata"]["annotations"] == {
        "cert-manager.io/inject-ca-from": "sluicegate/sluicegate-webhook"
    }
    assert {each["failurePolicy"] for each in configuration["webhooks"]} == {"Ignore"}
    volume = {"name": "certificate", "secret": {"secretName": certificate["secretName"]}}
    assert volume in rig.pod(found, "operator")["volumes"]
    assert rig.environment(found)["SLUICEGATE_WEBHOOK_CERTIFICATE"] == "/certificate"


def test_definitions_can_be_left_to_others_or_go_with_the_release() -> None:
    kinds = [kind for kind, _, _ in rig.rendered({"installCRDs": False})]
    kept = rig.rendered({"keepCRDs": False})

    assert "CustomResourceDefinition" not in kinds
    assert "annotations" not in kept["CustomResourceDefinition", "", "modelrollouts.sluicegate.dev"]["metadata"]


def test_values_that_pages_set_are_values() -> None:
    pages = [page.read_text() for page in (rig.ROOT / "docs").rglob("*.md")]
    shown = {found for page in pages for found in re.findall(r"--set ([\w.]+)=", page)}

    assert "image.registry" in shown
    assert shown <= {each.path for each in table()}


def test_every_value_has_a_sentence_and_a_default_that_its_schema_allows() -> None:
    assert rig.rendered(defaults()) == rig.rendered()
    assert all(each.sentence.endswith(".") for each in table())
