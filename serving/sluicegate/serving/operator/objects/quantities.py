"""Kubernetes' quantities and durations as numbers: the API server writes ``1000m`` back as ``1``."""

import re
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s)")
_SECONDS = {
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("1e-3"),
    "us": Decimal("1e-6"),
    "µs": Decimal("1e-6"),
    "ns": Decimal("1e-9"),
}


def quantity(value: Any) -> Decimal | None:
    """A quantity's amount, None for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    match = _QUANTITY.fullmatch(str(value))
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    if suffix in _BINARY:
        return Decimal(number) * Decimal(1 << _BINARY[suffix])
    return Decimal(number + (exponent or "")).scaleb(_DECIMAL.get(suffix or "", 0))


def duration(value: Any) -> Decimal | None:
    """A duration's seconds (``1m30s``), None for what is none."""
    if not isinstance(value, str) or re.fullmatch(f"(?:{_DURATION.pattern})+", value) is None:
        return None
    return sum((Decimal(number) * _SECONDS[unit] for number, unit in _DURATION.findall(value)), Decimal(0))
