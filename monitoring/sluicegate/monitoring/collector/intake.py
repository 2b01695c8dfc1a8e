"""What one event changes: the log, the facts of its request, the counts of this second, the rows of drift detection.

Runs on the database thread, a batch in one transaction with everything that follows from it; so an event is either
wholly counted or not at all. An event whose source and id are in the log already is a sender's retry and changes
nothing; neither does a second answer of the same predictor to the same request.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol

import msgspec

from sluicegate.monitoring.collector.clock import Clock
from sluicegate.monitoring.collector.events import FEEDBACK, MODEL_READY, REQUEST, TYPES, Event, read_data
from sluicegate.monitoring.collector.ledger import add_pairs, add_totals, deployment_id
from sluicegate.monitoring.collector.models import ModelReady, PredictorKey, keep_model, known_classes
from sluicegate.monitoring.quality.decisions import decide, labels, scores
from sluicegate.monitoring.quality.errors import PayloadError
from sluicegate.monitoring.quality.joining import (
    Answer,
    Facts,
    PairCounts,
    pair_increments,
    quality_increments,
    with_answer,
    with_truth,
)
from sluicegate.monitoring.quality.payloads import Table, read_table

MOST_ID_CHARACTERS = 128


class Watcher(Protocol):
    """Who follows a predictor's rows and scores."""

    def model_ready(self, key: PredictorKey, model: ModelReady) -> None:
        """A server of the predictor said which model it serves."""

    def see_request(self, key: PredictorKey, request: str, columns: dict[str, list[Any]]) -> None:
        """Rows of a request, by column."""

    def see_answer(self, key: PredictorKey, request: str, scores: list[float], *, shadow: bool) -> None:
        """Scores of an answer, one a row."""


@dataclass(slots=True)
class _Batch:
    """What a batch adds, gathered so that each counter is written once."""

    at: float
    totals: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    pairs: dict[tuple[int, str, str], list[int]] = field(default_factory=dict)


class Intake:
    """Takes events in. All its methods run on the database thread."""

    def __init__(self, clock: Clock, watcher: Watcher) -> None:
        self._clock = clock
        self._watcher = watcher
        self._encode = msgspec.json.Encoder().encode
        self._pack = msgspec.msgpack.Encoder().encode
        self._unpack = msgspec.msgpack.Decoder(Facts).decode
        self.duplicates = 0
        self.ignored = 0

    def take(self, connection: sqlite3.Connection, events: Iterable[Event]) -> None:
        """Keep and count ``events``, and all that follows from them."""
        batch = _Batch(self._clock.now())
        for event in events:
            if event.type not in TYPES:
                self.ignored += 1
            else:
                self._take(connection, event, batch)
        add_totals(connection, ((*key, value) for key, value in batch.totals.items()))
        for (deployment, first, second), counts in batch.pairs.items():
            add_pairs(connection, deployment, (first, second), int(batch.at), PairCounts(*counts))

    def _take(self, connection: sqlite3.Connection, event: Event, batch: _Batch) -> None:
        deployment = deployment_id(connection, event.namespace, event.inferenceservicename)
        key = PredictorKey(deployment, event.endpoint)
        if event.type == MODEL_READY:
            # Not logged: it carries a whole profile, and taking it twice changes nothing.
            self._model_ready(connection, key, event)
        elif not self._log(connection, deployment, event, batch.at):
            self.duplicates += 1
        elif event.type == REQUEST:
            self._request(key, event, batch)
        elif event.type == FEEDBACK:
            self._feedback(connection, key, event, batch)
        else:
            self._response(connection, key, event, batch)

    def _log(self, connection: sqlite3.Connection, deployment: int, event: Event, at: float) -> bool:
        cursor = connection.execute(
            "INSERT OR IGNORE INTO log (event, deployment, predictor, type, at, body) VALUES (?, ?, ?, ?, ?, ?)",
            (event.key, deployment, event.endpoint, event.type, at, self._encode(event)),
        )
        return cursor.rowcount == 1

    def _model_ready(self, connection: sqlite3.Connection, key: PredictorKey, event: Event) -> None:
        model = ModelReady.read(read_data(event))
        keep_model(connection, key, model)
        self._watcher.model_ready(key, model)

    def _request(self, key: PredictorKey, event: Event, batch: _Batch) -> None:
        batch.totals[(*key, "shadow_requests" if event.is_shadow else "requests")] += 1
        table = _table(read_data(event))
        self._watcher.see_request(key, event.requestid, {} if table is None else table.columns())

    def _response(self, connection: sqlite3.Connection, key: PredictorKey, event: Event, batch: _Batch) -> None:
        shadow = event.is_shadow
        batch.totals[(*key, ("shadow_" if shadow else "") + ("failures" if event.failed else "answers"))] += 1
        if event.failed:
            # Failures are judged by the gateway's counts; they decide nothing, so they make no pair.
            self._watcher.see_answer(key, event.requestid, [], shadow=shadow)
            return
        table = _table(read_data(event))
        rows = Table(rows=[]) if table is None else table
        answer = Answer(decide(rows, known_classes(connection, key)), shadow)
        self._watcher.see_answer(key, event.requestid, scores(rows), shadow=shadow)
        self._learn(connection, key, event.requestid, lambda facts: with_answer(facts, key.predictor, answer), batch)

    def _feedback(self, connection: sqlite3.Connection, key: PredictorKey, event: Event, batch: _Batch) -> None:
        batch.totals[(*key, "feedback")] += 1
        payload = read_data(event)
        table = _table(payload.get("truth")) if isinstance(payload, dict) else None
        request = _puid(payload) or event.requestid
        if table is None or not request:
            batch.totals[(*key, "feedback_without_truth")] += 1
            return
        truth = labels(table)
        self._learn(connection, key, request, lambda facts: with_truth(facts, truth), batch)

    def _learn(
        self,
        connection: sqlite3.Connection,
        key: PredictorKey,
        request: str,
        learn: Callable[[Facts], Facts],
        batch: _Batch,
    ) -> None:
        request = _bounded(request)
        before = self._facts(connection, key.deployment, request)
        after = learn(before)
        if after is before:
            return
        connection.execute(
            "INSERT INTO facts (deployment, request, at, facts) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET facts = excluded.facts",
            (key.deployment, request, batch.at, self._pack(after)),
        )
        _count(batch, key.deployment, before, after)

    def _facts(self, connection: sqlite3.Connection, deployment: int, request: str) -> Facts:
        row = connection.execute(
            "SELECT facts FROM facts WHERE deployment = ? AND request = ?", (deployment, request)
        ).fetchone()
        return Facts() if row is None else self._unpack(row[0])


def _count(batch: _Batch, deployment: int, before: Facts, after: Facts) -> None:
    for (first, second), counts in pair_increments(before, after):
        sums = batch.pairs.setdefault((deployment, first, second), [0] * len(counts))
        for index, count in enumerate(counts):
            sums[index] += count
    for predictor, quality in quality_increments(before, after):
        batch.totals[(deployment, predictor, "labelled")] += quality.labelled
        batch.totals[(deployment, predictor, "wrong")] += quality.wrong


def _table(payload: Any) -> Table | None:
    try:
        return read_table(payload)
    except PayloadError:
        return None


def _bounded(request: str) -> str:
    # A client may choose its puid, so no length is the sender's fault.
    return request if len(request) <= MOST_ID_CHARACTERS else sha256(request.encode()).hexdigest()


def _puid(payload: Any) -> str:
    """``response.meta.puid`` of a feedback: it names the request, the event's own id only the feedback."""
    value: Any = payload
    path: Sequence[str] = ("response", "meta", "puid")
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
