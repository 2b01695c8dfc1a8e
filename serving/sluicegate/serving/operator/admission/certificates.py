"""What the replicas share in one Secret, and what is to be done about it now: decisions, no I/O.

``ca.crt`` is the bundle of trusted authorities, the newest first; ``ca.key`` is the newest one's key; ``tls.crt`` and
``tls.key`` are what every replica serves. An authority is replaced in three steps, each of which waits until replicas
and API server have followed the one before (``settle``): the new one joins the bundle, then the serving certificate is
issued by it, then the old one leaves. So at no time is a served certificate one that the API server does not trust.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.authority import (
    Pair,
    Read,
    fits,
    issue,
    make_authority,
    read_certificates,
)

Act = Literal["Keep", "MakeAnew", "AddAuthority", "Issue", "RetireAuthorities"]
KEYS = ("ca.crt", "ca.key", "tls.crt", "tls.key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """How long things live; both are replaced at two thirds of that. ``settle``: see above."""

    authority: timedelta = timedelta(days=365)
    serving: timedelta = timedelta(days=90)
    settle: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a Secret holds, as far as it can be read; a serving certificate whose key does not fit is none."""

    authorities: tuple[Read, ...] = ()
    authority_key: bytes = b""
    serving: Read | None = None
    key: bytes = b""

    @property
    def bundle(self) -> bytes:
        """What the API server is to trust."""
        return b"".join(each.pem for each in self.authorities)

    @property
    def pair(self) -> Pair | None:
        """What is served."""
        return Pair(certificate=self.serving.pem, key=self.key) if self.serving is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, and why. ``is_repair``: something was wrong, which people should hear of."""

    act: Act
    reason: str = ""
    is_repair: bool = False


def holding_of(secret: JSON | None) -> Holding:
    """Read a Secret; whatever is no certificate or key is left out."""
    bundle, authority_key, served, key = (_decoded(secret, name) for name in KEYS)
    serving = next((each for each in read_certificates(served) if fits(each, key)), None)
    return Holding(
        authorities=read_certificates(bundle), authority_key=authority_key, serving=serving, key=key if serving else b""
    )


def decide(now: datetime, secret: JSON | None, names: Sequence[str], periods: Periods) -> Decision:
    """The next act; after it, ask again."""
    if secret is None:
        return Decision(act="MakeAnew", reason="there is no certificate yet")
    held = holding_of(secret)
    broken = _authority_fault(now, held)
    if broken:
        return Decision(act="MakeAnew", reason=broken, is_repair=True)
    fault = _serving_fault(now, held, names)
    if fault:
        return Decision(act="Issue", reason=fault, is_repair=True)
    return _rotation(now, held, periods)


def carried_out(act: Act, held: Holding, now: datetime, names: Sequence[str], periods: Periods) -> Holding:
    """What the Secret holds after an act. Expired authorities leave at any of them."""
    living = tuple(each for each in held.authorities if each.is_valid(now))
    match act:
        case "MakeAnew" | "AddAuthority":
            made = make_authority(now, periods.authority)
            joined = replace(held, authorities=(*read_certificates(made.certificate), *living), authority_key=made.key)
            return _issued(joined, now, names, periods) if act == "MakeAnew" else joined
        case "Issue":
            return _issued(replace(held, authorities=living), now, names, periods)
        case "RetireAuthorities":
            return replace(held, authorities=living[:1])
        case "Keep":
            return held


def secret_of(held: Holding, before: JSON | None, namespace: str, name: str) -> JSON:
    """The Secret to store; whatever else the former one held stays."""
    values = (held.bundle, held.authority_key, held.serving.pem if held.serving is not None else b"", held.key)
    data = {key: base64.b64encode(value).decode() for key, value in zip(KEYS, values, strict=True)}
    new: JSON = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "sluicegate"}},
        "type": "kubernetes.io/tls",
    }
    there = before or new
    return there | {"data": (there.get("data") or {}) | data}


def _rotation(now: datetime, held: Holding, periods: Periods) -> Decision:
    newest, serving = held.authorities[0], held.serving
    if serving is None:
        return Decision(act="Issue", reason="nothing is served")
    settled = now >= newest.made + periods.settle
    is_newest = serving.is_from(newest)
    if newest.is_due(now) and settled:
        return Decision(act="AddAuthority", reason=f"the authority ends {newest.until:%Y-%m-%d %H:%M} UTC")
    if settled and not is_newest:
        return Decision(act="Issue", reason="the serving certificate is from an authority that is to go")
    if serving.is_due(now) and settled:
        return Decision(act="Issue", reason=f"the serving certificate ends {serving.until:%Y-%m-%d %H:%M} UTC")
    if len(held.authorities) > 1 and is_newest and now >= serving.made + periods.settle:
        return Decision(act="RetireAuthorities", reason="nothing is served from the former authority any more")
    return Decision(act="Keep")


def _authority_fault(now: datetime, held: Holding) -> str:
    if not held.authorities:
        return "the Secret holds no readable authority"
    newest = held.authorities[0]
    if not fits(newest, held.authority_key):
        return "the authority's key is missing or not its own"
    return (
        "" if newest.is_valid(now) else f"the authority is not valid now, its end is {newest.until:%Y-%m-%d %H:%M} UTC"
    )


def _serving_fault(now: datetime, held: Holding, names: Sequence[str]) -> str:
    serving = held.serving
    if serving is None:
        return "the Secret holds no readable serving certificate with its key"
    if not serving.is_valid(now):
        return f"the serving certificate is not valid now, its end is {serving.until:%Y-%m-%d %H:%M} UTC"
    if set(serving.names) != set(names):
        return f"the serving certificate is for {', '.join(serving.names) or 'nobody'}"
    trusted = any(serving.is_from(each) for each in held.authorities if each.is_valid(now))
    return "" if trusted else "no trusted authority signed the serving certificate"


def _issued(held: Holding, now: datetime, names: Sequence[str], periods: Periods) -> Holding:
    authority = Pair(certificate=held.authorities[0].pem, key=held.authority_key)
    pair = issue(authority, names, now, periods.serving)
    return replace(held, serving=read_certificates(pair.certificate)[0], key=pair.key)


def _decoded(secret: JSON | None, name: str) -> bytes:
    data = (secret or {}).get("data")
    text = data.get(name) if isinstance(data, dict) else None
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""
