"""Expositions of several workers as one: what counts is added up, what is a level is shown for each worker by itself.

Pure. A worker that died goes on counting with what it counted last, so no counter ever falls; its levels are gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """One exposition, read. ``heads``: HELP and TYPE lines by family; ``counts`` and ``levels``: values by series."""

    heads: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, dict[str, float]] = field(default_factory=dict)
    levels: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, other: "Figures") -> None:
        """Take over another's heads, and add up its counts; its levels are not taken."""
        for family, head in other.heads.items():
            self.heads.setdefault(family, head)
        for family, series in other.counts.items():
            own = self.counts.setdefault(family, {})
            for name, value in series.items():
                own[name] = own.get(name, 0.0) + value


def figures_of(text: str) -> Figures:
    """Read Prometheus' text format, version 0.0.4, as ``metrics.exposition`` writes it."""
    found = Figures()
    family = kind = ""
    for line in text.split("\n"):  # a label may hold any other line break
        if line.startswith("# "):
            _, word, family, told = line.split(" ", 3)
            found.heads.setdefault(family, []).append(line)
            kind = told if word == "TYPE" else kind
        elif line:
            series, _, value = line.rpartition(" ")
            if _is_level(kind, series.split("{", 1)[0]):
                found.levels.setdefault(family, {})[series] = value
            else:
                found.counts.setdefault(family, {})[series] = float(value)
    return found


def together(alive: Mapping[int, Figures], ended: Figures) -> str:
    """One exposition of the workers by their number, and of those that ended; levels get a label ``worker``."""
    total = Figures()
    for figures in (ended, *alive.values()):
        total.add(figures)
    lines: list[str] = []
    for family, head in total.heads.items():
        lines += head
        lines += (f"{series} {_number(value)}" for series, value in total.counts.get(family, {}).items())
        for number, figures in alive.items():
            lines += (f"{_of(number, series)} {value}" for series, value in figures.levels.get(family, {}).items())
    return "\n".join([*lines, ""])


def _is_level(kind: str, name: str) -> bool:
    """Whether it says how something is, and not how often something was; a summary does both."""
    return kind in ("gauge", "untyped") or (kind == "summary" and not name.endswith(("_sum", "_count")))


def _of(worker: int, series: str) -> str:
    name, _, labels = series.partition("{")
    return f'{name}{{worker="{worker}"' + (f",{labels}" if labels.strip("}") else "}")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
