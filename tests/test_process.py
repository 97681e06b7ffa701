from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from collectors.family import Distribution
from collectors.process import ProcessSampler, Target

MIB = 2**20
TICK = 0.05
"""Processor time is kept in hundredths of a second, and a process has some of its own."""

SERVER = """
import os, subprocess, sys, threading, time

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

def ask(child, line):
    child.stdin.write(line + "\\n")
    child.stdin.flush()
    child.stdout.readline()

held, child = [], None
print("up", flush=True)
for line in sys.stdin:
    action, _, amount = line.strip().partition(" ")
    if action == "grow":
        held.append(b"x" * int(amount))
    elif action == "burn":
        burn(float(amount))
    elif action == "open":
        held += [open(os.devnull) for _ in range(int(amount))]
    elif action == "threads":
        for _ in range(int(amount)):
            threading.Thread(target=threading.Event().wait, daemon=True).start()
    elif action == "fork":
        child = subprocess.Popen([sys.executable, "-c", os.environ["SERVER"]], text=True,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()
    elif action == "ask":
        ask(child, amount)
    elif action == "end":
        child.communicate()
    print("done", flush=True)
"""


class Server:
    """A child process that does as it is told, and says when it has."""

    def __init__(self, executable: str = sys.executable) -> None:
        self.process = subprocess.Popen(
            [executable, "-c", SERVER],
            env={**os.environ, "SERVER": SERVER},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer("up")

    @property
    def pid(self) -> int:
        return self.process.pid

    def ask(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        self._answer("done")

    def stop(self) -> None:
        self.process.communicate()

    def _answer(self, expected: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline().strip() == expected


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts servers, and ends those that are left."""
    servers = []

    def make(executable: str = sys.executable) -> Server:
        servers.append(Server(executable))
        return servers[-1]

    yield make
    for server in servers:
        if server.process.returncode is None:
            server.stop()


def look(sampler: ProcessSampler) -> dict[str, float]:
    found = {}
    for statistic in sampler.sample(0.0):
        assert not isinstance(statistic.value, Distribution)
        assert not statistic.labels
        found[statistic.id.removeprefix("process.")] = statistic.value
    return found


GONE = {"up": 0}


class TestFigures:
    def test_every_figure_of_a_living_process(self, start: Start) -> None:
        found = look(ProcessSampler(Target(pid=start().pid)))
        assert list(found) == ["up", "memory_bytes", "cpu_seconds", "threads", "open_files"]
        assert found["up"] == 1
        assert found["memory_bytes"] > MIB
        assert found["threads"] == 1

    def test_memory_threads_and_files_grow_with_the_process(self, start: Start) -> None:
        server = start()
        sampler = ProcessSampler(Target(pid=server.pid))
        before = look(sampler)
        for line in (f"grow {64 * MIB}", "threads 3", "open 7"):
            server.ask(line)
        after = look(sampler)
        assert 60 * MIB < after["memory_bytes"] - before["memory_bytes"] < 90 * MIB
        assert after["threads"] - before["threads"] == 3
        assert after["open_files"] - before["open_files"] == 7

    def test_processor_time_is_what_was_burnt(self, start: Start) -> None:
        server = start()
        sampler = ProcessSampler(Target(pid=server.pid))
        before = look(sampler)["cpu_seconds"]
        server.ask("burn 0.3")
        assert look(sampler)["cpu_seconds"] - before == pytest.approx(0.3, abs=TICK)


class TestChildren:
    def test_children_count_in_every_figure(self, start: Start) -> None:
        server = start()
        sampler = ProcessSampler(Target(pid=server.pid))
        before = look(sampler)
        server.ask("fork")
        server.ask(f"ask grow {64 * MIB}")
        server.ask("ask burn 0.3")
        after = look(sampler)
        assert after["memory_bytes"] - before["memory_bytes"] > 60 * MIB
        assert after["threads"] == 2
        assert after["cpu_seconds"] - before["cpu_seconds"] > 0.3 - TICK

    def test_a_finished_child_neither_lowers_processor_time_nor_counts_twice(
        self, start: Start
    ) -> None:
        server = start()
        sampler = ProcessSampler(Target(pid=server.pid))
        server.ask("fork")
        server.ask("ask burn 0.4")
        before = look(sampler)["cpu_seconds"]
        server.ask("end")
        after = look(sampler)
        assert after["threads"] == 1
        assert before <= after["cpu_seconds"] < before + 0.2

    def test_a_child_between_two_looks_is_not_missed(self, start: Start) -> None:
        server = start()
        sampler = ProcessSampler(Target(pid=server.pid))
        before = look(sampler)["cpu_seconds"]
        for line in ("fork", "ask burn 0.4", "end"):
            server.ask(line)
        assert look(sampler)["cpu_seconds"] - before > 0.4 - TICK


class TestGone:
    def test_a_process_that_ended_is_said_to_be_gone(self, start: Start) -> None:
        server = start()
        sampler = ProcessSampler(Target(pid=server.pid))
        assert look(sampler)["up"] == 1
        server.stop()
        assert look(sampler) == GONE

    def test_a_zombie_is_gone(self, start: Start) -> None:
        server = start()
        sampler = ProcessSampler(Target(pid=server.pid))
        server.process.kill()
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(server.pid).status() == psutil.STATUS_ZOMBIE
        assert look(sampler) == GONE

    @pytest.mark.parametrize("pid", [0, -1, 2**31, 2**70])
    def test_no_process_has_such_an_id(self, pid: int) -> None:
        assert look(ProcessSampler(Target(pid=pid))) == GONE


class TestPidFile:
    def test_a_restarted_process_is_found_and_its_time_goes_on(
        self, start: Start, tmp_path: Path
    ) -> None:
        file = tmp_path / "server.pid"
        sampler = ProcessSampler(Target(pid_file=file))
        assert look(sampler) == GONE
        server = start()
        file.write_text(f"{server.pid}\n")
        server.ask("burn 0.3")
        first = look(sampler)["cpu_seconds"]
        server.stop()
        assert look(sampler) == GONE
        file.write_text(f"{start().pid}\n")
        assert first <= look(sampler)["cpu_seconds"] < first + 0.3

    @pytest.mark.parametrize("text", ["", "ham", "-5", "1 2", "9" * 5000, "\ud800", "１２"])
    def test_a_file_without_a_number_is_no_process(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "server.pid"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        assert look(ProcessSampler(Target(pid_file=file))) == GONE

    def test_a_folder_is_no_process(self, tmp_path: Path) -> None:
        assert look(ProcessSampler(Target(pid_file=tmp_path))) == GONE


class TestName:
    @pytest.mark.parametrize("name", ["scorer", "scorer-with-a-long-name"])
    def test_the_oldest_of_exactly_that_name(self, start: Start, tmp_path: Path, name: str) -> None:
        name = f"{name}-{os.getpid()}"
        sampler = ProcessSampler(Target(name=name))
        near, exact = tmp_path / f"{name}x", tmp_path / name
        for file in (near, exact):
            file.symlink_to(Path(sys.executable).resolve())
        start(str(near))
        assert look(sampler) == GONE
        oldest, younger = start(str(exact)), start(str(exact))
        younger.ask("threads 5")
        assert look(sampler)["threads"] == 1
        oldest.process.kill()
        os.waitid(os.P_PID, oldest.pid, os.WEXITED | os.WNOWAIT)
        assert look(sampler)["threads"] == 6


class Times(NamedTuple):
    user: float
    system: float
    children_user: float
    children_system: float


@dataclass
class Pretended:
    """A process as psutil shows it, for what no real one does on demand."""

    pid: int = 7
    born: float = 1.0
    own: float = 0.0
    denied: set[str] = field(default_factory=set)

    def _may(self, what: str) -> None:
        if what in self.denied:
            raise psutil.AccessDenied(self.pid)
        if "everything" in self.denied:
            raise psutil.NoSuchProcess(self.pid)

    def create_time(self) -> float:
        return self.born

    def cpu_times(self) -> Times:
        self._may("cpu_times")
        return Times(self.own, 0.0, 0.0, 0.0)

    def memory_info(self) -> Any:
        self._may("memory_info")
        return types.SimpleNamespace(rss=100)

    def num_threads(self) -> int:
        self._may("num_threads")
        return 2

    def num_fds(self) -> int:
        self._may("num_fds")
        return 3


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, float]]:
    sampler = ProcessSampler(Target(pid=1))

    def sample(*tree: Pretended) -> dict[str, float]:
        monkeypatch.setattr(sampler, "_tree", lambda: list(tree))
        return look(sampler)

    return sample


Pretend = Callable[..., dict[str, float]]


class TestWhatMayNotBeRead:
    @pytest.mark.parametrize(
        ("call", "figure"),
        [
            ("memory_info", "memory_bytes"),
            ("cpu_times", "cpu_seconds"),
            ("num_threads", "threads"),
            ("num_fds", "open_files"),
        ],
    )
    def test_it_costs_one_figure(self, pretend: Pretend, call: str, figure: str) -> None:
        every = pretend(Pretended(), Pretended(8))
        left = pretend(Pretended(), Pretended(8, denied={call}))
        assert every.keys() - left.keys() == {figure}

    def test_a_child_that_just_ended_costs_nothing(self, pretend: Pretend) -> None:
        assert pretend(Pretended(), Pretended(8, denied={"everything"})) == pretend(Pretended())

    def test_processor_time_that_may_be_read_again_is_not_counted_twice(
        self, pretend: Pretend
    ) -> None:
        pretend(Pretended(own=5.0))
        pretend(Pretended(own=6.0, denied={"cpu_times"}))
        assert pretend(Pretended(own=7.0))["cpu_seconds"] == 7.0

    def test_an_id_used_again_is_another_process(self, pretend: Pretend) -> None:
        pretend(Pretended(own=100.0))
        assert pretend(Pretended(born=2.0, own=3.0))["cpu_seconds"] == 103.0
        assert pretend(Pretended(born=3.0, own=500.0))["cpu_seconds"] == 603.0


class Nvml(types.ModuleType):
    """Two GPUs: process 7 uses both, and the second does not answer while `broken`."""

    NVMLError = type("NVMLError", (Exception,), {})
    broken = False

    def nvmlInit(self) -> None:  # noqa: N802
        pass

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: int) -> list[Any]:  # noqa: N802
        if gpu == 1 and self.broken:
            raise self.NVMLError
        users = [(7, 100), (9, 1000)] if gpu == 0 else [(7, 20), (8, 3), (7, None)]
        return [types.SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in users]


class TestGpu:
    def test_memory_on_all_gpus_of_the_tree_alone(
        self, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nvml = Nvml("pynvml")
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        assert pretend(Pretended(), Pretended(8))["gpu_memory_bytes"] == 123
        assert pretend(Pretended(5))["gpu_memory_bytes"] == 0
        nvml.broken = True
        assert pretend(Pretended())["gpu_memory_bytes"] == 100

    def test_without_the_package_there_is_no_figure(
        self, pretend: Pretend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pynvml", None)
        assert "gpu_memory_bytes" not in pretend(Pretended())
