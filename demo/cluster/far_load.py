"""The load in a pod, as the acts see it: steered and asked over the API server's proxy."""

from dataclasses import dataclass, field
from time import time

import httpx

from demo.ground import ClaimFailedError


@dataclass(frozen=True, slots=True)
class FarTally:
    """What users saw, by second of this machine's clock."""

    sent: dict[int, int] = field(default_factory=dict)
    failed: dict[int, int] = field(default_factory=dict)
    wrong: dict[int, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    labels: int = 0

    def since(self, start: float) -> tuple[int, int, int]:
        """Requests, failures and wrong answers since a moment (Unix seconds)."""
        sent, failed, wrong = (
            sum(count for second, count in counts.items() if second >= int(start))
            for counts in (self.sent, self.failed, self.wrong)
        )
        return sent, failed, wrong


@dataclass(slots=True)
class FarLoad:
    """At ``url``."""

    url: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=15))
    last: FarTally = field(default_factory=FarTally)

    @property
    def tally(self) -> FarTally:
        """So far; when it cannot be asked just now, what it said last."""
        try:
            said = self.http.get(f"{self.url}/tally").raise_for_status().json()
        except httpx.HTTPError:
            return self.last
        shift = round(time() - said["now"])
        by_second = {
            name: {int(second) + shift: count for second, count in said[name].items()}
            for name in ("sent", "failed", "wrong")
        }
        self.last = FarTally(**by_second, failures=said["failures"], labels=said["labels"])
        return self.last

    def start(self) -> None:
        """Begin to send."""
        self._tell("start")

    def stop(self) -> None:
        """Send no more."""
        self._tell("stop")

    def silence(self) -> None:
        """The radio feed falls silent: its column comes empty."""
        self._tell("silence")

    def restore(self) -> None:
        """The feed is heard again."""
        self._tell("restore")

    def switch(self, first: str, last: str) -> None:
        """Go on with other days (ISO dates, inclusive)."""
        self._tell(f"switch?first={first}&last={last}")

    def _tell(self, verb: str) -> None:
        answer = self.http.post(f"{self.url}/{verb}")
        if answer.is_error:
            raise ClaimFailedError(f"the load's pod answered {answer.status_code} to {verb}: {answer.text[:200]}")
