"""The evidence of one rollout as a file that grows: every look and every decision, written whole or not at all.

Steps of one rollout run one after another in processes of their own; each goes on with the file as it finds it.
"""

import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sluicegate.monitoring.analysis import evidence as documents
from sluicegate.monitoring.analysis.evidence import Evidence, Moment, Subject
from sluicegate.monitoring.analysis.verdict import Verdict
from sluicegate.serving.api.model_rollout import ModelRollout, RegisteredModel


@dataclass(slots=True)
class EvidenceFile:
    """A rollout's evidence and where it lies."""

    path: Path
    evidence: Evidence

    @classmethod
    def of(cls, rollout: ModelRollout, directory: Path) -> "EvidenceFile":
        """The file of this rollout: read, or begun."""
        path = directory.absolute() / f"{rollout.metadata.name}.json"
        if path.exists():
            return cls(path, documents.decode(path.read_bytes()))
        directory.mkdir(parents=True, exist_ok=True)
        return cls(path, _begun(rollout))

    @property
    def reference(self) -> str:
        """Where the evidence is found, for status and registry."""
        return self.path.as_uri()

    def add(self, verdict: Verdict) -> None:
        """Keep one look."""
        self.evidence = documents.record_verdict(self.evidence, verdict)
        self._write()

    def moment(self, what: str, step: int, rollout: ModelRollout, message: str) -> None:
        """Keep one decision."""
        weight = rollout.status.traffic.get(rollout.status.candidate, 0)
        moment = Moment(at=time.time(), what=what, step=step, weight=weight, message=message)
        self.evidence = documents.record_moment(self.evidence, moment)
        self._write()

    def close(self, rollout: ModelRollout) -> None:
        """Keep the end."""
        status = rollout.status
        self.evidence = documents.close(self.evidence, at=time.time(), outcome=status.phase, reason=status.reason)
        self._write()

    def _write(self) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(documents.encode(self.evidence))
        fresh.replace(self.path)


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
