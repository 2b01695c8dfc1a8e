"""What one Envoy asked for, holds, was sent and refused, of one kind of resources: the incremental xDS protocol.

Envoy says once, at a stream's beginning, what it holds; afterwards each answer is taken or refused by its number. One
answer of a kind is on its way at a time. ``delivery`` decides what should be held.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

RETRY_SECONDS = 10.0
"""Until something refused is offered once more: it may have been refused for a reason that passes, a taken port."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Resources that Envoy did not take, and when to offer them again."""

    version: str
    words: str
    retry_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One answer: what changes. ``versions`` by name; ``resource`` gives a name's content, packed."""

    versions: Mapping[str, str]
    removed: tuple[str, ...] = ()
    resource: Callable[[str], bytes]


@dataclass(slots=True)
class Subscription:
    """One kind. ``asked`` and ``answered`` are of the present stream; ``held`` outlives it, being all that is known."""

    asked: bool = False
    answered: bool = False
    names: set[str] = field(default_factory=set)
    held: dict[str, str] = field(default_factory=dict)
    sent: Offer | None = None
    number: int = 0
    refused: dict[str, Refused] = field(default_factory=dict)

    def begin(self) -> None:
        """A new stream: what was on its way may have arrived or not; Envoy will say."""
        self.asked, self.answered, self.sent = False, False, None
        self.names.clear()

    def told(self, subscribed: Iterable[str], unsubscribed: Iterable[str], held: Mapping[str, str]) -> None:
        """Envoy's first request of a stream, or one that changes what it asks for.

        Who subscribes again wants the content again.
        """
        if not self.asked:
            self.asked, self.held = True, dict(held)
            self.refused.clear()
        else:
            for name in subscribed:
                self.held.pop(name, None)
        self.names.update(subscribed)
        for name in unsubscribed:
            self.names.discard(name)
            self.held.pop(name, None)
            self.refused.pop(name, None)

    def send(self, offer: Offer) -> str:
        """``offer`` is on its way; returns its number, the nonce."""
        self.sent, self.answered, self.number = offer, True, self.number + 1
        return str(self.number)

    def taken(self, nonce: str) -> Offer | None:
        """Envoy has what was sent; None for an answer that is not the last one."""
        offer = self._answered(nonce)
        if offer is not None:
            self.held |= offer.versions
            for name in offer.removed:
                self.held.pop(name, None)
            for name in offer.versions:
                self.refused.pop(name, None)
        return offer

    def turned_down(self, nonce: str, words: str, now: float) -> bool:
        """Envoy refused what was sent, with these words; False for an answer that is not the last one."""
        offer = self._answered(nonce)
        if offer is None:
            return False
        self.refused |= {
            name: Refused(version=version, words=words, retry_at=now + RETRY_SECONDS)
            for name, version in offer.versions.items()
        }
        return True

    def lacks(self, name: str, version: str, now: float) -> bool:
        """Whether ``version`` of ``name`` should be sent now: it is not held, and was not refused just now."""
        return self.held.get(name) != version and not self.shuns(name, version, now)

    def shuns(self, name: str, version: str, now: float) -> bool:
        """Whether there is no use in offering it now."""
        refused = self.refused.get(name)
        return refused is not None and refused.version == version and now < refused.retry_at

    def refuses(self, name: str, version: str) -> bool:
        """Whether Envoy refused this version, and has not taken it since."""
        refused = self.refused.get(name)
        return refused is not None and refused.version == version

    def _answered(self, nonce: str) -> Offer | None:
        if self.sent is None or nonce != str(self.number):
            return None
        offer, self.sent = self.sent, None
        return offer
