"""Settings of the registry's follower: one table, read once from the environment of its Deployment.

How MLflow is entered (``MLFLOW_TRACKING_USERNAME``, ``MLFLOW_TRACKING_TOKEN``, …) is read by MLflow's own client.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sluicegate.pipelines.follower.errors import SettingsRefusedError


@dataclass(frozen=True, slots=True)
class FollowerSetting:
    """One line of the table."""

    name: str
    env: str
    default: str
    sentence: str


FOLLOWER_SETTINGS = (
    FollowerSetting("registry", "MLFLOW_TRACKING_URI", "", "Where MLflow is; without it nothing runs."),
    FollowerSetting("namespace", "SLUICEGATE_WATCH_NAMESPACE", "", "The only namespace to look at; empty: all."),
    FollowerSetting(
        "refresh",
        "SLUICEGATE_REGISTRY_REFRESH",
        "10",
        "Seconds between looks at the registry while nothing changes here.",
    ),
    FollowerSetting(
        "challengers",
        "SLUICEGATE_CHALLENGERS",
        "ignore",
        "`start`: the alias `challenger` starts a rollout, which takes the right to create workflows; or `ignore`.",
    ),
    FollowerSetting("kubeconfig", "KUBECONFIG", "", "Which cluster, outside of one."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this process is told; the table above says what each is."""

    registry: str
    namespace: str
    refresh: float
    challengers: str
    kubeconfig: str


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings of the environment, defaults where it says nothing. Raises SettingsRefusedError."""
    found = {each.name: environment.get(each.env, each.default) for each in FOLLOWER_SETTINGS}
    if not found["registry"]:
        raise SettingsRefusedError("MLFLOW_TRACKING_URI is not set: without a registry there is nothing to bring after")
    if found["challengers"] not in ("start", "ignore"):
        raise SettingsRefusedError(f"SLUICEGATE_CHALLENGERS: found {found['challengers']!r}; expected start or ignore")
    return Settings(**{**found, "refresh": _seconds(found["refresh"])})  # type: ignore[arg-type]  # the rest is text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise SettingsRefusedError(f"SLUICEGATE_REGISTRY_REFRESH: found {text!r}; expected seconds from 1 to 3600")
    return seconds
