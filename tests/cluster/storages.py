"""The S3 and the registry beside the test cluster, as tests fill them.

``SLUICEGATE_TEST_S3`` and ``SLUICEGATE_TEST_REGISTRY`` name others than those of the cluster for development; pods and
this process reach them by the same address.
"""

import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import oras.provider
import pytest
import s3fs

S3 = os.environ.get("SLUICEGATE_TEST_S3", "http://10.88.0.1:9000")
S3_KEY = os.environ.get("SLUICEGATE_TEST_S3_KEY", "test")
S3_SECRET = os.environ.get("SLUICEGATE_TEST_S3_SECRET", "testtest")
BUCKET = os.environ.get("SLUICEGATE_TEST_S3_BUCKET", "artifacts")
REGISTRY = os.environ.get("SLUICEGATE_TEST_REGISTRY", "10.88.0.1:5000")
S3_ENVIRONMENT = {"AWS_ENDPOINT_URL": S3, "AWS_ACCESS_KEY_ID": S3_KEY, "AWS_SECRET_ACCESS_KEY": S3_SECRET}


def need(address: str) -> None:
    """Skip where no cluster is given or nothing listens there."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG is not set: these tests need a Kubernetes cluster that is there for tests")
    parts = urlsplit(address if "://" in address else f"http://{address}")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=2).close()
    except OSError:
        pytest.skip(f"nothing listens at {address}: set SLUICEGATE_TEST_S3 and SLUICEGATE_TEST_REGISTRY")


def bucket() -> s3fs.S3FileSystem:
    """The S3, opened as a user would."""
    return s3fs.S3FileSystem(
        key=S3_KEY,
        secret=S3_SECRET,
        endpoint_url=S3,
        client_kwargs={"region_name": "us-east-1"},
        use_listings_cache=False,
    )


def upload(directory: Path, prefix: str) -> str:
    """Put a directory into the bucket; its URI."""
    store = bucket()
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        store.pipe_file(f"{BUCKET}/{prefix}/{path.relative_to(directory).as_posix()}", path.read_bytes())
    return f"s3://{BUCKET}/{prefix}"


def push(directory: Path, name: str) -> str:
    """Push what lies in a directory as an artefact, a layer each; its URI."""
    registry = oras.provider.Registry(hostname=REGISTRY, insecure=True)
    files = sorted(path.name for path in directory.iterdir())
    before = Path.cwd()
    os.chdir(directory)  # titles are the paths that are given
    try:
        registry.push(target=f"{REGISTRY}/{name}", files=files, disable_path_validation=True)
    finally:
        os.chdir(before)
    return f"oci://{REGISTRY}/{name}"
