"""From an implementation's name to a loaded unit: prepackaged servers by a table, built-in units, else a Python class.

The server calls it at start. A framework is imported only when it is served: scikit-learn alone takes seconds.
"""

import importlib
from collections.abc import Callable
from typing import cast

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.runtime import built_in
from sluicegate.serving.runtime.sources import Loaded, Source

PREPACKAGED = {"SKLEARN_SERVER": "sluicegate.serving.runtime.scikit_learn"}
PYTHON_CLASS = "sluicegate.serving.runtime.python_class"


def load(source: Source) -> Loaded:
    """Load a unit. Raises BundleRefused with a sentence for a person."""
    runtime = importlib.import_module(runtime_of(source.implementation))
    loader = cast("Callable[[Source], Loaded]", runtime.load)
    return loader(source)


def runtime_of(implementation: str) -> str:
    """The module that serves ``implementation``. Raises BundleRefused for one that nothing serves."""
    if implementation in PREPACKAGED:
        return PREPACKAGED[implementation]
    if implementation in built_in.BUILT_IN:
        return built_in.__name__
    unknown = implementation == "UNKNOWN_IMPLEMENTATION" or implementation.endswith("_SERVER")
    if unknown or not all(part.isidentifier() for part in implementation.split(".")):
        expected = f"{', '.join(PREPACKAGED)} or module.Class"
        raise BundleRefused("implementation", repr(implementation), expected)
    return PYTHON_CLASS
