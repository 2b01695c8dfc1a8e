"""What is said of a name that Seldon's package has and this one has not."""

from collections.abc import Callable


def missing_from(module: str, provided: str) -> Callable[[str], object]:
    """A module's ``__getattr__``."""

    def missing(name: str) -> object:
        raise AttributeError(f"{module}.{name} is not provided by sluicegate; {provided}")

    return missing
