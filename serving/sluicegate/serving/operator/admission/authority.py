"""X.509 for the webhook's door: an authority of our own, serving certificates from it, and reading both again.

ECDSA on P-256, which every API server verifies. Certificates are valid from a little before they were made, so that a
node whose clock is behind takes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BACKDATED = timedelta(minutes=10)
_PEM, _NO_PASSWORD = serialization.Encoding.PEM, serialization.NoEncryption()
_OTHER_USAGES = (
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def make_authority(now: datetime, life: timedelta) -> Pair:
    """A new certificate authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    # The number keeps two authorities apart in a bundle: verifiers look issuers up by name.
    serial = x509.random_serial_number()
    name = _name(f"sluicegate webhook {serial:x}"[:60])
    builder = _builder(name, name, key, serial, now, now + life)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return Pair(certificate=builder.sign(key, hashes.SHA256()).public_bytes(_PEM), key=_key_pem(key))


def issue(authority: Pair, names: Sequence[str], now: datetime, life: timedelta) -> Pair:
    """A serving certificate for these DNS names, which does not outlive its authority."""
    issuer, issuer_key = x509.load_pem_x509_certificate(authority.certificate), _private(authority.key)
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(now + life, issuer.not_valid_after_utc)
    builder = _builder(_name(names[0][:60]), issuer.subject, key, x509.random_serial_number(), now, end)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    return Pair(certificate=builder.sign(issuer_key, hashes.SHA256()).public_bytes(_PEM), key=_key_pem(key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A certificate that was read."""

    pem: bytes
    made: datetime
    until: datetime
    names: tuple[str, ...]
    parsed: x509.Certificate

    def is_valid(self, now: datetime) -> bool:
        """Whether a verifier takes it now, as far as time goes."""
        return self.parsed.not_valid_before_utc <= now < self.until

    def is_due(self, now: datetime) -> bool:
        """Whether two thirds of its life are over."""
        return now >= self.made + (self.until - self.made) * 2 / 3

    def is_from(self, authority: "Read") -> bool:
        """Whether that authority signed it."""
        try:
            self.parsed.verify_directly_issued_by(authority.parsed)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


def read_certificates(pem: bytes) -> tuple[Read, ...]:
    """Every certificate of a PEM bundle; none when it holds none, or garbage."""
    try:
        return tuple(_read(each) for each in x509.load_pem_x509_certificates(pem))
    except ValueError:
        return ()


def fits(certificate: Read, key: bytes) -> bool:
    """Whether this private key is the certificate's."""
    try:
        return _private(key).public_key() == certificate.parsed.public_key()
    except (ValueError, TypeError):
        return False


def _read(parsed: x509.Certificate) -> Read:
    try:
        stated = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = tuple(stated.value.get_values_for_type(x509.DNSName))
    except x509.ExtensionNotFound:
        names = ()
    return Read(
        pem=parsed.public_bytes(_PEM),
        made=parsed.not_valid_before_utc + BACKDATED,
        until=parsed.not_valid_after_utc,
        names=names,
        parsed=parsed,
    )


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("expected an ECDSA key")
    return key


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, _NO_PASSWORD)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    serial: int,
    now: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    start = now.astimezone(UTC) - BACKDATED
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(serial).not_valid_before(start).not_valid_after(end)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(identifier, critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    others = dict.fromkeys(_OTHER_USAGES, False)
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        **others,
    )
