"""The door's TLS: the certificate is changed between two handshakes, without a connection lost or a restart.

Each handshake asks for the context of the moment (OpenSSL's server-name callback). A new certificate gets a new
context, made complete before it takes the old one's place: a broken one changes nothing.
"""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluicegate.serving.operator.admission.authority import Pair


class ServedCertificate:
    """Holds what is served now."""

    def __init__(self, first: Pair) -> None:
        self._pair = first
        self._current = _context(first)
        # Handshakes start here and go on in the context of the moment.
        self.context = _context(first)
        self.context.sni_callback = self._choose

    def use(self, pair: Pair) -> None:
        """Serve this from the next handshake on. Raises ssl.SSLError when it is none."""
        if pair != self._pair:
            self._current, self._pair = _context(pair), pair

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
        connection.context = self._current


def _context(pair: Pair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    with _file(pair) as path:
        context.load_cert_chain(path)
    return context


@contextmanager
def _file(pair: Pair) -> Iterator[Path]:
    """The pair as a file, because Python's TLS reads nothing else: of this process alone, gone at once."""
    descriptor, name = tempfile.mkstemp(prefix="sluicegate-webhook-")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pair.key + b"\n" + pair.certificate)
        yield path
    finally:
        path.unlink()
