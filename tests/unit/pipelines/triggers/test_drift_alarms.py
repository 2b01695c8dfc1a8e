"""A drift alarm becomes pipeline runs, one an episode."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.pipelines.triggers.drift_alarms import EVENT_TYPE, launches, read_alarm
from sluicegate.pipelines.triggers.errors import EventRefusedError
from sluicegate.pipelines.triggers.pipeline_runs import Launch, PipelineRuns
from sluicegate.serving.local.store import Store
from sluicegate.serving.local.supervisor import Supervisor

JSON = dict[str, Any]


def alarm(number: int = 1, since: float | None = 1000.0, **data: Any) -> bytes:
    """An alarm as the collector sends it."""
    facts = {
        "namespace": "default",
        "deployment": "flights",
        "predictor": "v2",
        "features": {"temp": 3.2},
        "since": since,
    }
    return json.dumps({"specversion": "1.0", "id": str(number), "type": EVENT_TYPE, "data": facts | data}).encode()


def trigger(name: str = "retrain", **data: str) -> JSON:
    """A ConfigMap that asks for a pipeline."""
    facts = {"deployment": "flights", "pipeline": "retraining", "parameters": '{"days": 30}'}
    labels = {"sluicegate.dev/trigger": "drift"}
    return {
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "data": facts | data,
    }


def wanted(body: bytes, *config_maps: JSON) -> tuple[Launch, ...]:
    """What the alarm asks for."""
    event, found = read_alarm(body)
    assert found is not None
    return launches(event, found, config_maps)


def test_the_config_map_says_what_runs() -> None:
    """Pipeline, parameters, and a sentence about why."""
    (launch,) = wanted(alarm(), trigger())

    assert (launch.pipeline, launch.parameters, launch.deployment) == ("retraining", {"days": 30}, "flights")
    assert "temp 3.20" in launch.because


def test_one_episode_one_name() -> None:
    """A repeated alarm of one episode is the same run, another episode another."""
    first, again, later = (wanted(body, trigger()) for body in (alarm(1), alarm(2), alarm(3, since=2000.0)))

    assert first[0].name == again[0].name != later[0].name


def test_without_a_beginning_the_events_id_counts() -> None:
    """Deduplicated by id."""
    assert wanted(alarm(1, None), trigger())[0].name != wanted(alarm(2, None), trigger())[0].name


@pytest.mark.parametrize("other", [trigger(deployment="others"), trigger() | {"metadata": {"name": "x", "labels": {}}}])
def test_other_config_maps_are_left_alone(other: JSON) -> None:
    """Another deployment's, or one without the label."""
    assert wanted(alarm(), other) == ()


@pytest.mark.parametrize(
    ("config_map", "message"),
    [
        (trigger(pipeline=""), "data.pipeline"),
        (trigger(parameters="{"), "no JSON"),
        (trigger(parameters="3"), "object"),
    ],
)
def test_a_wrong_config_map_is_named(config_map: JSON, message: str) -> None:
    """Which one, which field."""
    with pytest.raises(EventRefusedError, match=message):
        wanted(alarm(), config_map)


@given(st.binary())
def test_no_body_breaks_the_door(body: bytes) -> None:
    """Anything is an event or is refused."""
    with suppress(EventRefusedError):
        read_alarm(body)


def test_an_unknown_type_is_no_alarm() -> None:
    """Taken and ignored."""
    assert read_alarm(b'{"id": "1", "type": "other"}')[1] is None


def test_a_run_is_launched_once_over_restarts(tmp_path: Path) -> None:
    """The directory remembers it, whoever asks again."""

    async def story() -> None:
        (launch,) = wanted(alarm(), trigger())
        for expected in (True, False):
            store = Store(tmp_path / "state.sqlite")
            runs = PipelineRuns(store, Supervisor(tmp_path), tmp_path, {})
            assert runs.launch(launch) is expected
            assert runs.active("default", "flights") == launch.name
            assert [event["reason"] for event in store.list("Event")] == ["PipelineStarted"]
            store.close()

    asyncio.run(story())
