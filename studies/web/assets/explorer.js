"use strict";
(() => {
  const { element, number } = dawnduskTrees;
  const $ = (id) => document.getElementById(id);
  const TILES = [
    ["cost_ratio_to_ground", "× the ground"], ["cost_usd_per_accelerator_hour", "per accelerator and hour"],
    ["capex_usd", "capital"], ["it_power_mw", "IT power"], ["launches", "launches"],
    ["deployment_years", "to deploy"], ["wet_mass_kg", "one satellite"],
  ];
  const BINDING = 0.005;
  const SHOWN_NEXT = 3;

  /* What is looked at: a base, and what was changed in it. */
  const now = { base: null, about: null, design: {}, assumptions: {}, workload: null, shown: [], answer: null };
  const kept = [];
  let stream = null;
  let job = null;

  const say = (words, about) => {
    $("message").textContent = words || "";
    $("message").hidden = !words;
    $("message").dataset.about = about || "";
  };
  const ask = async (path, body, method) => {
    const options = { method: method || (body ? "POST" : "GET") };
    if (body) {
      options.body = JSON.stringify(body);
      options.headers = { "content-type": "application/json" };
    }
    let found;
    try {
      found = await fetch(path, options);
    } catch {
      throw new Error("The server does not answer. It may have ended: start it again with dawndusk serve.");
    }
    if (found.headers.get("content-type") !== "application/json" && found.ok) return found;
    const value = await found.json();
    if (!found.ok) throw new Error(value.error || `The server answered ${found.status}.`);
    return value;
  };
  const asked = (more) => ({
    ...now.base, design: now.design, assumptions: now.assumptions,
    ...(now.workload ? { workload: now.workload } : {}), ...more,
  });
  const money = (value) => {
    for (const [size, letter] of [[1e9, "B"], [1e6, "M"]]) {
      if (Math.abs(value) >= size) return `${+(value / size).toPrecision(4)} ${letter}USD`;
    }
    return `${number(+value.toPrecision(4))} USD`;
  };
  const pretty = (value, units) => {
    if (value === null || value === undefined) return "none";
    if (typeof value === "string") return value;
    if (units.startsWith("USD")) return money(value) + units.slice(3);
    const words = units === "year" ? value.toFixed(0) : number(+value.toPrecision(4));
    return ["-", "count", "fraction", "name", ""].includes(units) ? words : `${words} ${units}`;
  };
  const outcome = (name, values) => pretty(values[name], now.about.outcomes[name].units);
  const figure = (name, words) => {
    const made = element("button", "figure", words);
    made.type = "button";
    made.dataset.figure = name;
    made.title = `Where ${name} comes from`;
    return made;
  };

  /* Answers: the latest question is asked as soon as the one before is answered. */
  let waiting = false;
  let busy = false;
  const refresh = async () => {
    waiting = true;
    if (busy) return;
    busy = true;
    $("answer").setAttribute("aria-busy", "true");
    while (waiting) {
      waiting = false;
      const begin = performance.now();
      try {
        const found = await ask("/api/evaluate", asked({ pictures: true }));
        if (!waiting) show(found, performance.now() - begin);
        if ($("message").dataset.about === "answer") say("");
      } catch (error) {
        say(error.message, "answer");
      }
    }
    busy = false;
    $("answer").setAttribute("aria-busy", "false");
    remember();
  };
  const show = (found, milliseconds) => {
    now.answer = found;
    const goal = now.about.objective;
    $("latency").textContent = `Answered in ${milliseconds.toFixed(0)} ms. ${Object.keys(now.design).length + Object.keys(now.assumptions).length} changed.`;
    for (const [id, words] of [["state", ["every rule is met", "breaks rules"]], ["mini-state", ["met", "broken"]]]) {
      $(id).textContent = found.feasible ? words[0] : words[1];
      $(id).className = `badge ${found.feasible ? "good" : "bad"}`;
    }
    $("headline").textContent = outcome(goal, found.outcome);
    $("headline").dataset.figure = goal;
    $("mini-value").textContent = outcome(goal, found.outcome);
    $("headline-meaning").textContent = `${goal}. ${now.about.outcomes[goal].meaning}`;
    $("tiles").replaceChildren(...TILES.map(([name, label]) => {
      const tile = element("div");
      const value = element("dd");
      value.append(figure(name, name === "cost_ratio_to_ground" ? number(+found.outcome[name].toPrecision(3)) : outcome(name, found.outcome)));
      tile.append(element("dt", "", label), value);
      return tile;
    }));
    showLimits(found.limits);
    showFigures(found.outcome);
    for (const place of document.querySelectorAll("[data-picture]")) showPicture(place, found.pictures[place.dataset.picture]);
    follow(found.design);
    document.documentElement.dataset.ready = "yes";
  };
  const showPicture = (place, picture) => {
    place.hidden = !picture;
    if (!picture) return;
    if (!place.children.length) {
      const canvas = element("div", "canvas");
      canvas.setAttribute("role", "img");
      place.append(element("figcaption"), canvas);
    }
    const [caption, canvas] = place.children;
    caption.replaceChildren(element("strong", "", `${picture.title}. `), picture.caption);
    canvas.setAttribute("aria-label", picture.caption);
    dawnduskCharts.draw(canvas, { data: picture.data, layout: picture.layout });
  };
  const limitState = (limit) => {
    if (!(limit.margin >= 0)) return "broken";
    return limit.margin <= BINDING && !limit.idle ? "binding" : "next";
  };
  const limitWords = (limit) => {
    const margin = limit.margin >= 0 ? `margin ${(100 * limit.margin).toFixed(2)} %` : `broken by ${(-100 * limit.margin).toFixed(1)} %`;
    return ` ${pretty(limit.value, limit.units)}, ${limit.sense} ${pretty(limit.limit, limit.units)} (${margin}). ${limit.sentence}`;
  };
  const showLimits = (limits) => {
    const tight = limits.filter((limit) => limitState(limit) !== "next");
    const next = limits.filter((limit) => limitState(limit) === "next" && !limit.idle).slice(0, SHOWN_NEXT);
    $("limits").replaceChildren(...[...tight, ...next].map((limit) => {
      const item = element("li");
      item.append(element("span", `state ${limitState(limit)}`, limitState(limit)), element("strong", "", limit.name), limitWords(limit));
      return item;
    }));
    rows($("every-limit"), ["rule", "value", "", "limit", "margin"], limits.map((limit) => [
      limit.name, pretty(limit.value, limit.units), limit.sense, pretty(limit.limit, limit.units),
      limit.margin === null ? "" : `${(100 * limit.margin).toFixed(1)} %`,
    ]));
  };
  const rows = (table, head, body) => {
    const cell = (name, value) => {
      const made = element(name);
      made.append(value === null || value === undefined ? "" : value);
      return made;
    };
    const line = (values, first) => {
      const made = element("tr");
      made.append(...values.map((value, place) => cell(place && !first ? "td" : "th", value)));
      return made;
    };
    const top = element("thead");
    top.append(line(head, true));
    const rest = element("tbody");
    rest.append(...body.map((values) => line(values, false)));
    table.replaceChildren(top, rest);
  };
  const showFigures = (values) => rows($("figures"), ["outcome", "value", "meaning"], Object.keys(values).map((name) => [
    name, figure(name, outcome(name, values)), now.about.outcomes[name].meaning,
  ]));

  /* Controls. Each tells what it changes; the page follows at once. */
  const control = (label, units, tip) => {
    const made = element("div", "control");
    const words = element("label", "", label);
    words.title = tip;
    if (units) words.append(" ", element("span", "units", units));
    const undo = element("button", "undo", "↺");
    undo.type = "button";
    undo.title = `Undo the change of ${label}`;
    undo.setAttribute("aria-label", undo.title);
    return { made, words, undo };
  };
  const change = (group, key, value, start) => {
    if (value === start) delete now[group][key];
    else now[group][key] = value;
  };
  const idFor = (group, key) => `${group}-${key.replace(/[^A-Za-z0-9]/g, "-")}`;

  const numberControl = (group, key, about, start) => {
    const { made, words, undo } = control(key, about.units, `${about.meaning}${about.source ? ` Source: ${about.source}; confidence ${about.confidence}.` : ""}`);
    const box = element("input");
    const slider = element("input");
    box.type = "number";
    slider.type = "range";
    box.step = slider.step = "any";
    box.id = idFor(group, key);
    words.htmlFor = box.id;
    slider.setAttribute("aria-label", key);
    const whole = about.kind === "integer";
    const logarithmic = about.low > 0 && about.high / about.low > 50;
    const low = logarithmic ? Math.log(about.low) : about.low;
    const high = logarithmic ? Math.log(about.high) : about.high;
    slider.min = low;
    slider.max = high;
    if (whole && !logarithmic) slider.step = "1";
    const put = (value, from) => {
      if (from !== box) box.value = +(+value).toPrecision(6);
      if (from !== slider) slider.value = logarithmic ? Math.log(value) : value;
      made.classList.toggle("changed", key in now[group]);
    };
    const take = (value, from) => {
      if (!Number.isFinite(value)) return;
      change(group, key, whole ? Math.round(value) : value, start);
      put(whole ? Math.round(value) : value, from);
      refresh();
    };
    slider.addEventListener("input", () => take(logarithmic ? Math.exp(+slider.value) : +slider.value, slider));
    box.addEventListener("input", () => take(box.value === "" ? NaN : +box.value, box));
    undo.addEventListener("click", () => take(start, null));
    made.append(words, box, undo, slider);
    made.put = put;
    put(now[group][key] ?? start, null);
    return made;
  };
  const choiceControl = (key, names, start, tip, take) => {
    const { made, words, undo } = control(key, "", tip);
    const box = element("select");
    box.id = idFor("choice", key);
    words.htmlFor = box.id;
    for (const name of names) box.append(new Option(name, name));
    const set = (value) => {
      box.value = value;
      take(value);
      made.classList.toggle("changed", value !== start);
    };
    box.addEventListener("change", () => { set(box.value); refresh(); });
    undo.addEventListener("click", () => { set(start); refresh(); });
    made.append(words, element("span"), undo, box);
    return { made, set };
  };
  const buildControls = () => {
    const about = now.about;
    $("design").replaceChildren(...about.variables.map((variable) => {
      const start = about.design[variable.name];
      if (variable.kind === "category") {
        const { made, set } = choiceControl(variable.name, variable.names, start, variable.meaning, (value) => change("design", variable.name, value, start));
        set(now.design[variable.name] ?? start);
        return made;
      }
      const made = numberControl("design", variable.name, variable, start);
      made.dataset.variable = variable.name;
      made.classList.toggle("idle", variable.follows_demand);
      return made;
    }));
    const { made, set } = choiceControl("workload", about.workloads, about.workload, "What the accelerators do.", (value) => {
      now.workload = value === about.workload ? null : value;
    });
    set(now.workload || about.workload);
    $("workload-place").replaceChildren(made);
    now.shown = [...new Set([...about.moves_most, ...Object.keys(now.assumptions)])];
    $("beliefs").replaceChildren(...now.shown.map(belief));
    $("belief-keys").replaceChildren(...about.beliefs.map((one) => new Option(one.meaning, one.key)));
  };
  const belief = (key) => {
    const about = now.about.beliefs.find((one) => one.key === key);
    return numberControl("assumptions", key, about, about.value);
  };
  /* Satellites follow the demand: show how many it takes. */
  const follow = (design) => {
    for (const made of document.querySelectorAll("[data-variable]")) {
      const name = made.dataset.variable;
      if (!(name in now.design) && !made.contains(document.activeElement)) made.put(design[name], null);
    }
  };
  $("belief-search").addEventListener("change", () => {
    const key = $("belief-search").value.trim();
    const known = now.about.beliefs.some((one) => one.key === key);
    if (!known) {
      say(`There is no belief ${key}; choose one from the list.`);
      return;
    }
    say("");
    if (!now.shown.includes(key)) {
      now.shown.push(key);
      $("beliefs").append(belief(key));
    }
    $("belief-search").value = "";
    $(idFor("assumptions", key)).focus();
  });

  /* Bases, permalinks, exports. */
  const encoded = (value) => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value)))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const decoded = (words) => JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(words.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0))));
  const state = () => ({ ...now.base, design: now.design, assumptions: now.assumptions, workload: now.workload });
  const remember = () => history.replaceState(null, "", `#state=${encoded(state())}`);
  const fromAddress = () => {
    const words = location.hash.slice(1);
    const place = words.indexOf("=");
    const [key, value] = place < 0 ? ["", ""] : [words.slice(0, place), words.slice(place + 1)];
    if (key === "study" || key === "run") return { [key]: decodeURIComponent(value) };
    if (key !== "state") return null;
    try {
      return decoded(value);
    } catch {
      say("The link is damaged; this is the first study instead.");
      return null;
    }
  };
  const plain = (value) => (value && typeof value === "object" && !Array.isArray(value) ? value : {});
  const open = async (wanted) => {
    const base = wanted.run ? { run: String(wanted.run) } : { study: String(wanted.study) };
    const about = await ask(`/api/base?${new URLSearchParams(base)}`);
    const keys = new Set(about.beliefs.map((one) => one.key));
    now.base = base;
    now.about = about;
    now.design = Object.fromEntries(Object.entries(plain(wanted.design)).filter(([name]) => name in about.design));
    now.assumptions = Object.fromEntries(Object.entries(plain(wanted.assumptions)).filter(([key]) => keys.has(key)));
    now.workload = about.workloads.includes(wanted.workload) ? wanted.workload : null;
    $("base").value = JSON.stringify(base);
    $("title").textContent = about.title;
    document.title = `${about.title} · dawndusk`;
    const form = $("optimise");
    for (const key of ["engine", "gap", "time_limit_s"]) form.elements[key].value = about.search[key];
    buildControls();
    await refresh();
    await openFront();
    if (about.note) say(about.note);
  };
  const listBases = async () => {
    const [studies, runs] = await Promise.all([ask("/api/studies"), ask("/api/runs")]);
    const group = (label, options) => {
      const made = element("optgroup");
      made.label = label;
      made.append(...options);
      return made;
    };
    const good = runs.filter((run) => !run.error && run.has_design);
    $("base").replaceChildren(
      group("Runs", good.map((run) => new Option(`${run.name}: ${run.title}`, JSON.stringify({ run: run.name })))),
      group("Studies", studies.map((study) => new Option(`${study.name}: ${study.title}`, JSON.stringify({ study: study.name })))),
    );
    $("pin-run").replaceChildren(new Option("choose …", ""), ...good.map((run) => new Option(run.name, run.name)));
    return { studies, runs: good };
  };
  /* Plans have no design to change: each is one report. */
  const listPlans = async () => {
    const plans = await ask("/api/plans");
    $("plans-place").hidden = !plans.length;
    rows($("plans"), ["plan", "status", "objective", "gap", ""], plans.map((plan) => {
      if (plan.error) return [plan.name, plan.error, "", "", ""];
      const act = element("button", "linklike", "save its report");
      act.type = "button";
      act.setAttribute("aria-label", `Save the report of ${plan.name}`);
      act.addEventListener("click", () => attempt(async () => {
        say(`The report of ${plan.name} is being written …`, "plan");
        save(await (await ask(`/api/plans/${encodeURIComponent(plan.name)}/report`)).blob(), `${plan.name}.html`);
        say("");
      }));
      const value = plan.objective === null ? "none" : `${plan.objective_name} ${pretty(plan.objective, plan.units)}`;
      return [plan.name, plan.status, value, plan.gap === null ? "" : `${(100 * plan.gap).toFixed(2)} %`, act];
    }));
  };
  $("base").addEventListener("change", () => attempt(() => open(JSON.parse($("base").value))));
  $("reset").addEventListener("click", () => attempt(() => open(now.base)));
  $("theme").addEventListener("click", dawnduskCharts.turn);
  $("link").addEventListener("click", async () => {
    remember();
    try {
      await navigator.clipboard.writeText(location.href);
      say("The link is copied.");
    } catch {
      say(`The link: ${location.href}`);
    }
  });
  const save = (content, name) => {
    const link = element("a");
    link.href = URL.createObjectURL(content);
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const exported = async (kind) => {
    const name = now.about.name;
    if (kind === "svg") {
      for (const place of document.querySelectorAll("[data-picture] .canvas")) {
        await Plotly.downloadImage(place, { format: "svg", filename: `${name}-${place.parentElement.dataset.picture}` });
      }
      return;
    }
    if (kind === "html") {
      if (!now.base.run) throw new Error("A report is of a run: optimise first, or choose a run.");
      save(await (await ask(`/api/runs/${encodeURIComponent(now.base.run)}/export?format=html`)).blob(), `${now.base.run}.html`);
      return;
    }
    const found = await fetch(`/api/export?format=${kind}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(asked()) });
    if (!found.ok) throw new Error((await found.json()).error);
    save(await found.blob(), `${name}.${kind}`);
  };
  $("export").addEventListener("change", async () => {
    const kind = $("export").value;
    $("export").value = "";
    if (kind) await attempt(() => exported(kind));
  });

  /* Side by side. */
  const pin = (label, base, found) => {
    kept.push({ label, base, design: found.design, outcome: found.outcome, feasible: found.feasible });
    showKept();
  };
  const showKept = () => {
    if (!kept.length) {
      $("compare").replaceChildren();
      return;
    }
    const head = ["", ...kept.map((one, place) => {
      const cell = element("span");
      const drop = element("button", "linklike", "remove");
      drop.type = "button";
      drop.setAttribute("aria-label", `Remove ${one.label}`);
      drop.addEventListener("click", () => { kept.splice(place, 1); showKept(); });
      cell.append(one.label, " ", drop);
      return cell;
    })];
    const goal = now.about.objective;
    const names = [...new Set([goal, ...TILES.map(([name]) => name), "ground_lcoc_usd_per_pflop_hour", "delivered_pflops"])];
    const body = [["rules", ...kept.map((one) => (one.feasible ? "met" : "broken"))]];
    for (const name of names) body.push([name, ...kept.map((one) => pretty(one.outcome[name], now.about.outcomes[name].units))]);
    for (const variable of now.about.variables) {
      const values = kept.map((one) => pretty(one.design[variable.name], variable.units));
      if (new Set(values).size > 1) body.push([variable.name, ...values]);
    }
    rows($("compare"), head, body);
    whyDiffer();
  };
  const whyDiffer = async () => {
    const runs = kept.filter((one) => one.base && one.base.run);
    $("why-differ").replaceChildren();
    if (runs.length < 2) return;
    try {
      const found = await ask("/api/compare", { runs: runs.map((one) => one.base.run), metric: now.about.objective });
      for (const [name, one] of Object.entries(found.differences)) {
        const table = element("table");
        rows(table, [`${found.first} to ${name}`, "from", "to", "adds"], one.parts.map((part) => [
          part.name, number(part.before), number(part.after), `${part.part > 0 ? "+" : ""}${+part.part.toPrecision(4)}`,
        ]));
        $("why-differ").append(element("h3", "", `Why ${found.metric} differs by ${+one.difference.toPrecision(4)}`), table);
      }
    } catch (error) {
      say(error.message);
    }
  };
  $("pin").addEventListener("click", () => {
    const changed = Object.keys(now.design).length + Object.keys(now.assumptions).length + (now.workload ? 1 : 0);
    const name = now.base.run || now.base.study;
    pin(changed ? `${name}, ${changed} changed` : name, changed ? null : now.base, now.answer);
  });
  $("pin-run").addEventListener("change", () => attempt(async () => {
    const run = $("pin-run").value;
    $("pin-run").value = "";
    if (run) pin(run, { run }, await ask("/api/evaluate", { run }));
  }));

  /* Searching again: a job on the server, which goes on whoever looks. */
  const chart = { seconds: [], best: [], bound: [] };
  const drawProgress = () => {
    const line = (name, values, colour, dash) => ({
      type: "scatter", mode: "lines+markers", name, x: chart.seconds, y: values, marker: { size: 5 },
      line: { color: colour, dash, shape: "hv" }, connectgaps: true,
    });
    $("progress-chart").hidden = false;
    dawnduskCharts.draw($("progress-chart"), {
      data: [line("best design", chart.best, "#0072b2", "solid"), line("bound", chart.bound, "#d55e00", "dot")],
      layout: {
        height: 260, margin: { l: 8, r: 16, t: 40, b: 8 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: { color: "#1c2127" }, showlegend: true, legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
        xaxis: { title: { text: "s" }, automargin: true, gridcolor: "#d6dade", zerolinecolor: "#d6dade" },
        yaxis: { automargin: true, gridcolor: "#d6dade", zerolinecolor: "#d6dade", title: { text: now.about.objective } },
      },
    });
  };
  const ended = async (found) => {
    job = null;
    $("cancel").hidden = true;
    await Promise.all([listBases(), listJobs()]);
    $("base").value = JSON.stringify(now.base);
    if (found.state === "failed") {
      say(`The search failed: ${found.error}`);
      $("progress").textContent = "Failed.";
    } else if (found.run) {
      $("progress").textContent = `${found.state === "done" ? "Done" : "Cancelled"}: run ${found.run}.`;
      await open({ run: found.run });
    } else {
      $("progress").textContent = "Cancelled before there was anything to keep.";
    }
  };
  const listen = (name) => {
    if (stream) stream.close();
    job = name;
    for (const values of Object.values(chart)) values.length = 0;
    $("cancel").hidden = false;
    $("progress").textContent = "Waiting for its turn …";
    stream = new EventSource(`/api/jobs/${encodeURIComponent(name)}/events`);
    stream.addEventListener("progress", (event) => {
      const one = JSON.parse(event.data);
      const units = now.about.outcomes[now.about.objective].units;
      const words = [one.stage, one.evaluated ? `${one.evaluated.toLocaleString("en")} examined` : ""];
      if (one.best !== null && one.best !== undefined) words.push(`best ${pretty(one.best, units)}`);
      if (one.bound !== null && one.bound !== undefined) words.push(`bound ${pretty(one.bound, units)}`);
      $("progress").textContent = words.filter(Boolean).join(", ");
      chart.seconds.push(one.seconds);
      chart.best.push(one.best);
      chart.bound.push(one.bound);
      drawProgress();
    });
    stream.addEventListener("end", (event) => {
      stream.close();
      attempt(() => ended(JSON.parse(event.data)));
    });
  };
  const listJobs = async () => {
    const found = await ask("/api/jobs");
    $("jobs-place").hidden = !found.length;
    rows($("jobs"), ["search", "state", "of", ""], found.map((one) => {
      const act = element("button", "linklike", one.state === "queued" || one.state === "running" ? "follow" : "open");
      act.type = "button";
      act.addEventListener("click", () => attempt(() => (act.textContent === "follow" ? listen(one.id) : open({ run: one.run }))));
      return [String(one.number), one.error ? `${one.state}: ${one.error}` : one.state, one.title, one.run || act.textContent === "follow" ? act : ""];
    }));
    return found;
  };
  $("optimise").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const form = $("optimise").elements;
      const search = { engine: form.engine.value, gap: +form.gap.value, time_limit_s: +form.time_limit_s.value };
      const { design, ...question } = asked();
      const found = await ask("/api/jobs", { ...question, search });
      await listJobs();
      listen(found.id);
    });
  });
  $("cancel").addEventListener("click", () => attempt(async () => {
    if (job) await ask(`/api/jobs/${encodeURIComponent(job)}`, null, "DELETE");
    $("progress").textContent = "Ending with what it has …";
  }));

  /* Term trees. */
  document.addEventListener("click", (event) => {
    const found = event.target.closest("[data-figure]");
    if (found) attempt(async () => {
      const told = await ask("/api/explain", asked({ metric: found.dataset.figure }));
      dawnduskTrees.show($("trace"), told.figures, told.metric);
    });
    else if (event.target === $("trace")) $("trace").close();
  });

  /* The front of a run of several goals. */
  const openFront = async () => {
    $("front-place").hidden = !now.about.front;
    if (!now.about.front) return;
    dawnduskFront.open($("front-view"), { data: now.about.front, lines: false, take: (design) => {
      const start = now.about.design;
      const fixed = now.about.satellites_follow_demand ? ["satellites"] : [];
      now.design = Object.fromEntries(Object.entries(design).filter(([name, value]) => value !== start[name] && !fixed.includes(name)));
      buildControls();
      refresh();
    } });
  };

  const attempt = async (act) => {
    try {
      await act();
    } catch (error) {
      say(error.message);
    }
  };
  attempt(async () => {
    const { studies, runs } = await listBases();
    await listPlans();
    const first = runs.length ? { run: runs[0].name } : { study: studies[0].name };
    const wanted = fromAddress();
    if (!wanted) await open(first);
    else {
      try {
        await open(wanted);
      } catch (error) {
        await open(first);
        say(error.message);
      }
    }
    const running = (await listJobs()).find((one) => one.state === "running" || one.state === "queued");
    if (running) listen(running.id);
  });
})();
