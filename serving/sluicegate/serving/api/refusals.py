"""How broken rules are answered: Kubernetes' ``Status`` with every error as a cause, for API and webhook alike."""

from collections.abc import Iterable

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON


def invalid_status(group: str, kind: str, name: str, errors: Iterable[FieldError]) -> JSON:
    """``SeldonDeployment.machinelearning.seldon.io "x" is invalid: [spec.predictors[0]…: …, …]``, code 422."""
    broken = tuple(errors)
    causes = [{"reason": "FieldValueInvalid", "message": error.detail, "field": error.path} for error in broken]
    words = f"[{', '.join(map(str, broken))}]" if len(broken) > 1 else "".join(map(str, broken))
    resource = f"{kind}.{group}" if group else kind
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": f'{resource} "{name}" is invalid: {words}',
        "reason": "Invalid",
        "details": {"name": name, "group": group, "kind": kind, "causes": causes},
        "code": 422,
    }
