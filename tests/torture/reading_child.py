"""A source read to its end in a process of its own, so that its memory is its own.

`python -m tests.torture.reading_child SPEC`, SPEC a JSON object; prints one JSON object.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from collectors.sources import CaughtUp, Gap, Records, Source
from collectors.sources.files import FilesOptions, FilesSource
from collectors.sources.kafka import KafkaOptions, KafkaSource

WITHIN = 120.0


def memory(what: str) -> int:
    """This process' memory in bytes: `VmRSS` now, or `VmHWM`, the most that it ever was."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{what}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(what)


def read(source: Source) -> dict[str, Any]:
    """Read to the end, and say what came."""
    before, began, spent = memory("VmRSS"), time.monotonic(), time.process_time()
    offsets: list[int] = []
    gaps: list[list[Any]] = []
    oversized: dict[int, int] = {}
    while time.monotonic() < began + WITHIN:
        done = False
        for value in source.poll(0.2, time.time()):
            if isinstance(value, Records):
                offsets += value.offsets.tolist()
                oversized |= {int(value.offsets[i]): n for i, n in value.oversized.items()}
            elif isinstance(value, Gap):
                gaps.append([value.start, value.end, value.reason])
            done |= isinstance(value, CaughtUp)
        if done:
            break
    return {
        "offsets": offsets,
        "gaps": gaps,
        "oversized": list(oversized.items()),
        "before": before,
        "peak": memory("VmHWM"),
        "seconds": time.monotonic() - began,
        "busy": time.process_time() - spent,
    }


def main() -> None:
    spec = json.loads(sys.argv[1])
    source: Source
    if "file" in spec:
        source = FilesSource(FilesOptions((spec["file"],)))
    else:
        limits = {key: spec[key] for key in ("max_record_bytes", "max_batch_bytes") if key in spec}
        options = KafkaOptions((spec["address"],), (spec["topic"],), start="earliest", **limits)
        source = KafkaSource(options)
    print(json.dumps(read(source)))
    source.close()


def outcome(**spec: Any) -> dict[str, Any]:
    """Run it, and take what it printed."""
    command = [sys.executable, "-m", "tests.torture.reading_child", json.dumps(spec)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=WITHIN + 60)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
