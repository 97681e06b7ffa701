"""A crowd at the door: idle connections over TLS, half-open handshakes, slow readers."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil

from collectors.family import Statistic
from monitor.server import Exporter
from monitor.web.door import Limits
from tests.support.scrapes import Scraper, crowd, percentile
from tests.support.web import large_board, make_certificates, web
from tests.torture import Outcome, Stage

NUMBER = 15
FAULT = "500 idle TLS connections, slow readers"
BAR = "scrape p99 <= 1 s"

SERIES = 10_000
FILES = Path("/proc/self/fd")


def run(stage: Stage) -> Outcome:
    """See the module."""
    idle, half_open, slow = stage.pick(500, 60), stage.pick(50, 10), stage.pick(50, 10)
    number, interval = stage.pick(300, 12), 0.2
    board = large_board(SERIES)
    settings = web(tls_server_config=make_certificates(stage.folder).settings)
    board.add(Statistic("software.inferences", 1), "delay", "v1")
    exporter = Exporter(board, settings.address, lambda: True, time.time, web=settings)
    exporter.start()
    process = psutil.Process()
    files, memory = len(list(FILES.iterdir())), process.memory_info().rss
    most_files = most_memory = 0
    pause = threading.Event()
    try:
        with crowd(exporter.url, idle, half_open, slow) as people:
            scraper = Scraper(exporter.url, number, interval)
            scraper.start()
            while scraper.is_alive():
                board.add(Statistic("software.inferences", 1), "delay", "v1")
                most_files = max(most_files, len(list(FILES.iterdir())) - files)
                most_memory = max(most_memory, process.memory_info().rss - memory)
                pause.wait(0.1)
            scraper.join()
        assert people.returncode == 0
    finally:
        exporter.stop()
    found = scraper.result
    right = [one for one in found if one.status == 200 and one.series > SERIES]
    most = Limits().connections + 16
    return Outcome(
        exact=len(right) == number and most_files <= most,
        within=percentile(found, 0.99) <= 1.0,
        ran=f"{idle} idle over TLS, {half_open} half-open handshakes, {slow} slow readers: each "
        f"comes back as soon as it is sent away; {number} scrapes of {SERIES:,} series, each over "
        "a TLS connection of its own",
        printed=f"{len(right)} of {number} scrapes whole; median "
        f"{percentile(found, 0.5) * 1000:.0f} ms, p99 {percentile(found, 0.99) * 1000:.0f} ms; at "
        f"most {most_files} more files open, {most_memory / 2**20:.0f} MiB more memory",
    )
