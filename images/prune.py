"""Runs inside a build stage: takes away from the base what a Python program does not need at run time.

Perl, the package manager's programs and packaging tools go; its database stays, as scanners read it, and pip stays, as
images of users' classes install with it.
"""

import shutil
from pathlib import Path

NEEDLESS = (
    "build",
    "usr/bin/perl*",
    "usr/lib/*/libperl.so*",
    "usr/lib/*/perl*",
    "usr/share/perl*",
    "usr/lib/*/gconv",
    "usr/lib/*/libapt-*",
    "usr/bin/apt*",
    "usr/lib/apt",
    "usr/bin/dpkg*",
    "usr/share/doc",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/python-wheels",
    "usr/include",
    "usr/local/include",
    "usr/lib/valgrind",
    "var/cache/*",
    "var/lib/apt",
    "usr/lib/python3/dist-packages/setuptools*",
    "usr/lib/python3/dist-packages/pkg_resources",
    "usr/lib/python3/dist-packages/wheel*",
    "usr/lib/python3/dist-packages/pip/**/__pycache__",
    "usr/lib/python3.*/ensurepip",
    "usr/lib/python3.*/lib2to3",
    "usr/local/lib/python3.*/ensurepip",
    "usr/local/lib/python3.*/idlelib",
    "usr/local/lib/python3.*/lib2to3",
    "usr/local/lib/python3.*/test",
    "usr/local/lib/python3.*/tkinter",
    "usr/local/lib/python3.*/site-packages/setuptools*",
    "usr/local/lib/python3.*/site-packages/pkg_resources",
    "usr/local/lib/python3.*/site-packages/wheel*",
    "usr/local/lib/python3.*/site-packages/pip/**/__pycache__",
)


def prune(root: Path) -> None:
    """Remove what is named above; what is busy (a mount of the builder's) stays."""
    for pattern in NEEDLESS:
        for path in sorted(root.glob(pattern)):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


if __name__ == "__main__":
    prune(Path("/"))
