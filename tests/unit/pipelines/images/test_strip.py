"""Compiled modules of images are cut down to what is loaded, and still load."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from images.install import strip

CORE = Path(np.__file__).parent / "_core"


def test_a_module_that_was_cut_down_computes_as_before(tmp_path: Path) -> None:
    """The largest of numpy's, in a copy of numpy."""
    shutil.copytree(CORE.parent, tmp_path / "numpy", ignore=shutil.ignore_patterns("tests"))
    shutil.copytree(CORE.parent.with_name("numpy.libs"), tmp_path / "numpy.libs")
    modules = [path for path in tmp_path.rglob("*.so*") if path.is_file()]
    before = sum(path.stat().st_size for path in modules)

    for path in modules:
        strip(path)

    assert sum(path.stat().st_size for path in modules) < before
    code = "import numpy; print(numpy.__file__, numpy.linalg.solve([[2.0, 0], [0, 4]], [2, 4]).tolist())"
    told = {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, text=True, check=False)
    assert done.stdout.split(maxsplit=1) == [str(tmp_path / "numpy" / "__init__.py"), "[1.0, 1.0]\n"], done.stderr


def test_what_has_been_cut_down_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "module.so"
    shutil.copy(next(CORE.glob("_multiarray_umath*.so")), path)
    strip(path)
    once = path.read_bytes()

    strip(path)

    assert path.read_bytes() == once


@pytest.mark.parametrize("content", [b"", b"text", b"\x7fELF\x01\x01 for 32 bits", b"INPUT(libc.so.6)"])
def test_what_is_no_program_of_64_bits_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "libx.so"
    path.write_bytes(content)

    strip(path)

    assert path.read_bytes() == content
