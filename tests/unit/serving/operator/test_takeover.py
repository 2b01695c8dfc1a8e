"""How fields of Seldon Core's operator come under our name, and whose do not."""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.takeover import takeover_patch


def entry(manager: str, fields: JSON, **more: str) -> JSON:
    """One line of managedFields."""
    return {"manager": manager, "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": fields, **more}


def live(*entries: JSON, **annotations: str) -> JSON:
    """An object with these managers."""
    return {"metadata": {"resourceVersion": "5", "annotations": annotations, "managedFields": list(entries)}}


SELDONS = entry("manager", {"f:spec": {"f:a": {}}})
STATUS = entry("manager", {"f:status": {}}, subresource="status")
AUTOSCALERS = entry("kube-controller-manager", {"f:spec": {"f:replicas": {}}}, subresource="scale")


def test_the_former_operators_fields_become_ours_and_nobody_elses() -> None:
    fields, version = takeover_patch(live(SELDONS, STATUS, AUTOSCALERS, entry("manager", {"f:spec": {"f:b": {}}})))

    *kept, ours = fields["value"]
    assert kept == [STATUS, AUTOSCALERS]
    assert (ours["manager"], ours["operation"]) == ("sluicegate-operator", "Apply")
    assert ours["fieldsV1"] == {"f:spec": {"f:a": {}, "f:b": {}}}
    assert version == {"op": "replace", "path": "/metadata/resourceVersion", "value": "5"}


def test_what_is_ours_already_or_was_never_seldons_is_left_alone() -> None:
    assert takeover_patch(None) == []
    assert takeover_patch(live(STATUS, AUTOSCALERS)) == []
    assert takeover_patch(live(SELDONS, **{"sluicegate.dev/applied": "1"})) == []
