"use strict";
/* Figures on a page: in its colours, at its width, drawn anew when either changes. */
const dawnduskCharts = (() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const NARROW = 560;
  const LIGHT = { "#1c2127": "--text", "#d6dade": "--grid" };
  const drawn = new Map();

  /* Put the colours of the page in place of those of the light page. */
  const themed = (value, colours) => {
    if (typeof value === "string") return colours[value] || value;
    if (Array.isArray(value)) return value.map((one) => themed(one, colours));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, themed(one, colours)]));
    }
    return value;
  };
  const colours = () => {
    const style = getComputedStyle(root);
    return Object.fromEntries(Object.entries(LIGHT).map(([value, name]) => [value, style.getPropertyValue(name).trim()]));
  };

  /* Give every entry of a legend a line of its own, break long names and leave room for words beside bars. */
  const broken = (words) => words.replace(/(.{10,18}?)([ ._])/g, (whole, start, end) => `${start}${end.trim()}<br>`);
  const narrowed = (figure) => {
    const layout = figure.layout;
    if (layout.showlegend) {
      const room = 16 + 20 * figure.data.length;
      layout.height += room - layout.margin.t;
      layout.margin.t = room;
      layout.legend.orientation = "v";
    }
    for (const trace of figure.data) {
      if (trace.y && typeof trace.y[0] === "string") trace.y = trace.y.map(broken);
      if (trace.text && trace.orientation === "h" && layout.xaxis.range) {
        layout.xaxis.range = [0, layout.xaxis.range[1] * 1.2];
      }
    }
    layout.xaxis.nticks = 4;
    layout.xaxis.tickangle = 0;
  };
  const draw = (place, picture) => {
    drawn.set(place, picture);
    const figure = themed(picture, colours());
    if (place.clientWidth < NARROW) narrowed(figure);
    return Plotly.react(place, figure.data, figure.layout, { displayModeBar: false, responsive: true });
  };
  const redraw = () => {
    for (const [place, picture] of drawn) if (place.isConnected) draw(place, picture);
  };
  const turn = () => {
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : dark.matches;
    root.dataset.theme = isDark ? "light" : "dark";
    redraw();
  };
  dark.addEventListener("change", redraw);
  return { draw, redraw, turn };
})();
