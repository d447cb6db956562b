// Keeps the figures fresh: asks the service once a second, and says so where it does not answer.
"use strict";

const WIDTH = 590;
const HEIGHT = 80;

function show(id, text) {
  document.getElementById(id).textContent = text;
}

function figure(value) {
  return value === null ? "-" : value.toFixed(1);
}

function list(id, tag, items, fill) {
  const made = items.map((item) => {
    const element = document.createElement(tag);
    fill(element, item);
    return element;
  });
  document.getElementById(id).replaceChildren(...made);
}

function cells(row, texts, header) {
  texts.forEach((text, number) => {
    const cell = document.createElement(header && number === 0 ? "th" : "td");
    if (header && number === 0) cell.scope = "row";
    cell.textContent = text;
    row.append(cell);
  });
}

function showState(state) {
  const told = document.getElementById("state");
  told.textContent = state.ready ? "ready" : "not ready";
  told.className = state.ready ? "good" : "bad";
  show("broker", state.broker);
  list("problems", "li", state.problems, (element, problem) => { element.textContent = problem; });
}

function showLoad(state) {
  const highest = Math.max(...state.rates);
  const step = WIDTH / (state.rates.length - 1);
  const points = state.rates.map(
    (rate, number) => `${(number * step).toFixed(1)},${(HEIGHT - (rate * HEIGHT) / Math.max(highest, 1)).toFixed(1)}`,
  );
  document.getElementById("curve").setAttribute("points", points.join(" "));
  const lately = state.rates.slice(-11, -1).reduce((sum, rate) => sum + rate, 0) / 10;
  show("rate", lately.toFixed(1));
  show("highest", highest);
  show("median", figure(state.median_ms));
  show("p99", figure(state.p99_ms));
  show("queue", state.queue);
  for (const [name, count] of Object.entries(state.counts)) show(name, count);
}

function showTables(state) {
  list("recent", "tr", state.recent, (row, one) => {
    const when = new Date(one.at * 1000).toISOString().slice(11, 19);
    cells(row, [when, one.id, one.samples, one.latency_ms.toFixed(1), one.told], false);
  });
  const device = Object.entries(state.device).sort(([one], [other]) => (one < other ? -1 : 1));
  list("device", "tr", device, (row, [name, value]) => {
    cells(row, [name, String(Number(value.toPrecision(6)))], true);
  });
}

async function refresh() {
  try {
    const answer = await fetch("live", { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const state = await answer.json();
    showState(state);
    showLoad(state);
    showTables(state);
    document.body.dataset.fresh = "yes";
  } catch (problem) {
    const told = document.getElementById("state");
    told.textContent = "the service does not answer";
    told.className = "bad";
  }
  setTimeout(refresh, 1000);
}

refresh();
