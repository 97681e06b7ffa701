"""The pages and their JSON by HTTP: what they say against the archive's own files, and who asks
for what is not there."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pandas as pd
import pytest
from markupsafe import escape

from monitor.web.pages import routes
from monitor.web.pages.routes import POLICY
from tests.judging.living import BEGIN, HOUR, Life, hour, traffic, unit
from tests.support.web import hashed, serving, web
from tests.web.conftest import HOSTILE

START = round(BEGIN.timestamp())
PAGES = ("/", "/models/m", "/models/m/features/a", "/alarms", "/monitor")
VALUES = ("/models", "/models/m", "/models/m/features/a", "/alarms", "/jobs", "/monitor")


def got(url: str) -> Any:
    answer = httpx.get(url)
    assert answer.status_code == 200, answer.text
    return answer.json()


def events(life: Life) -> list[dict[str, Any]]:
    """All events, as pandas reads them from the files."""
    found: list[dict[Any, Any]] = [
        one
        for path in (life.folder / "state/archive/events").rglob("*.parquet")
        for one in pd.read_parquet(path).to_dict("records")
    ]
    return [
        one | {"time": one["time"].timestamp(), "detail": json.loads(one["detail"])}
        for one in sorted(found, key=lambda one: one["time"])
    ]


class TestValues:
    def test_the_state_is_that_of_the_metrics(self, life: Life, url: str) -> None:
        (line,) = got(f"{url}/api/v1/models")["models"]
        assert line["name"] == "m"
        assert line["state"] == "alarm"
        assert line["since"] == min(life.shown("alarm_since_timestamp_seconds").values())
        newest = line["windows"][0]
        assert newest["verdicts"] == life.verdicts()
        assert newest["score"] == max(life.shown("score", window="1h").values())
        assert newest["rows"] == life.value("window_rows", window="1h") == 40
        assert line["end"] == START + 49 * HOUR
        assert "input a: " in line["says"]

    def test_verdicts_and_alarms_are_those_of_the_archive(self, life: Life, url: str) -> None:
        page = got(f"{url}/api/v1/models/m")
        there = [one for one in events(life) if one["kind"] == "verdict"]
        assert len(there) > 48
        for window in ("1h", "1d"):
            wanted = [
                (
                    one["time"],
                    one["detail"]["score"],
                    one["detail"]["alone"],
                    one["detail"]["verdicts"],
                )
                for one in there
                if one["subject"] == window
            ]
            found = page["timeline"]["windows"][window]
            assert [(o["end"], o["score"], o["threshold"], o["verdicts"]) for o in found] == wanted
        begun = [one for one in events(life) if one["kind"] == "alarm"]
        ended = [one for one in events(life) if one["kind"] == "alarm ended"]
        assert len(begun) >= 3
        listed = got(f"{url}/api/v1/alarms")["alarms"]
        assert sorted((o["time"], o["window"]) for o in listed) == sorted(
            (o["time"], o["subject"]) for o in begun
        )
        for one in begun:
            (same,) = [
                o for o in listed if (o["time"], o["window"]) == (one["time"], one["subject"])
            ]
            assert [c["words"] for c in same["causes"]] == [
                c["words"] for c in one["detail"]["causes"]
            ]
            after = [
                e["time"]
                for e in ended
                if e["subject"] == one["subject"] and e["time"] > one["time"]
            ]
            assert same["ended"] == min(after, default=None)
            own = got(f"{url}/api/v1/alarms/{same['id']}")
            assert own["alarm"] == same
            assert own["shown"]["end"] == one["time"]

    def test_features_are_ranked_by_the_scores_that_were_said(self, life: Life, url: str) -> None:
        end = START + 6 * HOUR
        shown = got(f"{url}/api/v1/models/m?window=1h&end={end}")["shown"]
        (said,) = [
            one["detail"]
            for one in events(life)
            if (one["kind"], one["subject"], one["time"]) == ("verdict", "1h", end)
        ]
        features = shown["features"]
        assert features[0]["feature"] == "a"
        assert [f["score"] for f in features] == sorted(
            (f["score"] for f in features), reverse=True
        )
        for one in features:
            name = f"{one['subject']} {one['feature']} ".replace("(answer) ", "")
            of = [
                s
                for n, s in said["scores"].items()
                if n.startswith(name)
                and not re.search("reruns|mismatches|instability|volume|joint|mmd|pca|corr", n)
            ]
            assert one["score"] == max(of, default=0)
        assert features[0]["words"] == "scale x 1000, looks like a change of unit"
        assert features[0]["ratio"] == pytest.approx(features[0]["score"] / said["alone"])

    def test_numbers_are_those_of_the_rows(self, url: str) -> None:
        end = START + 30 * HOUR
        rows = pd.DataFrame(hour(end - HOUR))
        shown = got(f"{url}/api/v1/models/m?window=1h&end={end}")["shown"]
        by_name = {one["feature"]: one for one in shown["features"]}
        assert shown["rows"] == {"1": len(rows)}
        numbers = by_name["b"]["now"]["numbers"]
        assert numbers["mean"] == pytest.approx(rows["b"].mean())
        assert numbers["stddev"] == pytest.approx(rows["b"].std(ddof=0), rel=1e-6)
        assert (numbers["smallest"], numbers["largest"]) == (rows["b"].min(), rows["b"].max())
        bars = by_name["c"]["parts"][0]["bars"]
        wanted = rows["c"].value_counts(normalize=True)
        found = dict(zip(bars["names"], bars["now"], strict=True))
        assert {name: found[name] for name in "xyz"} == pytest.approx(wanted.to_dict())
        curve = by_name["b"]["parts"][0]["curve"]
        assert sum(curve["now"]) == pytest.approx(1)
        assert sum(curve["reference"]) == pytest.approx(1)
        middle = curve["edges"][5]
        # A bin's edge lies within a cell, whose values are taken as spread evenly.
        assert sum(curve["now"][:5]) == pytest.approx((rows["b"] < middle).mean(), abs=0.05)

    def test_a_share_that_is_missing_stands_beside_that_of_the_reference(self, url: str) -> None:
        end = START + 31 * HOUR
        shown = got(f"{url}/api/v1/models/m?window=1h&end={end}")["shown"]
        (answer,) = [one for one in shown["features"] if one["feature"] == "(answer)"]
        assert answer["now"]["missing"] == 1
        assert answer["reference"]["missing"] == 0
        assert answer["words"] == "missing 0.0% to 100.0%"

    def test_a_feature_is_followed_over_time(self, url: str) -> None:
        page = got(f"{url}/api/v1/models/m/features/a?days=3&window=1h&end={START + 8 * HOUR}")
        track = page["track"]
        assert track["times"] == [START + place * HOUR for place in range(1, 9)]
        means = [pd.DataFrame(hour(time - HOUR))["a"].mean() for time in track["times"]]
        means[5] *= 1000
        means[6] *= 1000
        assert track["values"]["mean"] == pytest.approx(means)
        beyond = [s > t for s, t in zip(track["scores"], track["threshold"], strict=True)]
        assert beyond == [False] * 5 + [True, True, False]

    def test_a_day_is_the_sum_of_its_hours(self, url: str) -> None:
        page = got(f"{url}/api/v1/models/m?window=1d&end={START + 24 * HOUR}")
        assert page["shown"]["start"] == START
        assert page["shown"]["rows"] == {"1": 24 * 40}

    def test_html_shows_what_json_says(self, url: str) -> None:
        for path in ("/models/m", "/models/m/features/a"):
            page = got(f"{url}/api/v1{path}")
            text = httpx.get(f"{url}{path}").text
            for feature in page["shown"]["features"] if path == "/models/m" else [page["feature"]]:
                assert escape(feature["words"] or "as in the reference") in text
        listed = got(f"{url}/api/v1/alarms")["alarms"]
        text = httpx.get(f"{url}/alarms").text
        assert all(f"/alarms/{one['id']}" in text for one in listed)

    def test_times_are_said_in_the_models_zone(self, url: str) -> None:
        text = httpx.get(f"{url}/models/m").text
        assert "Wed 4 Mar 2026 01:00 EST" in text
        assert '<time datetime="2026-03-04T06:00:00Z">' in text

    def test_the_monitor_tells_of_itself(self, life: Life, url: str) -> None:
        page = got(f"{url}/api/v1/monitor")
        figures = {one["metric"]: one for one in page["figures"]}
        assert figures["inferwatch_checkpoint_timestamp_seconds"]["versions"] == {
            "": life.value("checkpoint_timestamp_seconds")
        }
        assert page["jobs"] == got(f"{url}/api/v1/jobs")["jobs"]
        (compaction,) = [one for one in page["jobs"] if one["name"] == "compaction"]
        assert compaction["next"] is not None
        assert "compaction" in httpx.get(f"{url}/monitor").text


class TestServing:
    @pytest.mark.parametrize("path", PAGES)
    def test_pages_bring_a_strict_policy_and_ask_for_nothing_elsewhere(
        self, url: str, path: str
    ) -> None:
        answer = httpx.get(url + path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == POLICY
        assert "unsafe" not in POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        for target in re.findall(r'(?:href|src|action|data-from)="([^"]*)"', answer.text):
            assert target.startswith(("/", "#")), target
            assert not target.startswith("//")
        assert "http://" not in answer.text
        assert "https://" not in answer.text
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", answer.text)

    @pytest.mark.parametrize("path", VALUES)
    def test_values_are_json(self, url: str, path: str) -> None:
        answer = httpx.get(f"{url}/api/v1{path}")
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert isinstance(answer.json(), dict)

    def test_what_has_not_changed_is_not_sent_again(self, url: str) -> None:
        first = httpx.get(f"{url}/models/m")
        tag = first.headers["etag"]
        again = httpx.get(f"{url}/models/m", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        other = httpx.get(f"{url}/models/m?days=7", headers={"If-None-Match": tag})
        assert other.status_code == 200

    @pytest.mark.parametrize(
        "path",
        [
            "/models/other",
            "/models/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            "/models/m%00",
            "/models/%ff%fe",
            "/models/m/features/none",
            "/models/m/features/..%2f..%2fsecret",
            "/models/m/features/",
            "/models/m?window=9d",
            "/alarms/20260303T050000Z-000000000000",
            "/alarms/99999999T999999Z-000000000000",
            "/alarms/..%2f..%2fx",
        ],
    )
    def test_what_is_not_there_is_a_page_that_says_so(self, url: str, path: str) -> None:
        answer = httpx.get(url + path)
        assert answer.status_code == 404
        assert "Traceback" not in answer.text
        values = httpx.get(f"{url}/api/v1{path}")
        assert values.status_code == 404
        assert set(values.json()) == {"error"}

    @pytest.mark.parametrize("query", ["days=1000000", "end=-1", "until=x", "end=99999999999999"])
    def test_what_makes_no_sense_is_left_out(self, url: str, query: str) -> None:
        assert httpx.get(f"{url}/models/m?{query}").status_code == 200

    def test_a_moment_without_rows_says_so(self, url: str) -> None:
        text = httpx.get(f"{url}/models/m?window=1h&end=3600").text
        assert "There are no rows in the archive for this window." in text
        assert httpx.get(f"{url}/models/m?until=86400").status_code == 200

    def test_nothing_but_the_known_files_is_served(self, url: str) -> None:
        for name in ("page.css", "feature.js", "vendor/uplot/uPlot.iife.min.js"):
            assert httpx.get(f"{url}/static/{name}").status_code == 200
        for name in ("../pages/routes.py", "%2e%2e/guard.py", "vendor/README.md", ""):
            assert httpx.get(f"{url}/static/{name}").status_code == 404

    def test_logins_stand_before_every_page(self, life: Life) -> None:
        guarded = web(basic_auth_users={"ann": hashed("secret")})
        pages = life.harness.app._pages(life.harness.app._config)
        with serving(guarded, pages=pages) as exporter:
            for path in (*PAGES, "/api/v1/models", "/static/page.css", "/models/other"):
                assert httpx.get(exporter.url + path).status_code == 401
            answer = httpx.get(exporter.url, auth=("ann", "secret"))
        assert answer.status_code == 200

    def test_what_happened_since_is_shown_after_a_moment(self, life: Life, url: str) -> None:
        before = httpx.get(f"{url}/api/v1/models").json()["models"][0]["end"]
        life.hours(traffic(1, {0: unit}, BEGIN + pd.Timedelta("50h")))
        life.harness.now += routes.YOUNG
        after = httpx.get(f"{url}/api/v1/models").json()["models"][0]["end"]
        assert (before, after) == (START + 49 * HOUR, START + 50 * HOUR)

    def test_the_vendored_files_are_those_of_the_table(self) -> None:
        folder = Path(routes.__file__).parents[1] / "static" / "vendor" / "uplot"
        found = {p.name: hashlib.sha256(p.read_bytes()).hexdigest()[:16] for p in folder.iterdir()}
        assert found == {
            "LICENSE": "8f989229699b4fe2",
            "uPlot.iife.min.js": "19c8d4c6ad88929a",
            "uPlot.min.css": "df630c6a8d6f8eea",
        }


class TestBadNames:
    def test_they_are_shown_as_they_are(self, hostile: str) -> None:
        url = f"{hostile}/models/m"
        for address in (url, f"{url}/features/{quote(HOSTILE, safe='')}"):
            answer = httpx.get(address)
            assert answer.status_code == 200
            assert "<img" not in answer.text
            assert "onerror=&#34;alert(1)&#34;&gt;" in answer.text
            assert "{{7*7}}" in answer.text
            assert not re.search(r"<script(?![^>]* src=)", answer.text)

    def test_each_feature_has_its_page(self, hostile: str) -> None:
        text = httpx.get(f"{hostile}/models/m").text
        found = re.findall(r'<h4><a href="([^"]+)"', text)
        assert len(found) == 4
        for address in found:
            answer = httpx.get(hostile + address.replace("&amp;", "&"))
            assert answer.status_code == 200, address

    def test_without_a_reference_it_says_what_to_do(self, hostile: str) -> None:
        text = httpx.get(f"{hostile}/models/m").text
        assert "nothing to compare with: set `reference: {first: 168}`" in text
        text = httpx.get(f"{hostile}/models/never-seen").text
        assert "No row of it was read yet" in text
        assert "Waiting" in text

    def test_the_worst_comes_first(self, hostile: str) -> None:
        found = [one["name"] for one in got(f"{hostile}/api/v1/models")["models"]]
        assert found == ["never-seen", "m"]
