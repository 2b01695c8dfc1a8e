"""Which model each predictor serves, as its servers announced it, with the profile that drift is measured against.

Kept by bundle digest, so that a restarted collector goes on without hearing the announcement again.
"""

import sqlite3
from typing import Any, NamedTuple

import msgspec


class PredictorKey(NamedTuple):
    """A predictor within the database: the deployment's number and the predictor's name."""

    deployment: int
    predictor: str


class ModelReady(msgspec.Struct, frozen=True, kw_only=True):
    """Data of ``dev.sluicegate.model.ready``. ``profile``: the reference profile as JSON, or empty."""

    model: str = ""
    version: str = ""
    digest: str = ""
    classes: tuple[Any, ...] = ()
    profile: bytes = b""

    @classmethod
    def read(cls, data: Any) -> "ModelReady":
        """From the event's decoded data; what is missing or of another type stays empty."""
        data = data if isinstance(data, dict) else {}
        classes = data.get("classes")
        profile = data.get("profile")
        return cls(
            **{name: str(data.get(name) or "")[:512] for name in ("model", "version", "digest")},
            classes=tuple(classes) if isinstance(classes, list) else (),
            profile=msgspec.json.encode(profile) if isinstance(profile, dict) else b"",
        )


def keep_model(connection: sqlite3.Connection, key: PredictorKey, model: ModelReady) -> None:
    """Remember what the predictor serves; the newest announcement holds."""
    connection.execute(
        "INSERT OR REPLACE INTO models VALUES (?, ?, ?, ?, ?, ?)",
        (*key, model.model, model.version, model.digest, msgspec.json.encode(model.classes).decode()),
    )
    if model.profile and model.digest:
        connection.execute("INSERT OR REPLACE INTO profiles VALUES (?, ?)", (model.digest, model.profile))


def known_models(connection: sqlite3.Connection) -> dict[PredictorKey, ModelReady]:
    """All announcements, with their profiles."""
    rows = connection.execute(
        "SELECT deployment, predictor, model, version, models.digest, classes, profile"
        " FROM models LEFT JOIN profiles ON profiles.digest = models.digest"
    )
    return {
        PredictorKey(row[0], row[1]): ModelReady(
            model=row[2],
            version=row[3],
            digest=row[4],
            classes=msgspec.json.decode(row[5], type=tuple[Any, ...]),
            profile=row[6] or b"",
        )
        for row in rows
    }


def known_classes(connection: sqlite3.Connection, key: PredictorKey) -> tuple[Any, ...]:
    """The classes that the predictor's model announced, in the order of its answer's columns."""
    row = connection.execute("SELECT classes FROM models WHERE deployment = ? AND predictor = ?", key).fetchone()
    return () if row is None else msgspec.json.decode(row[0], type=tuple[Any, ...])
