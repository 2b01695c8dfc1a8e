"""What an act leaves behind: its figures for the table, and what was seen of it for the report."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """Half a second of the act, as users and the API showed it."""

    at: float
    traffic: dict[str, int]
    """Percent by predictor, as the gateway acknowledged it."""
    phase: str
    sent: int
    failed: int


@dataclass(frozen=True, slots=True)
class Look:
    """One look of the judge: each objective's evidence as a share of what proves it (1 and above is proof)."""

    at: float
    harm: dict[str, float]
    no_worse: dict[str, float]


@dataclass(slots=True)
class Record:
    """Everything about one act."""

    number: int
    title: str
    started: float = 0.0
    ended: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    moments: list[tuple[float, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    sent: int = 0
    failed: int = 0
    harmed: int = 0
    verdict_seconds: float | None = None
    alias_before: str = "–"
    alias_after: str = "–"
