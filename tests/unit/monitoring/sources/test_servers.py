"""Model servers' own metrics as running totals, and the list of whom to ask."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tiny_http import serve_texts

from sluicegate.monitoring.collector.fleet import statistics_of_servers
from sluicegate.monitoring.collector.sampling import increments
from sluicegate.monitoring.sources.errors import MalformedError, UnreachableError
from sluicegate.monitoring.sources.gateway import ClusterCounts, GatewaySample
from sluicegate.monitoring.sources.servers import read_predictions, read_targets
from sluicegate.serving.server.metrics import BUCKETS, Metrics, exposition
from sluicegate.serving.server.predictions import PREDICTING

REQUESTS = st.tuples(
    st.sampled_from(("predictions", "feedback", "status", *sorted(PREDICTING), "/seldon.protos.Seldon/SendFeedback")),
    st.sampled_from((200, 400, 500, 503)),
    st.floats(0.0, 20.0),
    st.booleans(),
)


def exposed(*requests: tuple[str, int, float, bool]) -> str:
    """What a real server shows after these: service, status, seconds, whether a copy."""
    metrics = Metrics(identity=(("deployment_name", 'a "b"'),), unit=())
    for service, code, seconds, copy in requests:
        metrics.observe(service, "POST", code, seconds, copy=copy)
    return exposition(metrics)


@given(st.lists(REQUESTS))
def test_predictions_are_counted_apart_from_copies_and_from_all_else(
    requests: list[tuple[str, int, float, bool]],
) -> None:
    found = read_predictions(exposed(*requests))

    for copy, counts in enumerate(found):
        mine = [
            (code, seconds) for service, code, seconds, copied in requests if service in PREDICTING and copied == copy
        ]
        assert counts.requests == len(mine)
        assert counts.errors == sum(code >= 500 for code, _ in mine)
        slower = Counter({bound * 1000: sum(seconds > bound for _, seconds in mine) for bound in BUCKETS})
        assert +Counter({round(bound, 6): count for bound, count in counts.slower}) == +slower


@pytest.mark.parametrize("text", ["", "<html>", 'seldon_api_executor_server_requests_seconds_count{code="200"} many'])
def test_another_text_is_malformed_and_not_idle(text: str) -> None:
    with pytest.raises(MalformedError):
        read_predictions(text)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"targets": ["a:1"], "labels": {}}]', "[{}]"])
def test_a_list_of_another_form_is_malformed(text: str) -> None:
    if text == "{}":
        assert read_targets(text) == []
        return
    with pytest.raises(MalformedError):
        read_targets(text)


def totals(texts: dict[str, Any], *moments: dict[str, str]) -> list[dict[str, ClusterCounts]]:
    """What a collector counts between these moments: texts of the server, by path."""

    async def scenario(url: str) -> list[dict[str, ClusterCounts]]:
        fleet, previous, found = statistics_of_servers(f"{url}/servers"), GatewaySample(), []
        for moment in moments:
            texts.update(moment)
            sample = await fleet.read()
            found.append(increments(previous, sample, 1.0).clusters)
            previous = sample
        await fleet.close()
        return found

    with serve_texts(texts) as url:
        labels = {"namespace": "ns", "deployment": "flights", "predictor": "v1"}
        texts["/servers"] = [{"targets": [url.removeprefix("http://")], "labels": labels}]
        return asyncio.run(scenario(url))


def test_what_servers_count_is_what_happened_between_two_looks() -> None:
    one, copied = ("predictions", 200, 0.1, False), ("predictions", 500, 0.1, True)
    path = "/prometheus"

    _, second, third = totals({}, {path: exposed(one)}, {path: exposed(one, one)}, {path: exposed(one, one, copied)})

    assert (second["ns/flights/v1"].requests, second["ns/flights/v1~mirror"].requests) == (1, 0)
    assert (third["ns/flights/v1"].requests, third["ns/flights/v1~mirror"].errors) == (0, 1)


def test_without_rollouts_nobody_is_asked_and_nothing_is_wrong() -> None:
    with serve_texts({"/servers": []}) as url:
        assert asyncio.run(statistics_of_servers(f"{url}/servers").read()).clusters == {}


def test_a_list_that_cannot_be_had_and_servers_that_do_not_answer_are_said() -> None:
    with pytest.raises(UnreachableError):
        asyncio.run(statistics_of_servers("http://127.0.0.1:9/servers").read())
    silent = [{"targets": ["127.0.0.1:9"], "labels": {"namespace": "n", "deployment": "d", "predictor": "p"}}]
    with serve_texts({"/servers": silent}) as url, pytest.raises(UnreachableError, match="http://127"):
        asyncio.run(statistics_of_servers(f"{url}/servers").read())
