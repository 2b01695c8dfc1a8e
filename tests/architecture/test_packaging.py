"""Four folders make one wheel and one namespace."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
FOLDERS = sorted(path.parents[2].name for path in ROOT.glob("*/sluicegate/*/__init__.py"))


def test_no_folder_claims_the_namespace() -> None:
    """An ``__init__.py`` in one ``sluicegate/`` would hide the three others."""
    assert list(ROOT.glob("*/sluicegate/__init__.py")) == []


def test_each_folder_ships_its_namesake_with_types() -> None:
    """FOLDER/sluicegate holds one package, FOLDER, and it is marked as typed."""
    for folder in FOLDERS:
        inside = [path.name for path in (ROOT / folder / "sluicegate").iterdir() if path.name != "__pycache__"]
        assert inside == [folder]
        assert (ROOT / folder / "sluicegate" / folder / "py.typed").is_file()


def test_every_tool_knows_every_folder() -> None:
    """A new folder must reach the wheel, the type checkers, the linter and the coverage.

    ``shim`` is a distribution of its own: types and lines are checked, nothing of it is in the wheel.
    """
    packages = [f"sluicegate.{folder}" for folder in FOLDERS]

    assert FOLDERS == ["components", "monitoring", "pipelines", "serving"]
    assert sorted(TOOL["hatch"]["build"]["dev-mode-dirs"]) == FOLDERS
    assert sorted(TOOL["hatch"]["build"]["targets"]["wheel"]["packages"]) == [f"{f}/sluicegate" for f in FOLDERS]
    assert sorted(TOOL["mypy"]["mypy_path"]) == sorted([*FOLDERS, "shim"])
    assert sorted(TOOL["mypy"]["packages"]) == sorted([*packages, "seldon_core"])
    assert sorted(TOOL["pyright"]["extraPaths"]) == FOLDERS
    assert sorted(TOOL["ruff"]["src"]) == sorted([*FOLDERS, "shim"])
    assert sorted(TOOL["coverage"]["run"]["source_pkgs"]) == packages
