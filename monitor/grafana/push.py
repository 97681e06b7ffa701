"""Boards into a Grafana: a folder, and in it each board under the uid that it always has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from monitor.grafana.api import GrafanaError, Place, ask, connected
from monitor.grafana.files import boards

MESSAGE = "pushed by inferwatch"
"""What Grafana's history of a board says of the change."""

FOLDER = "inferwatch"

UNSEEN = "the token may not list data sources"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was pushed: of each board its title, its address, and whether it is a new one."""

    title: str
    url: str
    new: bool


def push(
    place: Place,
    token: str,
    folder: str = FOLDER,
    datasource: str | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> list[Pushed]:
    """Make or replace every board; again it makes no second one.

    Args:
        folder: title of the folder that they come into; made where there is none.
        datasource: name of the Prometheus that they ask at first; the default one, or the only
            one, where none is named.
        say: is told what was found.

    Raises:
        GrafanaError: Grafana cannot be reached, or refused something; what was pushed before stays.
    """
    with connected(place, token) as face:
        source = _datasource(face, place, datasource)
        said = f"the default one ({UNSEEN})" if source is None else source["name"]
        say(f"data source: {said}")
        into = _folder(face, place, folder)
        say(f"folder: {folder}{' (new)' if into.new else ''}")
        return list(_send(face, place, into, boards(source)))


def _send(
    face: Any, place: Place, into: _Folder, all_boards: Mapping[str, dict[str, Any]]
) -> Iterator[Pushed]:
    for name, board in all_boards.items():
        known = _exists(face, place, board["uid"])
        body: dict[str, Any] = {"dashboard": {**board, "id": None}, "folderUid": into.uid}
        body |= {"overwrite": True, "message": MESSAGE}

        def send(body: dict[str, Any] = body) -> Any:
            return face.dashboard.update_dashboard(body)

        answer = ask(place, f"board {name}", send)
        yield Pushed(board["title"], _address(place, answer), not known)


@dataclass(frozen=True, slots=True)
class _Folder:
    uid: str
    new: bool


def _datasource(face: Any, place: Place, name: str | None) -> Mapping[str, str] | None:
    """The Prometheus that is meant; None for the default one, where the token may not list them.

    Raises:
        GrafanaError: it is not there, or it is not clear which one is meant.
    """
    try:
        found = ask(place, "data sources", face.datasource.list_datasources)
    except GrafanaError as error:
        if error.status != 403:
            raise
        if name is None:  # an editor's token may not, and needs not
            return None
        hint = "give its service account the role Admin, or leave --datasource out"
        raise GrafanaError(f"{place}: {UNSEEN}, to look for {name!r}; {hint}", 403) from None
    ours = [one for one in _mappings(found) if one.get("type") == "prometheus"]
    names = ", ".join(sorted(repr(one.get("name")) for one in ours)) or "none"
    if name is not None:
        chosen = [one for one in ours if one.get("name") == name]
        what = f"there is no data source {name!r} of the type Prometheus (there: {names})"
    else:
        chosen = [one for one in ours if one.get("isDefault")] or ours
        what = "there is no data source of the type Prometheus"
    if len(chosen) == 1:
        return {"name": str(chosen[0].get("name")), "uid": str(chosen[0].get("uid"))}
    if chosen:
        raise GrafanaError(f"{place}: which Prometheus is meant? name it by --datasource: {names}")
    hint = "add it in Grafana under Connections, Data sources"
    raise GrafanaError(f"{place}: {what}; {hint}")


def _folder(face: Any, place: Place, title: str) -> _Folder:
    """The folder of this title, which is made where there is none."""
    found = ask(place, "folders", face.folder.get_all_folders)
    for one in _mappings(found):
        if one.get("title") == title:
            return _Folder(str(one.get("uid")), new=False)
    made = ask(place, f"folder {title!r}", lambda: face.folder.create_folder(title))
    (one,) = _mappings([made]) or ({},)
    return _Folder(str(one.get("uid")), new=True)


def _exists(face: Any, place: Place, uid: str) -> bool:
    try:
        ask(place, f"board {uid}", lambda: face.dashboard.get_dashboard(uid))
    except GrafanaError as error:
        if error.status == 404:
            return False
        raise
    return True


def _address(place: Place, answer: Any) -> str:
    """Where the board is: Grafana's answer has its own path in it already."""
    path = answer.get("url") if isinstance(answer, dict) else None
    root = str(place).removesuffix(place.path) if place.path else str(place)
    return f"{root}{path}" if isinstance(path, str) and path.startswith("/") else str(place)


def _mappings(found: Any) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
