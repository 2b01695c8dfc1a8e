"""The home of what routers learn: what each life of each server counted, kept as long as the database.

A report says all that a life counted, so it may come twice. What a power cut takes, servers that live tell again within
a second. All functions run on the database thread.
"""

import sqlite3
from typing import Any

from sluicegate.monitoring.collector.errors import QuestionError
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.router_counts import KEEP, OTHERS, Count, Report, counts_of, report_from, rows_of

_TOLD = """
SELECT predictor, unit, arm, SUM(trials), SUM(reward) FROM router_counts
 WHERE namespace = ? AND deployment = ? GROUP BY predictor, unit, arm
"""


def read_report(body: bytes) -> Report:
    """A server's report. Raises QuestionError."""
    try:
        return report_from(body)
    except BadPayloadError as error:
        raise QuestionError(str(error)) from error


def keep(connection: sqlite3.Connection, report: Report) -> dict[str, dict[str, Count]]:
    """Keep a report; what all other lives counted, by unit and arm."""
    connection.executemany(KEEP, rows_of(report))
    place = (report.namespace, report.deployment, report.predictor, report.incarnation)
    return counts_of(connection.execute(OTHERS, place))


def told(connection: sqlite3.Connection, namespace: str, deployment: str) -> dict[str, Any]:
    """What all routers of a deployment learnt, by predictor, unit and arm."""
    found: dict[str, Any] = {}
    for predictor, unit, arm, trials, reward in connection.execute(_TOLD, (namespace, deployment)):
        found.setdefault(predictor, {}).setdefault(unit, {})[arm] = {"trials": trials, "reward": reward}
    return {"namespace": namespace, "name": deployment, "predictors": found}
