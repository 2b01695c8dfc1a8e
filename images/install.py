"""Runs inside a build stage: installs one image's dependencies, or our code, and leaves nothing that is not needed.

``python3 install.py NAME`` reads ``NAME.txt`` beside it; ``code`` stands for our wheel, ``demo`` for what the
demonstration adds to the steps. Byte code is made here, as the root file system is read-only later; it is by hash and
unchecked, so that it does not depend on times of files.
"""

import compileall
import py_compile
import shutil
import struct
import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parent
ENVIRONMENT = Path("/opt/sluicegate")
CODE = Path("/opt/code")
DEMO = Path("/opt/demo")
NEEDLESS = ("*.pyi", "*.pyx", "*.pxd", "*.h", "*.c", "*.cpp", "*.a")
"""What only a compiler or an editor reads."""
ELF_64_LITTLE = b"\x7fELF\x02\x01"


def main(name: str) -> None:
    """Install, prune, compile."""
    if name == "code":
        wheels = [str(path) for path in (BUILD / "wheel").glob("*.whl")]
        pip("--no-deps", "--no-index", "--target", str(CODE), *wheels)
        compile_below(CODE)
        return
    if name == "demo":
        pip("--no-deps", "--target", str(DEMO), "--requirement", str(BUILD / "demo.txt"))
        shutil.copytree(BUILD / "demo", DEMO / "demo")
        compile_below(DEMO)
        return
    pip("--constraint", str(BUILD / "constraints.txt"), "--requirement", str(BUILD / f"{name}.txt"))
    site = next(ENVIRONMENT.glob("lib/python3*/site-packages"))
    prune(site)
    (site / "code.pth").write_text(f"{CODE}\n")
    compile_below(site)


def pip(*arguments: str) -> None:
    """The base's pip, for the environment that has none."""
    command = (sys.executable, "-m", "pip", "--python", str(ENVIRONMENT / "bin" / "python"), "install")
    subprocess.run([*command, "--no-cache-dir", "--no-compile", "--disable-pip-version-check", *arguments], check=True)


def prune(site: Path) -> None:
    """Take away what a running server never reads."""
    for directory in [path for path in site.rglob("tests") if path.is_dir()]:
        shutil.rmtree(directory, ignore_errors=True)
    for pattern in NEEDLESS:
        for path in site.rglob(pattern):
            path.unlink()
    for path in site.rglob("*.so*"):
        if path.is_file() and not path.is_symlink():
            strip(path)


def strip(path: Path) -> None:
    """Cut off what the loader never maps: symbols, debugging information, and the table of sections.

    As ``strip`` does, which a base need not have. The loader goes by the program's segments alone (elf(5)).
    """
    data = bytearray(path.read_bytes())
    if data[:6] != ELF_64_LITTLE:
        return
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQ", data, table + index * size) for index in range(count)]
    end = max(offset + length for _, _, offset, _, _, length in segments)
    if end < len(data):
        struct.pack_into("<Q", data, 40, 0)
        struct.pack_into("<HH", data, 60, 0, 0)
        path.write_bytes(data[:end])


def compile_below(directory: Path) -> None:
    """Byte code that is never compared with its source."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(directory, quiet=2, workers=0, invalidation_mode=mode)


if __name__ == "__main__":
    main(sys.argv[1])
