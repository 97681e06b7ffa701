"""Makes one report: `python -P -m monitor.jobs.report.child`, the task as JSON on stdin.

A process of its own, so that the daemon neither imports Evidently nor waits for it, nor holds its
memory. It bounds itself before it imports anything: memory, time, niceness, and it may neither
speak to a network nor begin another process.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import sys
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from monitor.jobs.report.task import Numbers, Side, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.archive_table import ClosedPane
    from monitor.jobs.report.rows import UniformRows

NICENESS = 10

_PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal to get when the thread that began this process ends."""

_FORBIDDEN = frozenset(
    {
        *("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"),
        *("socket.sendto", "socket.sendmsg", "subprocess.Popen", "os.system", "os.exec"),
        *("os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"),
    }
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NO_TARGETS = (
    "No report on classification or regression: the log has predictions, and nothing that says "
    "what came true."
)


class CannotReport(Exception):
    """There is nothing to make a report of; the message says why."""


def confine(memory: int, seconds: float) -> None:
    """Bound this process for good."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # If whoever began this is gone, nobody else would end it: Linux does, elsewhere the timer.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)
    processor = math.ceil(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    sys.addaudithook(_refuse)


def _refuse(event: str, _arguments: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN:
        raise PermissionError(f"a report may not do this: {event}")


def make(task: Task) -> tuple[str, Numbers]:
    """The page and the numbers.

    Raises:
        CannotReport: there are no rows on one of the sides.
    """
    from monitor.archive import Archive
    from monitor.references.file import load

    names = ("time", *(column.name for column in task.columns))
    panes = Archive(Path(task.archive)).panes(task.model, task.start, task.end)
    now, unread = _drawn(task, panes, task.hashes, names)
    reference = load(Path(task.reference))
    before, _ = _drawn(task, reference.panes, reference.schema.hashes_id, names)
    sides = {f"the archive has from {_moment(task.start)} to {_moment(task.end)}": now}
    sides["the reference has"] = before
    rows = {where: side.rows() for where, side in sides.items()}
    for where, found in rows.items():
        if not found:
            raise CannotReport(f"there is no row in the samples that {where}")
    from monitor.jobs.report import adapter, domain
    from monitor.jobs.report.frames import frame
    from monitor.jobs.report.head import with_head

    of_now, of_before = (frame(found, names, task.columns) for found in rows.values())
    made = adapter.make(of_before.in_time(), of_now.in_time(), task.columns, task.seed)
    told = domain.tell_apart(of_before, of_now, task.columns, task.start, task.end, task.seed)
    asked = adapter.test(of_before.table, of_now.table, task.columns, task.methods, task.seed)
    numbers = Numbers(
        model=task.model,
        start=_moment(task.start),
        end=_moment(task.end),
        reference=reference.id,
        evidently=adapter.VERSION,
        now=_side(now, len(of_now)),
        before=_side(before, len(of_before)),
        drifted=made.drifted,
        compared=len(made.columns),
        share=made.share,
        columns=made.columns,
        asked=asked,
        left_out=made.left_out,
        domain=told,
        notes=[*_notes(unread, reference.pane), NO_TARGETS],
    )
    return with_head(made.html, numbers), numbers


def _drawn(
    task: Task, panes: Iterable[ClosedPane], hashes: str, names: Sequence[str]
) -> tuple[UniformRows, int]:
    """A sample of all panes, and how many were left out because others rest on other hashes."""
    from collectors.summaries.sample import SampleSummary
    from collectors.summaries.state import Stored
    from monitor.jobs.report.rows import UniformRows

    drawn, unread = UniformRows(task.rows), 0
    for pane in panes:
        state = Stored(pane.state, task.model)
        if "samples" not in state or state.part("samples").text("schema") != hashes:
            unread += 1
            continue
        sample = SampleSummary(hashes, task.k, tuple(names))
        sample.restore(state.part("samples"))
        drawn.add(sample)
    return drawn, unread


def _notes(unread: int, pane: int) -> Iterable[str]:
    if unread:
        yield f"{unread:,} panes of the span have no sample of rows under this schema: left out."
    if not pane:
        yield "The reference has no times: its sample is one of all its rows."
    yield (
        "A missing value is none to Evidently's tests: a column that turns null has not drifted by "
        "its rule."
    )
    yield "In names and values < and > are shown as ‹ and ›."


def _side(drawn: UniformRows, rows: int) -> Side:
    return Side(rows, drawn.total, drawn.panes)


def _moment(time: int) -> str:
    return (_EPOCH + timedelta(microseconds=time)).isoformat().replace("+00:00", "Z")


def main() -> None:
    """See the module."""
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    confine(task.memory, task.seconds)
    warnings.simplefilter("ignore")  # Evidently's are many, and its own
    from monitor.disk import write_whole

    try:
        html, numbers = make(task)
        # The page last: it is what is listed.
        write_whole(Path(task.numbers), msgspec.json.encode(numbers))
        write_whole(Path(task.out), html.encode("utf-8", "replace"))
    except MemoryError:
        sys.exit("it needs more memory than it may have")
    except Exception as error:  # a sentence, whatever it is: the log has a line for it
        sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))


if __name__ == "__main__":
    main()
