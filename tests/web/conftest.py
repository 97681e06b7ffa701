from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.judging.living import Life, failing, prepare, traffic, unit
from tests.support.harness import HEAD, NOW, Harness


@pytest.fixture(scope="package")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Fifty hours of a judged model, in which a unit changed and answers failed; still running."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(prepare(tmp_path_factory.mktemp("prepared")), folder, dirs_exist_ok=True)
    life = Life(folder)
    life.hours(traffic(50, {5: unit, 6: unit, 30: failing, 48: unit}))
    assert life.harness.app.save()
    try:
        yield life
    finally:
        life.harness.app.stop()


@pytest.fixture(scope="package")
def url(life: Life) -> str:
    return life.harness.app.exporter.url


HOSTILE = """<img src=x onerror="alert(1)">'{{7*7}}\n</script>"""


@pytest.fixture(scope="package")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a model without a reference is shown whose names are as bad as they come."""
    name = HOSTILE.replace("\n", "\\n").replace('"', '\\"')
    folder: Path = tmp_path_factory.mktemp("hostile")
    harness = Harness(
        folder,
        f"""\
  - name: m
    match: {{topic: inferences}}
    fields: {{time: t, version: v, features: x, prediction: y}}
    features:
      "{name}": {{kind: category, path: a}}
      "a/b": {{kind: number, path: b}}
      "..": {{kind: number, path: b}}
    output: {{kind: category}}
  - name: never-seen
    match: {{topic: other}}
""",
        head=HEAD.replace("[inferences]", "[inferences, other]"),
        now=NOW + 7_200,
    )
    harness.app.start()
    rows = [
        {"t": NOW - 3_000 + place, "v": HOSTILE, "x": {"a": HOSTILE, "b": place}, "y": HOSTILE}
        for place in range(300)
    ]
    harness.feed(rows)
    harness.settle()
    harness.finish()
    assert harness.app.save()
    try:
        yield harness.app.exporter.url
    finally:
        harness.app.stop()
