"""What the embedded API needs to know of a kind: names, versions, columns, rules. Values, given as arguments.

A ``Kind`` here says what a CustomResourceDefinition says to a cluster. ``admit`` is its validating webhook: called
before each write with the old and the new object, in the stored version; whatever it finds is answered to the writer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON, View

Operation = Literal["CREATE", "UPDATE", "DELETE"]
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """Errors refuse the write, warnings travel with its answer."""

    errors: tuple[FieldError, ...] = ()
    warnings: tuple[str, ...] = ()


Admit = Callable[[Operation, JSON | None, JSON | None], Admitted]


def admit_all(_operation: Operation, _old: JSON | None, _new: JSON | None) -> Admitted:
    """No rule at all."""
    return Admitted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of ``kubectl get``; ``cell`` gets the object and now. ``priority`` 1: shown with ``-o wide`` only."""

    name: str
    cell: Callable[[JSON, datetime], Scalar]
    type: Literal["string", "integer", "number", "boolean", "date"] = "string"
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind. ``versions`` are all served, the first is preferred; objects are kept in ``storage_version``, and the
    others differ from it in nothing but the name.

    ``view`` types it: a body that does not fit is refused, a field that it does not know is reported as
    ``fieldValidation`` asks. ``selectable_fields`` may stand in a fieldSelector beside the object's name and namespace.
    """

    group: str
    versions: tuple[str, ...]
    storage_version: str
    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: frozenset[str] = frozenset()
    printer_columns: tuple[Column, ...] = ()
    admit: Admit = admit_all
    view: type[View] | None = None
    schema: JSON | None = None
    """What ``kubectl explain`` tells, where the view's own shape says too little."""
    selectable_fields: tuple[str, ...] = ()
    prepare: Callable[[JSON], JSON] = field(default=lambda obj: obj)
    """Brings a written object into its stored form (a Secret's ``stringData``)."""

    @property
    def is_core(self) -> bool:
        """Whether it is one of Kubernetes' own: those take strategic merge patches and unconditional updates."""
        return not self.group

    @property
    def resource(self) -> str:
        """Its name in messages: ``seldondeployments.machinelearning.seldon.io``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def api_version(self, version: str) -> str:
        """``group/version``, as objects carry it."""
        return f"{self.group}/{version}" if self.group else version

    def stored(self, obj: JSON) -> JSON:
        """The object in the stored version."""
        return obj | {"apiVersion": self.api_version(self.storage_version)}

    def served(self, obj: JSON, version: str) -> JSON:
        """The object in a served version."""
        return (
            {"apiVersion": self.api_version(version), "kind": self.kind}
            | obj
            | {"apiVersion": self.api_version(version)}
        )
