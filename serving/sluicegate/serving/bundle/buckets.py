"""Buckets as file systems, opened with what a ``Remote`` carries; ``fetching`` and ``storing`` do."""

import os
from typing import Any

from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.optional import library
from sluicegate.serving.bundle.remotes import Remote

_FILE_SYSTEMS = {"s3": ("s3fs", "S3FileSystem"), "gcs": ("gcsfs.core", "GCSFileSystem")}
# gcsfs' newer class asks for the bucket's kind over gRPC first, for a minute where that is closed.
_PLAIN_GCS = ("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")


def is_bucket(remote: Remote) -> bool:
    """Whether it is a place in a bucket."""
    return remote.kind in _FILE_SYSTEMS


def open_bucket(remote: Remote) -> Any:
    """Its fsspec file system. Raises BundleNotFetchedError when the address names no bucket, or no library is there."""
    module, name = _FILE_SYSTEMS[remote.kind]
    if not remote.path.strip("/"):
        raise BundleNotFetchedError(remote.uri, "no bucket", "write s3://BUCKET/PATH")
    os.environ.setdefault(*_PLAIN_GCS)
    made = getattr(library(module, remote.uri), name)
    # A file system of its own: fsspec would else hand out one with another call's credentials.
    return made(skip_instance_cache=True, use_listings_cache=False, **remote.options)
