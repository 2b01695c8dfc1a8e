"""AdmissionReview in, AdmissionReview out: pure, for both kinds and all their versions.

CREATE and UPDATE are judged; a DELETE, and a write to a subresource, is let pass should a configuration send one.
``reconcile.reviews`` says why deletions are nobody's to refuse.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.errors import FieldError, InvalidObjectError
from sluicegate.serving.api.metadata import JSON, View
from sluicegate.serving.api.refusals import invalid_status
from sluicegate.serving.operator.admission.errors import BrokenReviewError
from sluicegate.serving.operator.admission.pods import Pods, candidate_pods, deployment_pods
from sluicegate.serving.operator.admission.subjects import MODEL_ROLLOUT, Subject
from sluicegate.serving.reconcile.reviews import (
    Servers,
    Stored,
    is_leaving,
    is_same_spec,
    review_deployment,
    review_rollout,
)

API_VERSION = "admission.k8s.io/v1"
LONGEST_WARNING = 256
"""The API server cuts longer ones off, in the middle of a word."""


class Kind(View, frozen=True, kw_only=True):
    """What kind of object is under review."""

    group: str = ""
    version: str = ""
    kind: str = ""


class Request(View, frozen=True, kw_only=True):
    """What the API server asks about."""

    uid: str
    kind: Kind
    operation: Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
    name: str = ""
    namespace: str = ""
    sub_resource: str = ""
    object: JSON | None = None
    old_object: JSON | None = None


class _Review(View, frozen=True, kw_only=True):
    api_version: str = ""
    kind: str = ""
    request: Request | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What rules say; ``pods`` are still to be proven by the API server."""

    errors: tuple[FieldError, ...] = ()
    warnings: tuple[str, ...] = ()
    pods: Pods | None = None

    def with_proven(self, errors: Iterable[FieldError], warnings: Iterable[str]) -> "Findings":
        """These, and what the API server found."""
        return replace(self, errors=(*self.errors, *errors), warnings=(*self.warnings, *warnings), pods=None)


def read_review(body: bytes, subject: Subject) -> Request:
    """The request of a review; raises BrokenReviewError with words for whoever sent it."""
    try:
        review = decode(msgspec.json.decode(body), _Review)
    except msgspec.DecodeError as error:
        raise BrokenReviewError(f"the body is no JSON: {error}") from error
    except InvalidObjectError as error:
        raise BrokenReviewError(f"the body is no AdmissionReview: {'; '.join(map(str, error.errors))}") from error
    if review.request is None or (review.api_version, review.kind) != (API_VERSION, "AdmissionReview"):
        raise BrokenReviewError(f"expected an AdmissionReview of {API_VERSION} with a request")
    asked = review.request.kind
    if (asked.group, asked.kind) != (subject.group, subject.kind) or asked.version not in subject.versions:
        found = f"{asked.group}/{asked.version} {asked.kind}"
        raise BrokenReviewError(
            f"found {found}; this path reviews {subject.group}/{'|'.join(subject.versions)} {subject.kind}"
        )
    if review.request.operation in ("CREATE", "UPDATE") and not review.request.sub_resource:
        _check_objects(review.request)
    return review.request


def examine(request: Request, stored: Stored, servers: Servers) -> Findings:
    """What the rules say. ``stored`` is asked for a new ModelRollout only."""
    if not needs_review(request):
        return Findings()
    new, old = _placed(request, request.object), request.old_object
    if request.kind.kind != MODEL_ROLLOUT.kind:
        errors, warnings = review_deployment(old, new, servers)
        unproven = None if is_same_spec(old, new) or is_leaving(new) else deployment_pods(new, errors)
        return Findings(errors=errors, warnings=warnings, pods=unproven)
    errors, warnings = review_rollout(old, new, stored, servers)
    return Findings(errors=errors, warnings=warnings, pods=candidate_pods(new, stored, errors) if not old else None)


def needs_review(request: Request) -> bool:
    """Whether anything can be wrong with this write."""
    return request.operation in ("CREATE", "UPDATE") and not request.sub_resource


def needs_stored(request: Request) -> bool:
    """Whether other objects matter: a new rollout's rivals, and the Deployments there are, whose selectors stay.

    A change of a rollout is judged by its own stored state alone: a lease is renewed while caches are filled.
    """
    if not needs_review(request):
        return False
    is_change = request.operation == "UPDATE"
    is_rollout = request.kind.kind == MODEL_ROLLOUT.kind
    return not (is_change and (is_rollout or is_same_spec(request.old_object, request.object or {})))


def answer(request: Request, findings: Findings) -> JSON:
    """The review's response: every error at once, or leave; warnings either way."""
    response: JSON = {"uid": request.uid, "allowed": not findings.errors}
    if findings.errors:
        errors = dict.fromkeys(findings.errors)
        response["status"] = invalid_status(request.kind.group, request.kind.kind, _name(request), errors)
    if findings.warnings:
        response["warnings"] = [shortened(each) for each in dict.fromkeys(findings.warnings)]
    return _review(response)


def closed(request: Request, message: str) -> JSON:
    """No leave, because nobody could judge."""
    status = {"status": "Failure", "reason": "ServiceUnavailable", "code": 503, "message": message}
    return _review({"uid": request.uid, "allowed": False, "status": status})


def shortened(warning: str) -> str:
    """A warning that the API server passes on whole: cut at a word where it is too long."""
    line = " ".join(warning.split())
    if len(line) <= LONGEST_WARNING:
        return line
    kept = line[: LONGEST_WARNING - 1]
    return (kept.rpartition(" ")[0] or kept) + "…"


def _review(response: JSON) -> JSON:
    return {"apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response}


def _check_objects(request: Request) -> None:
    if request.object is None:
        raise BrokenReviewError(f"the review of a {request.operation} has no request.object")
    if request.operation == "UPDATE" and request.old_object is None:
        raise BrokenReviewError("the review of an UPDATE has no request.oldObject")


def _placed(request: Request, new: JSON | None) -> JSON:
    """The object with the namespace and the name that the request says."""
    found = dict(new or {})
    metadata = found.get("metadata")
    given = metadata if isinstance(metadata, dict) else {}
    stated = {"name": request.name, "namespace": request.namespace}
    return found | {"metadata": {key: value for key, value in stated.items() if value} | given}


def _name(request: Request) -> str:
    metadata = _placed(request, request.object)["metadata"]
    return str(metadata.get("name") or metadata.get("generateName") or "")
