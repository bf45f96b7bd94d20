"use strict";
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const { report, verdicts, fates, strings, flows: F, packets: P, paths } = data;
const rules = report.rules;
/* A rule's place lies flat in the document. */
for (const rule of rules) rule.place = rule;
const $ = id => document.getElementById(id);
/* Rising columns come as differences. */
for (const column of [F.first, P.n, P.position, P.time]) for (let i = 1; i < column.length; i++) column[i] += column[i - 1];
const isOut = p => P.way[p] & 1, isReply = p => P.way[p] & 2;
/* Makes an element. Text is always set as text: names come from dumps and captures, which anybody may have written. */
function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") node.className = value;
    else if (key === "on") for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
    else if (key === "style") for (const [name, what] of Object.entries(value)) node.style.setProperty(name, what);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return node;
}
function svg(tag, props, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(props || {})) node.setAttribute(key, value);
  node.append(...children);
  return node;
}
const number = new Intl.NumberFormat("en");
const fmt = n => number.format(n);
const plural = (n, word) => `${fmt(n)} ${word}${n === 1 ? "" : "s"}`;
function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let unit = -1;
  do { bytes /= 1000; unit++; } while (bytes >= 1000 && unit < units.length - 1);
  return `${bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}
function span(nanos) {
  const seconds = nanos / 1e9;
  if (seconds < 1) return `${+(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 120) return `${+seconds.toFixed(2)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${+(seconds / 3600).toFixed(1)} h`;
  return `${+(seconds / 86400).toFixed(1)} days`;
}
const share = (part, whole) => whole ? `${part && part / whole < 0.001 ? "<0.1" : +(100 * part / whole).toFixed(1)}%` : "0%";
const start = Number(data.timeline.start || 0);
const clock = nanos => new Date((start + nanos / 1e9) * 1000).toISOString().replace("T", " ").replace(/\.?0*Z$/, "") + " UTC";
const offset = nanos => `+${(nanos / 1e9).toFixed(nanos < 1e12 ? 3 : 0)} s`;
const badge = verdict => el("span", { class: `badge v-${verdict}` }, verdict);
const families = report.host.rulesets.length > 1;
const placeName = p => `${families ? p.family + " " : ""}${p.table} ${p.chain} ${p.number}`;

/* ---- colours ---- */
const themes = ["auto", "light", "dark"];
const themeNames = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" };
let theme = "auto";
try { theme = themes.includes(localStorage.getItem("netverdict-theme")) ? localStorage.getItem("netverdict-theme") : "auto"; } catch { /* a file without storage */ }
function paint() {
  if (theme === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = theme;
  $("theme").replaceChildren(...themeNames[theme].split(" ").map((part, n) => el("span", { class: n ? "word" : null }, n ? ` ${part}` : part)));
  $("theme").setAttribute("aria-label", `Colours: ${theme === "auto" ? "as the system" : theme}. Change`);
}
$("theme").addEventListener("click", () => {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  try { localStorage.setItem("netverdict-theme", theme); } catch { /* kept for this page only */ }
  paint();
});
paint();

/* ---- summary ---- */
const byVerdict = new Map();
for (const total of report.totals) {
  const sum = byVerdict.get(total.verdict) || { packets: 0, bytes: 0, fates: [] };
  sum.packets += total.packets; sum.bytes += total.bytes; sum.fates.push(`${fmt(total.packets)} ${total.fate}`);
  byVerdict.set(total.verdict, sum);
}
const present = verdicts.filter(v => byVerdict.has(v));
const packetsOf = (...names) => names.reduce((sum, name) => sum + (byVerdict.get(name)?.packets || 0), 0);

function lead() {
  $("title").textContent = report.host.name;
  const stopped = packetsOf("DROP", "REJECT");
  const width = data.timeline.bins.length * data.timeline.width;
  const parts = [el("strong", null, plural(report.frames, "frame")), " of ", el("strong", null, report.captures.length === 1 ? report.captures[0].path : plural(report.captures.length, "capture"))];
  if (data.timeline.start) parts.push(", ", el("span", { class: "whole" }, clock(0)), `, over ${span(width)}. `); else parts.push(". ");
  parts.push(el("strong", null, `${share(packetsOf("ACCEPT"), report.frames)} accepted`), ", ", el("strong", null, `${share(stopped, report.frames)} stopped`));
  const open = packetsOf("UNKNOWN");
  if (open) parts.push(", ", el("strong", null, `${share(open, report.frames)} undecided`));
  parts.push(` in ${plural(F.id.length, "flow")}.`);
  $("lead").append(...parts);
}
function alerts() {
  const say = (bad, title, text) => $("alerts").append(el("div", { class: bad ? "alert bad" : "alert" }, el("b", null, title), el("span", null, text)));
  if (report.evidence.contradicted) say(true, "Contradicted", `${plural(report.evidence.contradicted, "captured frame")} left the host otherwise than its rules say. Either other rules were live or the host is not as described: see the notes.`);
  if (packetsOf("UNKNOWN")) say(false, "Undecided", `The verdict of ${plural(packetsOf("UNKNOWN"), "packet")} hangs on something that the inputs do not tell: see the notes.`);
  const nowhere = report.assumptions.filter(a => a.subject === "local-addresses" && a.text.startsWith("no "));
  if (nowhere.length) say(false, "Whose address?", `${nowhere[0].text[0].toUpperCase()}${nowhere[0].text.slice(1)}. To say otherwise: ${nowhere[0].flag}.`);
  if (report.warnings.length) say(false, plural(report.warnings.length, "warning"), report.warnings[0] + (report.warnings.length > 1 ? " …" : ""));
  if (data.frames_omitted) say(false, "Not all", `${plural(data.frames_omitted, "frame")} are of flows beyond the number that this page lists; sums and rules count them.`);
}
function cards() {
  for (const verdict of present) {
    const sum = byVerdict.get(verdict);
    $("cards").append(el("button", { type: "button", class: `card v-${verdict}`, title: `Show flows with ${verdict}`, on: { click: () => { only(verdict); go("flows"); } } },
      el("span", { class: "name" }, verdict), el("span", { class: "big" }, fmt(sum.packets)),
      el("small", null, `${share(sum.packets, report.frames)} · ${size(sum.bytes)}`), el("small", null, sum.fates.join(", "))));
  }
}
const go = id => $(id).scrollIntoView({ block: "start" });

/* ---- charts ---- */
function timeChart() {
  const holder = $("time-chart");
  holder.replaceChildren();
  const bins = data.timeline.bins;
  if (!bins.length) { holder.append(el("p", { class: "empty" }, "No packet.")); return; }
  const W = Math.max(280, Math.min(1200, holder.clientWidth || 1100)), H = 210, L = 46, B = 24, T = 8, narrow = W < 600;
  const wanted = narrow ? 48 : 96;
  const step = Math.max(1, Math.ceil(bins.length / wanted));
  const bars = [];
  for (let i = 0; i < bins.length; i += step) bars.push(verdicts.map((_, v) => bins.slice(i, i + step).reduce((sum, bin) => sum + bin[v], 0)));
  const nanos = data.timeline.width * step;
  const top = Math.max(...bars.map(bar => bar.reduce((a, b) => a + b, 0)));
  const w = (W - L) / bars.length, h = H - B - T;
  const chart = svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Packets over ${span(bars.length * nanos)} by verdict, at most ${fmt(top)} in ${span(nanos)}` });
  for (const part of [0, 0.5, 1]) {
    const y = T + h * (1 - part);
    chart.append(svg("line", { x1: L, x2: W, y1: y, y2: y }));
    if (top * part === Math.round(top * part)) { const label = svg("text", { x: L - 8, y: y + 4, "text-anchor": "end" }); label.textContent = fmt(top * part); chart.append(label); }
  }
  bars.forEach((bar, i) => {
    const group = svg("g");
    const x = L + i * w;
    const title = svg("title");
    title.textContent = `${offset(i * nanos)} to ${offset((i + 1) * nanos)}\n` + (verdicts.filter((_, v) => bar[v]).map(v => `${v} ${fmt(bar[verdicts.indexOf(v)])}`).join("\n") || "no packet");
    group.append(title, svg("rect", { class: "slot", x, y: T, width: w, height: h }));
    let y = T + h;
    bar.forEach((count, v) => {
      if (!count) return;
      const height = Math.max(1, h * count / top);
      y -= height;
      group.append(svg("rect", { class: `bar v-${verdicts[v]}`, x: x + w * 0.1, y, width: Math.max(1, w * 0.8), height }));
    });
    chart.append(group);
  });
  for (const part of narrow ? [0, 1] : [0, 0.25, 0.5, 0.75, 1]) {
    const label = svg("text", { x: L + (W - L) * part, y: H - 6, "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle" });
    label.textContent = part === 0 ? clock(0).replace(/\.\d+/, "") : "+" + span(part * bars.length * nanos);
    chart.append(label);
  }
  holder.append(chart);
  $("legend").replaceChildren();
  for (const verdict of present) $("legend").append(el("span", { class: `v-${verdict}` }, verdict));
}
function bars(holder, rows, none) {
  if (!rows.length) { holder.append(el("p", { class: "empty" }, none)); return; }
  const top = Math.max(...rows.map(row => row.n));
  for (const row of rows) holder.append(el("button", { type: "button", class: `bar-row v-${row.verdict || ""}`, title: row.title, on: { click: row.run } },
    el("span", { class: "label" }, row.label), el("span", { class: "n" }, fmt(row.n)), el("span", { class: "track" }, el("span", { class: "fill", style: { width: `${100 * row.n / top}%` } }))));
}
/* The verdict that a rule's target stands for, to colour it; none where it is a chain's name. */
function verdictOf(text) {
  const target = /(?:^| )-[jg] (\S+)/.exec(text)?.[1] || /^:\S+ (\S+)/.exec(text)?.[1] || "";
  if (verdicts.includes(target)) return target;
  return { NFQUEUE: "QUEUE", DNAT: "QUEUE", SNAT: "QUEUE", MASQUERADE: "QUEUE", REDIRECT: "QUEUE" }[target] || "";
}
function topCharts() {
  const top = rules.map((rule, i) => ({ rule, i })).filter(r => r.rule.decided).sort((a, b) => b.rule.decided - a.rule.decided).slice(0, 8);
  bars($("rule-chart"), top.map(({ rule, i }) => ({ n: rule.decided, label: `${placeName(rule.place)}  ${rule.text.replace(/^-A \S+ /, "").replace(/^:\S+ /, "")}`, title: rule.text, verdict: verdictOf(rule.text), run: () => { filterRule(i); go("flows"); } })), "No rule decided a verdict.");
  bars($("source-chart"), data.sources.slice(0, 8).map(([address, n]) => ({ n, label: address, title: `Show flows of ${address} that were stopped`, verdict: "DROP", run: () => { only("DROP", "REJECT"); setSearch(address); go("flows"); } })), "Nothing was stopped.");
  if (data.sources_total > 8) $("source-chart").append(el("p", { class: "hint" }, `and ${plural(data.sources_total - 8, "more source")}`));
}

/* ---- flows ---- */
const ends = (address, port) => address === 0 && port === null ? "" : port === null ? strings[address] : strings[address].includes(":") ? `[${strings[address]}]:${port}` : `${strings[address]}:${port}`;
const sourceOf = i => ends(F.source[i], F.source_port[i]) || strings[F.reason[i]] || "";
const destinationOf = i => ends(F.destination[i], F.destination_port[i]);
const byOf = i => { const rule = F.rule[i]; return rule !== null ? placeName(rules[rule].place) + (F.reason[i] ? `: ${strings[F.reason[i]]}` : "") : strings[F.reason[i]]; };
const state = { search: "", verdicts: new Set(), protocol: "", rule: null, sort: "first", descending: false };
let view = [];
let active = -1;
const grid = $("grid"), body = $("grid-body");
const phone = matchMedia("(max-width: 820px)");
const rowHeight = () => phone.matches ? 62 : 38;
const haystacks = [];
/* What a search looks in; made when first searched and kept. */
function haystack(i) {
  return haystacks[i] ??= `${strings[F.protocol[i]]} ${sourceOf(i)} ${destinationOf(i)} ${byOf(i)} ${verdicts[F.verdict[i]]} ${fates[F.fate[i]]} ${strings[F.interface[i]]} ${strings[F.nat[i]]} flow ${F.id[i] ?? ""}`.toLowerCase();
}
const columns = [
  { id: "verdict", name: "Verdict", key: i => F.verdict[i], cell: i => badge(verdicts[F.verdict[i]]) },
  { id: "source", name: "Source", text: true, key: i => addressKey(F.source[i], F.source_port[i]), cell: i => end(F.source[i], F.source_port[i], sourceOf(i)) },
  { id: "destination", name: "Destination", text: true, key: i => addressKey(F.destination[i], F.destination_port[i]), cell: i => end(F.destination[i], F.destination_port[i], destinationOf(i)) },
  { id: "protocol", name: "Protocol", text: true, key: i => strings[F.protocol[i]], cell: i => strings[F.protocol[i]] || "–" },
  { id: "packets", name: "Packets", num: true, key: i => F.packets[i], cell: i => fmt(F.packets[i]) },
  { id: "bytes", name: "Bytes", num: true, key: i => F.bytes[i], cell: i => size(F.bytes[i]) },
  { id: "first", name: "First", num: true, key: i => F.first[i], cell: i => offset(F.first[i]) },
  { id: "by", name: "Decided by", text: true, key: i => F.rule[i] ?? rules.length + F.reason[i], cell: i => byOf(i) },
];
const addressKeys = new Map();
/* Addresses in the order of their numbers, not of their letters. */
function addressKey(address, port) {
  let key = addressKeys.get(address);
  if (key === undefined) {
    const text = strings[address];
    key = text.includes(":") ? "6" + wide(text) : text.split(".").map(part => part.padStart(3, "0")).join(".");
    addressKeys.set(address, key);
  }
  return key + String(port ?? 0).padStart(6, "0");
}
function wide(text) {
  const [head, tail] = text.split("::");
  const left = head ? head.split(":") : [], right = tail ? tail.split(":") : [];
  const middle = tail === undefined ? [] : Array(Math.max(0, 8 - left.length - right.length)).fill("0");
  return [...left, ...middle, ...right].map(part => part.padStart(4, "0")).join(":");
}
function end(address, port, text) {
  if (port === null || !text) return text || "–";
  const cut = text.lastIndexOf(":");
  return [text.slice(0, cut), el("i", null, text.slice(cut))];
}
function gridHead() {
  const head = $("grid-head");
  head.replaceChildren(...columns.map((column, n) => el("div", { role: "columnheader", class: column.num ? "num" : null, "aria-colindex": n + 1, "aria-sort": state.sort === column.id ? state.descending ? "descending" : "ascending" : "none" },
    el("button", { type: "button", on: { click: () => sortBy(column.id) } }, column.name))));
  grid.setAttribute("aria-colcount", columns.length);
}
function sortBy(id) {
  const column = columns.find(c => c.id === id);
  if (state.sort === id) state.descending = !state.descending;
  else { state.sort = id; state.descending = Boolean(column.num) && id !== "first"; }
  gridHead();
  refresh();
  grid.querySelector(`[aria-sort]:not([aria-sort="none"]) button`)?.focus();
}
function refresh() {
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  let mask = 0;
  verdicts.forEach((v, bit) => { if (state.verdicts.has(v)) mask |= 1 << bit; });
  view = [];
  for (let i = 0; i < F.id.length; i++) {
    if (mask && !(F.mask[i] & mask)) continue;
    if (state.protocol && strings[F.protocol[i]] !== state.protocol) continue;
    if (state.rule !== null && F.rule[i] !== state.rule) continue;
    if (words.length) { const text = haystack(i); if (!words.every(word => text.includes(word))) continue; }
    view.push(i);
  }
  const column = columns.find(c => c.id === state.sort);
  if (!(state.sort === "first" && !state.descending)) {
    const keys = new Array(F.id.length);
    for (const i of view) keys[i] = column.key(i);
    const sign = state.descending ? -1 : 1;
    view.sort((a, b) => (keys[a] < keys[b] ? -sign : keys[a] > keys[b] ? sign : a - b));
  }
  active = -1;
  grid.removeAttribute("aria-activedescendant");
  body.style.height = `${Math.max(view.length, 1) * rowHeight()}px`;
  grid.style.height = `min(70vh, ${Math.max(view.length, 2) * rowHeight() + (phone.matches ? 2 : 43)}px)`;
  grid.setAttribute("aria-rowcount", view.length + 1);
  $("flow-count").textContent = view.length === F.id.length ? plural(F.id.length, "flow") : `${fmt(view.length)} of ${plural(F.id.length, "flow")}`;
  grid.scrollTop = 0;
  draw();
}
let shown = "";
/* Only rows in sight exist. */
function draw(force = true) {
  const height = rowHeight();
  const from = Math.max(0, Math.floor(grid.scrollTop / height) - 8);
  const to = Math.min(view.length, Math.ceil((grid.scrollTop + (grid.clientHeight || 640)) / height) + 8);
  const key = `${from}-${to}`;
  if (!force && key === shown) return;
  shown = key;
  const rows = [];
  for (let at = from; at < to; at++) {
    const i = view[at];
    rows.push(el("div", { role: "row", id: `flow-${i}`, class: at === active ? "row flow active" : "row flow", "aria-rowindex": at + 2, "aria-selected": at === active ? "true" : "false", style: { top: `${at * height}px` }, on: { click: () => { activate(at); open(i); } } },
      columns.map((column, n) => el("div", { role: "gridcell", "aria-colindex": n + 1, class: `c-${column.id}${column.num ? " num" : ""}${column.id === "source" || column.id === "destination" ? " end" : ""}${column.id === "by" ? " by" : ""}`, title: column.id === "by" && F.rule[i] !== null ? rules[F.rule[i]].text : null }, column.cell(i)))));
  }
  if (!view.length) rows.push(el("p", { class: "empty", style: { padding: "0 1rem" } }, "No flow is like that."));
  body.replaceChildren(...rows);
}
function activate(at) {
  active = Math.max(0, Math.min(view.length - 1, at));
  const height = rowHeight(), head = phone.matches ? 0 : 40;
  const top = active * height;
  if (top < grid.scrollTop) grid.scrollTop = top;
  else if (top + height + head > grid.scrollTop + grid.clientHeight) grid.scrollTop = top + height + head - grid.clientHeight;
  draw();
  grid.setAttribute("aria-activedescendant", `flow-${view[active]}`);
}
grid.addEventListener("scroll", () => draw(false), { passive: true });
grid.addEventListener("keydown", event => {
  if (event.target !== grid || !view.length) return;
  const page = Math.max(1, Math.floor(grid.clientHeight / rowHeight()) - 2);
  const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: view.length - 1 }[event.key];
  if (to !== undefined) { event.preventDefault(); activate(to); }
  else if (event.key === "Enter" && active >= 0) { event.preventDefault(); open(view[active]); }
});
phone.addEventListener("change", () => refresh());
let drawnFor = innerWidth;
addEventListener("resize", () => { draw(); if (innerWidth !== drawnFor) { drawnFor = innerWidth; timeChart(); } });
document.addEventListener("keydown", event => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && !$("detail").open) { event.preventDefault(); $("search").focus(); }
});
let typing;
$("search").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => { state.search = $("search").value; refresh(); }, 120); });
function setSearch(text) { $("search").value = text; state.search = text; refresh(); }
const flowVerdicts = verdicts.filter((_, bit) => F.mask.some(mask => mask & (1 << bit)));
function chips() {
  $("chips").replaceChildren(...flowVerdicts.map(verdict => el("button", { type: "button", class: `chip v-${verdict}`, "aria-pressed": state.verdicts.has(verdict) ? "true" : "false", on: { click: event => {
    if (!state.verdicts.delete(verdict)) state.verdicts.add(verdict);
    event.target.setAttribute("aria-pressed", state.verdicts.has(verdict) ? "true" : "false");
    refresh();
  } } }, verdict)));
}
function only(...names) { state.verdicts = new Set(names); chips(); refresh(); }
function protocols() {
  const all = [...new Set(F.protocol)].map(p => strings[p]).filter(Boolean).sort();
  $("protocol").append(el("option", { value: "" }, "All protocols"), ...all.map(p => el("option", { value: p }, p)));
  $("protocol").addEventListener("change", () => { state.protocol = $("protocol").value; refresh(); });
}
function filterRule(rule) {
  state.rule = rule;
  state.verdicts.clear(); chips();
  $("pills").replaceChildren();
  if (rule !== null) $("pills").append(el("button", { type: "button", "aria-label": `Decided by ${placeName(rules[rule].place)}: show all again`, on: { click: () => filterRule(null) } }, `decided by ${placeName(rules[rule].place)}  ✕`));
  refresh();
}

/* ---- one flow ---- */
const dialog = $("detail");
let packetsByFlow;
function packetsOfFlow(flow) {
  if (!packetsByFlow) { packetsByFlow = new Map(); P.flow.forEach((f, p) => { const list = packetsByFlow.get(f); if (list) list.push(p); else packetsByFlow.set(f, [p]); }); }
  return packetsByFlow.get(flow) || [];
}
function ruleLink(index, text) {
  return el("a", { href: `#rule-${index}`, on: { click: event => { event.preventDefault(); dialog.close(); showRule(index); } } }, text || placeName(rules[index].place));
}
const fact = (name, ...what) => what.some(w => w !== "" && w !== null && w !== undefined) ? [el("dt", null, name), el("dd", null, ...what)] : [];
function open(flow) {
  const list = packetsOfFlow(flow);
  const arrow = destinationOf(flow) ? ` → ${destinationOf(flow)}` : "";
  const counts = F.packets[flow] === 1 ? "1 packet" : `${plural(F.packets[flow], "packet")}, ${size(F.bytes[flow])}, over ${span(F.lasts[flow])}`;
  const rule = F.rule[flow];
  const facts = el("dl", { class: "facts" },
    fact("Traffic", counts), fact("First seen", `${clock(F.first[flow])}, ${F.out[flow] ? "going out" : "coming in"}${F.interface[flow] ? ` on ${strings[F.interface[flow]]}` : ""}`),
    F.stopped[flow] && F.stopped[flow] !== F.packets[flow] ? fact("Stopped", `${fmt(F.stopped[flow])} of ${plural(F.packets[flow], "packet")}`) : [],
    rule !== null ? fact("Decided by", ruleLink(rule), rules[rule].place.line ? `, line ${rules[rule].place.line}` : "", el("div", { class: "mono" }, ...coloured(rules[rule].text))) : [],
    fact("Reason", strings[F.reason[flow]]), fact("Leaves as", strings[F.nat[flow]]), fact("Flow", F.id[flow] === null ? "no connection" : String(F.id[flow])));
  const way = el("div", { class: "d-part" });
  const table = el("tbody");
  const rows = list.map((p, n) => el("tr", { tabindex: "0", "aria-selected": "false", on: { click: () => select(n), keydown: event => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); select(n); }
    const next = event.key === "ArrowDown" ? rows[n + 1] : event.key === "ArrowUp" ? rows[n - 1] : null;
    if (next) { event.preventDefault(); next.focus(); }
  } } },
    el("td", { class: "num" }, fmt(P.n[p])), el("td", { class: "num" }, offset(P.time[p])), el("td", null, `${isReply(p) ? "←" : "→"} ${isOut(p) ? "out" : "in"} ${strings[P.interface[p]]}`), el("td", { class: "num" }, fmt(P.length[p])), el("td", null, badge(verdicts[P.verdict[p]])), el("td", null, fates[P.fate[p]]), el("td", null, strings[P.state[p]] || "–"), el("td", null, P.rule[p] !== null ? placeName(rules[P.rule[p]].place) : strings[P.reason[p]])));
  function select(n) {
    rows.forEach((row, at) => row.setAttribute("aria-selected", at === n ? "true" : "false"));
    way.replaceChildren(...wayOf(list[n]));
  }
  table.append(...rows);
  const omitted = F.packets[flow] - list.length;
  $("detail-body").replaceChildren(
    el("div", { class: "d-head" }, badge(verdicts[F.verdict[flow]]), el("h2", { id: "detail-title" }, `${strings[F.protocol[flow]]} ${sourceOf(flow)}${arrow}`.trim()), el("button", { type: "button", class: "plain", on: { click: () => dialog.close() } }, "Close")),
    el("div", { class: "d-part" }, facts),
    list.length ? el("div", { class: "d-part" }, el("h3", null, "Packets"),
      el("div", { class: "packets" }, el("table", null, el("thead", null, el("tr", null, ...[["frame", 1], ["time", 1], ["way"], ["length", 1], ["verdict"], ["fate"], ["state"], ["decided by"]].map(([name, num]) => el("th", { class: num ? "num" : null, scope: "col" }, name)))), table)),
      omitted > 0 ? el("p", { class: "hint" }, `${plural(omitted, "more packet")} of this flow ${omitted === 1 ? "is" : "are"} not listed here; --format packets has every one.`) : null) : null,
    way);
  if (list.length) { const telling = list.findIndex(p => P.verdict[p] === F.verdict[flow]); select(Math.max(0, telling)); rows[Math.max(0, telling)].scrollIntoView({ block: "nearest" }); }
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}
dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
dialog.addEventListener("close", () => { if (active >= 0) grid.focus({ preventScroll: true }); });
const quote = text => /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
function wayOf(p) {
  const title = el("h3", null, `Way of frame ${fmt(P.n[p])}`, report.captures.length > 1 ? ` of ${report.captures[P.file[p]]?.path ?? "?"}` : "");
  const list = el("ol", { class: "way" });
  let depth = 0;
  const step = (name, ...what) => list.append(el("li", { class: name }, el("span", { class: "in", style: { "--d": depth } }, ...what)));
  for (const [kind, at] of paths[P.path[p] - 1] || []) {
    if (kind === "hook") { depth = 0; step("hook", strings[at]); }
    else if (kind === "table") { depth = 0; step("table", `table ${strings[at]}`); }
    else if (kind === "skipped") { depth = 0; step("skipped", `table ${strings[at]}`); }
    else if (kind === "rule") step("rule-step", ruleLink(at), el("span", { class: "mono" }, ...coloured(rules[at].text)));
    else if (kind === "policy") { depth = 0; step("rule-step", ruleLink(at), el("span", { class: "mono" }, ...coloured(rules[at].text))); }
    else if (kind === "enter") depth++;
    else if (kind === "return") { depth = Math.max(0, depth - 1); step("return", "back to the calling chain"); }
    else step("said", strings[at]);
  }
  if (!P.path[p]) step("said", fates[P.fate[p]] === "evidence" ? "Not replayed: it is the captured copy of an earlier frame, whose verdict it has." : "Not replayed: no packet that iptables sees.");
  depth = 0;
  const verdict = verdicts[P.verdict[p]];
  list.append(el("li", { class: `end v-${verdict}` }, badge(verdict), ` ${fates[P.fate[p]]}${P.leaves_by[p] && fates[P.fate[p]] !== "local" ? ` by ${strings[P.leaves_by[p]]}` : ""}${P.reason[p] ? `: ${strings[P.reason[p]]}` : ""}`));
  const notes = strings[P.notes[p]].split("\n").filter(Boolean);
  const command = `netverdict trace ${quote(data.host)} ${report.captures.map(c => quote(c.path)).join(" ")} --packet ${P.position[p]}`;
  const copy = el("button", { type: "button", class: "plain", on: { click: async () => { try { await navigator.clipboard.writeText(command); copy.textContent = "Copied"; } catch { getSelection().selectAllChildren(code); } } } }, "Copy");
  const code = el("code", null, command);
  return [title, list, notes.length ? el("ul", { class: "notes-of" }, ...notes.map(note => el("li", null, note))) : null, el("p", { class: "hint" }, "Every match that it met, and why it did or did not match (with the options that this replay was given):"), el("div", { class: "cmd" }, code, copy)].filter(Boolean);
}

/* ---- rules ---- */
/* A dump's line with its options, strings and target told apart. */
function coloured(text) {
  const parts = text.match(/"(?:[^"\\]|\\.)*"|\S+|\s+/g) || [];
  let jump = false;
  return parts.map(part => {
    if (/^\s+$/.test(part)) return part;
    if (jump) { jump = false; return el("span", { class: `t-jump v-${verdictOf(` -j ${part}`)}` }, part); }
    if (part === "-j" || part === "-g") { jump = true; return el("span", { class: "t-opt" }, part); }
    if (/^--?[a-zA-Z]/.test(part)) return el("span", { class: "t-opt" }, part);
    if (part.startsWith("\"")) return el("span", { class: "t-str" }, part);
    return part;
  });
}
const ruleNodes = [];
const tableOf = rule => `${rule.place.family} ${rule.place.table}`;
const hottest = new Map();
for (const rule of rules) hottest.set(tableOf(rule), Math.max(1, rule.packets, hottest.get(tableOf(rule)) || 0));
function ruleRow(index) {
  const rule = rules[index];
  const heat = rule.packets ? 0.15 + 0.85 * Math.log(1 + rule.packets) / Math.log(1 + hottest.get(tableOf(rule))) : 0;
  return el("div", { class: `rule${rule.packets ? "" : " idle"}`, id: `rule-${index}`, style: { "--heat": heat.toFixed(2) } },
    el("span", { class: "no", title: "line of the dump" }, rule.place.line ?? ""),
    el("span", { class: "hits" }, fmt(rule.packets), rule.packets ? el("small", null, size(rule.bytes)) : null),
    el("span", { class: "dec" }, rule.decided ? el("button", { type: "button", title: "Show the flows that it decided", "aria-label": `Decided ${plural(rule.decided, "packet")}: show the flows`, on: { click: () => { filterRule(index); go("flows"); } } }, fmt(rule.decided)) : null, rule.undecided ? el("span", { class: "badge v-UNKNOWN", title: "packets that met it and could not be decided" }, `? ${fmt(rule.undecided)}`) : null),
    el("span", { class: "text" }, ...coloured(rule.text)));
}
const chains = [];
function ruleset() {
  const holder = $("ruleset");
  let file, last = {}, box;
  rules.forEach((rule, index) => {
    const { family, table, chain } = rule.place;
    if (family !== last.family) {
      const about = report.host.rulesets.find(r => r.family === family) || {};
      file = el("div", { class: "file" }, el("h3", null, about.path || family, el("small", null, `${family} · ${about.backend || ""} · ${plural(about.rules || 0, "rule")}`)));
      holder.append(file); last = {};
    }
    if (table !== last.table) { file.append(el("div", { class: "table-name" }, `table ${table}`)); last = {}; }
    if (chain !== last.chain) {
      box = { first: index, last: index, node: null, filled: false };
      const summary = el("summary", null, el("span", { class: "chain-name" }, chain), el("small", null));
      box.node = el("details", { class: "chain" }, summary);
      box.note = summary.lastChild;
      const own = box;
      own.node.addEventListener("toggle", () => { if (own.node.open) fill(own); });
      chains.push(box); file.append(box.node);
    }
    box.last = index;
    last = { family, table, chain };
  });
  const few = rules.length <= 1500;
  for (const chain of chains) {
    const own = rules.slice(chain.first, chain.last + 1);
    const real = own.filter(r => r.place.number !== "policy");
    const hit = real.filter(r => r.packets).length;
    const policy = own.find(r => r.place.number === "policy");
    chain.note.textContent = `${real.length ? `${hit} of ${plural(real.length, "rule")} matched` : "no rules"}${policy ? ` · ${policy.text.replace(/^:\S+ /, "policy ")}` : ""}`;
    if (few && own.some(r => r.packets)) { chain.node.open = true; fill(chain); }
  }
  const real = rules.filter(r => r.place.number !== "policy");
  $("rule-count").textContent = `${fmt(real.filter(r => r.packets).length)} of ${plural(real.length, "rule")} matched`;
}
const chainOf = index => chains.find(c => index >= c.first && index <= c.last);
function fill(chain) {
  if (chain.filled) return;
  chain.filled = true;
  const rows = [el("div", { class: "rule rule-head", "aria-hidden": "true" }, el("span", null, "line"), el("span", null, "matched"), el("span", null, "decided"), el("span", null, "rule"))];
  for (let index = chain.first; index <= chain.last; index++) { const row = ruleRow(index); ruleNodes[index] = row; row.hidden = !isWanted(index); rows.push(row); }
  chain.node.append(...rows);
}
const ruleView = { search: "", which: "all" };
function isWanted(index) {
  const rule = rules[index];
  const which = { all: true, hit: rule.packets > 0, idle: rule.packets === 0 && rule.place.number !== "policy", decided: rule.decided > 0 }[ruleView.which];
  return which && ruleView.search.toLowerCase().split(/\s+/).every(word => `${rule.text} ${placeName(rule.place)}`.toLowerCase().includes(word));
}
function filterRules() {
  let count = 0;
  for (const chain of chains) {
    let any = false;
    for (let index = chain.first; index <= chain.last; index++) if (isWanted(index)) { any = true; if (rules[index].place.number !== "policy") count++; }
    const filtered = ruleView.search || ruleView.which !== "all";
    chain.node.hidden = filtered && !any;
    if (filtered && any && count < 3000) { fill(chain); chain.node.open = true; }
    if (chain.filled) for (let index = chain.first; index <= chain.last; index++) ruleNodes[index].hidden = !isWanted(index);
  }
  const real = rules.filter(r => r.place.number !== "policy");
  $("rule-count").textContent = ruleView.search || ruleView.which !== "all" ? `${fmt(count)} of ${plural(real.length, "rule")}` : `${fmt(real.filter(r => r.packets).length)} of ${plural(real.length, "rule")} matched`;
}
let ruleTyping;
$("rule-search").addEventListener("input", () => { clearTimeout(ruleTyping); ruleTyping = setTimeout(() => { ruleView.search = $("rule-search").value; filterRules(); }, 150); });
$("rule-filter").addEventListener("change", () => { ruleView.which = $("rule-filter").value; filterRules(); });
function showRule(index) {
  if (!isWanted(index)) { ruleView.search = ""; ruleView.which = "all"; $("rule-search").value = ""; $("rule-filter").value = "all"; filterRules(); }
  const chain = chainOf(index);
  chain.node.open = true; fill(chain);
  document.querySelectorAll(".rule.target").forEach(node => node.classList.remove("target"));
  ruleNodes[index].classList.add("target");
  ruleNodes[index].scrollIntoView({ block: "center" });
}

/* ---- notes ---- */
function notes() {
  const holder = $("notes-body");
  const panel = (title, content) => content && holder.append(el("div", { class: "panel" }, el("h3", null, title), content));
  const most = 100;
  const items = rows => rows.length ? el("ul", null, ...rows.slice(0, most).map(row => el("li", null, ...[row].flat())), rows.length > most ? el("li", null, `and ${fmt(rows.length - most)} more: --format json has all`) : null) : null;
  panel("Assumed", items(report.assumptions.map(a => [a.text, " ", el("code", null, a.flag)])));
  panel("Warnings", items(report.warnings));
  panel("Undecided", items(report.unknowns.map(u => [u.rule ? ruleLink(rules.findIndex(r => r.place.family === u.rule.family && r.place.table === u.rule.table && r.place.chain === u.rule.chain && r.place.number === u.rule.number), placeName(u.rule)) : "the path", `: ${u.why}. ${plural(u.packets, "packet")} met it, the verdict of ${fmt(u.decides)} hangs on it`])));
  const evidence = report.evidence;
  if (evidence.agreed || evidence.contradicted) panel("Held against the capture", el("div", null, el("p", null, `${plural(evidence.agreed, "captured frame")} left as the model says, ${fmt(evidence.contradicted)} did not.`), items(evidence.contradictions.map(c => `frame ${fmt(c.of_n)}: ${c.what}, frame ${fmt(c.frame.n)}`))));
  panel("Beside the rules", items(report.reasons.map(r => `${fmt(r.packets)} ${r.verdict} ${r.fate}: ${r.reason}`)));
  panel("Sent by the firewall itself", items(report.emitted.map(e => `${fmt(e.packets)} ${e.what}`)));
  const dl = rows => el("dl", null, ...rows.flatMap(([name, what]) => [el("dt", null, name), el("dd", null, what)]));
  panel("Inputs", dl([...report.host.files.map(f => [f.command, f.path]), ...report.captures.map(c => ["capture", `${c.path}: ${c.format}${c.compression ? `, ${c.compression}` : ""}, ${plural(c.frames, "frame")}${c.interfaces.length ? `, ${c.interfaces.join(" ")}` : ""}`])]));
  const s = report.settings;
  panel("Settings", dl([["kernel tick", `${s.hz} Hz`], ["seed", String(s.seed)], ["checksums", s.checksums], ["unknown matches", s.unknown], ["captures", s.separate ? "each a fresh host" : "one stream"], ["counters", s.keep_counters ? "from the dump's" : "from 0"]]));
  $("foot").textContent = `Written by netverdict ${report.version}. This page is one file and asks no network for anything.`;
}

$("main").hidden = false;
lead(); alerts(); cards(); timeChart(); topCharts(); gridHead(); chips(); protocols(); ruleset(); notes();
refresh();
const asked = /^#(rule|flow)-(\d+)$/.exec(location.hash);
if (/^#(flows|rules|notes)$/.test(location.hash)) go(location.hash.slice(1));
if (asked && asked[1] === "rule" && rules[asked[2]]) showRule(Number(asked[2]));
if (asked && asked[1] === "flow" && F.id[asked[2]] !== undefined) open(Number(asked[2]));
})();
