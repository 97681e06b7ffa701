"""A small Debian root out of this machine's packages: a base image where none can be fetched."""

from __future__ import annotations

import re
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.real import absent, require

WANTED = (
    "base-files",
    "coreutils",
    "dash",
    "libc-bin",
    "libstdc++6",
    "python3",
    "python3-venv",
    "sed",
)
"""What the Dockerfile asks of its base: a shell, its commands, Python with venv; C++ for numpy."""

_UNREAD = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/")


def write_root(path: Path) -> None:
    """Write the files of `WANTED` and of all that they depend on to a tar, as they are here."""
    files = {_real(name) for name in _files(_closure(WANTED))}
    # A folder that no package names, as one that a link leads to, would be made for root alone.
    folders = {str(folder) for name in files for folder in Path(name).parents}
    names = sorted(files | folders)
    with tarfile.open(path, "w") as tar:
        for name in names:
            tar.add(name, recursive=False)


def _closure(wanted: Sequence[str]) -> list[str]:
    """These packages and those that they depend on; of alternatives the first that is installed."""
    depends: dict[str, list[list[str]]] = {}
    provides: dict[str, str] = {}
    text = _query("-W", "-f", "${Package}\t${Pre-Depends}, ${Depends}\t${Provides}\n")
    for line in text.splitlines():
        name, needs, gives = line.split("\t")
        depends[name] = [
            [_plain(one) for one in alternatives.split("|")] for alternatives in needs.split(",")
        ]
        provides |= {_plain(one): name for one in gives.split(",") if one.strip()}
    todo, done = list(wanted), set()
    while todo:
        name = todo.pop()
        if name in done:
            continue
        if name not in depends:
            absent(f"the package {name}")
        done.add(name)
        for any_of in depends[name]:
            found = [one if one in depends else provides.get(one, "") for one in any_of]
            todo += [one for one in found if one][:1]
    return sorted(done)


def _files(packages: Sequence[str]) -> Iterator[str]:
    for line in _query("-L", *packages).splitlines():
        if line.startswith("/") and not line.startswith(_UNREAD) and Path(line).exists():
            yield line


def _real(name: str) -> str:
    """The name without links in its folders: /bin is one on a newer Debian."""
    path = Path(name)
    return str(path.parent.resolve() / path.name)


def _plain(relation: str) -> str:
    return re.sub(r"[ :(\[].*", "", relation.strip())


def _query(*arguments: str) -> str:
    command = [require("dpkg-query"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
