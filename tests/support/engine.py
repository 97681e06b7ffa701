"""A real Docker engine with Swarm, in a network and in folders of its own."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.support.real import absent, require

WITHIN = 120.0
_NEW_NETWORK = 0x40000000


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """Put this thread, and whatever it starts, into a network that has loopback and nothing else.

    An engine that takes its host's network is then alone in it, and so are the ports that it takes.
    """
    if os.geteuid() != 0:
        absent("root, whom a network of one's own needs,")
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open("rb") as before:
        if libc.unshare(_NEW_NETWORK):
            absent(f"a network of one's own ({os.strerror(ctypes.get_errno())})")
        try:
            subprocess.run([require("ip"), "link", "set", "lo", "up"], check=True)
            yield
        finally:
            assert libc.setns(before.fileno(), _NEW_NETWORK) == 0


def wait_for(what: Callable[[], Any], why: Callable[[], str], within: float = WITHIN) -> Any:
    """What `what` gives, once it is true; `why` says what there was instead."""
    deadline, pause = time.monotonic() + within, threading.Event()
    while not (found := what()):
        assert time.monotonic() < deadline, why()
        pause.wait(0.2)
    return found


class Engine:
    """One dockerd, while the context lasts; nothing of it stays."""

    def __init__(self) -> None:
        # A socket's path has to be short, shorter than a test's folder.
        self.folder = Path(tempfile.mkdtemp(prefix="engine-"))
        self.socket = self.folder / "s"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Engine:
        (self.folder / "none.json").write_text("{}")
        options = {
            "data-root": self.folder / "data",
            "exec-root": self.folder / "exec",
            "pidfile": self.folder / "pid",
            "host": f"unix://{self.socket}",
            "config-file": self.folder / "none.json",
            "storage-driver": "vfs",
            "bridge": "none",
            "iptables": "false",
            "ip6tables": "false",
            "ip-forward": "false",
            "ip-masq": "false",
        }
        command = [require("unshare"), "--mount", "--propagation", "private", require("dockerd")]
        command += [f"--{name}={value}" for name, value in options.items()]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(lambda: self.run("version").returncode == 0, self._log)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.run("swarm", "leave", "--force")
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(WITHIN)
        finally:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The real client's answer."""
        command = [require("docker"), "--host", f"unix://{self.socket}", *arguments]
        settings = {"DOCKER_CONFIG": str(self.folder / "config"), "DOCKER_BUILDKIT": "0"}
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env={**os.environ, **settings, **environ},
        )

    def docker(self, *arguments: str, **environ: str) -> str:
        """What the client says on its standard output; it must have been content."""
        done = self.run(*arguments, **environ)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout.strip()

    def build(self, context: Path, *options: str) -> str:
        """Build an image; its id. The network is this engine's own, which leads nowhere."""
        told = self.folder / "id"
        self.docker("build", "--network=host", f"--iidfile={told}", *options, str(context))
        return told.read_text()

    def inspect(self, what: str, name: str) -> dict[str, Any]:
        """All that is known of a service, an image or a container."""
        found: dict[str, Any] = json.loads(self.docker(what, "inspect", name))[0]
        return found

    def volume(self, name: str) -> Path:
        """Where a volume's files are."""
        return self.folder / "data" / "volumes" / name / "_data"

    def _log(self) -> str:
        return (self.folder / "log").read_text()[-3000:]
