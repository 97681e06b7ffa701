"use strict";
// Puts charts that can be zoomed in the place of the drawn ones; without it those stay.
(function () {
  const place = document.getElementById("tracks");
  if (!place || typeof uPlot === "undefined") return;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  function draw(figure, times, values, level, name, zone) {
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 } };
    const hours = times[times.length - 1] - times[0] < 3 * 86400;
    const said = new Intl.DateTimeFormat("en-GB", Object.assign(
      { day: "numeric", month: "short", timeZone: zone },
      hours ? { hour: "2-digit", minute: "2-digit" } : {}));
    const dates = Object.assign({
      space: hours ? 110 : 60,
      values: (_, splits) => splits.map((second) => said.format(new Date(second * 1e3))),
    }, axis);
    const moments = new Intl.DateTimeFormat("en-GB", {
      day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZone: zone,
    });
    const series = [
      { label: "to", value: (_, second) => second === null ? "--" : moments.format(new Date(second * 1e3)) },
      { label: name, stroke: colour("--now"), width: 2, spanGaps: false },
    ];
    const data = [times, values];
    if (level) {
      series.push({ label: name === "score" ? "threshold" : "reference", stroke: colour("--ink"), dash: [5, 4] });
      data.push(level);
    }
    const old = figure.querySelector("svg, .uplot");
    const options = {
      width: Math.max(figure.clientWidth, 200), height: 190, series, axes: [dates, axis],
      tzDate: (second) => uPlot.tzDate(new Date(second * 1e3), zone),
    };
    const holder = document.createElement("div");
    const chart = new uPlot(options, data, holder);
    if (old) old.replaceWith(chart.root); else figure.append(chart.root);
    return chart;
  }

  fetch(place.dataset.from, { credentials: "same-origin" }).then((answer) => {
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }).then((page) => {
    const track = page.track;
    const figures = [...place.querySelectorAll("figure.track")];
    let charts = [];
    const all = () => {
      charts.forEach((chart) => chart.destroy());
      charts = figures.map((figure) => {
        const name = figure.dataset.name;
        const values = name === "score" ? track.scores : track.values[name];
        const fixed = page.reference[name];
        const level = name === "score" ? track.threshold
          : fixed === undefined ? null : track.times.map(() => fixed);
        return draw(figure, track.times, values, level, name, place.dataset.zone);
      });
    };
    all();
    dark.addEventListener("change", all);
    addEventListener("resize", () => figures.forEach((figure, i) =>
      charts[i].setSize({ width: Math.max(figure.clientWidth, 200), height: 190 })));
  }).catch(() => { /* the drawn ones are as true */ });
})();
