"""Where a model lies, brought to a directory of this machine."""

import os
import tempfile
from pathlib import Path

from sluicegate.serving.bundle.fetching import fetch
from sluicegate.serving.bundle.locations import resolve


class Storage:
    """Seldon's name for it."""

    @staticmethod
    def download(uri: str, out_dir: str | None = None) -> str:
        """The directory that holds what lies at ``uri``: ``out_dir``, or the place itself if it is of this machine.

        Other schemes are those of the storage initialiser and need ``sluicegate[storage]``. Raises BundleRefused and
        BundleNotFetchedError.
        """
        if out_dir is None and (uri.startswith("file://") or "://" not in uri):
            return str(resolve(uri))
        into = Path(out_dir or tempfile.mkdtemp())
        fetch(uri, into, os.environ, lambda _: None)
        return str(into)
