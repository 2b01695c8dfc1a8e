"""Who the API server asks, and who never has to wait for us."""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.configuration import Door, webhook_configuration
from sluicegate.serving.operator.admission.subjects import MODEL_ROLLOUT, SELDON_DEPLOYMENT


def webhooks(**door: object) -> list[JSON]:
    """Of a configuration."""
    return list(webhook_configuration(Door(**door))["webhooks"])  # type: ignore[arg-type]


def test_it_fails_closed_and_has_no_side_effects() -> None:
    for webhook in webhooks():
        assert (webhook["failurePolicy"], webhook["sideEffects"], webhook["matchPolicy"]) == (
            "Fail",
            "None",
            "Equivalent",
        )
        assert "caBundle" not in webhook["clientConfig"]


def test_only_writes_of_our_two_kinds_are_asked_about() -> None:
    """No deletion, no status, no scale, and nothing of anybody else's."""
    (deployments,), (rollouts,) = (webhook["rules"] for webhook in webhooks())

    assert deployments["resources"] == [SELDON_DEPLOYMENT.resource]
    assert deployments["apiVersions"] == ["v1", "v1alpha2", "v1alpha3"]
    assert (rollouts["apiGroups"], rollouts["resources"]) == (["sluicegate.dev"], [MODEL_ROLLOUT.resource])
    assert deployments["operations"] == rollouts["operations"] == ["CREATE", "UPDATE"]


def test_the_operators_own_namespace_and_kube_system_never_wait() -> None:
    own, unmarked = webhooks(namespace="mine")[0]["namespaceSelector"]["matchExpressions"]

    assert unmarked == {"key": "seldon.io/controller-id", "operator": "DoesNotExist"}
    assert own == {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "mine"]}


def test_a_namespaced_operator_reviews_what_it_is_for() -> None:
    """Its own namespace too, when its models are there."""
    (chosen,) = webhooks(namespace="mine", namespaces=("mine", "b"))[0]["namespaceSelector"]["matchExpressions"]

    assert (chosen["operator"], chosen["values"]) == ("In", ["mine", "b"])


def test_an_operator_with_a_share_reviews_what_is_marked_or_in_a_marked_namespace() -> None:
    """And one without reviews what is not marked."""
    marked, in_marked, *_ = webhooks(controller_id="a")

    mark = {"key": "seldon.io/controller-id", "operator": "In", "values": ["a"]}
    assert mark in marked["objectSelector"]["matchExpressions"]
    assert mark in in_marked["namespaceSelector"]["matchExpressions"]
    assert len({each["name"] for each in webhooks(controller_id="a")}) == 4
    assert webhooks()[0]["objectSelector"] == in_marked["objectSelector"]


def test_cert_manager_is_asked_for_the_bundle_by_its_annotation() -> None:
    metadata = webhook_configuration(Door(inject_ca_from="ns/cert"))["metadata"]

    assert metadata["annotations"] == {"cert-manager.io/inject-ca-from": "ns/cert"}
