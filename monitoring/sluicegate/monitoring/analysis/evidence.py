"""The record of a rollout: what was planned, seen, tested and decided, so that it can be proven a year later.

Written by whoever drives the rollout, appended to at every look, kept as JSON beside the model version. Functions are
pure and return a new value. ``digest`` names exact bytes; a signature over them is the operator's affair.
"""

import hashlib
from typing import Any

import msgspec

from sluicegate.monitoring.analysis.errors import EvidenceError
from sluicegate.monitoring.analysis.verdict import Verdict
from sluicegate.serving.api.rollout_plan import RolloutPlan

FORMAT = 1
SPACING = 10.0
"""Seconds between two kept looks that say the same."""
MOST_LOOKS = 400


class Subject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the two that were compared."""

    predictor: str = ""
    model: str = ""
    version: str = ""
    digest: str = ""


class Moment(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Something that was decided or happened (``advance``, ``promote``, ``abort``, ``approval``, …), and why."""

    at: float
    what: str
    step: int = 0
    weight: int = 0
    message: str = ""


class Method(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A test that was used, and where it is described."""

    objectives: str
    name: str
    citation: str


METHODS = (
    Method(
        objectives="error-rate; latency, no worse",
        name="growth-rate optimal two-sample e-process over seconds, mixed over effects and starting times",
        citation="Turner, Ly, Grünwald (2024), Generic E-variables for exact sequential k-sample tests",
    ),
    Method(
        objectives="disagreement; quality; latency, harm",
        name="betting e-process for bounded means (answers, labels; seconds for latency), mixed over bets",
        citation="Waudby-Smith, Ramdas (2024), Estimating means of bounded random variables by betting",
    ),
    Method(
        objectives="all, harm",
        name="mean of e-processes at level alpha",
        citation="Vovk, Wang (2021), E-values: calibration, combination and applications",
    ),
    Method(
        objectives="all, no worse",
        name="intersection-union test, each objective at level alpha",
        citation="Berger (1982), Multiparameter hypothesis testing and acceptance sampling",
    ),
)


class Evidence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The whole document. ``samples`` is the series that the last verdict was computed from, as it travels in JSON."""

    rollout: str
    namespace: str = ""
    target: str = ""
    format: int = FORMAT
    software: str = ""
    stable: Subject = Subject()
    candidate: Subject = Subject()
    plan: RolloutPlan = RolloutPlan()
    expected_disagreement: float | None = None
    methods: tuple[Method, ...] = METHODS
    started_at: float = 0.0
    ended_at: float | None = None
    looks: int = 0
    verdicts: tuple[Verdict, ...] = ()
    moments: tuple[Moment, ...] = ()
    outcome: str = ""
    reason: str = ""
    figures: dict[str, float] = {}
    samples: dict[str, Any] | None = None


def record_verdict(evidence: Evidence, verdict: Verdict) -> Evidence:
    """With one look more; a look that says what the last kept one said, and soon after it, is only counted."""
    kept = evidence.verdicts
    if kept and _says(kept[-1]) == _says(verdict) and verdict.at - kept[-1].at < SPACING:
        return msgspec.structs.replace(evidence, looks=evidence.looks + 1)
    return msgspec.structs.replace(evidence, looks=evidence.looks + 1, verdicts=_thinned((*kept, verdict)))


def record_moment(evidence: Evidence, moment: Moment) -> Evidence:
    """With one decision more."""
    return msgspec.structs.replace(evidence, moments=(*evidence.moments, moment))


def close(
    evidence: Evidence,
    *,
    at: float,
    outcome: str,
    reason: str = "",
    figures: dict[str, float] | None = None,
    samples: dict[str, Any] | None = None,
) -> Evidence:
    """The finished document: outcome (the rollout's phase), final figures, and the series that was judged."""
    return msgspec.structs.replace(
        evidence, ended_at=at, outcome=outcome, reason=reason, figures=figures or {}, samples=samples
    )


def encode(evidence: Evidence) -> bytes:
    """Canonical JSON: the same document has the same bytes."""
    return msgspec.json.encode(evidence, order="deterministic")


def decode(document: bytes | str, expected_digest: str | None = None) -> Evidence:
    """Read a document; with ``expected_digest``, prove its bytes first.

    Raises:
        EvidenceError: it is not evidence of this format, or its bytes have another digest.

    """
    content = document.encode() if isinstance(document, str) else document
    if expected_digest is not None and digest(content) != expected_digest:
        message = f"evidence: digest is {digest(content)}, recorded was {expected_digest}; the document was changed"
        raise EvidenceError(message)
    try:
        evidence = msgspec.json.decode(content, type=Evidence)
    except msgspec.MsgspecError as error:
        raise EvidenceError(f"evidence: {error}; expected a document written by this product") from error
    if evidence.format != FORMAT:
        raise EvidenceError(f"evidence: format is {evidence.format}, this version reads {FORMAT}")
    return evidence


def digest(evidence: Evidence | bytes) -> str:
    """``sha256:…`` of the document's bytes."""
    content = evidence if isinstance(evidence, bytes) else encode(evidence)
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _says(verdict: Verdict) -> tuple[Any, ...]:
    parts = tuple((part.objective, part.result, part.proven_no_worse) for part in verdict.measurements)
    return (verdict.result, verdict.advance, verdict.promote, parts)


def _thinned(verdicts: tuple[Verdict, ...]) -> tuple[Verdict, ...]:
    """At most ``MOST_LOOKS``: every second look goes that says what the one before it said; turning points stay."""
    if len(verdicts) <= MOST_LOOKS:
        return verdicts
    told = [None, *(_says(verdict) for verdict in verdicts[:-1])]
    last = len(verdicts) - 1
    return tuple(
        verdict
        for index, verdict in enumerate(verdicts)
        if index % 2 == 0 or index == last or _says(verdict) != told[index]
    )
