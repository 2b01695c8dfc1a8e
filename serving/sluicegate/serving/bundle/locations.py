"""Where bundles lie: a model URI to a directory of this machine.

The runtimes call it before they load. Only directories of this machine are read; every other scheme is refused by name.
"""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from sluicegate.serving.bundle.errors import BundleRefused


def resolve(uri: str) -> Path:
    """The directory that ``uri`` (``file:///…`` or a plain path) names.

    Raises BundleRefused for another scheme and for what is not there.
    """
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        raise BundleRefused("modelUri", f"the scheme {parts.scheme}:// in {uri}", "file:///… or a plain path")
    if parts.scheme == "file" and parts.netloc not in ("", "localhost"):
        raise BundleRefused("modelUri", f"the host {parts.netloc!r} in {uri}", "file:/// with three slashes")
    path = Path(unquote(parts.path) if parts.scheme == "file" else uri)
    if not uri or not path.exists():
        raise BundleRefused("modelUri", f"nothing at {str(path)!r}", "a bundle's directory or a model's")
    return path.absolute()
