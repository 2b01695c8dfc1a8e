"""The evidence of one rollout as a record that grows: every look and every decision.

Steps of one rollout run one after another in processes of their own; each goes on with the record as it finds it. A
look that could not be kept is kept with the next one, since each writing is whole; a decision is insisted upon.
"""

import time
from dataclasses import dataclass
from importlib.metadata import version

from sluicegate.components.rollout.evidence_places import Place
from sluicegate.monitoring.analysis import evidence as documents
from sluicegate.monitoring.analysis.evidence import Evidence, Moment, Subject
from sluicegate.monitoring.analysis.verdict import Verdict
from sluicegate.monitoring.sources.errors import UnreachableError
from sluicegate.serving.api.model_rollout import ModelRollout, RegisteredModel

INSIST_SECONDS = 10.0
_PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class EvidenceRecord:
    """A rollout's evidence and where it is kept."""

    place: Place
    evidence: Evidence

    @classmethod
    def of(cls, rollout: ModelRollout, place: Place) -> "EvidenceRecord":
        """The record of this rollout: read, or begun."""
        kept = place.read()
        return cls(place, _begun(rollout) if kept is None else documents.decode(kept))

    @property
    def reference(self) -> str:
        """Where the evidence is found, for status and registry."""
        return self.place.reference

    def add(self, verdict: Verdict) -> None:
        """Keep one look."""
        self.evidence = documents.record_verdict(self.evidence, verdict)
        self._write(0.0)

    def moment(self, what: str, step: int, rollout: ModelRollout, message: str) -> None:
        """Keep one decision."""
        weight = rollout.status.traffic.get(rollout.status.candidate, 0)
        moment = Moment(at=time.time(), what=what, step=step, weight=weight, message=message)
        self.evidence = documents.record_moment(self.evidence, moment)
        self._write(INSIST_SECONDS)

    def close(self, rollout: ModelRollout) -> None:
        """Keep the end."""
        status = rollout.status
        self.evidence = documents.close(self.evidence, at=time.time(), outcome=status.phase, reason=status.reason)
        self._write(INSIST_SECONDS)

    def _write(self, insist: float) -> None:
        """Keep all of it; a place that does not answer is asked for ``insist`` seconds, if at all."""
        document, end = documents.encode(self.evidence), time.monotonic() + insist
        while True:
            try:
                return self.place.write(document)
            except UnreachableError:
                if not insist:
                    return None
                if time.monotonic() > end:
                    raise
            time.sleep(_PAUSE_SECONDS)


def _begun(rollout: ModelRollout) -> Evidence:
    status, spec = rollout.status, rollout.spec
    return Evidence(
        rollout=rollout.metadata.name, namespace=rollout.metadata.namespace, target=spec.target,
        software=f"sluicegate {version('sluicegate')}", stable=_subject(status.stable, status.stable_model),
        candidate=_subject(status.candidate, spec.model), plan=spec.plan,
        expected_disagreement=spec.expected_disagreement, started_at=time.time(),
    )  # fmt: skip


def _subject(predictor: str, model: RegisteredModel | None) -> Subject:
    if model is None:
        return Subject(predictor=predictor)
    return Subject(predictor=predictor, model=model.name, version=model.version, digest=model.bundle_digest)
