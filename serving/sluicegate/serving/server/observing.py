"""What follows requests in one server, made of its settings: spans, lines on stdout, both, or nothing. For ``app``."""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from sluicegate.serving.server.exchanges import Handler
from sluicegate.serving.server.following import Following
from sluicegate.serving.server.journal import Journal
from sluicegate.serving.server.request_lines import RequestLines
from sluicegate.serving.server.setting_table import TRUTH
from sluicegate.serving.server.settings import Settings
from sluicegate.serving.server.tracing import spans_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """``following`` is None where nobody follows requests."""

    spans: Any = None
    lines: RequestLines | None = None
    following: Following | None = None

    def journal(self, form: str, always: Mapping[str, int]) -> Journal:
        """The server's journal, whose lines go the way of the requests' lines where there are such."""
        return Journal(form, always=always) if self.lines is None else Journal(form, self.lines.write, always=always)

    def http(self, handler: Handler, route_of: Callable[[str], str]) -> Handler:
        """The handler, followed by whoever follows."""
        return handler if self.following is None else self.following.http(handler, route_of)

    def gauges(self) -> dict[str, tuple[str, Callable[[], float]]]:
        """Figures of it."""
        lines = self.lines
        if lines is None:
            return {}
        return {"sluicegate_request_lines_dropped_total": ("Lines on stdout beyond the queue", lambda: lines.dropped)}

    def stop(self, seconds: float) -> None:
        """Give out what waits, for so long at most."""
        if self.spans is not None:
            self.spans.stop(seconds)
        if self.lines is not None:
            self.lines.stop(seconds)


def observing(settings: Settings, environment: MutableMapping[str, str], always: Mapping[str, int]) -> Observing:
    """As the settings and OpenTelemetry's variables say; ``always`` stands on every line."""
    spans = spans_of(settings, environment)
    lines = None
    if TRUTH[settings.access_log]:
        known = {"deployment": settings.deployment, "predictor": settings.predictor, "unit": settings.name}
        lines = RequestLines(settings.output, {**known, **always})
    followers = tuple(each for each in (spans, lines) if each is not None)
    following = Following(followers, spans, "https" if settings.tls_cert else "http") if followers else None
    return Observing(spans=spans, lines=lines, following=following)
