"""From an implementation's name to a loaded unit: prepackaged servers by a table, built-in units, else a Python class.

The server calls it at start. A framework is imported only when it is served: scikit-learn alone takes seconds.
"""

import importlib
import importlib.util
from collections.abc import Callable
from typing import cast

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.runtime import bandit_loading, built_in
from sluicegate.serving.runtime.catalogue import PREPACKAGED, REMOTE
from sluicegate.serving.runtime.sources import Loaded, Source

PYTHON_CLASS = "sluicegate.serving.runtime.python_class"


def load(source: Source) -> Loaded:
    """Load a unit. Raises BundleRefused with a sentence for a person."""
    name = runtime_of(source.implementation)
    try:
        runtime = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if source.implementation not in PREPACKAGED or (error.name or "").startswith("sluicegate"):
            raise
        extra = PREPACKAGED[source.implementation].extra
        raise BundleRefused(
            f"implementation {source.implementation}",
            f"no {error.name} installed",
            f"it: pip install 'sluicegate[{extra}]', or an image that has it",
        ) from error
    loader = cast("Callable[[Source], Loaded]", runtime.load)
    return loader(source)


def runtime_of(implementation: str) -> str:
    """The module that serves ``implementation``. Raises BundleRefused for one that nothing serves."""
    if implementation in PREPACKAGED:
        return PREPACKAGED[implementation].module
    if implementation in built_in.BUILT_IN:
        return built_in.__name__
    if implementation in bandit_loading.IMPLEMENTATIONS or _of_seldons_image(implementation):
        return bandit_loading.__name__
    if implementation in REMOTE:
        found = f"{implementation!r}, which runs in its own container"
        raise BundleRefused("implementation", found, "its endpoint in the graph, where that container listens")
    unknown = implementation == "UNKNOWN_IMPLEMENTATION" or implementation.endswith("_SERVER")
    if unknown or not all(part.isidentifier() for part in implementation.split(".")):
        expected = f"{', '.join(PREPACKAGED)} or module.Class"
        raise BundleRefused("implementation", repr(implementation), expected)
    return PYTHON_CLASS


def _of_seldons_image(implementation: str) -> bool:
    """Whether it is a class of Seldon's images, and no module of that name is there that would be the user's own."""
    return implementation in bandit_loading.CLASSES and importlib.util.find_spec(implementation) is None
