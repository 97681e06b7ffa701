"""Prints `docs/distances.md`: `python -m collectors.drift.distances > docs/distances.md`."""

import sys

from collectors.drift.distances.docs import render

sys.stdout.write(render())
