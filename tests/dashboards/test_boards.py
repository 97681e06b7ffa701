"""The boards as people read them: words, colours, grid, links; the JSON is what the code makes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.build import palette
from dashboards.build.__main__ import boards
from dashboards.build.board import Board
from monitor.metrics import METRICS
from tests.dashboards.reading import FOLDER, NAMES, board, panels

VARIABLES = {
    "fleet": ["datasource", "window"],
    "model": ["datasource", "model", "window", "version", "beside", "reference"],
    "feature": ["datasource", "model", "window", "feature", "version", "beside", "reference"],
    "monitor": ["datasource"],
}

GROUNDS = ("#FFFFFF", "#181B1F")
"""Of panels in Grafana's light and dark theme."""


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.mark.parametrize("built", boards(), ids=lambda one: one.about.name)
def test_the_json_is_what_the_code_makes(built: Board) -> None:
    file = FOLDER / f"{built.about.name}.json"
    assert file.read_text("utf-8") == built.text(), "run `make dashboards`"


def test_there_are_no_other_boards() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(NAMES)


def test_uids_and_variables_are_those_that_links_count_on(name: str) -> None:
    data = board(name)
    assert data["uid"] == f"inferwatch-{name}"
    assert [one["name"] for one in data["templating"]["list"]] == VARIABLES[name]


def test_variables_are_chained(name: str) -> None:
    """A variable is asked for with those that stand before it, and with no later one."""
    before: list[str] = []
    for one in board(name)["templating"]["list"]:
        used = set(re.findall(r"\$(\w+)", str(one.get("query"))))
        assert used <= set(before), one["name"]
        assert one["name"] in {"datasource", "model"} or used or name == "fleet"
        before.append(one["name"])


def test_every_panel_has_a_title_a_description_a_unit_and_words_where_it_is_empty(
    name: str,
) -> None:
    for panel in panels(board(name)):
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"]
        assert re.fullmatch(r"[A-Z0-9][^\n]+\.", panel["description"]), panel["title"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]
        assert len(panel["title"]) <= 5 * panel["gridPos"]["w"] + 14, panel["title"]


def test_panels_fill_the_grid_and_none_lies_on_another(name: str) -> None:
    data = board(name)
    shown = [one for one in data["panels"] if one["type"] != "row"]
    for group in (shown, *(one["panels"] for one in data["panels"] if one.get("panels"))):
        taken: set[tuple[int, int]] = set()
        for panel in group:
            cells = set(cells_of(panel))
            assert not taken & cells, panel["title"]
            assert all(x < 24 for x, _ in cells), panel["title"]
            taken |= cells
        for y in {y for _, y in taken}:
            assert {x for x, row in taken if row == y} == set(range(24)), (name, y)


def cells_of(panel: dict[str, Any]) -> Iterator[tuple[int, int]]:
    at = panel["gridPos"]
    for x in range(at["x"], at["x"] + at["w"]):
        for y in range(at["y"], at["y"] + at["h"]):
            yield x, y


def test_every_panel_has_a_number_of_its_own(name: str) -> None:
    data = board(name)
    rows = [one["id"] for one in data["panels"] if one["type"] == "row"]
    numbers = rows + [one["id"] for one in panels(data)]
    assert len(set(numbers)) == len(numbers)
    assert min(numbers) == 1


def test_lines_are_named_and_no_two_of_a_panel_look_alike(name: str) -> None:
    for panel in panels(board(name)):
        if panel["type"] != "timeseries":
            continue
        looks = set()
        for target in panel["targets"]:
            assert target["legendFormat"], panel["title"]
            (own,) = (
                one["properties"]
                for one in panel["fieldConfig"]["overrides"]
                if one["matcher"] == {"id": "byFrameRefID", "options": target["refId"]}
            )
            looks.add(json.dumps([own, "least" in target["legendFormat"]]))
        assert len(looks) == len(panel["targets"]), panel["title"]


def test_a_limit_that_is_exported_is_drawn_beside_its_metric(name: str) -> None:
    names = {metric.name for metric in METRICS}
    for panel in panels(board(name)):
        if panel["type"] != "timeseries":
            continue
        text = "\n".join(target["expr"] for target in panel["targets"])
        for metric in set(re.findall(r"(?<!:)\binferwatch_\w+", text)):
            for limit in (f"{metric}_threshold", f"{metric}_lower_threshold"):
                assert limit not in names or limit in text, (panel["title"], limit)


def test_colours_are_of_the_palette_and_none_is_red_or_green_by_name(name: str) -> None:
    text = json.dumps(board(name))
    known = {palette.BLUE, palette.PURPLE, palette.GREEN, palette.GREY, palette.VERMILLION}
    assert set(re.findall(r"#[0-9A-Fa-f]{6}\b", text)) <= known
    words = set(re.findall(r'"(?:fixedColor|color|iconColor)": "([^"#]+)"', text))
    assert words <= {"text", "transparent"}
    assert "palette-classic" not in text


@pytest.mark.parametrize("color", [*palette.LINES, palette.VERMILLION])
@pytest.mark.parametrize("ground", GROUNDS)
def test_colours_stand_out_in_light_and_dark(color: str, ground: str) -> None:
    assert contrast(color, ground) >= 3


def test_colours_stay_apart_for_the_colour_blind() -> None:
    """Under each of the three dichromacies any two colours differ visibly (in CIELAB)."""
    every = [palette.BLUE, palette.PURPLE, palette.GREEN, palette.GREY, palette.VERMILLION]
    for kind in DICHROMACIES:
        seen = [lab(seen_by(kind, color)) for color in every]
        for place, one in enumerate(seen):
            for other in seen[:place]:
                apart = sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
                assert apart > APART, (kind, every[place])


APART = 10.0
"""In CIELAB, where 2.3 is just seen. The nearest pair is told apart by dashes as well."""

DICHROMACIES = {
    # Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
               (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
               (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
               (0.004733, 0.691367, 0.303900)),
}  # fmt: skip


def linear(color: str) -> list[float]:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def contrast(one: str, other: str) -> float:
    """As WCAG has it."""
    light = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(one), linear(other)))
    return (light[1] + 0.05) / (light[0] + 0.05)


def seen_by(kind: str, color: str) -> list[float]:
    rgb = linear(color)
    rows = DICHROMACIES[kind]
    return [min(max(sum(a * b for a, b in zip(row, rgb, strict=True)), 0.0), 1.0) for row in rows]


def lab(rgb: list[float]) -> tuple[float, float, float]:
    r, g, b = rgb
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def test_links_lead_to_boards_and_give_them_variables_that_they_have(name: str) -> None:
    text = json.dumps(board(name))
    found = re.findall(r"/d/inferwatch-(\w+)\?([^\"]+)", text)
    assert found or name in {"monitor", "feature"}
    for other, query in found:
        given = re.findall(r"var-(\w+)=|\$\{(\w+):queryparam\}", query)
        assert {a or b for a, b in given} <= set(VARIABLES[other]), query
        assert "${__url_time_range}" in query
        assert "datasource" in query
    everywhere = board(name)["links"]
    assert [(one["type"], one["keepTime"], one["includeVars"]) for one in everywhere] == [
        ("dashboards", True, True)
    ]


def test_what_happened_is_marked_on_every_board(name: str) -> None:
    marks = {one["name"]: one for one in board(name)["annotations"]["list"]}
    assert {"Alerts", "Alarms", "New versions", "Verdict changes"} <= set(marks)
    assert marks["Verdict changes"]["target"]["tags"][:2] == ["inferwatch", "verdict"]
    assert marks["New versions"]["useValueForTime"] is True
    if "model" in VARIABLES[name]:
        assert "$model" in marks["Verdict changes"]["target"]["tags"]
        assert 'model="$model"' in marks["Alerts"]["target"]["expr"]


def test_provisioning_names_the_folder_and_a_prometheus() -> None:
    def read(kind: str, file: str) -> Any:
        return yaml.safe_load(Path(FOLDER / "provisioning" / kind / file).read_text("utf-8"))

    (provider,) = read("dashboards", "inferwatch.yml")["providers"]
    assert provider["type"] == "file"
    assert provider["folder"] == "inferwatch"
    assert provider["options"]["path"].startswith("/")
    (source,) = read("datasources", "prometheus.yml")["datasources"]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    assert source["url"] == "http://prometheus:9090"
