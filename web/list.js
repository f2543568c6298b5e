// All services.
import * as api from "./api.js";
import { actionsOf, moodOf, rowsOf, stateNode, stateOf, troubleOf } from "./actions.js";
import { bytes, count, h, note, percent, table, time } from "./dom.js";
import { logPart } from "./log.js";
import { machinesPart } from "./machines.js";

const TOP = 15;

/** Icons for speed: each is used below this many microseconds. */
const PACES = [["🐎", 100, "p50 below 100 µs"], ["🐇", 10000, "below 10 ms"],
  ["🏃", Infinity, "10 ms or more"]];

const picture = (sign) => h("span", { "aria-hidden": "true" }, sign);

/** A time with its icon. The icon is hidden from screen readers. */
function pace(us) {
  const [sign] = us ? PACES.find(([, limit]) => us < limit) : [];
  return h("span", {}, sign ? picture(sign) : "", sign ? ` ${time(us)}` : "–");
}

const nameCell = (row) =>
  h("a", { href: `#/service/${encodeURIComponent(row.name)}`, title: row.error ?? null }, row.name);

/** Services that don't run have no figures. */
const ofLive = (show) => (row) => (row.alive ? show(row) : "–");

/** Reuses a node as long as its contents are the same. */
function kept(make, key) {
  const nodes = new Map();
  return (row) => {
    const now = key(row);
    const old = nodes.get(row.name);
    if (old?.key === now) return old.node;
    const node = make(row);
    nodes.set(row.name, { key: now, node });
    return node;
  };
}

const columns = () => [
  { title: "Service", left: true, key: (row) => row.name.toLowerCase(),
    cell: kept(nameCell, (row) => `${row.error}`) },
  { title: "State", left: true, key: stateOf,
    cell: kept(stateNode, (row) => stateOf(row) + moodOf(row) + troubleOf(row)) },
  { title: "Workers", key: (row) => row.workers, cell: ofLive((row) => String(row.workers)) },
  { title: "Calls/s", key: (row) => row.calls_per_s,
    cell: ofLive((row) => count(row.calls_per_s)) },
  { title: "p50", key: (row) => row.p50_us,
    cell: kept((row) => pace(row.p50_us), (row) => time(row.p50_us)) },
  { title: "p99", key: (row) => row.p99_us, cell: (row) => time(row.p99_us) },
  { title: "Errors/s", key: (row) => row.errors_per_s,
    cell: kept((row) => h("span", { class: row.errors_per_s > 0 ? "bad" : null },
      ofLive((at) => count(at.errors_per_s))(row)),
      (row) => row.alive + count(row.errors_per_s)) },
  { title: "Streams", key: (row) => row.streams_open ?? 0,
    cell: ofLive((row) => (row.streams_open > 0 ? count(row.streams_open) : "–")) },
  { title: "CPU", key: (row) => row.cpu, cell: ofLive((row) => percent(row.cpu)) },
  { title: "Memory", key: (row) => row.memory, cell: ofLive((row) => bytes(row.memory)) },
  { title: "Actions", wide: true, cell: kept((row) => actionsOf(row) ?? "–",
    (row) => `${row.managed?.name} ${row.managed?.state}`) },
];

const topColumns = [
  { title: "Method", left: true, key: (row) => row.id,
    cell: (row, known) => known?.firstChild.firstChild ??
      h("span", {}, h("a", { href: `#/service/${encodeURIComponent(row.service)}` }, row.service),
        `.${row.name}`) },
  { title: "Total time", key: (row) => row.total, cell: (row) => time(row.total) },
  { title: "Calls", key: (row) => row.calls, cell: (row) => count(row.calls) },
  { title: "p50", key: (row) => row.p50, cell: (row) => time(row.p50) },
  { title: "p99", key: (row) => row.p99, cell: (row) => time(row.p99) },
  { title: "Errors", key: (row) => row.errors, cell: (row) => count(row.errors) },
];

async function methodsOf(rows) {
  const details = await Promise.all(rows.filter((row) => row.alive).slice(0, 30)
    .map((row) => api.get(`/api/v1/services/${encodeURIComponent(row.name)}`).catch(() => null)));
  return details.flatMap((service) =>
    (service?.methods ?? []).filter((method) => method.id !== 0 && method.calls > 0)
      .map((method) => ({ id: `${service.name}.${method.name}`, service: service.name,
        name: method.name, calls: method.calls, errors: method.errors,
        total: method.service.total_us, p50: method.service.p50_us,
        p99: method.service.p99_us })))
    .sort((a, b) => b.total - a.total)
    .slice(0, TOP);
}

export function listPage() {
  const services = table("On this machine", columns(), (row) => row.name, 0, false);
  const methods = table("Top methods by total time", topColumns, (row) => row.id, 1);
  const empty = h("p", { hidden: true },
    "No service runs on this machine, or none that this user may see.");
  const reload = h("button", { type: "button", hidden: true, onclick: async () => {
    try {
      const done = await api.call("shmrpcd", "reload", {});
      note(`service.ini: ${done.added.length} added, ${done.changed.length} changed, ` +
        `${done.removed.length} removed`);
    } catch (error) {
      note(error.message);
    }
  } }, "Reload");
  const gone = h("input", { id: "gone", type: "checkbox", onchange: () => show() });
  const goneLabel = h("label", { for: "gone" });
  const goneBox = h("span", { class: "check", hidden: true }, gone, goneLabel);
  const legend = h("span", { class: "soft" }, PACES.flatMap(([sign,, text], index) =>
    [picture(sign), ` ${text}${index < PACES.length - 1 ? ", " : ""}`]));
  const machines = machinesPart();
  const rest = h("div", {}); // gets the console, once there is a manager
  let console = null;
  let ticks = 0;
  let rows = [];

  /** Sockets that killed servers have left are hidden unless requested. */
  function show() {
    const shown = gone.checked ? rows : rows.filter((row) => row.alive || row.managed);
    services.update(shown);
    empty.hidden = shown.length > 0;
    const count = rows.filter((row) => !row.alive && !row.managed).length;
    goneBox.hidden = count === 0;
    goneLabel.textContent = `Show ${count} not running`;
  }

  const top = h("section", { hidden: true }, h("div", { class: "scroll", tabindex: "0", role: "region",
    "aria-label": "Top methods" }, methods.element));
  return {
    element: h("div", {},
      h("h1", {}, "Services"),
      h("section", {}, h("div", { class: "scroll", tabindex: "0", role: "region",
        "aria-label": "Services" }, services.element), empty,
        h("div", { class: "bar" }, reload, goneBox, legend)),
      machines.element, top, rest),
    async update(state) {
      rows = rowsOf(state);
      show();
      machines.update();
      if (!console && state.managed.length > 0) {
        console = logPart("");
        rest.replaceChildren(console.element);
      }
      console?.update();
      reload.hidden = state.managed.length === 0 || api.session.readOnly;
      if (ticks++ % 5 === 0) {
        const found = await methodsOf(rows);
        methods.update(found);
        top.hidden = found.length === 0;
      }
    },
  };
}
