"""Watches an act while it plays: samples for the report, a live line for the reader, evidence when it is over."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live
from rich.text import Text

from demo.record import Look, Record, Sample
from demo.stage import Stage

_INTERVAL = 0.5


@contextmanager
def watched(stage: Stage, record: Record, console: Console) -> Iterator[None]:
    """Play an act: keep its record, show its progress, and collect its evidence at the end."""
    stage.record = record
    record.started, record.alias_before = time.time(), stage.champion()
    over = threading.Event()
    with Live(_line(record, None), console=console, refresh_per_second=4, transient=True) as live:
        watcher = threading.Thread(target=_watch, args=(stage, record, over, live), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join(timeout=15)
            _finish(stage, record)
            stage.earlier = record if record.number == 2 else stage.earlier


def _watch(stage: Stage, record: Record, over: threading.Event, live: Live) -> None:
    with httpx.Client(timeout=5) as client:
        eyes = Stage(ground=stage.ground, load=stage.load, record=record, http=client)
        while not over.wait(_INTERVAL):
            with suppress(httpx.HTTPError, KeyError, ValueError):
                record.samples.append(_sample(eyes))
            live.update(_line(record, record.samples[-1] if record.samples else None))


def _sample(stage: Stage) -> Sample:
    deployment = stage.deployment().get("status", {}) if stage.addresses else {}
    now = time.time()
    tally = stage.load.tally if stage.load else None
    second = int(now) - 1
    sent, failed = (tally.sent.get(second, 0), tally.failed.get(second, 0)) if tally else (0, 0)
    return Sample(now, dict(deployment.get("traffic", {})), str(deployment.get("phase", "")), sent, failed)


def _line(record: Record, sample: Sample | None) -> Text:
    words = Text.assemble((f"  act {record.number} ", "bold"), (f"{time.time() - record.started:5.1f} s  ", "dim"))
    if sample is not None:
        shares = "  ".join(f"{name} {share} %" for name, share in sample.traffic.items())
        words.append(f"{sample.phase or 'starting':<12} {shares}", "cyan")
        words.append(f"   {sample.sent} requests/s", "dim")
        if sample.failed:
            words.append(f"   {sample.failed} failed", "red")
    return words


def _finish(stage: Stage, record: Record) -> None:
    record.ended = time.time()
    with suppress(httpx.HTTPError, KeyError):
        record.alias_after = stage.champion()
    if stage.load is not None:
        record.sent, record.failed, _ = stage.load.tally.since(record.started)
    with suppress(httpx.HTTPError):
        for rollout in stage.objects("modelrollouts"):
            with suppress(ValueError, OSError, KeyError, httpx.HTTPError):
                _read_evidence(stage.ground.evidence(rollout), record)


def _read_evidence(document: dict[str, Any], record: Record) -> None:
    for verdict in document.get("verdicts", []):
        if record.started <= verdict["at"] <= record.ended:
            parts = verdict.get("measurements", [])
            harm = {part["objective"]: part["harm"] / part["harmThreshold"] for part in parts}
            no_worse = {part["objective"]: part["noWorse"] / part["noWorseThreshold"] for part in parts}
            record.looks.append(Look(verdict["at"], harm, no_worse))
    for moment in document.get("moments", []):
        if record.started <= moment["at"] <= record.ended and moment["what"] != "advance":
            record.moments.append((moment["at"], moment["what"]))
