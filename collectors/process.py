"""The model server's own process and its children, as the operating system sees them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import psutil

from collectors.family import Statistic

log = logging.getLogger(__name__)

LARGEST_PID = 2**31 - 1


class Sampler(Protocol):
    """Something beside the log that is looked at now and then."""

    def sample(self, now: float) -> list[Statistic]:
        """What is there at `now` (epoch, s); what is gone is not among it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which process: by its id, by a file that holds it, or by its name (the oldest that runs)."""

    pid: int | None = None
    pid_file: Path | None = None
    name: str | None = None


class _Identity(NamedTuple):
    """A process id is used again in time; together with its birth (epoch, s) it is one process."""

    pid: int
    born: float


class _Used(NamedTuple):
    """Processor seconds: the process's own, and those of its ended children that it waited for."""

    own: float
    reaped: float


class ProcessSampler:
    """Memory, processor time, threads and files of a process and its children.

    A process that is gone is said to be gone: `process.up` is 0, and there is nothing else. A
    figure that may not be read of every process of the tree is left out, the others stay.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._used: dict[_Identity, _Used] = {}
        self._total = 0.0
        self._gpus: Sequence[Any] | None = None

    def sample(self, now: float) -> list[Statistic]:
        """See `Sampler.sample`."""
        tree = self._tree()
        if not tree:
            self._used = {}
            return [Statistic("process.up", 0)]
        return [Statistic("process.up", 1), *self._figures(tree)]

    def _figures(self, tree: Sequence[psutil.Process]) -> Iterator[Statistic]:
        yield from _summed("process.memory_bytes", tree, lambda p: p.memory_info().rss)
        if self._add_processor_time(tree):
            yield Statistic("process.cpu_seconds", self._total)
        yield from _summed("process.threads", tree, lambda p: p.num_threads())
        yield from _summed("process.open_files", tree, lambda p: p.num_fds())
        memory = self._gpu_memory({process.pid for process in tree})
        if memory is not None:
            yield Statistic("process.gpu_memory_bytes", memory)

    def _tree(self) -> list[psutil.Process]:
        """The process, then its children; nothing if it is gone, or has ended and waits for its
        parent."""
        try:
            root = self._root()
            if root is None or root.status() == psutil.STATUS_ZOMBIE:
                return []
            return [root, *root.children(recursive=True)]
        except (psutil.Error, OSError):
            return []

    def _root(self) -> psutil.Process | None:
        target = self._target
        if target.name is not None:
            return _oldest(target.name)
        pid = target.pid if target.pid_file is None else _read_pid(target.pid_file)
        return psutil.Process(pid) if pid is not None and 0 < pid <= LARGEST_PID else None

    def _add_processor_time(self, tree: Sequence[psutil.Process]) -> bool:
        """Add what the tree has used since the last look; False if it may not be read.

        What an ended child had used is already counted, and turns up once more in its parent's
        `reaped`, together with what it used after the last look: only the rest is new. So the total
        never falls, and misses no child that its parent waits for, however short it lived.
        """
        now: dict[_Identity, _Used] = {}
        for process in tree:
            try:
                times, born = process.cpu_times(), process.create_time()
            except psutil.NoSuchProcess:
                continue
            except (psutil.Error, OSError):
                return False
            own, reaped = times.user + times.system, times.children_user + times.children_system
            now[_Identity(process.pid, born)] = _Used(own, reaped)
        if not now.keys() & self._used.keys():
            self._used = {}
        ended = sum(sum(self._used[identity]) for identity in self._used.keys() - now.keys())
        nothing = _Used(0.0, 0.0)
        before = {identity: self._used.get(identity, nothing) for identity in now}
        own = sum(max(used.own - before[identity].own, 0.0) for identity, used in now.items())
        reaped = sum(used.reaped - before[identity].reaped for identity, used in now.items())
        self._total += own + max(reaped - ended, 0.0)
        self._used = now
        return True

    def _gpu_memory(self, pids: set[int]) -> int | None:
        """Bytes on NVIDIA GPUs; None where there is no GPU, or none that can be asked."""
        if self._gpus is None:
            self._gpus = _gpus()
        if not self._gpus:
            return None
        import pynvml

        used = None
        for gpu in self._gpus:
            try:
                users = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)
            except pynvml.NVMLError:
                continue
            here = sum(user.usedGpuMemory or 0 for user in users if user.pid in pids)
            used = (used or 0) + here
        return used


def _oldest(name: str) -> psutil.Process | None:
    """The oldest process of that exact name that runs and is not this one."""
    named = [
        process
        for process in psutil.process_iter(["name", "create_time", "status"])
        if process.info["name"] == name
        and process.info["status"] != psutil.STATUS_ZOMBIE
        and process.pid != os.getpid()
    ]
    return min(named, key=lambda process: process.info["create_time"], default=None)


def _read_pid(file: Path) -> int | None:
    """The number in the file; None if there is none."""
    with file.open("rb") as opened:
        text = opened.read(32).strip()
    return int(text) if text.isdigit() else None


def _summed(
    id: str, tree: Sequence[psutil.Process], read: Callable[[psutil.Process], int]
) -> Iterator[Statistic]:
    """The sum over the tree; nothing if it may not be read, for a part would look like a fall."""
    total = 0
    for process in tree:
        try:
            total += read(process)
        except psutil.NoSuchProcess:
            continue
        except (psutil.Error, OSError):
            return
    yield Statistic(id, total)


def _gpus() -> Sequence[Any]:
    try:
        import pynvml

        pynvml.nvmlInit()
        return [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    except Exception as error:  # no package, no driver, no GPU: all the same here
        log.debug("no GPU to look at: %s", error)
        return ()
