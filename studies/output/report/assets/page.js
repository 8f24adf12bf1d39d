"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  for (const [name, picture] of Object.entries(data.pictures)) {
    const place = document.getElementById(`figure-${name}`);
    if (place) dawnduskCharts.draw(place, picture);
  }
  const front = document.getElementById("front-view");
  if (front) dawnduskFront.open(front, { data: data.front, lines: true });
  window.addEventListener("beforeprint", dawnduskCharts.redraw);
  window.addEventListener("afterprint", dawnduskCharts.redraw);
  document.getElementById("theme").addEventListener("click", dawnduskCharts.turn);

  const dialog = document.getElementById("trace");
  document.addEventListener("click", (event) => {
    const figure = event.target.closest("[data-figure]");
    if (figure) dawnduskTrees.show(dialog, data.figures, figure.dataset.figure, data.recorded[figure.dataset.figure]);
    else if (event.target === dialog) dialog.close();
  });
  document.documentElement.dataset.ready = "yes";
})();
