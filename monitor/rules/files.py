"""The rules as files: as they are shipped, and with other addresses in the links of alerts."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.disk import make_folder, sync_folders, write_whole
from monitor.rules.links import GRAFANA, PAGE, RUNBOOKS, Links

NAMES = ("recording", "alerts")
"""Both, in the order in which they rest on each other; each is a file `NAME.yml`."""

_INSTALLED = Path(__file__).with_name("shipped")
_REPOSITORY = Path(__file__).parents[2] / "rules"


def shipped() -> dict[str, str]:
    """The text of each rules file as it is shipped, by name.

    Raises:
        OSError: one of them is not there.
    """
    folder = _INSTALLED if _INSTALLED.is_dir() else _REPOSITORY
    return {name: (folder / f"{name}.yml").read_text("utf-8") for name in NAMES}


def linked(links: Links) -> dict[str, str]:
    """The text of each rules file with these addresses, by name.

    Raises:
        OSError: one of them is not there.
    """
    texts = shipped()
    for key, old, new in (
        ("dashboard_url", GRAFANA, links.grafana),
        ("runbook_url", RUNBOOKS, links.runbooks),
        ("page_url", PAGE, links.page),
    ):
        texts["alerts"] = _moved(texts["alerts"], key, old, new)
    return texts


def _moved(text: str, key: str, old: str, new: str) -> str:
    """With another beginning of the address in this annotation of every alert."""
    address = re.compile(rf"^( +{key}: (?:&\w+ )?){re.escape(old)}/", re.MULTILINE)
    return address.sub(lambda found: f"{found[1]}{new}/", text)


def joined(texts: dict[str, str]) -> str:
    """All of the files as one."""
    first, *others = texts.values()
    return "\n".join([first, *(re.sub(r"^groups:\n", "", one, flags=re.M) for one in others)])


def write(texts: dict[str, str], folder: Path) -> list[Path]:
    """Write each file into a folder, which is made where it is not there; what was written.

    Raises:
        OSError: it cannot be written.
    """
    make_folder(folder.absolute())
    written = []
    for name, text in texts.items():
        path = folder / f"{name}.yml"
        write_whole(path, text.encode())
        written.append(path)
    sync_folders([folder])
    return written


def write_one(text: str, path: Path) -> list[Path]:
    """Write one file; its folder is made where it is not there.

    Raises:
        OSError: it cannot be written.
    """
    make_folder(path.absolute().parent)
    write_whole(path, text.encode())
    sync_folders([path.parent])
    return [path]
