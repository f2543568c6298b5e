// One service: its figures, its workers, its log, and how to call it.
import * as api from "./api.js";
import { actionsOf, isPlain, rowsOf, stateNode, stateOf, troubleOf } from "./actions.js";
import { charts } from "./chart.js";
import { bytes, clock, count, day, h, note, percent, span, table, time } from "./dom.js";
import { explorerPart } from "./explorer.js";
import { logPart } from "./log.js";
import { pastOf, SPANS, statusesOf } from "./past.js";

// The scale of a chart ends at `least` or above, because smaller values are negligible.
const share = Object.assign((value) => percent(value), { least: 0.01 });
const perSecond = (value) => `${count(value)}/s`;
const bytesPerSecond = Object.assign((value) => `${bytes(value)}/s`, { isBinary: true, least: 3072 });

/** For a service that can't be called, lines without points are left out. */
const lines = (...pairs) => (past) => pairs
  .filter(([, key]) => past.lines[key]?.length > 0 || past.isCalled)
  .map(([name, key]) => ({ name, key }));

/** The series of each status that occurred; if there are none, the line of all errors. */
function errorLines(past) {
  const statuses = statusesOf(past);
  return statuses.length > 0 ? statuses : lines(["errors", "errors"])(past);
}

const specs = [
  { title: "Calls", linesOf: lines(["calls", "calls"]), format: perSecond },
  { title: "Errors", linesOf: errorLines, format: perSecond },
  { title: "Latency", format: time,
    linesOf: lines(["p50", "p50_us"], ["p99", "p99_us"], ["queue p99", "queue_p99_us"]) },
  { title: "CPU", linesOf: () => [{ name: "all processes", key: "cpu" }], format: share },
  { title: "Memory", linesOf: lines(["PSS", "memory"]), format: bytes },
  { title: "Disk", linesOf: lines(["read and written", "io"]), format: bytesPerSecond },
];

const methodColumns = [
  { title: "Method", left: true, key: (m) => m.name, cell: (m) => m.name },
  { title: "Total time", key: (m) => m.service.total_us, cell: (m) => time(m.service.total_us) },
  { title: "Calls", key: (m) => m.calls, cell: (m) => count(m.calls) },
  { title: "p50", key: (m) => m.service.p50_us, cell: (m) => time(m.service.p50_us) },
  { title: "p99", key: (m) => m.service.p99_us, cell: (m) => time(m.service.p99_us) },
  { title: "max", key: (m) => m.service.max_us, cell: (m) => time(m.service.max_us) },
  { title: "queue p99", key: (m) => m.queue.p99_us, cell: (m) => time(m.queue.p99_us) },
  { title: "Errors", key: (m) => m.errors, cell: (m) => count(m.errors) },
  { title: "In", key: (m) => m.bytes_in, cell: (m) => bytes(m.bytes_in) },
  { title: "Out", key: (m) => m.bytes_out, cell: (m) => bytes(m.bytes_out) },
];

/** Columns for methods that have had streams. Rates are since the last sample. */
const streamColumns = [
  { title: "Method", left: true, key: (m) => m.name, cell: (m) => m.name },
  { title: "Open", key: (m) => m.streams.open, cell: (m) => count(m.streams.open) },
  { title: "Opened", key: (m) => m.streams.opened, cell: (m) => count(m.streams.opened) },
  { title: "Items/s", key: (m) => m.itemsPerS, cell: (m) => count(m.itemsPerS) },
  { title: "Items in", key: (m) => m.streams.items_in, cell: (m) => count(m.streams.items_in) },
  { title: "Items out", key: (m) => m.streams.items_out, cell: (m) => count(m.streams.items_out) },
  { title: "Stalled", key: (m) => m.streams.stalled_s,
    cell: (m) => time(m.streams.stalled_s * 1e6) },
  { title: "In", key: (m) => m.streams.bytes_in, cell: (m) => bytes(m.streams.bytes_in) },
  { title: "Out", key: (m) => m.streams.bytes_out, cell: (m) => bytes(m.streams.bytes_out) },
];

/** Adds rates to methods with streams, computed from their previous counts. */
function ratesOf(methods, last) {
  const now = performance.now();
  return methods.filter((method) => method.streams).map((method) => {
    const items = method.streams.items_in + method.streams.items_out;
    const before = last.get(method.name);
    last.set(method.name, { items, now });
    const seconds = before ? (now - before.now) / 1000 : 0;
    return { ...method, itemsPerS: seconds > 0 ? Math.max(0, items - before.items) / seconds : 0 };
  });
}

const several = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

/** The errors of all methods together: {status, count, methods}. */
function errorsOf(methods) {
  const found = new Map();
  for (const method of methods) {
    for (const [status, number] of Object.entries(method.errors_by_status)) {
      const row = found.get(status) ?? { status, count: 0, methods: [] };
      row.count += number;
      row.methods.push([method.name || "(describe)", number]);
      found.set(status, row);
    }
  }
  return [...found.values()];
}

const errorColumns = [
  { title: "Status", left: true, key: (row) => row.status, cell: (row) => row.status },
  { title: "Count", key: (row) => row.count, cell: (row) => count(row.count) },
  { title: "Methods", left: true, wide: true, cell: (row) => row.methods
    .sort((a, b) => b[1] - a[1]).map(([name, number]) => `${name} ${count(number)}`).join(", ") },
];

const workerColumns = [
  { title: "Process", left: true, key: (w) => w.pid, cell: (w) => String(w.pid) },
  { title: "State", left: true, key: (w) => w.has_left,
    cell: (w) => (w.has_left ? "exited" : "running") },
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

const SIGNALS = { 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL",
  11: "SIGSEGV", 15: "SIGTERM", 24: "SIGXCPU", 25: "SIGXFSZ", 31: "SIGSYS" };

/** For example "1 worker crashed; the last one at 14:03:22 in buy: signal 11 (SIGSEGV),
 * pid 77". */
function crashOf(row, date) {
  const last = row.last_crash;
  const name = SIGNALS[last.signal];
  const how = last.signal === null ? "cause not known"
    : last.signal > 0 ? `signal ${last.signal}${name ? ` (${name})` : ""}`
      : `status ${last.status}`;
  return `${several(row.crashes, "worker")} crashed; the last one at ` +
    `${last.age_s < 43200 ? "" : `${day(date)} `}${clock(date)}` +
    `${last.method ? ` in ${last.method}` : ""}: ${how}, pid ${last.pid}`;
}

/** Explains the marks, and what a step of several samples shows. */
function notesOf(past, span) {
  const kinds = new Set(past.marks.map((mark) => mark.kind));
  const key = (kind, text) => (kinds.has(kind) ? h("span", { class: `sign ${kind}` }, text) : null);
  return [key("crash", "crash"), key("restart", "restart"),
    past.step_s > 5 ? `One point is ${SPANS[span][2] / 60} min: the mean, for p99 the maximum.` : null]
    .filter(Boolean).flatMap((part) => [part, " "]);
}

/** A form that sets how many workers the manager gives the service. */
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
  const figures = charts(specs);
  const noPast = h("p", { class: "soft" }, "Nothing to show yet.");
  const notes = h("p", { class: "soft" });
  const drawings = h("div", { hidden: true }, figures.element, notes);
  const facts = h("p", { class: "soft" });
  const crash = h("p", { class: "bad", hidden: true });
  const mood = h("span", {});
  const actions = h("span", {});
  const methods = table("Methods", methodColumns, (m) => m.name, 1);
  const errors = table("Errors by status", errorColumns, (row) => row.status, 1);
  const errorPart = scrolling("Errors by status", errors);
  const streams = table("Streams", streamColumns, (m) => m.name, 1, false);
  const streamPart = scrolling("Streams", streams);
  const counted = new Map();
  const workers = table("Workers", workerColumns, (w) => `${w.place} ${w.pid}`, 0, false);
  const rest = h("div", {});
  const scale = h("div", {});
  const choice = h("select", { id: "span", onchange: () => lookBack() },
    Object.entries(SPANS).map(([value, [title]]) => h("option", { value }, title)));
  const explorer = explorerPart(name);
  const inside = h("div", { hidden: true }, scrolling("Methods", methods), streamPart,
    errorPart, scrolling("Workers", workers, scale));
  let log = null;
  let managed = null;
  let crashed = null;
  let alive = false;
  let plain = false;
  let shown = "";
  let ticks = 0;
  let closed = false;

  async function lookBack() {
    const value = choice.value;
    const past = await pastOf(name, managed, value).catch(() => null);
    if (past && value === choice.value && !closed) {
      past.isCalled = alive;
      [drawings.hidden, noPast.hidden] = [false, true];
      figures.update(past);
      const said = notesOf(past, value);
      notes.replaceChildren(...said);
      notes.hidden = said.length === 0;
    }
  }

  async function lookInside() {
    const service = await api.get(`/api/v1/services/${encodeURIComponent(name)}`).catch(() => null);
    if (service && !closed) {
      methods.update((service.methods ?? []).filter((method) => method.id !== 0));
      const streaming = ratesOf(service.methods ?? [], counted);
      streams.update(streaming);
      streamPart.hidden = streaming.length === 0;
      const found = errorsOf(service.methods ?? []);
      errors.update(found);
      errorPart.hidden = found.length === 0;
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
    const last = row.last_crash;
    // The time of the crash is computed from its age and varies a little between samples,
    // so the one computed first is kept.
    if (last && last.pid !== crashed?.pid) {
      crashed = { pid: last.pid, date: new Date((api.now() - last.age_s) * 1000) };
    }
    crash.hidden = !last;
    crash.textContent = last ? crashOf(row, crashed.date) : "";
    facts.textContent = [row.address, row.error,
      plain && `pid ${row.managed.pid}`,
      plain && `up ${span(api.now() - row.managed.since_unix_ms / 1000)}`,
      row.alive && `up ${span(row.uptime_s)}`,
      row.alive && row.ping_us !== undefined &&
        (row.ping_us === null ? "no answer to a ping" : `ping ${time(row.ping_us)}`),
      row.alive && several(row.workers, "worker"),
      row.alive && several(row.connections ?? 0, "connection"),
      row.streams_open > 0 && `${several(row.streams_open, "open stream")}, ` +
        `${count(row.items_per_s)} items/s` +
        `${row.stalled > 0.005 ? `, stalled ${percent(row.stalled)}` : ""}`,
      row.managed?.restarts && several(row.managed.restarts, "restart"),
      row.managed?.last_end && `last exit: ${row.managed.last_end}`]
      .filter(Boolean).join(" · ");
  }

  const trail = h("nav", { "aria-label": "Where you are" }, h("a", { href: "#/" }, "Services"),
    " / ", name);
  const parts = h("div", {}, h("div", { class: "bar" }, mood, actions), facts, crash,
    h("section", {}, h("div", { class: "bar" }, h("h2", {}, "Over time"),
      h("label", { for: "span" }, "the last"), choice),
      noPast, drawings),
    inside, rest, explorer.element);
  const absent = h("section", { hidden: true },
    h("p", {}, `No service “${name}” runs here, and none is managed.`),
    h("p", {}, h("a", { href: "#/" }, "Back to all services")));

  return {
    element: h("div", {}, trail, h("h1", {}, name), absent, parts),
    update(state) {
      // A service that has not run yet is listed under the manager's name for it.
      const rows = rowsOf(state);
      const row = rows.find((at) => at.name === name) ??
        rows.find((at) => at.managed?.name === name);
      [absent.hidden, parts.hidden] = [row !== undefined, row === undefined];
      if (!row) return;
      if (row.name !== name) {
        location.replace(`#/service/${encodeURIComponent(row.name)}`);
        return;
      }
      alive = row.alive;
      plain = isPlain(row);
      showHead(row);
      [inside.hidden, explorer.element.hidden] = [!row.alive, !row.alive];
      if (!log && row.managed) {
        managed = row.managed.name;
        log = logPart(managed);
        rest.replaceChildren(log.element);
        if (!api.session.readOnly) scale.replaceChildren(scalePart(managed));
      }
      log?.update();
      if (row.alive) lookInside();
      explorer.update(row.alive);
      if (ticks++ % 5 === 0) lookBack();
    },
    close() {
      closed = true;
    },
  };
}
