"""The commands `inferwatch reference ...` and `check`, as a person types them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from monitor.app import App
from monitor.cli import main
from monitor.config import load as load_config
from monitor.references.file import load
from tests.references.making import HEAD, MODEL, NOW, as_csv, training

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "references.md"
COMMAND = Path(sys.executable).with_name("inferwatch")
FILES = "source: {files: {paths: [train.csv]}}\n" + HEAD.split("\n", 1)[1]
REFERENCE = "    reference: {path: reference.parquet}\n"


@pytest.fixture(autouse=True)
def _there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("inferwatch.yml").write_text(HEAD + MODEL + REFERENCE)


def call(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == code, done.output
    return done


def build(*arguments: str, code: int = 0) -> Result:
    return call("reference", "build", "m", "--out", "reference.parquet", *arguments, code=code)


def read_by_a_daemon() -> None:
    """The files of the config, so that there is an archive of them."""
    app = App(load_config(Path("inferwatch.yml")), clock=lambda: NOW / 1e6)
    app.start()
    for _ in range(20):
        app.turn()
    app.stop()


def test_it_builds_shows_and_checks() -> None:
    frame = training(9_000, days=8)
    frame["b"] = frame["b"].fillna(5.0)
    frame.loc[:899, "b"] = np.nan
    as_csv(frame, Path("train.csv"))
    done = build("--data", "train.csv")
    found = load(Path("reference.parquet"))
    assert done.stdout.splitlines() == [
        "note: 3 features lie in columns of their names, not where the config has them",
        f"reference.parquet: reference {found.id} of model m, 9,000 rows in 192 panes",
        "calibrated: 192 panes of 20 rows or more can be judged",
    ]
    assert re.search(r"bytes: [\d,]+ of [\d,]+ \(100%\)\n$", done.stderr)
    text = call("reference", "show", "reference.parquet").stdout
    said = "  rules       the usual ones; name the model for those of its config\n"
    assert said in text
    assert call("reference", "show", "m").stdout == text.replace(said, "")
    for line in (
        f"reference {found.id} of model m",
        "  made from  train.csv",
        "  span       2026-01-05 00:00 to 2026-01-13 00:00 UTC",
        "  panes      192 of 1h",
        "  rows       9,000",
        f"  schema     {found.schema.id}",
    ):
        assert line in text.splitlines()
    versions = frame["v"].value_counts()
    assert f"  versions   1 ({versions['1']:,} rows), 2 ({versions['2']:,} rows)" in text
    table = {line.split()[0]: line.split() for line in text.splitlines() if " 9,000 " in line}
    assert table["b"][:4] == ["b", "number", "9,000", "10.0%"]
    mean, stddev, _, median, _ = map(float, table["a"][4:9])
    assert mean == pytest.approx(frame["a"].mean(), rel=1e-3)
    assert stddev == pytest.approx(frame["a"].std(ddof=0), rel=1e-3)
    assert median == pytest.approx(frame["a"].median(), abs=1.0)
    top = frame["c"].value_counts(normalize=True)
    assert " ".join(table["c"][4:]).startswith(f"{top.index[0]} {top.iloc[0]:.1%}, {top.index[1]}")
    assert table["(answer)"][1:3] == ["number", "9,000"]
    checked = call("check").stdout
    assert f"model m: reference reference.parquet: {found.id}, 9,000 rows, calibrated" in checked
    assert not Path("state").exists()


@pytest.mark.parametrize(
    ("hours", "rows", "state"),
    [
        (23, 20, "uncalibrated: 23 panes of 20 rows or more can be judged, at least 24 are wanted"),
        (24, 20, "provisional: 24 panes of 20 rows or more can be judged, 168 make it whole"),
        (24, 19, "uncalibrated: 0 panes of 20 rows or more can be judged, at least 24 are wanted"),
        (167, 20, "provisional: 167 panes of 20 rows or more can be judged, 168 make it whole"),
        (168, 20, "calibrated: 168 panes of 20 rows or more can be judged"),
    ],
)
def test_how_far_alarms_can_rest_on_it(hours: int, rows: int, state: str) -> None:
    frame = training(hours * rows)
    hour = np.repeat(np.arange(hours), rows)
    frame["t"] = pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(hour, unit="h")
    frame["v"] = np.arange(len(frame)) % 2  # versions count together
    as_csv(frame, Path("train.csv"))
    assert build("--data", "train.csv").stdout.splitlines()[-1] == state


def test_only_hours_are_calibrated_and_times_are_needed() -> None:
    as_csv(training(4_000, days=0.25), Path("train.csv"))
    Path("inferwatch.yml").write_text(HEAD + MODEL.replace("[1h, 1d]", "[5m, 1d]"))
    last = build("--data", "train.csv").stdout.splitlines()[-1]
    assert last.startswith("uncalibrated: 72 panes")
    assert last.endswith("can be judged, but only panes of an hour are calibrated")
    as_csv(training(500).drop(columns="t"), Path("train.csv"))
    last = build("--data", "train.csv").stdout.splitlines()[-1]
    assert last == "uncalibrated: its rows have no times, so that there are no panes to judge by"
    assert (
        "  span       unknown: its rows have no times"
        in call("reference", "show", "reference.parquet").stdout
    )


def test_the_config_says_how_many_rows_make_a_pane_that_can_be_judged() -> None:
    as_csv(training(1_000, days=1), Path("train.csv"))
    Path("inferwatch.yml").write_text(f"{HEAD}{MODEL}    alarms: {{min_rows: 5}}\n{REFERENCE}")
    state = "provisional: 24 panes of 5 rows or more can be judged, 168 make it whole"
    assert build("--data", "train.csv").stdout.splitlines()[-1] == state
    assert state in call("reference", "show", "m").stdout.splitlines()
    alone = call("reference", "show", "reference.parquet").stdout
    assert "panes of 20 rows or more can be judged, 168 make it whole\n" in alone


def test_what_was_left_out_is_printed() -> None:
    as_csv(training(100), Path("train.csv"))
    with Path("train.csv").open("a") as file:
        file.write("broken\n,,,,,,\n")
    lines = build("--data", "train.csv").stdout.splitlines()
    assert "left out: 1 malformed, 1 no_time" in lines


def test_files_that_the_shell_unfolds_and_spans() -> None:
    for number in range(3):
        as_csv(training(200, seed=number), Path(f"train-{number}.csv"))
    done = build("--data", "train-0.csv", "train-1.csv", "--data", "train-2.csv")
    assert "600 rows" in done.stdout
    done = build("--data", "train-*.csv", "--from", "2026-01-06", "--to", "2026-01-07T12:00Z")
    assert load(Path("reference.parquet")).made_from == "train-0.csv, train-1.csv, train-2.csv"
    assert re.search("left out: [0-9]+ outside of --from and --to", done.stdout)


WRONG = [
    (["build", "m"], 2, "Missing option '--out'"),
    (["build", "m", "x.csv", "--out", "r.parquet"], 2, "x.csv: is one word too many; name files"),
    (["build", "none", "--out", "r"], 2, "none: no model of the config has this name; there is m"),
    (["build", "m", "--out", "r", "--from", "soon"], 2, "'soon' is no day or time; write for"),
    (["build", "m", "--out", "r", "--from", "2026-01-02", "--to", "2026-01-02"], 2, "not lie befo"),
    (["build", "m", "--out", "r", "--config", "none.yml"], 2, "none.yml: no such file"),
    (["build", "m", "--out", "r"], 1, "inferwatch reference build: model m has no schema yet"),
    (["build", "m", "--out", "r", "--data", "none.csv"], 1, "none.csv: cannot be read"),
    (["build", "m", "--out", "no/r", "--data", "train.csv"], 1, "No such file or directory: 'no/r"),
    (["show", "none"], 2, "none: no model of the config has this name; there is m"),
    (["show", "m"], 1, "inferwatch reference show: "),
    (["show", "train.csv"], 1, "train.csv: not a reference, or damaged"),
    (["show", "none.parquet"], 1, "none.parquet: no such file"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), WRONG, ids=lambda one: str(one)[:40])
def test_what_is_wrong_is_said_and_the_exit_code_says_whose(
    arguments: Sequence[str], code: int, message: str
) -> None:
    as_csv(training(50), Path("train.csv"))
    done = call("reference", *arguments, code=code)
    assert message in done.output
    assert "Traceback" not in done.output


def test_check_says_that_a_reference_does_not_fit() -> None:
    as_csv(training(100), Path("train.csv"))
    assert "no such file" in call("check", code=2).output
    build("--data", "train.csv")
    more = MODEL.replace("c: {kind: category}", "c: {kind: category}, d: {kind: number}")
    Path("inferwatch.yml").write_text(HEAD + more + REFERENCE)
    assert "lacks feature 'd', which the config asks for" in call("check", code=2).output
    assert not Path("state").exists()


def test_what_is_shown_of_data_stays_on_its_line_and_harmless() -> None:
    frame = training(50)
    frame["c"] = "\x1b[31mred\nand\ra very long name of a category"
    frame["v"] = "v\x1b]0;title\x07"
    frame.to_parquet("train\x1b.parquet")
    build("--data", "train?.parquet")
    text = call("reference", "show", "reference.parquet").stdout
    assert not set("\x1b\x07\r") & set(text)
    assert "?[31mred?and?a very lon… 100.0%" in text
    assert "v?]0;title?" in text


def test_a_run_ends_with_a_sentence_where_the_reference_does_not_fit() -> None:
    done = subprocess.run([COMMAND, "run"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "cannot start: " in done.stderr
    assert "reference.parquet: no such file; `inferwatch reference build` writes" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_has_examples_that_work() -> None:
    as_csv(training(1_000, days=1), Path("train.csv"))
    models = MODEL.replace("name: m", "name: churn").replace("features: x, ", "")
    Path("inferwatch.yml").write_text(FILES + models + REFERENCE)
    call("reference", "build", "churn", "--data", "train.csv", "--out", "reference.parquet")
    read_by_a_daemon()
    ran = 0
    for command in ("build", "show", "accept"):
        text = call("reference", command, "--help").output.replace("\\\n", "")
        for example in re.findall("inferwatch reference .*", text.split("Example")[1]):
            call(*shlex.split(example)[1:])
            ran += 1
    assert ran == 6


def test_the_commands_of_the_page_work() -> None:
    as_csv(training(8_000, days=10).sort_values("t"), Path("train.csv"))
    named = pd.read_csv("train.csv").rename(columns={"t": "timestamp", "y": "prediction"})
    named.to_csv("train.csv", index=False)
    page = DOCS.read_text()
    environ = os.environ | {"PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"}
    section = re.search(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert section is not None
    Path("inferwatch.yml").unlink()
    ran = 0
    for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if "--from" in line:
                read_by_a_daemon()
            done = subprocess.run(  # noqa: S602  # a page's own lines
                line, shell=True, capture_output=True, text=True, check=False, env=environ
            )
            assert done.returncode == 0, done.stdout + done.stderr
            ran += 1
            if line.startswith("inferwatch init"):
                text = Path("inferwatch.yml").read_text()
                Path("inferwatch.yml").write_text(text + section[1])
    assert ran == 7
    shown = subprocess.run(
        [COMMAND, "check"], capture_output=True, text=True, check=True, env=environ
    ).stdout
    assert re.search(
        "model churn: reference .*reference.parquet: .*, 8,000 rows, calibrated", shown
    )
