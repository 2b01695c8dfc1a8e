"""Metrics of an autoscaler as ``autoscaling/v2`` has them, from the ``v2beta1`` that Seldon's ``hpaSpec`` speaks."""

from sluicegate.serving.api.metadata import JSON


def as_v2(metric: JSON) -> JSON:
    """One metric; what is already v2 stays as it is."""
    kind = str(metric.get("type") or "")
    field = kind[:1].lower() + kind[1:]
    source: JSON = metric.get(field) or {}
    if isinstance(source.get("target"), dict) and "type" in source["target"]:
        return metric
    named: JSON
    match kind:
        case "Resource" | "ContainerResource":
            named = {key: source[key] for key in ("name", "container") if key in source}
        case "Object":
            named = {"describedObject": source.get("target"), "metric": _metric(source, "selector")}
        case "External":
            named = {"metric": _metric(source, "metricSelector")}
        case "Pods":
            named = {"metric": _metric(source, "selector")}
        case _:
            return metric
    return {"type": kind, field: {**named, "target": _target(source)}}


def _metric(source: JSON, selector: str) -> JSON:
    return {"name": source.get("metricName"), "selector": source.get(selector)}


def _target(source: JSON) -> JSON:
    if source.get("targetAverageUtilization") is not None:
        return {"type": "Utilization", "averageUtilization": source["targetAverageUtilization"]}
    average = source.get("targetAverageValue", source.get("averageValue"))
    if average is not None:
        return {"type": "AverageValue", "averageValue": average}
    return {"type": "Value", "value": source.get("targetValue")}
