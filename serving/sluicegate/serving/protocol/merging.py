"""One ``meta`` from several: what a combiner's answer carries of its children's. Pure."""

from collections.abc import Iterable

from sluicegate.serving.protocol.messages import Meta, Metric


def merged_meta(metas: Iterable[Meta]) -> Meta:
    """In the order of the children: of tags, routing and request path the later keys win; every metric is kept once.

    What the children took over from their common input is the same object in each of them, and is told once.
    """
    puid = ""
    tags: dict[str, object] = {}
    routing: dict[str, int] = {}
    request_path: dict[str, str] = {}
    metrics: dict[int, Metric] = {}
    for meta in metas:
        puid = puid or meta.puid
        tags |= meta.tags
        routing |= meta.routing
        request_path |= meta.request_path
        metrics |= {id(metric): metric for metric in meta.metrics}
    return Meta(puid=puid, tags=tags, routing=routing, request_path=request_path, metrics=tuple(metrics.values()))
