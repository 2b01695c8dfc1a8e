"""Errors of storages as one sentence: what happened, where, what to do.

The libraries raise their own, often one inside another, and none of them is imported here: they are known by the names
of their classes and by what they say. ``fetching`` calls it at its border.
"""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.remotes import Kind

_CREDENTIALS: dict[Kind, str] = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or RCLONE_CONFIG_S3_…), or a service account with a role",
    "gcs": "set GOOGLE_APPLICATION_CREDENTIALS, or use workload identity",
    "http": "set RCLONE_CONFIG_HTTP_HEADERS",
    "oci": "set OCI_USERNAME and OCI_PASSWORD",
    "mlflow": "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN",
    "file": "let the process's user read it",
}


@dataclass(frozen=True, slots=True)
class Sign:
    """Words in a class's name or in a message, what was found then, and what to do (nothing: give credentials)."""

    words: tuple[str, ...]
    found: str
    remedy: str = ""


_SIGNS = (
    Sign(
        ("WRONG_VERSION_NUMBER",),
        "plain HTTP where HTTPS was spoken",
        "name the host in SLUICEGATE_OCI_PLAIN_HTTP (oci), or write http:// in the endpoint (s3)",
    ),
    Sign(
        ("CERTIFICATE_VERIFY_FAILED", "SSLCertVerification", "SSLError"),
        "a certificate that cannot be trusted",
        "mount the authority and set AWS_CA_BUNDLE (s3), REQUESTS_CA_BUNDLE (oci, mlflow) or SSL_CERT_FILE (http, gs)",
    ),
    Sign(
        ("NoCredentials", "PartialCredentials", "DefaultCredentialsError", "CredentialRetrievalError"), "no credentials"
    ),
    Sign(
        (
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "InvalidClientTokenId",
            "Access Denied",
            "AccessDenied",
            "Forbidden",
            "RefreshError",
            "does not have storage",
            "access key",
        ),
        "access denied",
    ),
    Sign(
        ("NoSuchBucket", "bucket does not exist", "The specified bucket"),
        "no such bucket",
        "check the bucket's name and the endpoint",
    ),
    Sign(
        ("NoSuchKey", "FileNotFoundError", "RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"),
        "nothing there",
        "check the path",
    ),
    Sign(
        (
            "EndpointConnectionError",
            "ConnectError",
            "ConnectionError",
            "ConnectTimeout",
            "ClientConnectorError",
            "Name or service not known",
            "Max retries exceeded",
            "Connection refused",
            "Could not connect",
        ),
        "the storage cannot be reached",
        "check the endpoint's address, and that the network lets it through",
    ),
    Sign(
        (
            "ReadTimeout",
            "ReadError",
            "RemoteProtocolError",
            "IncompleteRead",
            "ClientPayloadError",
            "ConnectionClosedError",
        ),
        "the connection broke",
        "it is tried again at the next start",
    ),
)


def explain(error: BaseException, uri: str, kind: Kind, directory: Path) -> BundleNotFetchedError:
    """The error as a sentence."""
    if isinstance(error, BundleNotFetchedError):
        return error
    chain = list(_chain(error))
    for each in chain:
        if isinstance(each, OSError) and each.errno in (errno.ENOSPC, errno.EDQUOT):
            return BundleNotFetchedError(str(directory), "the disk is full", "give the volume more space")
        if isinstance(each, OSError) and each.errno in (errno.EROFS, errno.EACCES) and each.filename:
            found = f"{each.filename} cannot be used ({each.strerror})"
            return BundleNotFetchedError(str(directory), found, "mount a volume that this user may write")
    text = " ".join(f"{type(each).__name__}: {each}" for each in chain)
    said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    for sign in _SIGNS:
        if any(word.lower() in text.lower() for word in sign.words):
            return BundleNotFetchedError(uri, f"{sign.found} ({said})", sign.remedy or _CREDENTIALS[kind])
    return BundleNotFetchedError(uri, said, "see the message")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.__cause__ or following.__context__
