"""How long a calibration takes: 720 panes of 100 columns, all that is compared of each.

Run as `python -m benchmarks.calibration`. Prints seconds of the fit, hours and days, by the wall
and of the processor, and what a process takes that only imports SciPy.
"""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

from benchmarks.simulate.columns import compared, where
from benchmarks.simulate.streams import REGIMES, draw
from collectors.drift.calibration.daily import fit_days
from collectors.drift.calibration.fit import fit

PANES, COLUMNS, MIN_ROWS = 720, 100, 20
ALPHA = 1.0 / 720.0 / 2.0


def main() -> None:
    """See the module."""
    stream = draw(REGIMES["season, n tenfold"], COLUMNS, PANES, (1,))
    every = compared(stream, slice(0, PANES))
    columns, panes = [one.column(slice(0, PANES)) for one in every], where(PANES)
    judged = np.ones(PANES, dtype=np.bool_)
    began, worked = time.perf_counter(), time.process_time()
    hourly = fit(columns, panes, judged, ALPHA, MIN_ROWS)
    fit_days(columns, panes, judged, ALPHA * 24.0, MIN_ROWS, hourly)
    spent, worked = time.perf_counter() - began, time.process_time() - worked
    print(
        f"{len(columns)} comparisons of {COLUMNS} columns over {PANES} panes: {spent:.1f} s, "
        f"{worked:.1f} s of the processor"
    )
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import scipy.special"], check=True)
    print(f"a process that imports SciPy: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
