// One service: what it did, who does it, what it says, and how to call it.
import * as api from "./api.js";
import { actionsOf, rowsOf, stateNode, stateOf, troubleOf } from "./actions.js";
import { chart } from "./chart.js";
import { bytes, count, h, note, percent, span, table, time } from "./dom.js";
import { explorerPart } from "./explorer.js";
import { logPart } from "./log.js";
import { pastOf, SPANS } from "./past.js";

const perSecond = (value) => `${count(value)}/s`;
const bytesPerSecond = Object.assign((value) => `${bytes(value)}/s`, { isBinary: true });

function charts() {
  return [
    chart("Calls", [{ name: "calls", key: "calls" }, { name: "errors", key: "errors" }], perSecond),
    chart("Service time", [{ name: "half", key: "p50_us" }, { name: "99 %", key: "p99_us" }], time),
    chart("Waiting for a worker", [{ name: "99 %", key: "queue_p99_us" }], time),
    chart("CPU", [{ name: "of one CPU", key: "cpu" }], percent),
    chart("Memory", [{ name: "of workers", key: "memory" }], bytes),
    chart("Disk", [{ name: "read and written", key: "io" }], bytesPerSecond),
  ];
}

const methodColumns = [
  { title: "Method", left: true, key: (m) => m.name, cell: (m) => m.name },
  { title: "Total time", key: (m) => m.service.total_us, cell: (m) => time(m.service.total_us) },
  { title: "Calls", key: (m) => m.calls, cell: (m) => count(m.calls) },
  { title: "Half within", key: (m) => m.service.p50_us, cell: (m) => time(m.service.p50_us) },
  { title: "99 % within", key: (m) => m.service.p99_us, cell: (m) => time(m.service.p99_us) },
  { title: "Longest", key: (m) => m.service.max_us, cell: (m) => time(m.service.max_us) },
  { title: "Waited, 99 %", key: (m) => m.queue.p99_us, cell: (m) => time(m.queue.p99_us) },
  { title: "Errors", key: (m) => m.errors, cell: (m) => errorsOf(m) },
  { title: "In", key: (m) => m.bytes_in, cell: (m) => bytes(m.bytes_in) },
  { title: "Out", key: (m) => m.bytes_out, cell: (m) => bytes(m.bytes_out) },
];

const several = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

function errorsOf(method) {
  const kinds = Object.entries(method.errors_by_status)
    .map(([name, number]) => `${number} ${name}`).join(", ");
  return kinds || "0";
}

const workerColumns = [
  { title: "Process", left: true, key: (w) => w.pid, cell: (w) => String(w.pid) },
  { title: "State", left: true, key: (w) => w.has_left,
    cell: (w) => (w.has_left ? "has left" : "works") },
  { title: "Since", key: (w) => w.age_s, cell: (w) => span(w.age_s) },
  { title: "Calls", key: (w) => w.calls, cell: (w) => count(w.calls) },
  { title: "Errors", key: (w) => w.errors, cell: (w) => count(w.errors) },
  { title: "Busy", key: (w) => w.busy_s, cell: (w) => time(w.busy_s * 1e6) },
  { title: "Starts", key: (w) => w.starts, cell: (w) => String(w.starts) },
];

function scrolling(label, part, below = null) {
  return h("section", {}, h("div", { class: "scroll", tabindex: "0", role: "region",
    "aria-label": label }, part.element), below);
}

/** How many workers the manager is to keep. */
function scalePart(name) {
  const number = (id) => h("input", { id, type: "number", min: "1", max: "64", required: true });
  const least = number("scale-least");
  const most = number("scale-most");
  return h("form", { class: "bar", "aria-label": "Number of workers", onsubmit: async (event) => {
    event.preventDefault();
    try {
      await api.call("shmrpcd", "scale", { name, min_workers: Number(least.value),
        max_workers: Number(most.value) });
      note(`${name}: ${least.value} to ${most.value} workers from now on`);
    } catch (error) {
      note(`${name}: ${error.message}`);
    }
  } },
    h("label", { for: "scale-least" }, "At least"), least,
    h("label", { for: "scale-most" }, "at most"), most,
    h("button", { type: "submit" }, "Scale"));
}

export function servicePage(name) {
  const figures = charts();
  const drawings = h("div", { class: "charts", hidden: true },
    figures.map((figure) => figure.element));
  const noPast = h("p", { class: "soft" }, "Nothing to show yet.");
  const facts = h("p", { class: "soft" });
  const mood = h("span", {});
  const actions = h("span", {});
  const methods = table("Methods", methodColumns, (m) => m.name, 1);
  const workers = table("Workers", workerColumns, (w) => `${w.place} ${w.pid}`, 0, false);
  const rest = h("div", {});
  const scale = h("div", {});
  const choice = h("select", { id: "span", onchange: () => lookBack() },
    Object.entries(SPANS).map(([value, [title]]) => h("option", { value }, title)));
  const explorer = explorerPart(name);
  const inside = h("div", { hidden: true }, scrolling("Methods", methods),
    scrolling("Workers", workers, scale));
  let log = null;
  let managed = null;
  let shown = "";
  let ticks = 0;
  let closed = false;

  async function lookBack() {
    const value = choice.value;
    const past = await pastOf(name, managed, value).catch(() => null);
    if (past && value === choice.value && !closed) {
      // What is there fills the width, once it is a few minutes.
      const [, seconds, step] = SPANS[value];
      const room = Math.min(seconds / step, Math.max(past.calls.length, 24));
      figures.forEach((figure) => figure.update(past, room));
      [drawings.hidden, noPast.hidden] = [false, true];
    }
  }

  async function lookInside() {
    const service = await api.get(`/api/v1/services/${name}`).catch(() => null);
    if (service && !closed) {
      methods.update((service.methods ?? []).filter((method) => method.id !== 0));
      workers.update(service.places ?? []);
    }
  }

  function showHead(row) {
    const now = `${stateOf(row)} ${row.managed?.state} ${row.managed?.name} ${troubleOf(row)}`;
    if (now !== shown) {
      shown = now;
      mood.replaceChildren(stateNode(row));
      actions.replaceChildren(actionsOf(row) ?? "");
    }
    facts.textContent = [row.address, row.error,
      row.alive && `up ${span(row.uptime_s)}`,
      row.alive && several(row.workers, "worker"),
      row.alive && several(row.connections ?? 0, "connection"),
      row.managed?.restarts && several(row.managed.restarts, "restart"),
      row.managed?.last_end && `last end: ${row.managed.last_end}`]
      .filter(Boolean).join(" · ");
  }

  return {
    element: h("div", {},
      h("nav", { "aria-label": "Where you are" }, h("a", { href: "#/" }, "Services"), " / ", name),
      h("h1", {}, name), h("div", { class: "bar" }, mood, actions), facts,
      h("section", {}, h("div", { class: "bar" }, h("h2", {}, "Over time"),
        h("label", { for: "span" }, "the last"), choice),
        noPast, drawings),
      inside, rest, explorer.element),
    update(state) {
      // One that did not run yet went by the manager's name for it.
      const rows = rowsOf(state);
      const row = rows.find((at) => at.name === name) ??
        rows.find((at) => at.managed?.name === name);
      if (!row) {
        facts.textContent = "There is no such service any more.";
        mood.replaceChildren();
        actions.replaceChildren();
        shown = "";
        return;
      }
      if (row.name !== name) {
        location.replace(`#/service/${encodeURIComponent(row.name)}`);
        return;
      }
      showHead(row);
      [inside.hidden, explorer.element.hidden] = [!row.alive, !row.alive];
      if (!log && row.managed) {
        managed = row.managed.name;
        log = logPart(managed);
        rest.replaceChildren(log.element);
        if (!api.session.readOnly) scale.replaceChildren(scalePart(managed));
      }
      log?.update();
      lookInside();
      explorer.update(row.alive);
      if (ticks++ % 5 === 0) lookBack();
    },
    close() {
      closed = true;
    },
  };
}
