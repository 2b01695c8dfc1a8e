"""What a step is: one typed function that every engine can run.

A step's keyword parameters are its inputs. A plain type (``str``, ``int``, ``float``, ``bool``, ``dict``, ``list``) is
a parameter; ``Annotated[Path, Input(...)]`` is an artefact to read; ``Annotated[Path, Output(...)]`` a path to write.
It returns a ``NamedTuple`` of scalars (its output parameters) or None. ``emit`` turns it into a KFP component, an Argo
template and a subcommand; calling it as plain Python is the fourth face.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

P = ParamSpec("P")
R = TypeVar("R")
ArtefactType = Literal["Artifact", "Dataset", "Model", "Metrics"]
"""What an artefact is, in KFP's words. ``Metrics`` is a JSON object of figures."""


@dataclass(frozen=True, slots=True)
class Input:
    """An artefact that the step reads; a file or a directory."""

    description: str
    artefact: ArtefactType = "Artifact"


@dataclass(frozen=True, slots=True)
class Output:
    """An artefact that the step writes at the path it is given."""

    description: str
    artefact: ArtefactType = "Artifact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One input or output of a step, as the emitters need it."""

    name: str
    type: type
    kind: str
    """``parameter``, ``input`` (artefact) or ``output`` (artefact)."""
    description: str
    default: Any = inspect.Parameter.empty
    artefact: ArtefactType = "Artifact"

    @property
    def required(self) -> bool:
        """Whether a caller must give it."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[P, R]):
    """A step: the function and what an engine must know of it."""

    name: str
    function: Callable[P, R]
    effects: bool
    """Whether it changes something outside (then it is never cached and is idempotent by its own key)."""
    extras: tuple[str, ...]
    """Extras of this distribution that it needs, by name."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it as plain Python."""
        return self.function(*args, **kwargs)

    @property
    def summary(self) -> str:
        """The docstring's first sentence."""
        return (inspect.getdoc(self.function) or "").split("\n", 1)[0]

    @property
    def inputs(self) -> tuple[Slot, ...]:
        """Parameters and artefacts (to read and to write), in the order of the signature."""
        hints = get_type_hints(self.function, include_extras=True)
        return tuple(
            _slot(name, hints[name], parameter)
            for name, parameter in inspect.signature(self.function).parameters.items()
        )

    @property
    def outputs(self) -> dict[str, type]:
        """Output parameters: name to type."""
        returned = get_type_hints(self.function).get("return")
        return dict(getattr(returned, "__annotations__", {})) if hasattr(returned, "_fields") else {}


def step(name: str, *, effects: bool = False, extras: tuple[str, ...] = ()) -> Callable[[Callable[P, R]], Step[P, R]]:
    """Make a step of a function. ``name`` is kebab-case and unique among all steps."""
    return lambda function: Step(name=name, function=function, effects=effects, extras=extras)


def _without_none(hint: Any) -> Any:
    """``dict | None`` is a dict that may be left out."""
    others = [part for part in get_args(hint) if part is not NoneType] if isinstance(hint, UnionType) else []
    return others[0] if len(others) == 1 else hint


def _slot(name: str, hint: Any, parameter: inspect.Parameter) -> Slot:
    marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    plain = _without_none(get_args(hint)[0] if marks else hint)
    mark = next((mark for mark in marks if isinstance(mark, Input | Output)), None)
    text = mark.description if mark else next((mark for mark in marks if isinstance(mark, str)), "")
    return Slot(
        name=name,
        type=get_origin(plain) or plain,
        kind={Input: "input", Output: "output"}.get(type(mark), "parameter"),
        description=text,
        default=parameter.default,
        artefact=mark.artefact if mark else "Artifact",
    )
