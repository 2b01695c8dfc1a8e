"""What is counted is exposed as Prometheus reads it, under Seldon's names."""

from prometheus_client.parser import text_string_to_metric_families

from sluicegate.serving.protocol.messages import Metric
from sluicegate.serving.server.metrics import SERIES, Metrics, exposition


def _metrics() -> Metrics:
    return Metrics(identity=(("deployment_name", 'a"b\\c\n'),), unit=(("model_name", "m"),))


def _samples(metrics: Metrics) -> dict[str, float]:
    families = text_string_to_metric_families(exposition(metrics))
    return {
        sample.name + str(sample.labels.get("le", sample.labels.get("code", ""))): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_a_cumulative_histogram() -> None:
    """Buckets add up, labels survive quoting."""
    metrics = _metrics()
    for seconds in (0.001, 0.005, 0.2, 99.0):
        metrics.observe("predictions", "POST", 200, seconds)

    samples = _samples(metrics)

    name = "seldon_api_executor_server_requests_seconds_bucket"
    assert [samples[f"{name}{le}"] for le in ("0.005", "0.25", "10.0", "+Inf")] == [2, 3, 3, 4]


def test_a_models_own_metrics_are_exposed() -> None:
    """Counters add, gauges keep the last, timers are seconds; names are made legal."""
    metrics = _metrics()
    for value in (1.0, 2.0):
        metrics.told(Metric(key="my-calls-total", kind="COUNTER", value=value))
        metrics.told(Metric(key="level", kind="GAUGE", value=value, tags={"model_name": "own"}))
        metrics.told(Metric(key="took", kind="TIMER", value=value * 1000))

    samples = _samples(metrics)

    assert (samples["my_calls_total"], samples["level"], samples["took_sum"]) == (3, 2, 3)


def test_tags_without_bounds_do_not_fill_the_memory() -> None:
    """Series beyond the limit are dropped and counted."""
    metrics = _metrics()
    for index in range(SERIES + 5):
        metrics.told(Metric(key="k", kind="GAUGE", value=1, tags={"user": str(index)}))

    assert _samples(metrics)["sluicegate_model_series_dropped_total"] == 5
