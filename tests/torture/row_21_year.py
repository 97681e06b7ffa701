"""A year of hours by an injected clock, as fast as they go: what the process holds stays."""

from __future__ import annotations

from tests.torture import Outcome, Stage, year_child
from tests.torture.holding import MOST_MORE, Held

NUMBER = 21
FAULT = "a year of hourly pane closes of 20 models x 20 features at full speed"
BAR = (
    "median RSS of the last quarter within 2% of the second quarter's; no thread or file leak; "
    "every pane in the archive"
)


def run(stage: Stage) -> Outcome:
    """See the module."""
    hours, models = stage.pick(8_760 // stage.share, 48), stage.pick(20, 3)
    features = stage.pick(20, 6)
    folder = stage.folder / "year"
    folder.mkdir()
    seen = year_child.outcome(
        folder, hours=hours, models=models, features=features, seed=stage.seed
    )
    wrong = []
    rows = hours * models * year_child.ROWS
    if seen["outcomes"] != {"ok": rows}:
        wrong.append(f"{seen['outcomes']} counted of {rows:,} rows")
    if seen["panes"] != hours * models or not seen["saved"]:
        wrong.append(f"{seen['panes']:,} panes archived of {hours * models:,}")
    held = Held(seen["rss"], seen["threads"], seen["files"])
    said = f" ({'; '.join(wrong)})" if wrong else ""
    return Outcome(
        exact=not wrong and not held.leaks,
        within=held.more <= MOST_MORE and stage.share == 1,
        ran=f"{hours:,} hours of {models} models x {features} features, {year_child.ROWS} rows a "
        f"pane, seed {stage.seed}",
        printed=f"{held.said()}; {len(wrong)} counts wrong{said}",
    )
