"use strict";
/* A front with linked selection: points, the designs behind them, and lines over all variables. */
const dawnduskFront = (() => {
  const { element, number } = dawnduskTrees;
  const BLUE = "#0072b2", ORANGE = "#e69f00", RED = "#d55e00", FAINT = "rgba(138,141,145,0.45)";
  const TEXT = "#1c2127", GRID = "#d6dade";
  const MOST_SHOWN = 6;

  const choice = (label, names, value) => {
    const made = element("label", "", `${label} `);
    const box = element("select");
    for (const name of names) box.append(new Option(name, name));
    box.value = value;
    made.append(box);
    return { made, box };
  };
  const spoken = (name) => name.replace(/_/g, " ");
  const shown = (value, units) => (typeof value === "string" ? value : `${number(value)}${units && units !== "-" ? ` ${units}` : ""}`);

  /* view: { data, lines: whether to draw them, take: called with the design that someone wants } */
  const open = (place, view) => {
    const { goals, variables, units, points } = view.data;
    let chosen = points.filter((point) => point.knee).slice(0, 1).map((point) => point.point);
    const across = choice("across", goals, goals[0]);
    const up = choice("up", goals, goals[1] || goals[0]);
    const axes = element("p", "front-axes");
    axes.append(across.made, " ", up.made);
    const chart = element("div", "canvas");
    const lines = element("div", "canvas");
    lines.style.minWidth = `${6 * (variables.length + goals.length)}rem`;
    const around = element("div", "scroll");
    around.tabIndex = 0;
    around.setAttribute("role", "region");
    around.setAttribute("aria-label", "All variables of every point");
    around.append(lines);
    const table = element("table");
    const beside = element("div", "scroll");
    beside.tabIndex = 0;
    beside.setAttribute("role", "region");
    beside.setAttribute("aria-label", "Designs of the selected points");
    beside.setAttribute("aria-live", "polite");
    beside.append(table);
    const pick = choice("point", points.map((point) => String(point.point)), String(chosen[0] || points[0].point));
    for (const option of pick.box.options) {
      if (points.find((point) => String(point.point) === option.value).knee) option.text += " (knee)";
    }
    const pair = element("div", "front-pair");
    const right = element("div");
    right.append(pick.made, beside);
    pair.append(chart, right);
    place.replaceChildren(axes, pair, ...(view.lines ? [around] : []));

    const drawPoints = () => {
      const [x, y] = [across.box.value, up.box.value];
      const isChosen = (point) => chosen.includes(point.point);
      dawnduskCharts.draw(chart, {
        data: [{
          type: "scatter", mode: "markers", x: points.map((p) => p.outcome[x]), y: points.map((p) => p.outcome[y]),
          customdata: points.map((p) => p.point),
          hovertemplate: `point %{customdata}<br>${x} %{x:.5g}<br>${y} %{y:.5g}<extra></extra>`,
          marker: {
            color: points.map((p) => (isChosen(p) ? RED : p.knee ? ORANGE : BLUE)),
            size: points.map((p) => (isChosen(p) ? 15 : p.knee ? 14 : 9)),
            symbol: points.map((p) => (p.knee ? "diamond" : "circle")),
          },
        }],
        layout: {
          height: 440, margin: { l: 8, r: 16, t: 8, b: 8 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
          font: { color: TEXT }, dragmode: "select", hovermode: "closest", showlegend: false,
          xaxis: { title: { text: `${x}, ${units[x]}` }, automargin: true, gridcolor: GRID, zerolinecolor: GRID, fixedrange: true },
          yaxis: { title: { text: `${y}, ${units[y]}` }, automargin: true, gridcolor: GRID, zerolinecolor: GRID, fixedrange: true },
        },
      });
    };
    const axis = (name, value) => {
      const values = points.map(value);
      if (typeof values[0] !== "string") {
        return { label: spoken(name), values, tickformat: Math.max(...values.map(Math.abs)) >= 1e5 ? ".3~s" : ".4~g" };
      }
      const names = [...new Set(values)].sort();
      return { label: spoken(name), values: values.map((one) => names.indexOf(one)), tickvals: names.map((_, i) => i), ticktext: names, range: [-0.2, names.length - 0.8] };
    };
    const drawLines = () => {
      if (!view.lines) return;
      dawnduskCharts.draw(lines, {
        data: [{
          type: "parcoords", labelside: "top", labelangle: -20,
          line: { color: points.map((p) => (chosen.includes(p.point) ? 1 : 0)), colorscale: [[0, FAINT], [1, RED]], cmin: 0, cmax: 1 },
          dimensions: [...variables.map((name) => axis(name, (p) => p.design[name])), ...goals.map((name) => axis(name, (p) => p.outcome[name]))],
        }],
        layout: { height: 420, margin: { l: 70, r: 70, t: 96, b: 28 }, paper_bgcolor: "rgba(0,0,0,0)", font: { color: TEXT }, xaxis: {} },
      });
    };
    const showDesigns = () => {
      const some = points.filter((point) => chosen.includes(point.point)).slice(0, MOST_SHOWN);
      const line = (name, cells, kind) => {
        const made = element("tr");
        const head = element("th", "", name);
        head.scope = "row";
        made.append(head, ...cells.map((cell) => {
          const one = element(kind || "td");
          one.append(cell);
          return one;
        }));
        return made;
      };
      const heads = some.map((point) => {
        const made = element("span", "", `point ${point.point}${point.knee ? " (knee)" : ""} `);
        if (view.take) {
          const take = element("button", "linklike", "explore it");
          take.type = "button";
          take.addEventListener("click", () => view.take(point.design));
          made.append(take);
        }
        return made;
      });
      const outcomes = Object.keys(points[0].outcome).map((name) => line(name, some.map((p) => shown(p.outcome[name], units[name]))));
      const design = Object.keys(points[0].design).map((name) => line(name, some.map((p) => shown(p.design[name], units[name]))));
      const more = chosen.length > some.length ? [line(`and ${chosen.length - some.length} more`, [])] : [];
      table.replaceChildren(line("", heads, "th"), ...outcomes, ...design, ...more);
    };
    const choose = (numbers) => {
      chosen = numbers;
      if (numbers.length === 1) pick.box.value = String(numbers[0]);
      drawPoints();
      drawLines();
      showDesigns();
    };
    across.box.addEventListener("change", drawPoints);
    up.box.addEventListener("change", drawPoints);
    pick.box.addEventListener("change", () => choose([+pick.box.value]));
    choose(chosen);
    const numbersOf = (event) => event.points.map((point) => points[point.pointIndex].point);
    chart.on("plotly_click", (event) => choose(numbersOf(event)));
    chart.on("plotly_selected", (event) => { if (event && event.points.length) choose(numbersOf(event)); });
    if (view.lines) lines.on("plotly_restyle", () => {
      const kept = points.filter((_, i) => lines.data[0].dimensions.every((one) => {
        const ranges = one.constraintrange ? [].concat(Array.isArray(one.constraintrange[0]) ? one.constraintrange : [one.constraintrange]) : [];
        return !ranges.length || ranges.some(([low, high]) => one.values[i] >= low && one.values[i] <= high);
      }));
      chosen = kept.length < points.length ? kept.map((point) => point.point) : [];
      drawPoints();
      showDesigns();
    });
  };
  return { open };
})();
