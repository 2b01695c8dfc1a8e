"""What a live HTTPRoute or GRPCRoute says of itself: whether its newest generation is in force, and its weights. Pure.

A gateway's condition says that it understood the route, not yet that its proxies have it: Envoy Gateway writes
Accepted when it has translated it, and Envoy has it some milliseconds later. Who must know asks the gateway itself:
``GET /seldon/<namespace>/<name>/.sluicegate/version`` redirects to a path that ends with the version in force there.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.services import PREDICTOR_HEADER

_NEEDED = ("Accepted", "ResolvedRefs")


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteState:
    """``weights``: percent by predictor in the route's spec; in force only if ``complaint`` is empty.

    ``refusal`` is the part of the complaint that is a gateway's no to the newest generation, and no mere waiting.
    """

    weights: dict[str, int]
    version: str = ""
    complaint: str = ""
    refusal: str = ""

    @property
    def acknowledged(self) -> bool:
        """Whether every parent took this generation of the route."""
        return not self.complaint


def acknowledged_by(live: JSON, parents: tuple[JSON, ...]) -> RouteState:
    """What ``live``, as the API server has it, says about ``parents``, the parentRefs that it was given."""
    complaints = [complaint for parent in parents for complaint in _complaints(live, parent)]
    return RouteState(
        weights=weights_of(live),
        version=version_of(live),
        complaint=_joined(complaints),
        refusal=_joined(each for each in complaints if each.refuses),
    )


def policy_complaint(live: JSON) -> str:
    """Why a BackendTrafficPolicy is not in force; empty when it is."""
    return _joined(_policy_complaints(live))


def policy_refusal(live: JSON) -> str:
    """The part of it that is a gateway's no to the newest generation."""
    return _joined(each for each in _policy_complaints(live) if each.refuses)


@dataclass(frozen=True, slots=True)
class _Complaint:
    words: str
    refuses: bool = False


def _joined(complaints: Iterable[_Complaint]) -> str:
    return "; ".join(each.words for each in complaints)


def _policy_complaints(live: JSON) -> list[_Complaint]:
    generation = live.get("metadata", {}).get("generation", 0)
    ancestors = live.get("status", {}).get("ancestors", [])
    where = f"policy {live.get('metadata', {}).get('name', '')}"
    if not ancestors:
        return [_Complaint(f"{where}: no gateway has answered yet")]
    return [each for one in ancestors for each in _condition(one.get("conditions", []), "Accepted", generation, where)]


def weights_of(route: JSON) -> dict[str, int]:
    """Percent by predictor, read from the rule that goes by weight; empty when nobody has traffic."""
    for rule in route.get("spec", {}).get("rules", []):
        if rule.get("name") == "predictions":
            return _percent(rule.get("backendRefs", []))
    return {}


def version_of(route: JSON) -> str:
    """What the gateway answers on the version path once this spec is in force; empty for a route without one."""
    for rule in route.get("spec", {}).get("rules", []):
        if rule.get("name") == "version":
            path = rule["filters"][0]["requestRedirect"]["path"]["replaceFullPath"]
            return str(path).rpartition("/")[2]
    return ""


def _percent(backends: list[JSON]) -> dict[str, int]:
    """A predictor may have several places, and weights any scale."""
    weights: Counter[str] = Counter()
    for one in backends:
        weights[_predictor(one)] += int(one.get("weight", 1))
    return {name: round(100 * weight / weights.total()) for name, weight in weights.items() if weight}


def _predictor(backend: JSON) -> str:
    for one in backend.get("filters", []):
        for header in one.get("requestHeaderModifier", {}).get("set", []):
            if header["name"] == PREDICTOR_HEADER:
                return str(header["value"])
    return str(backend["name"])


def _complaints(live: JSON, parent: JSON) -> Iterator[_Complaint]:
    where = f"gateway {_place(live, parent)[0]}/{parent['name']}"
    answers = [
        one
        for one in live.get("status", {}).get("parents", [])
        if _place(live, one["parentRef"]) == _place(live, parent)
    ]
    if not answers:
        yield _Complaint(f"{where}: has not answered yet")
    for answer in answers:
        conditions = answer.get("conditions", [])
        generation = live.get("metadata", {}).get("generation", 0)
        for kind in _NEEDED:
            yield from _condition(conditions, kind, generation, where)
        for one in conditions:
            if one["type"] == "PartiallyInvalid" and one["status"] == "True":
                words = f"{where}: takes a part only: {one.get('reason', '')}: {one.get('message', '')}"
                yield _Complaint(words, refuses=one.get("observedGeneration", 0) == generation)


def _condition(conditions: list[JSON], kind: str, generation: int, where: str) -> Iterator[_Complaint]:
    found = next((one for one in conditions if one["type"] == kind), None)
    if found is None:
        yield _Complaint(f"{where}: says nothing of {kind} yet")
    elif found.get("observedGeneration", 0) != generation:
        old = found.get("observedGeneration", 0)
        yield _Complaint(f"{where}: {kind} is of generation {old}, the newest is {generation}")
    elif found["status"] != "True":
        words = f"{where}: {kind} is {found['status']}: {found.get('reason', '')}: {found.get('message', '')}"
        yield _Complaint(words, refuses=True)


def _place(live: JSON, reference: JSON) -> tuple[object, ...]:
    own = live.get("metadata", {}).get("namespace", "default")
    return (
        reference.get("namespace", own),
        reference["name"],
        reference.get("sectionName", ""),
        reference.get("port", 0),
        reference.get("kind", "Gateway"),
    )
