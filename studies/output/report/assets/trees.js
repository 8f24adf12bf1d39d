"use strict";
/* Term trees: what a figure is worked out from, opened level by level. Everything shown is set as text. */
const dawnduskTrees = (() => {
  const element = (name, className, words) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (words !== undefined) made.textContent = words;
    return made;
  };
  const number = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "string") return value;
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e15 || size < 1e-4)) return value.toExponential(4);
    return size >= 1000 ? value.toLocaleString("en", { maximumFractionDigits: 0 }) : String(+value.toPrecision(5));
  };
  const line = (figure) => {
    const made = element("span");
    made.append(element("span", "name", figure.label));
    const value = number(figure.value);
    if (value) made.append(": ", element("span", "value", `${value}${figure.units ? ` ${figure.units}` : ""}`));
    if (figure.low !== undefined && figure.high !== undefined && figure.low !== figure.high) {
      made.append(` (${number(figure.low)} to ${number(figure.high)})`);
    }
    if (figure.meaning) made.append(" ", element("span", "said", figure.meaning));
    return made;
  };
  const source = (one) => {
    const made = element("li", "said", `${one.source}, ${one.year}; confidence ${one.confidence}. ${one.note || ""} `);
    if (/^https?:\/\//.test(one.url || "")) {
      const link = element("a", "", one.url);
      link.href = one.url;
      link.rel = "noopener noreferrer";
      link.target = "_blank";
      made.append(link);
    }
    return made;
  };
  const inside = (figures, figure) => {
    const list = element("ul");
    if (figure.formula) list.append(element("li", "formula", `= ${figure.formula}`));
    for (const one of figure.sources || []) list.append(source(one));
    for (const name of figure.reads || []) list.append(branch(figures, name));
    return list;
  };
  const branch = (figures, name) => {
    const figure = figures[name];
    const item = element("li");
    if (!figure) return item;
    if (!figure.formula && !(figure.sources || []).length && !(figure.reads || []).length) {
      item.append(line(figure));
      return item;
    }
    const opening = element("details");
    const summary = element("summary");
    summary.append(line(figure));
    opening.append(summary);
    opening.addEventListener("toggle", () => {
      if (opening.open && opening.children.length === 1) opening.append(inside(figures, figure));
    });
    item.append(opening);
    return item;
  };
  const show = (dialog, figures, name, recorded) => {
    const figure = figures[name];
    if (!figure) return;
    const head = element("div", "trace-head");
    const title = element("h2", "", name);
    title.id = "trace-title";
    const close = element("button", "quiet-button", "Close");
    close.type = "button";
    close.addEventListener("click", () => dialog.close());
    head.append(title, close);
    const said = element("p");
    said.append(line(figure));
    const tree = inside(figures, figure);
    tree.className = "tree";
    const parts = [head, said];
    if (recorded !== undefined) parts.push(element("p", "notice", `The run recorded ${number(recorded)}.`));
    dialog.replaceChildren(...parts, tree);
    dialog.showModal();
  };
  return { show, element, number };
})();
