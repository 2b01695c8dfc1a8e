"""What is counted is exposed as Prometheus reads it, under Seldon's names."""

from prometheus_client.parser import text_string_to_metric_families

from sluicegate.serving.protocol.messages import Metric
from sluicegate.serving.server.metrics import RECENT, SERIES, Metrics, exposition


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


def test_the_whole_text_is_prometheus_own() -> None:
    """Every family has one head and samples of its own kind, whatever labels hold."""
    metrics = _metrics()
    metrics.observe("predictions", "POST", 200, 0.01)
    metrics.observe("predictions", "POST", 200, 0.01, copy=True)
    metrics.hopped('a"', "/predict", "post", 0, 0.5)
    metrics.called(3, 40)
    metrics.load_seconds["m"] = 1.5
    metrics.told(Metric(key="took", kind="TIMER", value=1))
    metrics.gauges["sluicegate_queue_length"] = ("Requests that wait for the model", lambda: 2)

    families = list(text_string_to_metric_families(exposition(metrics)))

    names = [family.name for family in families]
    assert len(set(names)) == len(names)
    assert {family.type for family in families} == {"histogram", "summary", "gauge", "counter"}
    text = exposition(metrics)
    assert all(text.count(f"# TYPE {line.split()[2]} ") == 1 for line in text.splitlines() if line.startswith("# TYPE"))


def test_summaries_tell_quantiles_of_the_newest_requests() -> None:
    metrics = _metrics()
    for _ in range(RECENT):
        metrics.observe("predictions", "POST", 200, 9.0)
    for index in range(RECENT):
        metrics.observe("predictions", "POST", 200, index / RECENT)

    name = "seldon_api_executor_server_requests_seconds_summary"
    samples = [each for family in text_string_to_metric_families(exposition(metrics)) for each in family.samples]
    quantiles = {each.labels["quantile"]: each.value for each in samples if each.name == name}
    assert quantiles == {"0.5": 0.5, "0.75": 0.75, "0.9": 0.9, "0.98": 0.98, "0.99": 0.99, "1": 0.999}
    assert [each.value for each in samples if each.name == f"{name}_count"] == [2 * RECENT]


def test_calls_are_counted_by_what_they_were_given() -> None:
    metrics = _metrics()
    metrics.called(1, 1)
    metrics.called(3, 40)
    metrics.hopped("a", "/predict", "post", 200, 0.5)

    samples = _samples(metrics)

    assert (samples["sluicegate_batch_rows_sum"], samples["sluicegate_batch_requests_sum"]) == (41, 4)
    assert (samples["sluicegate_batch_rows_bucket32"], samples["sluicegate_batch_rows_bucket64"]) == (1, 2)
    assert samples["seldon_api_executor_client_requests_seconds_count200"] == 1
