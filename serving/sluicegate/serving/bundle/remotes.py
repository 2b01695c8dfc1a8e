"""From a model URI and the environment to the storage that holds it, with its credentials. Pure.

``fetching`` calls it. Credentials come as Seldon's users have them: AWS's and Google's own variables, and the variables
``RCLONE_CONFIG_<REMOTE>_<KEY>`` of Seldon's default initialiser, where the URI's scheme is the remote's name.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from sluicegate.serving.bundle.errors import BundleNotFetchedError

Kind = Literal["file", "s3", "gcs", "http", "oci", "mlflow"]
SCHEMES = "file, s3, gs, http, https, oci, pvc, models:/, runs:/"
CLAIMS = "SLUICEGATE_PVC_ROOT"
"""Where claims are mounted, each under its name."""
_CLAIMS_DEFAULT = "/mnt/pvc"
_RCLONE_KINDS: dict[str, Kind] = {"s3": "s3", "google cloud storage": "gcs", "gcs": "gcs", "http": "http"}
_RCLONE_KEYS = {
    "s3": {"TYPE", "PROVIDER", "ENV_AUTH", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION", "ENDPOINT",
           "FORCE_PATH_STYLE"},
    "gcs": {"TYPE", "SERVICE_ACCOUNT_FILE", "SERVICE_ACCOUNT_CREDENTIALS", "ANONYMOUS", "ENDPOINT"},
    "http": {"TYPE", "URL", "HEADERS"},
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A place in a storage. ``options`` are for the library that opens it; ``ignored`` names what has no effect."""

    uri: str
    kind: Kind
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


def remote_of(uri: str, environment: Mapping[str, str]) -> Remote:
    """Where ``uri`` leads. Raises BundleNotFetchedError for a scheme that nothing reads."""
    plain = uri.removeprefix("mlflow:").removeprefix("//") if uri.startswith("mlflow:") else uri
    try:
        parts = urlsplit(plain)
    except ValueError as error:
        raise BundleNotFetchedError(uri, f"no address ({error})", "write SCHEME://NAME/PATH") from error
    if plain.startswith(("models:/", "runs:/", "mlflow-artifacts:/")):
        return Remote(uri=uri, kind="mlflow", path=plain)
    if parts.scheme in ("", "file"):
        return Remote(uri=uri, kind="file", path=_local(uri, parts.scheme))
    if not parts.netloc:
        raise BundleNotFetchedError(uri, "no bucket, host or claim", f"write {parts.scheme}://NAME/PATH")
    if parts.scheme == "pvc":
        root = environment.get(CLAIMS, _CLAIMS_DEFAULT).rstrip("/")
        return Remote(uri=uri, kind="file", path=f"{root}/{parts.netloc}/{unquote(parts.path).strip('/')}")
    if parts.scheme == "oci":
        return Remote(uri=uri, kind="oci", path=plain.removeprefix("oci://"), options=_registry(environment))
    return _named(uri, parts.scheme, environment)


def _local(uri: str, scheme: str) -> str:
    if not scheme:
        return uri
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise BundleNotFetchedError(uri, f"the host {parts.netloc!r}", "write file:/// with three slashes")
    return unquote(parts.path)


def _registry(environment: Mapping[str, str]) -> dict[str, Any]:
    plain = environment.get("SLUICEGATE_OCI_PLAIN_HTTP", "")
    return {
        "username": environment.get("OCI_USERNAME", ""),
        "password": environment.get("OCI_PASSWORD", ""),
        "plain": frozenset(host.strip() for host in plain.split(",") if host.strip()),
    }


def _named(uri: str, scheme: str, environment: Mapping[str, str]) -> Remote:
    """A bucket or a web address: by the scheme, and by the rclone remote of that name."""
    prefix = f"RCLONE_CONFIG_{scheme.upper()}_"
    given = {name.removeprefix(prefix): value for name, value in environment.items() if name.startswith(prefix)}
    kind = _kind(uri, scheme, prefix, given)
    path = uri if scheme in ("http", "https") else uri.partition("://")[2]
    options: dict[str, Any] = {}
    if kind == "s3":
        options = _s3(given, environment)
    elif kind == "gcs":
        options = _gcs(given)
    else:
        options = {"headers": _headers(given.get("HEADERS", ""))}
        if scheme not in ("http", "https"):
            path = f"{given.get('URL', '').rstrip('/')}/{path}"
    ignored = tuple(prefix + key for key in sorted(given.keys() - _RCLONE_KEYS[kind]))
    return Remote(uri=uri, kind=kind, path=path, options=options, ignored=ignored)


def _kind(uri: str, scheme: str, prefix: str, given: Mapping[str, str]) -> Kind:
    own: dict[str, Kind] = {"s3": "s3", "gs": "gcs", "gcs": "gcs", "http": "http", "https": "http"}
    if "TYPE" not in given and scheme in own:
        return own[scheme]
    if "TYPE" not in given:
        raise BundleNotFetchedError(uri, f"the scheme {scheme}://", f"use one of {SCHEMES}, or set {prefix}TYPE")
    kind = _RCLONE_KINDS.get(given["TYPE"].lower())
    if kind is None or (scheme in ("http", "https") and kind != "http"):
        known = "s3, google cloud storage and http are read"
        raise BundleNotFetchedError(f"{prefix}TYPE", f"the type {given['TYPE']!r}", f"{known}; copy the model to one")
    if kind == "http" and scheme not in ("http", "https") and not given.get("URL"):
        raise BundleNotFetchedError(f"{prefix}URL", "nothing", "name the address that paths are below")
    return kind


def _s3(given: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of s3fs; what is not given here boto finds itself (variables, web identity, profile)."""
    get = environment.get
    endpoint = (
        given.get("ENDPOINT") or get("AWS_ENDPOINT_URL_S3") or get("AWS_ENDPOINT_URL") or get("S3_ENDPOINT") or ""
    )
    if endpoint and "://" not in endpoint:
        plain = not given.get("ENDPOINT") and get("S3_USE_HTTPS", "1").lower() in ("0", "false")
        endpoint = f"{'http' if plain else 'https'}://{endpoint}"
    region = given.get("REGION") or get("AWS_REGION") or get("AWS_DEFAULT_REGION") or ("us-east-1" if endpoint else "")
    client: dict[str, Any] = {"region_name": region} if region else {}
    if get("S3_VERIFY_SSL", "1").lower() in ("0", "false"):
        client["verify"] = False
    options: dict[str, Any] = {"client_kwargs": client}
    if endpoint:
        options["endpoint_url"] = endpoint
        virtual = given.get("FORCE_PATH_STYLE", "true").lower() == "false"
        options["config_kwargs"] = {"s3": {"addressing_style": "virtual" if virtual else "path"}}
    keys = {"key": "ACCESS_KEY_ID", "secret": "SECRET_ACCESS_KEY", "token": "SESSION_TOKEN"}
    options |= {name: given[key] for name, key in keys.items() if given.get(key)}
    # rclone asks nobody for keys unless it is told to; a public bucket is read so.
    if "TYPE" in given and "key" not in options and given.get("ENV_AUTH", "false").lower() != "true":
        options["anon"] = True
    return options


def _gcs(given: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of gcsfs; without any it asks Google's own sources, and nobody for a public bucket."""
    options: dict[str, Any] = {}
    if given.get("ANONYMOUS", "").lower() == "true":
        options["token"] = "anon"  # noqa: S105  (gcsfs' word for none)
    if given.get("SERVICE_ACCOUNT_FILE"):
        options["token"] = given["SERVICE_ACCOUNT_FILE"]
    if given.get("SERVICE_ACCOUNT_CREDENTIALS"):
        options["token"] = _service_account(given["SERVICE_ACCOUNT_CREDENTIALS"])
    if given.get("ENDPOINT"):
        options["endpoint_url"] = given["ENDPOINT"]
    return options


def _service_account(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text))
    except (TypeError, ValueError) as error:
        raise BundleNotFetchedError(
            "RCLONE_CONFIG_…_SERVICE_ACCOUNT_CREDENTIALS", f"no JSON object ({error})", "give the key file's content"
        ) from error


def _headers(text: str) -> dict[str, str]:
    """Rclone's ``name,value,name,value``."""
    words = [word.strip().strip('"') for word in text.split(",")] if text else []
    return dict(zip(words[::2], words[1::2], strict=False))
