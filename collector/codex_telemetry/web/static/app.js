// Theme, keys, live updates and charts. Every page can be read without it.
"use strict";

const root = document.documentElement;
const wantsDark = matchMedia("(prefers-color-scheme: dark)");

function chosenTheme() {
  try { return localStorage.getItem("theme"); } catch { return null; }
}
function setTheme() {
  root.dataset.theme = chosenTheme() || (wantsDark.matches ? "dark" : "light");
  drawAll(document);
}
function switchTheme() {
  const other = root.dataset.theme === "dark" ? "light" : "dark";
  try { localStorage.setItem("theme", other); } catch { /* it holds for this page */ }
  root.dataset.theme = other;
  drawAll(document);
}

// --- charts

const beside = document.currentScript.src;
let charts = null;
function loadCharts() {
  charts ||= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL("charts.js", beside).href;
    script.onload = () => done(globalThis.echarts);
    script.onerror = failed;
    document.head.append(script);
  });
  return charts;
}

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59950) return `${+(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function dollars(usd) {
  return `$${usd.toLocaleString("en", { maximumFractionDigits: usd < 1 ? 4 : usd < 1000 ? 2 : 0 })}`;
}

function colour(name) {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}

const COLOURS = ["model", "tools", "approval", "hooks", "compaction", "retry"];
const DASHES = ["solid", "dashed", "dotted"];

function options(model) {
  const dim = colour("dim"), grid = colour("grid");
  const says = { ms: duration, usd: dollars, "%": (n) => `${n} %` }[model.unit] || ((n) => n.toLocaleString("en"));
  const briefly = model.unit ? says : (n) => new Intl.NumberFormat("en", { notation: n < 10000 ? "standard" : "compact" }).format(n);
  const base = {
    animation: false,
    color: COLOURS.map(colour),
    textStyle: { color: dim, fontFamily: "system-ui, sans-serif", fontSize: 11 },
    grid: { left: 8, right: 26, top: 30, bottom: 4, containLabel: true },
    legend: { top: 0, right: 0, itemWidth: 18, itemHeight: 8, textStyle: { color: dim, fontSize: 11 } },
    // In the page a tooltip would style itself, which isn't let in: this one is drawn.
    tooltip: {
      trigger: "axis", renderMode: "richText", valueFormatter: (n) => (n == null ? "-" : says(n)),
      backgroundColor: colour("card"), borderColor: colour("line"), textStyle: { color: colour("text"), fontSize: 11 },
    },
    xAxis: { type: "category", data: model.x, axisLine: { lineStyle: { color: grid } }, axisTick: { show: false }, axisLabel: { color: dim, hideOverlap: true } },
    yAxis: { type: "value", splitLine: { lineStyle: { color: grid } }, axisLabel: { color: dim, formatter: briefly } },
  };
  // Moments are told as the clock of the zone shows them.
  const overTime = (series) => ({
    ...base, useUTC: true, legend: { show: false }, grid: { ...base.grid, top: 12 },
    tooltip: { ...base.tooltip, valueFormatter: (n) => (n == null ? "-" : `${n} %`) },
    xAxis: { ...base.xAxis, type: "time", data: undefined },
    yAxis: { ...base.yAxis, min: 0, max: 100, axisLabel: { color: dim, formatter: "{value} %" } },
    series: [{ ...series, name: "used", data: model.points, color: colour("mark") }],
  });
  const kinds = {
    bands: () => ({
      ...base,
      yAxis: { ...base.yAxis, type: "log", logBase: 10 },
      series: model.series.map((s, n) => ({
        type: "line", name: s.name, data: s.values.map((v) => (v > 0 ? v : null)), showSymbol: model.x.length < 3,
        connectNulls: true, lineStyle: { width: 1.5, type: DASHES[n % 3] },
      })),
    }),
    bars: () => ({
      ...base, ...(model.series.length > 1 ? {} : { legend: { show: false }, grid: { ...base.grid, top: 12 } }),
      color: (model.colours || (model.unit === "usd" ? ["mark"] : COLOURS)).map(colour),
      series: model.series.map((s) => ({ type: "bar", name: s.name, data: s.values, barMaxWidth: 36 })),
    }),
    tokens: () => ({
      ...base,
      color: ["mark", "compaction", "unexplained"].map(colour), // none that stands for a part of time
      yAxis: [base.yAxis, { type: "value", max: 100, splitLine: { show: false }, axisLabel: { color: dim, formatter: "{value} %" }, show: !!model.line }],
      series: [
        ...model.series.map((s) => ({ type: "bar", stack: "tokens", name: s.name, data: s.values, barMaxWidth: 28 })),
        ...(model.line ? [{ type: "line", name: model.line.name, yAxisIndex: 1, data: model.line.values, symbolSize: 4, color: colour("text"), tooltip: { valueFormatter: (n) => `${n} %` } }] : []),
      ],
    }),
    ranked: () => ({
      ...base,
      color: ["mark", "compaction", "unexplained"].map(colour),
      legend: { ...base.legend, show: model.series.length > 1 }, grid: { ...base.grid, top: model.series.length > 1 ? 30 : 8 },
      tooltip: { ...base.tooltip, axisPointer: { type: "shadow" } },
      xAxis: { ...base.yAxis, splitNumber: 3 },
      yAxis: { ...base.xAxis, inverse: true, axisLabel: { color: dim, width: Math.min(160, innerWidth / 4), overflow: "truncate" } },
      series: model.series.map((s) => ({ type: "bar", stack: "all", name: s.name, data: s.values, barMaxWidth: 18 })),
    }),
    calendar: () => ({
      textStyle: base.textStyle, animation: false, legend: { show: false },
      tooltip: { ...base.tooltip, trigger: "item", formatter: ({ value: [day, n] }) => `${day}  ${n.toLocaleString("en")} tokens` },
      visualMap: { show: false, min: 0, max: Math.max(1, ...model.cells.map((c) => c[1])), inRange: { color: [colour("grid"), colour("mark")] } },
      calendar: {
        range: model.range, top: 22, left: 34, right: 2, bottom: 2, cellSize: ["auto", "auto"],
        splitLine: { lineStyle: { color: colour("line"), width: 1 } },
        itemStyle: { color: colour("card"), borderColor: colour("grid"), borderWidth: 1 },
        dayLabel: { firstDay: model.from_sunday ? 0 : 1, color: dim, fontSize: 10 }, monthLabel: { color: dim, fontSize: 10 }, yearLabel: { show: false },
      },
      series: [{ type: "heatmap", coordinateSystem: "calendar", data: model.cells }],
    }),
    steps: () => overTime({ type: "line", step: "end", showSymbol: false, lineStyle: { width: 1.5 }, areaStyle: { opacity: 0.12 } }),
    peaks: () => overTime({ type: "line", showSymbol: false, lineStyle: { width: 1 } }),
    heat: () => ({
      ...base, legend: { show: false }, grid: { ...base.grid, top: 8 },
      tooltip: { ...base.tooltip, trigger: "item", formatter: ({ value: [hour, day, n] }) => `${model.y[day]} ${model.x[hour]}:00  ${n.toLocaleString("en")}` },
      yAxis: { type: "category", data: model.y, inverse: true, axisLine: { show: false }, axisTick: { show: false }, axisLabel: { color: dim } },
      visualMap: { show: false, min: 0, max: Math.max(1, ...model.cells.map((c) => c[2])), inRange: { color: [colour("grid"), colour("model")] } },
      series: [{ type: "heatmap", data: model.cells, itemStyle: { borderColor: colour("card"), borderWidth: 2, borderRadius: 3 } }],
    }),
  };
  return kinds[model.kind]();
}

async function draw(place) {
  const model = JSON.parse(place.parentElement.querySelector("script").textContent);
  const echarts = await loadCharts();
  if (!place.isConnected) return;
  const chart = echarts.getInstanceByDom(place) || echarts.init(place, null, { renderer: "canvas" });
  chart.setOption(options(model), true);
}
function drawAll(within) {
  for (const place of within.querySelectorAll("[data-chart]")) draw(place);
}
addEventListener("resize", () => {
  for (const place of document.querySelectorAll("[data-chart]")) globalThis.echarts?.getInstanceByDom(place)?.resize();
});

// --- parts of a page, fetched

async function part(address) {
  const url = new URL(address, location.href);
  url.searchParams.set("fragment", "1");
  const answer = await fetch(url, { credentials: "same-origin" });
  const text = await answer.text();
  if (answer.status === 401) throw new Error("locked out");
  return { found: new DOMParser().parseFromString(text, "text/html"), ok: answer.ok };
}

async function fill(place) {
  const address = place.dataset.part;
  delete place.dataset.part;
  place.ariaBusy = "true";
  try {
    const { found } = await part(address);
    const made = document.createElement("div");
    made.className = "part";
    made.append(...found.body.childNodes);
    for (const named of made.querySelectorAll("[id]")) if (place.tagName === "DETAILS") named.removeAttribute("id");
    for (const own of made.querySelectorAll("[data-live]")) if (place.tagName === "DETAILS") own.removeAttribute("data-live");
    const before = place.querySelector(":scope > :not(summary)");
    if (before) before.replaceWith(made); else place.append(made);
    drawAll(place);
  } catch {
    place.dataset.part = address;
  } finally {
    place.ariaBusy = null;
  }
}

function fillLater(within) {
  for (const place of within.querySelectorAll("[data-part]")) {
    if (place.tagName === "DETAILS") place.addEventListener("toggle", () => { if (place.open && place.dataset.part) fill(place); });
    else fill(place);
  }
}

// --- live

let shown = "";
let busy = false, due = false;
async function refresh() {
  if (document.hidden || busy) { due = true; return; }
  busy = true; due = false;
  try {
    const { found, ok } = await part(location.href);
    const fresh = found.querySelectorAll("[data-live][id]");
    for (const next of fresh) {
      const old = document.getElementById(next.id);
      if (old && old.dataset.text !== next.innerHTML) swap(old, next);
    }
    setLive(ok ? "live" : "waiting");
  } catch {
    setLive("not live");
  }
  busy = false;
}

function swap(old, next) {
  const at = document.activeElement;
  const place = old.contains(at) ? [...old.querySelectorAll("a,button,summary,[tabindex]")].indexOf(at) : -1;
  const open = new Set([...old.querySelectorAll("details[open][id]")].map((d) => d.id));
  const scrolled = [...old.querySelectorAll(".scroll")].map((s) => [s.scrollLeft, s.scrollTop]);
  const text = next.innerHTML;
  old.dataset.again = "";
  if (!("again" in next.dataset)) delete old.dataset.again;
  for (const details of old.querySelectorAll("details[open][id]")) {
    const twin = next.querySelector(`#${CSS.escape(details.id)}`);
    if (twin) twin.replaceWith(details);
  }
  old.replaceChildren(...next.childNodes);
  old.dataset.text = text;
  for (const details of old.querySelectorAll("details[id]")) details.open = open.has(details.id);
  [...old.querySelectorAll(".scroll")].forEach((s, n) => { if (scrolled[n]) [s.scrollLeft, s.scrollTop] = scrolled[n]; });
  if (place >= 0) old.querySelectorAll("a,button,summary,[tabindex]")[place]?.focus({ preventScroll: true });
  drawAll(old);
  fillLater(old);
}

function setLive(word) {
  if (word === shown) return;
  shown = word;
  document.getElementById("live-word").textContent = word;
  document.getElementById("live").classList.toggle("is-live", word === "live");
}

function listen() {
  if (!document.querySelector("[data-live]")) {
    document.getElementById("live").hidden = true;
    return;
  }
  const events = new EventSource("/events");
  let met = false;
  events.addEventListener("hello", () => { setLive("live"); if (met) refresh(); met = true; });
  events.addEventListener("changed", refresh);
  events.onerror = () => {
    setLive("not live");
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  };
  addEventListener("pagehide", () => events.close());
}
document.addEventListener("visibilitychange", () => { if (!document.hidden && due) refresh(); });
setInterval(() => { if (!document.hidden && document.querySelector("[data-again]")) refresh(); }, 2000);
setInterval(() => { if (!document.hidden) refresh(); }, 60000);

// --- keys

let after = "";
function move(by) {
  const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
  if (!rows.length) return;
  const links = rows.map((row) => row.querySelector("a"));
  const at = links.indexOf(document.activeElement);
  links[Math.max(0, Math.min(links.length - 1, at + by))].focus();
}
function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const key = event.key;
  if (after === "g") {
    after = "";
    document.querySelector(`nav a[data-key="${CSS.escape(key)}"]`)?.click();
    return;
  }
  if (key === "g") { after = "g"; setTimeout(() => { after = ""; }, 1000); }
  else if (key === "?") document.getElementById("keys-shown").showModal();
  else if (key === "d") switchTheme();
  else if (key === "j") move(1);
  else if (key === "k") move(-1);
  else if (key === "/") {
    const field = document.querySelector(".filters input:not([type=hidden]), .filters select");
    if (field) { event.preventDefault(); field.focus(); }
  }
}

root.classList.add("has-script");
root.dataset.theme = chosenTheme() || (wantsDark.matches ? "dark" : "light");
document.addEventListener("DOMContentLoaded", () => {
  wantsDark.addEventListener("change", setTheme);
  document.getElementById("theme").addEventListener("click", switchTheme);
  document.getElementById("keys").addEventListener("click", () => document.getElementById("keys-shown").showModal());
  document.addEventListener("keydown", pressed);
  // On a phone the views lie in a row that is longer than the screen.
  document.querySelector("nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  drawAll(document);
  fillLater(document);
  listen();
});
