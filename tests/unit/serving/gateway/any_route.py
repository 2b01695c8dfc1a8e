"""Any route that ``reconcile`` may compute, for property tests of its renderers."""

from hypothesis import strategies as st

from sluicegate.serving.gateway.routes import Backend, HeaderRoute, Mirror, Route
from sluicegate.serving.gateway.services import Service

PREDICTORS = ("old", "new", "third")
SERVICES = {name: Service(name=f"flights-{name}") for name in PREDICTORS}
SHADOWED = {name: Service(name=f"flights-{name}", shadow_http=8001, shadow_grpc=5002) for name in PREDICTORS}


@st.composite
def any_route(draw: st.DrawFn) -> Route:
    """Two or three predictors, any weights, mirrors and headers to any of them, or nobody at all."""
    names = PREDICTORS[: draw(st.integers(2, 3))]
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(names) - 1, max_size=len(names) - 1)))
    weights = [upper - lower for lower, upper in zip([0, *cuts], [*cuts, 100], strict=True)]
    serving = draw(st.booleans())
    named = st.sampled_from(names)
    mirrors = draw(st.lists(st.builds(Mirror, predictor=named, percentage=st.integers(0, 100)), max_size=2))
    values = st.text("ab.+ ", min_size=1, max_size=4)
    matches = st.sampled_from(["exact", "prefix"])
    headers = st.builds(
        HeaderRoute, header=st.sampled_from(["x-a", "x-b"]), value=values, predictor=named, match=matches
    )
    return Route(
        namespace="shop",
        name="flights",
        backends=tuple(
            Backend(predictor=name, weight=weight if serving else 0)
            for name, weight in zip(names, weights, strict=True)
        ),
        mirrors=tuple({one.predictor: one for one in mirrors}.values()),
        header_routes=tuple(draw(st.lists(headers, max_size=5))),
        sticky_header=draw(st.sampled_from(["", "x-user"])),
        timeout_ms=draw(st.integers(1, 10_000_000)),
        grpc_timeout_ms=draw(st.integers(1, 10_000_000)),
    )
