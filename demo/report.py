"""``demo/report.html``: one self-contained page, one plot an act.

Each plot has three bands over one axis of seconds: who gets which share of the traffic, the share of requests that
failed, and the running evidence of the judge; vertical lines are the moments of decision. The drawing is plain SVG.
"""

import html
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from demo.record import Record

_WIDTH, _LEFT, _RIGHT = 960, 86, 168
_BANDS = (("traffic", 20, 130), ("errors", 180, 70), ("evidence", 280, 110))
_HEIGHT = 430
_COLOURS = ("#3b6ea5", "#e08a1e", "#5a9367", "#a0447c", "#7a6c5d", "#c2473d")
_OBJECTIVES = {
    "errors": "#c2473d", "latency": "#7a6c5d", "disagreement": "#e08a1e", "quality": "#5a9367", "drift": "#a0447c",
}  # fmt: skip
_FLOOR, _CEILING = -2.0, 2.0
"""Evidence is drawn as the power of ten of its share of a proof, between these."""

_NOTE = (
    "<p class=note>Failed: requests that were answered with an error, or not at all. Harmed: those that a bad version "
    "spoilt before it was taken back. Verdict after: from the judge's first look to promotion or abort. Champion: the "
    "registry's alias, before and after.</p>"
)
_STYLE = (Path(__file__).parent / "report.css").read_text()


def write(records: Sequence[Record], path: Path) -> None:
    """Write the page whole or not at all."""
    sections = "\n".join(_section(record) for record in records)
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>sluicegate: the demonstration</title><style>{_STYLE}</style>"
        "<h1>sluicegate: the demonstration</h1><p class=note>Flights out of New York, 2013: will it land more than "
        "15 minutes late? Every figure was measured in this run; every claim was checked.</p>"
        f"{_table(records)}{sections}</html>"
    )
    fresh = path.with_suffix(".new")
    fresh.write_text(page)
    fresh.replace(path)


def _table(records: Sequence[Record]) -> str:
    head = ("act", "", "requests", "failed", "harmed", "verdict after", "champion")
    rows = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in table_row(r))}</tr>" for r in records)
    return f"<table><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>{rows}</table>{_NOTE}"


def table_row(record: Record) -> tuple[str, ...]:
    """An act's row, for the page and for the terminal."""
    seconds = "–" if record.verdict_seconds is None else f"{record.verdict_seconds:.1f} s"
    before, after = record.alias_before, record.alias_after
    return (
        str(record.number), record.title, f"{record.sent:,}", f"{record.failed:,}", f"{record.harmed:,}", seconds,
        after if before == after else f"{before} → {after}",
    )  # fmt: skip


def _section(record: Record) -> str:
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in record.lines)
    claims = "".join(f"<li class=claim>✔ {html.escape(claim)}</li>" for claim in record.claims)
    return (
        f"<h2>Act {record.number}. {html.escape(record.title)}</h2><ul>{lines}</ul>{_plot(record)}"
        f"<details><summary>{len(record.claims)} claims checked</summary><ul>{claims}</ul></details>"
    )


def _plot(record: Record) -> str:
    span = max(record.ended - record.started, 1.0)
    parts = [*_axes(span), *_traffic(record, span), *_errors(record, span), *_evidence(record, span)]
    parts += _moments(record, span)
    label = html.escape(f"Act {record.number}: traffic share, error rate and evidence over time", quote=True)
    return f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role=img aria-label='{label}'>{''.join(parts)}</svg>"


def _x(record: Record, span: float, at: float) -> float:
    share = min(max((at - record.started) / span, 0.0), 1.0)
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)


def _text(x: float, y: float, words: str, anchor: str = "start", colour: str = "") -> str:
    fill = f" style='fill:{colour}'" if colour else ""
    return f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}'{fill}>{html.escape(words)}</text>"


def _axes(span: float) -> Iterable[str]:
    right = _WIDTH - _RIGHT
    for _, top, height in _BANDS:
        yield f"<path class=axis fill=none d='M{_LEFT} {top}V{top + height}H{right}'/>"
    bottom = _BANDS[-1][1] + _BANDS[-1][2]
    every = next(step for step in (5, 10, 20, 30, 60, 120, 300, 3600) if span / step <= 12)
    for second in range(0, int(span) + 1, every):
        yield _text(_LEFT + second / span * (right - _LEFT), bottom + 15, f"{second} s", "middle")


def _traffic(record: Record, span: float) -> Iterable[str]:
    _, top, height = _BANDS[0]
    yield _text(_LEFT - 8, top + 10, "100 %", "end")
    yield _text(_LEFT - 8, top + height / 2, "traffic", "end")
    yield _text(_LEFT - 8, top + height, "0", "end")
    names = list(dict.fromkeys(name for sample in record.samples for name in sample.traffic))
    below = [0.0] * len(record.samples)
    for number, name in enumerate(names):
        shares = [sample.traffic.get(name, 0) for sample in record.samples]
        above = [low + share for low, share in zip(below, shares, strict=True)]
        colour = _COLOURS[number % len(_COLOURS)]
        points = [
            (_x(record, span, s.at), top + height * (1 - y / 100)) for s, y in zip(record.samples, above, strict=True)
        ]
        back = [
            (_x(record, span, s.at), top + height * (1 - y / 100)) for s, y in zip(record.samples, below, strict=True)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*points, *reversed(back)])
        yield f"<polygon points='{path}' fill='{colour}' fill-opacity='.75'/>"
        yield _text(_WIDTH - _RIGHT + 10, top + 12 + 15 * number, name, colour=colour)
        below = above


def _errors(record: Record, span: float) -> Iterable[str]:
    _, top, height = _BANDS[1]
    rates = [100 * sample.failed / sample.sent if sample.sent else 0.0 for sample in record.samples]
    most = max([1.0, *rates])
    yield _text(_LEFT - 8, top + 10, f"{most:.1f} %", "end")
    yield _text(_LEFT - 8, top + height / 2 + 4, "failed", "end")
    yield _text(_LEFT - 8, top + height, "0", "end")
    path = " ".join(
        f"{_x(record, span, sample.at):.1f},{top + height * (1 - rate / most):.1f}"
        for sample, rate in zip(record.samples, rates, strict=True)
    )
    yield f"<polyline points='{path}' fill='none' stroke='#c2473d' stroke-width='1.5'/>"


def _evidence(record: Record, span: float) -> Iterable[str]:
    _, top, height = _BANDS[2]
    proof = _level(1.0, top, height)
    if not record.looks:
        yield _text(_LEFT + 8, proof + 4, "no rollout, so nothing was judged")
        return
    yield f"<path d='M{_LEFT} {proof:.1f}H{_WIDTH - _RIGHT}' stroke='#1d2530' stroke-width='.7'/>"
    yield _text(_LEFT - 8, proof + 4, "proof", "end")
    yield _text(_LEFT - 8, top + height, "none", "end")
    names = sorted({name for look in record.looks for name in (*look.harm, *look.no_worse)})
    for number, name in enumerate(names):
        colour = _OBJECTIVES.get(name, "#3b6ea5")
        yield _text(_WIDTH - _RIGHT + 10, top + 12 + 15 * number, f"{name}", colour=colour)
        yield _curve(record, span, [(look.at, look.harm.get(name)) for look in record.looks], colour, "")
        yield _curve(record, span, [(look.at, look.no_worse.get(name)) for look in record.looks], colour, "2 3")
    yield _text(_WIDTH - _RIGHT + 10, top + height - 6, "— harm   ┄ no worse")


def _curve(record: Record, span: float, points: list[tuple[float, float | None]], colour: str, dash: str) -> str:
    _, top, height = _BANDS[2]
    drawn = [(at, value) for at, value in points if value is not None]
    path = " ".join(f"{_x(record, span, at):.1f},{_level(value, top, height):.1f}" for at, value in drawn)
    return f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='1.4' stroke-dasharray='{dash}'/>"


def _level(share: float, top: float, height: float) -> float:
    power = math.log10(share) if share > 0 else _FLOOR
    return top + height * (1 - (min(max(power, _FLOOR), _CEILING) - _FLOOR) / (_CEILING - _FLOOR))


def _moments(record: Record, span: float) -> Iterable[str]:
    for number, (at, words) in enumerate(record.moments):
        x = _x(record, span, at)
        yield f"<line class=moment x1='{x:.1f}' x2='{x:.1f}' y1='14' y2='{_HEIGHT - 34}'/>"
        side = "end" if x > (_WIDTH - _RIGHT) * 0.7 else "start"
        yield _text(x + (-4 if side == "end" else 4), 163 + 12 * (number % 2), words, side)
