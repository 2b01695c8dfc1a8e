"""An OCI artefact into an empty directory, as ``oras push`` wrote it: each layer a file named by its title.

``fetching`` calls it. Every blob's digest is compared with what the manifest says; a layer that was a directory is
unpacked.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sluicegate.serving.bundle.archives import inside, is_archive, unpack_into
from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.optional import library
from sluicegate.serving.bundle.progress import Progress
from sluicegate.serving.bundle.transfers import expect

_TITLE = "org.opencontainers.image.title"
_UNPACK = "io.deis.oras.content.unpack"
_PACKED = (".tar+gzip", ".tar.gzip")
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CHUNK = 1 << 20


def pull(reference: str, options: Mapping[str, Any], into: Path, uri: str, progress: Progress) -> None:
    """Raises BundleNotFetchedError, and requests' errors."""
    provider = library("oras.provider", uri)
    container = library("oras.container", uri).Container(reference)
    registry = provider.Registry(
        hostname=container.registry, insecure=container.registry in options["plain"], auth_backend="token"
    )
    registry.auth.load_configs(container)
    if options["username"]:
        registry.auth.set_basic_auth(options["username"], options["password"])
    layers = _layers(registry, container, uri)
    expect(sum(int(layer["size"]) for layer in layers), into, progress)
    for layer in layers:
        _pull_layer(registry, container, layer, into, uri, progress)


def _layers(registry: Any, container: Any, uri: str) -> list[dict[str, Any]]:
    address = f"{registry.prefix}://{container.manifest_url()}"
    answer = registry.do_request(address, headers={"Accept": ", ".join(_MANIFESTS)})
    _refuse_status(answer, uri)
    if (container.digest or "").startswith("sha256:") and _sha256(answer.content) != container.digest:
        raise BundleNotFetchedError(uri, f"a manifest of {_sha256(answer.content)}", "the registry's copy is damaged")
    layers = json.loads(answer.content).get("layers", [])
    if not layers or any(_TITLE not in layer.get("annotations", {}) for layer in layers):
        raise BundleNotFetchedError(
            uri, "layers without file names", "push the model with `oras push`, not as an image"
        )
    return list(layers)


def _pull_layer(
    registry: Any, container: Any, layer: Mapping[str, Any], into: Path, uri: str, progress: Progress
) -> None:
    annotations, digest = layer["annotations"], layer["digest"]
    target = into / inside(annotations[_TITLE], uri)
    target.parent.mkdir(parents=True, exist_ok=True)
    # The oras command marks a directory by an annotation, oras' Python library by the media type alone.
    zipped = layer.get("mediaType", "").endswith(_PACKED) and not is_archive(annotations[_TITLE])
    packed = zipped or annotations.get(_UNPACK) == "true"
    kept = into.with_name(into.name + ".layer") if packed else target
    with registry.get_blob(container, digest, stream=True) as answer:
        _refuse_status(answer, uri)
        found = _keep(answer, kept, progress)
    if found != digest:
        raise BundleNotFetchedError(
            uri, f"{annotations[_TITLE]} with {found}", f"expected {digest}; pull or push again"
        )
    if packed:
        progress.files += unpack_into(kept, into, uri)
        kept.unlink()
    else:
        progress.files += 1


def _keep(answer: Any, target: Path, progress: Progress) -> str:
    hashed = hashlib.sha256()
    with target.open("wb") as sink:
        for chunk in answer.iter_content(_CHUNK):
            sink.write(chunk)
            hashed.update(chunk)
            progress.came(len(chunk))
    return f"sha256:{hashed.hexdigest()}"


def _refuse_status(answer: Any, uri: str) -> None:
    if answer.status_code in (401, 403):
        remedy = "set OCI_USERNAME and OCI_PASSWORD, or mount a Docker configuration"
        raise BundleNotFetchedError(uri, f"refused with status {answer.status_code}", remedy)
    if answer.status_code == 404:
        raise BundleNotFetchedError(uri, "no such repository, tag or digest", "check the reference")
    if not answer.ok:
        raise BundleNotFetchedError(uri, f"the registry answered {answer.status_code}", "look at the registry's log")


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
