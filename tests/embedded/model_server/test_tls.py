"""TLS and mutual TLS at both doors, and certificates that change while clients are there."""

import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from cryptography import x509
from tests.certificates import Authority
from tests.embedded.model_server.rig import GOOD, PREDICT, Running, serving
from tests.waiting import free_port, wait_until


@dataclass
class Ground:
    """A server with mutual TLS, and the files that it reads."""

    server: Running
    directory: Path
    ours: Authority
    clients: Authority
    grpc_port: int
    metrics_port: int

    def context(self, trusted: Path, pair: tuple[Path, Path] | None) -> ssl.SSLContext:
        """A client's: whom it trusts, what it brings."""
        context = ssl.create_default_context(cafile=str(trusted))
        if pair:
            context.load_cert_chain(*pair)
        return context

    def status(self, context: ssl.SSLContext) -> int:
        """Of a prediction on a fresh connection."""
        with httpx.Client(verify=context, trust_env=False, timeout=10) as client:
            return client.post(f"https://127.0.0.1:{self.server.port}{PREDICT}", json=GOOD).status_code

    def served(self) -> str:
        """The name in the certificate that is shown now."""
        shown = ssl.get_server_certificate(("127.0.0.1", self.server.port))
        return x509.load_pem_x509_certificate(shown.encode()).subject.rfc4514_string()

    def healthy(self, trusted: Path, pair: tuple[Path, Path]) -> bytes:
        """The gRPC health service's answer; raises grpc.RpcError."""
        credentials = grpc.ssl_channel_credentials(trusted.read_bytes(), pair[1].read_bytes(), pair[0].read_bytes())
        with grpc.secure_channel(f"127.0.0.1:{self.grpc_port}", credentials) as channel:
            answer: bytes = channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=10)
            return answer


@pytest.fixture(scope="module")
def ground(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    directory = tmp_path_factory.mktemp("tls")
    ours, clients = Authority("ours"), Authority("clients")
    certificate, key = ours.pair(directory, "server")
    ports = free_port(), free_port()
    options = ("--model-uri", bundle.as_uri(), "--tls-cert", str(certificate), "--tls-key", str(key))
    more = ("--client-ca", str(clients.file(directory)), "--grpc-port", str(ports[0]), "--metrics-port", str(ports[1]))
    with serving(directory, *options, *more) as running:
        found = Ground(running, directory, ours, clients, *ports)
        plain = httpx.Client(base_url=f"http://127.0.0.1:{ports[1]}", trust_env=False)

        def ready() -> bool:
            try:
                return plain.get("/ready").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(ready, deadline=60, message="the server is ready")
        yield found


def test_a_client_without_a_certificate_of_the_authority_is_not_let_in(ground: Ground) -> None:
    trusted = ground.ours.file(ground.directory)
    good = ground.clients.pair(ground.directory, "good")
    stranger = Authority("strangers").pair(ground.directory, "stranger")
    assert ground.status(ground.context(trusted, good)) == 200
    assert ground.healthy(trusted, good) == b"\x08\x01"
    for pair in (None, stranger):
        with pytest.raises(httpx.TransportError):
            ground.status(ground.context(trusted, pair))
    with pytest.raises(grpc.RpcError):
        ground.healthy(trusted, stranger)


def test_certificate_and_authority_are_changed_while_clients_are_there(ground: Ground) -> None:
    trusted = ground.ours.file(ground.directory)
    old = ground.clients.pair(ground.directory, "old")
    with httpx.Client(verify=ground.context(trusted, old), trust_env=False) as client:
        url = f"https://127.0.0.1:{ground.server.port}{PREDICT}"
        assert client.post(url, json=GOOD).status_code == 200
        successor = Authority("successors")
        (ground.directory / "clients.pem").write_bytes(successor.file(ground.directory).read_bytes())
        fresh = ground.ours.pair(ground.directory, "fresh")
        (ground.directory / "server.key").write_bytes(fresh[1].read_bytes())
        (ground.directory / "server.crt").write_bytes(fresh[0].read_bytes())
        new = successor.pair(ground.directory, "new")

        def let_in() -> bool:
            try:
                return ground.status(ground.context(trusted, new)) == 200
            except httpx.TransportError:
                return False

        wait_until(let_in, deadline=30, message="the new authority is known")
        assert ground.served() == "CN=fresh"
        assert client.post(url, json=GOOD).status_code == 200
    with pytest.raises(httpx.TransportError):
        ground.status(ground.context(trusted, old))
    assert ground.healthy(trusted, new) == b"\x08\x01"
    with pytest.raises(grpc.RpcError):
        ground.healthy(trusted, old)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--tls-cert", "a.pem"), "tls_cert with tls_key"),
        (("--client-ca", "a.pem"), "tls_cert with tls_key"),
        (("--tls-cert", "a.pem", "--tls-key", "b.pem"), "a.pem, b.pem: No such file"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    with serving(tmp_path, *options) as server:
        assert server.process.wait(60) == 78
        assert told in server.errors.read_text()
