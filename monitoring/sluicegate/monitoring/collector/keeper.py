"""Everything the collector knows, behind one face for its doors and its turns.

Each method hands its work to the database thread, where the clock, the intake and the detectors live.
"""

import sqlite3
from collections import Counter
from typing import Any

import msgspec

from sluicegate.monitoring.analysis.series import Series
from sluicegate.monitoring.collector import alerts, archive, routers
from sluicegate.monitoring.collector.clock import Clock
from sluicegate.monitoring.collector.database import Database, open_database
from sluicegate.monitoring.collector.drift_watch import DriftWatch, episode_counts
from sluicegate.monitoring.collector.errors import OverloadedError, UnknownDeploymentError
from sluicegate.monitoring.collector.events import Event
from sluicegate.monitoring.collector.exposition import DeploymentFigures, Figures
from sluicegate.monitoring.collector.gateway_ledger import (
    last_alive,
    record_alive,
    record_failure,
    record_sample,
    record_start,
)
from sluicegate.monitoring.collector.history import SeriesQuestion, read_series, read_summary
from sluicegate.monitoring.collector.intake import Intake
from sluicegate.monitoring.collector.ledger import Deployment, deployments, find_deployment, pair_totals, totals
from sluicegate.monitoring.collector.models import PredictorKey
from sluicegate.monitoring.collector.retention import forget
from sluicegate.monitoring.collector.settings import Settings
from sluicegate.monitoring.sources.gateway import GatewaySample
from sluicegate.serving.protocol.router_counts import Count, Report

NOT_SAMPLED = "The gateway is not sampled: the collector was started without --envoy-admin and without --servers."


class Keeper:
    """Takes in, keeps, tells."""

    def __init__(self, settings: Settings, watch: DriftWatch) -> None:
        connection = open_database(settings.data / "collector.sqlite")
        self._settings = settings
        self._clock = Clock(not_before=last_alive(connection))
        self._watch = watch
        self._intake = Intake(self._clock, watch)
        self._database = Database(connection, settings.waiting_posts)
        self._counted: Counter[str] = Counter()
        self.gateway = "not read yet" if settings.samples else NOT_SAMPLED

    async def start(self) -> None:
        """Take up where the last life ended."""
        await self._database.call(self._start)

    def close(self) -> None:
        """Finish what waits and close the database."""
        self._database.close()

    async def take(self, events: tuple[Event, ...]) -> None:
        """Keep and count events; returns after their commit.

        Raises:
            OverloadedError, StorageError: none of them was kept.

        """
        try:
            await self._database.call(lambda connection: self._intake.take(connection, events), refuse_when_busy=True)
        except OverloadedError:
            self._counted["dropped"] += len(events)
            raise
        self._counted["accepted"] += len(events)

    def refused(self, how_many: int) -> None:
        """Count events that were malformed."""
        self._counted["malformed"] += how_many

    async def record(self, sample: GatewaySample | None, failure: str) -> None:
        """One second's look at the gateway, or why there is none."""
        self.gateway = failure or ("sampled" if sample else self.gateway)
        await self._database.call(lambda connection: self._record(connection, sample, failure))

    async def watch(self) -> tuple[alerts.Alert, ...]:
        """Let the detectors see this second's rows. Returns the alerts that are to be sent now."""
        return await self._database.call(self._watch_rows)

    async def forget(self) -> None:
        """Delete what is beyond the bounds."""
        await self._database.call(lambda connection: forget(connection, self._settings, self._clock.now()))

    async def settle(self, alert: alerts.Alert, *, finished: bool) -> None:
        """Remember what became of an alert."""
        await self._database.call(
            lambda connection: alerts.settle(connection, alert, self._clock.now(), finished=finished)
        )

    async def keep_evidence(self, namespace: str, rollout: str, body: bytes) -> None:
        """Keep a rollout's evidence; returns after its commit."""
        at = self._clock.now()
        await self._database.call(lambda connection: archive.keep(connection, namespace, rollout, at, body))

    async def evidence(self, namespace: str, rollout: str) -> bytes:
        """A rollout's evidence. Raises UnknownEvidenceError."""
        return await self._database.call(lambda connection: archive.find(connection, namespace, rollout))

    async def keep_router_counts(self, report: Report) -> dict[str, dict[str, Count]]:
        """Keep what routers of one server learnt; what all others did. Returns after the commit."""
        return await self._database.call(lambda connection: routers.keep(connection, report), refuse_when_busy=True)

    async def router_counts(self, namespace: str, name: str) -> dict[str, Any]:
        """What a deployment's routers learnt."""
        return await self._database.call(lambda connection: routers.told(connection, namespace, name))

    async def series(self, question: SeriesQuestion) -> Series:
        """A rollout's series."""
        return await self._database.call(lambda connection: self._series(connection, question))

    async def summary(self, namespace: str, name: str) -> dict[str, Any]:
        """A deployment's totals."""
        return await self._database.call(
            lambda connection: read_summary(connection, namespace, name, self._drift(connection, namespace, name))
        )

    async def drift(self, namespace: str, name: str, predictor: str) -> dict[str, Any]:
        """Newest drift scores by predictor, and the features in alarm; of one if ``predictor`` is given."""
        known = await self._database.call(lambda connection: self._drift_and_alarms(connection, namespace, name))
        chosen = {key: value for key, value in known.items() if predictor in ("", key)}
        return {
            "namespace": namespace,
            "name": name,
            "predictors": {key: {"scores": scores, "alarms": alarms} for key, (scores, alarms) in chosen.items()},
        }

    async def newest_events(self, namespace: str, name: str, limit: int) -> list[msgspec.Raw]:
        """The newest events of the request log, newest first."""
        return await self._database.call(lambda connection: _newest_events(connection, namespace, name, limit))

    async def figures(self) -> Figures:
        """What ``/metrics`` exposes."""
        return await self._database.call(self._figures)

    def _start(self, connection: sqlite3.Connection) -> None:
        record_start(connection, self._clock.now())
        self._watch.restore(connection)

    def _record(self, connection: sqlite3.Connection, sample: GatewaySample | None, failure: str) -> None:
        at = self._clock.now()
        record_alive(connection, at)
        if sample is not None:
            record_sample(connection, at, sample)
        elif failure:
            record_failure(connection, at, failure)

    def _watch_rows(self, connection: sqlite3.Connection) -> tuple[alerts.Alert, ...]:
        at = self._clock.now()
        places = {place.id: place for place in deployments(connection)}
        for alarm in self._watch.turn(connection, at):
            place = places[alarm.key.deployment]
            body = alerts.write_event(alarm, place.namespace, place.name, at)
            alerts.put(connection, self._settings.alert_url, body, at)
        return alerts.due(connection, at)

    def _series(self, connection: sqlite3.Connection, question: SeriesQuestion) -> Series:
        return read_series(
            connection,
            question,
            now=self._clock.now(),
            kept_seconds=self._settings.retention_hours * 3600,
            drift=self._drift(connection, question.namespace, question.deployment).get(question.candidate, {}),
            always=() if self._settings.samples else (NOT_SAMPLED,),
        )

    def _drift(self, connection: sqlite3.Connection, namespace: str, name: str) -> dict[str, dict[str, float]]:
        deployment = find_deployment(connection, namespace, name)
        return {} if deployment is None else self._watch.scores(deployment)

    def _drift_and_alarms(
        self, connection: sqlite3.Connection, namespace: str, name: str
    ) -> dict[str, tuple[dict[str, float], dict[str, float]]]:
        deployment = find_deployment(connection, namespace, name)
        if deployment is None:
            raise UnknownDeploymentError(f"nothing was ever seen of deployment {namespace}/{name}")
        alarms = self._watch.alarms(deployment)
        return {key: (scores, alarms[key]) for key, scores in self._watch.scores(deployment).items()}

    def _figures(self, connection: sqlite3.Connection) -> Figures:
        episodes = episode_counts(connection)
        own = self._counted | {"duplicate": self._intake.duplicates, "ignored": self._intake.ignored}
        return Figures(
            deployments=tuple(self._place(connection, place, episodes) for place in deployments(connection)),
            own={name: own.get(name, 0) for name in ("accepted", "duplicate", "ignored", "malformed", "dropped")},
            alerts_waiting=int(connection.execute("SELECT COUNT(*) FROM alerts").fetchone()[0]),
        )

    def _place(
        self, connection: sqlite3.Connection, place: Deployment, episodes: dict[PredictorKey, int]
    ) -> DeploymentFigures:
        return DeploymentFigures(
            namespace=place.namespace,
            name=place.name,
            totals=totals(connection, place.id),
            pairs=pair_totals(connection, place.id),
            drift=self._watch.scores(place.id),
            alarms=self._watch.alarms(place.id),
            episodes={key.predictor: count for key, count in episodes.items() if key.deployment == place.id},
        )


def _newest_events(connection: sqlite3.Connection, namespace: str, name: str, limit: int) -> list[msgspec.Raw]:
    deployment = find_deployment(connection, namespace, name)
    if deployment is None:
        raise UnknownDeploymentError(f"nothing was ever seen of deployment {namespace}/{name}")
    rows = connection.execute(
        "SELECT body FROM log WHERE deployment = ? ORDER BY sequence DESC LIMIT ?", (deployment, limit)
    )
    return [msgspec.Raw(row[0]) for row in rows]
