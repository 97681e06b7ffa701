"""The model server's own process and its children, as the operating system sees them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psutil

from collectors.family import Statistic

log = logging.getLogger(__name__)

T = TypeVar("T")


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


class ProcessSampler:
    """Memory, processor time, threads and files of a process and its children.

    Processor time is the sum of what each process of the tree used since it was first seen, so that
    a child that ends does not make it fall. A process that is gone is said to be gone: `process.up`
    is 0, and there is nothing else.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._used: dict[tuple[int, float], float] = {}
        self._total = 0.0
        self._gpus: list[Any] | None = None

    def sample(self, now: float) -> list[Statistic]:
        """See `Sampler.sample`."""
        tree = self._tree()
        if not tree:
            return [Statistic("process.up", 0)]
        found = [Statistic("process.up", 1)]
        found += _summed("process.memory_bytes", tree, lambda p: p.memory_info().rss)
        self._add_processor_time(tree)
        found.append(Statistic("process.cpu_seconds", self._total))
        found += _summed("process.threads", tree, lambda p: p.num_threads())
        found += _summed("process.open_files", tree, lambda p: p.num_fds())
        memory = self._gpu_memory({process.pid for process in tree})
        if memory is not None:
            found.append(Statistic("process.gpu_memory_bytes", memory))
        return found

    def _tree(self) -> list[psutil.Process]:
        try:
            root = self._root()
            if root is None or root.status() == psutil.STATUS_ZOMBIE:
                return []
            return [root, *root.children(recursive=True)]
        except (psutil.Error, OSError, ValueError):
            return []

    def _root(self) -> psutil.Process | None:
        target = self._target
        if target.pid is not None:
            return psutil.Process(target.pid)
        if target.pid_file is not None:
            return psutil.Process(int(target.pid_file.read_text().strip()))
        named = [
            process
            for process in psutil.process_iter(["name", "create_time"])
            if process.info["name"] == target.name
        ]
        return min(named, key=lambda process: process.info["create_time"], default=None)

    def _add_processor_time(self, tree: list[psutil.Process]) -> None:
        seen: dict[tuple[int, float], float] = {}
        for process in tree:
            used = _read(process, lambda p: p.cpu_times().user + p.cpu_times().system)
            born = _read(process, lambda p: p.create_time())
            if used is not None and born is not None:
                # A process id that is used again belongs to another process.
                seen[process.pid, born] = used
        for identity, used in seen.items():
            self._total += max(used - self._used.get(identity, 0.0), 0.0)
        self._used = seen

    def _gpu_memory(self, pids: set[int]) -> int | None:
        """Bytes on NVIDIA GPUs; None where there is no GPU, or no way to ask."""
        if self._gpus is None:
            self._gpus = _gpus()
        if not self._gpus:
            return None
        import pynvml

        used = 0
        for gpu in self._gpus:
            try:
                users = pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)
            except pynvml.NVMLError:
                continue
            used += sum(user.usedGpuMemory or 0 for user in users if user.pid in pids)
        return used


def _summed(
    id: str, tree: list[psutil.Process], read: Callable[[psutil.Process], int]
) -> list[Statistic]:
    values = [value for process in tree if (value := _read(process, read)) is not None]
    return [Statistic(id, sum(values))] if values else []


def _read(process: psutil.Process, read: Callable[[psutil.Process], T]) -> T | None:
    """One figure; None where it may not be read, or the process just ended."""
    try:
        return read(process)
    except (psutil.Error, OSError):
        return None


def _gpus() -> list[Any]:
    try:
        import pynvml

        pynvml.nvmlInit()
        return [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    except Exception as error:  # no package, no driver, no GPU: all the same here
        log.debug("no GPU to look at: %s", error)
        return []
