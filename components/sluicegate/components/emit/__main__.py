"""``python -m sluicegate.components.emit [--check]``: writes the KFP faces, or says whether they are up to date."""

import sys
from pathlib import Path

from sluicegate.components.emit.catalogue import every_step
from sluicegate.components.emit.kfp import module_source

TARGET = Path(__file__).with_name("kfp_components.py")


def main(arguments: list[str]) -> int:
    """Exit code: 0, or 1 when ``--check`` finds a difference."""
    source = module_source(every_step())
    if "--check" not in arguments:
        TARGET.write_text(source)
        return 0
    if TARGET.is_file() and TARGET.read_text() == source:
        return 0
    sys.stderr.write(f"{TARGET.name} is not what the steps say; run: python -m sluicegate.components.emit\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
