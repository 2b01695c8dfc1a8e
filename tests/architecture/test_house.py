"""Measures that keep the house easy to walk through."""

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED = {"kfp_components.py"}
"""Written by `make generate`, which `make lint` compares; nobody reads or edits them."""
SOURCES = sorted(
    path for folder in ("components", "monitoring", "pipelines", "serving", "demo")
    for path in (ROOT / folder).rglob("*.py") if path.name not in GENERATED
)  # fmt: skip
FOLDERS = ("components", "monitoring", "pipelines", "serving")


def functions() -> list[tuple[str, int]]:
    """Every function with the length of its body, docstring left out."""
    found: list[tuple[str, int]] = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
                found.append((f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", length))
    return found


def test_every_module_says_what_it_is_in_twelve_lines() -> None:
    for path in SOURCES:
        docstring = ast.get_docstring(ast.parse(path.read_text()))
        assert docstring, f"{path.relative_to(ROOT)} has no docstring"
        assert docstring.count("\n") < 12, f"{path.relative_to(ROOT)}: its docstring has more than 12 lines"


def test_no_file_is_longer_than_four_screens() -> None:
    lengths = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in SOURCES}

    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}
    assert statistics.median(lengths.values()) <= 120


def test_no_function_is_longer_than_a_screen() -> None:
    found = functions()

    assert [where for where, length in found if length > 60] == []
    assert statistics.median(length for _, length in found) <= 8


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_of_ours_is_imported_inside_a_function(folder: str) -> None:
    """Except in a step's body: it is copied into an engine's container, and must be light to import."""
    hidden = []
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_step(node):
                inner = [part for part in ast.walk(node) if isinstance(part, ast.ImportFrom)]
                ours = [part for part in inner if (part.module or "").startswith("sluicegate")]
                hidden += [f"{path.relative_to(ROOT)}:{part.lineno}" for part in ours]

    assert [where for where in hidden if "/emit/" not in where] == []


def _is_step(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    decorators = [part.func for part in node.decorator_list if isinstance(part, ast.Call)]
    return any(isinstance(part, ast.Name) and part.id == "step" for part in decorators)


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("sluicegate.serving.api.validation", ("numpy", "httpx", "starlette", "kubernetes")),
        ("sluicegate.components.step", ("numpy", "pandas", "sklearn", "mlflow", "kfp", "hera")),
        ("sluicegate.pipelines.cli.main", ("numpy", "pandas", "sklearn", "mlflow", "kfp", "hera", "starlette")),
        ("sluicegate.serving.server", ("mlflow", "kfp", "hera", "kubernetes", "starlette")),
    ],
)
def test_what_must_be_light_to_import_is(module: str, forbidden: tuple[str, ...]) -> None:
    script = f"import sys, {module}; print(' '.join(sorted(set({forbidden!r}) & set(sys.modules))))"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()

    assert loaded == ""
