"""TLS of the server's doors: certificate, key and the clients' authorities, from files that may change at any time.

Each HTTP handshake asks for the context of the moment (OpenSSL's server-name callback), each of gRPC for the files of
the moment. What was read is changed as a whole: files that do not fit together change nothing, and are told of.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """PEM: a certificate and what leads to its authority, its key, the authorities of clients (empty: nobody asks)."""

    certificate: bytes
    key: bytes
    clients: bytes = b""


class Certificates:
    """What is served now. Raises SettingsRefusedError when there is nothing good to begin with."""

    def __init__(self, certificate: str, key: str, client_ca: str = "") -> None:
        self._paths = (Path(certificate), Path(key), Path(client_ca) if client_ca else None)
        self._told = ""
        try:
            self.material = self._read()
            self._current = self._context()
            self.context = self._context()
        except (OSError, ssl.SSLError, ValueError) as error:
            raise SettingsRefusedError(f"{self._named()}: {_reason(error)}; expected PEM files that fit") from error
        # Handshakes start in this one and go on in the one of the moment.
        self.context.sni_callback = self._choose

    def look(self) -> str:
        """Take what changed; returns what there is to tell: that it was taken, why not (once), or nothing."""
        try:
            material = self._read()
            if material == self.material:
                return ""
            context = self._context()
        except (OSError, ssl.SSLError, ValueError) as error:
            told = f"not taken: {self._named()}: {_reason(error)}; the one before is served on"
            told, self._told = ("" if told == self._told else told), told
            return told
        self.material, self._current, self._told = material, context, ""
        return "taken"

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
        connection.context = self._current

    def _read(self) -> Material:
        certificate, key, clients = self._paths
        return Material(
            certificate=certificate.read_bytes(),
            key=key.read_bytes(),
            clients=clients.read_bytes() if clients else b"",
        )

    def _context(self) -> ssl.SSLContext:
        certificate, key, clients = self._paths
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(certificate, key, password=_no_password)
        if clients:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _named(self) -> str:
        return ", ".join(str(path) for path in self._paths if path)


def certificates_of(settings: Settings) -> Certificates | None:
    """Those of the settings; None: no TLS. Raises SettingsRefusedError."""
    if not settings.tls_cert:
        return None
    return Certificates(settings.tls_cert, settings.tls_key, settings.client_ca)


def grpc_credentials(certificates: Certificates) -> Any:
    """The same for the gRPC door; each handshake takes the material of the moment."""
    served = certificates.material

    def configuration(material: Material) -> Any:
        pairs = [(material.key, material.certificate)]
        return grpc.ssl_server_certificate_configuration(pairs, root_certificates=material.clients or None)

    def changed() -> Any:
        nonlocal served
        if certificates.material is served:
            return None
        served = certificates.material
        return configuration(served)

    return grpc.dynamic_ssl_server_credentials(
        configuration(served), changed, require_client_authentication=bool(served.clients)
    )


def _no_password() -> str:
    raise ValueError("the key is encrypted; expected one without a password")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not the certificate's"
    return str(getattr(error, "strerror", None) or error)
