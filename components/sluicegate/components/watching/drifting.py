"""``check-drift``: whether what is asked now still looks like what the model learned from."""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import httpx

from sluicegate.components.artefacts.places import service
from sluicegate.components.errors import GateNotPassedError, InputRefusedError, ServiceUnreachableError
from sluicegate.components.step import step


class Drift(NamedTuple):
    """Whether any feature is beyond its own threshold, and the one farthest out (score 1 is the threshold)."""

    drifted: bool
    feature: str
    score: float


@step("check-drift")
def check_drift(
    *,
    deployment: Annotated[str, "Name of the SeldonDeployment."],
    namespace: Annotated[str, "Namespace of the SeldonDeployment."] = "default",
    predictor: Annotated[str, "Its predictor; all of them when empty."] = "",
    must_have_drifted: Annotated[bool, "Gate: go on only where there is drift."] = False,
    must_not_have_drifted: Annotated[bool, "Gate: go on only where there is none."] = False,
    collector: Annotated[str, "Address of the collector; SLUICEGATE_COLLECTOR when empty."] = "",
) -> Drift:
    """Ask the collector how far each feature has moved from the profile that was packaged with the model.

    Raises GateNotPassedError at a gate, ServiceUnreachableError or InputRefusedError when the collector has no answer.
    """
    address = service("SLUICEGATE_COLLECTOR", collector)
    found = worst(_ask(address, namespace, deployment, predictor))
    if found.drifted and must_not_have_drifted:
        raise GateNotPassedError(f"drift: {found.feature} is at {found.score:.2f} of its threshold; expected below 1")
    if must_have_drifted and not found.drifted:
        raise GateNotPassedError(
            f"drift: at most {found.score:.2f} of a threshold ({found.feature or 'no feature seen'})"
        )
    return found


def worst(features: Mapping[str, float]) -> Drift:
    """The feature farthest beyond its own threshold."""
    if not features:
        return Drift(False, "", 0.0)
    name = max(features, key=lambda feature: features[feature])
    return Drift(features[name] > 1.0, name, float(features[name]))


def _ask(address: str, namespace: str, deployment: str, predictor: str) -> dict[str, float]:
    url = f"{address}/v1/deployments/{namespace}/{deployment}/drift"
    try:
        answer = httpx.get(url, params={"predictor": predictor} if predictor else {}, timeout=10.0)
    except httpx.TransportError as error:
        raise ServiceUnreachableError(f"the collector at {address} does not answer: {error}") from error
    if answer.status_code != 200:
        raise InputRefusedError(f"{url}: found {answer.status_code} {answer.text[:200]}; expected 200")
    predictors: dict[str, Any] = answer.json().get("predictors", {})
    return {
        name if len(predictors) == 1 else f"{predictor} {name}": float(score)
        for predictor, found in predictors.items()
        for name, score in found.get("scores", {}).items()
    }
