"""From ``module.Class`` (or ``Name``, for a class in a module of its own name) to a loaded unit.

Loaded through ``loading``. Parameters of the unit become arguments of the constructor; one called ``model_uri`` gets
the directory. ``load()`` is called once, before the server is ready; what it raises refuses the server.
"""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Signature
from sluicegate.serving.bundle.reading import Bundle
from sluicegate.serving.bundle.verification import compare_answers
from sluicegate.serving.protocol.errors import ProtocolError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.errors import ModelError, ModelFailedError
from sluicegate.serving.runtime.python_unit import PythonUnit
from sluicegate.serving.runtime.sources import Loaded, Source, open_source, put_on_path


def load(source: Source) -> Loaded:
    """Import the class, make it, call its ``load``, prove its bundle. Raises BundleRefused."""
    path, bundle = open_source(source)
    if bundle is None and path is not None and path.is_dir():
        put_on_path(path)
    unit = PythonUnit(source.name, _instance(source, _class(source.implementation), path))
    unit.classes = bundle.manifest.signature.outputs if bundle else ()
    _refusing(source.implementation, "load()", unit.load)
    metadata = _metadata(unit)
    if bundle is None:
        return Loaded(unit=unit, signature=Signature(), metadata=metadata)
    example = bundle.example()
    _prove(unit, bundle, example)
    verified = example is not None
    return Loaded(
        unit=unit,
        signature=bundle.manifest.signature,
        bundle=bundle,
        verified=verified,
        example=example,
        metadata=metadata,
    )


def _metadata(unit: PythonUnit) -> dict[str, Any] | Exception:
    """As Seldon does, a server whose metadata cannot be told serves nevertheless."""
    try:
        return unit.metadata()
    except ModelError as error:
        return error


def _class(implementation: str) -> type:
    module, _, name = implementation.rpartition(".")
    try:
        found = getattr(importlib.import_module(module or name), name)
    except Exception as error:
        raise BundleRefused(
            "implementation", f"{implementation}: {type(error).__name__}: {error}", "a class that can be imported"
        ) from error
    if not isinstance(found, type):
        raise BundleRefused("implementation", f"{implementation}, a {type(found).__name__}", "a class")
    return found


def _instance(source: Source, cls: type, path: Path | None) -> Any:
    given = dict(source.parameters)
    if path is not None and "model_uri" in inspect.signature(cls).parameters:
        given.setdefault("model_uri", str(path))
    return _refusing(source.implementation, f"the constructor with {sorted(given)}", lambda: cls(**given))


def _refusing(implementation: str, what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as raised:  # noqa: BLE001  (whatever a user's class raises, the server does not start with it)
        error = raised.__cause__ if isinstance(raised, ModelFailedError) and raised.__cause__ else raised
        found = f"{what} raised {type(error).__name__}: {error}"
        raise BundleRefused(f"implementation {implementation}", found, "a class that starts") from error


def _prove(unit: PythonUnit, bundle: Bundle, example: Message | None) -> None:
    expected = bundle.answers()
    if example is None or expected is None:
        return
    try:
        found = unit.predict(example)
    except (ModelError, ProtocolError) as error:
        raise BundleRefused(bundle.manifest.input_example, str(error), "answers on the bundle's own example") from error
    compare_answers(expected, found, bundle.manifest.expected_answers)
