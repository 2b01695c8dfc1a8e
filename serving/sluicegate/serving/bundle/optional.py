"""Libraries of the extra ``storage``: each is imported only when its scheme is used."""

import importlib
from typing import Any

from sluicegate.serving.bundle.errors import BundleNotFetchedError


def library(name: str, uri: str) -> Any:
    """The module. Raises BundleNotFetchedError naming the extra that brings it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        raise BundleNotFetchedError(
            uri,
            f"{missing} is not installed",
            "pip install 'sluicegate[storage]', or use the image storage-initializer",
        ) from error
