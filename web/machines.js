// Services of all machines of a NATS cluster, as their gateways describe them.
import * as api from "./api.js";
import { count, h, table, visible } from "./dom.js";

/** A host with its zone, if it has one, because two machines may have the same name. */
const machineOf = (row) => visible(row.zone ? `${row.host} · ${row.zone}` : row.host);

/** A service with one contract may refuse clients that were built for another one. */
const contractOf = (row) => h("span", { class: row.differs ? "warn" : null },
  row.hash ? row.hash.slice(0, 8) : "–", row.differs ? " differs" : "");

const columns = [
  { title: "Service", left: true, key: (row) => row.service.toLowerCase(),
    cell: (row) => visible(row.service) },
  { title: "Machine", left: true, key: machineOf, cell: machineOf },
  { title: "Calls", key: (row) => row.calls, cell: (row) => count(row.calls) },
  { title: "Clients", key: (row) => row.links, cell: (row) => count(row.links) },
  { title: "Version", key: (row) => Number(row.version), cell: (row) => visible(row.version) },
  { title: "Contract", left: true, key: (row) => row.hash, cell: contractOf },
  { title: "Gateway", left: true, key: (row) => row.instance,
    cell: (row) => visible(row.instance) },
];

const EVERY = 5; // ticks

export function machinesPart() {
  const gateways = table("On all machines", columns, (row) => row.instance, 0, false);
  const box = h("div", { class: "scroll", tabindex: "0", role: "region",
    "aria-label": "Services of all machines" }, gateways.element);
  const machine = h("select", { id: "machine", onchange: () => show() });
  const bar = h("div", { class: "bar" }, h("label", { for: "machine" }, "Machine"), machine);
  const said = h("p", { hidden: true });
  const element = h("section", { hidden: true }, bar, box, said);
  let rows = [];
  let ticks = 0;
  let isAsking = false;
  let isOver = false; // there is no cluster

  /** Updates the list of machines, and keeps the chosen one even if it has gone. */
  function offer() {
    const chosen = machine.value;
    const names = new Set(rows.map(machineOf));
    if (chosen) names.add(chosen);
    const wanted = ["", ...[...names].sort()];
    if (String(wanted) !== String([...machine.options].map((option) => option.value))) {
      machine.replaceChildren(...wanted.map((name) =>
        h("option", { value: name }, name || "all")));
      machine.value = chosen;
    }
  }

  function show() {
    const shown = rows.filter((row) => !machine.value || machineOf(row) === machine.value);
    gateways.update(shown);
    box.hidden = shown.length === 0;
  }

  function take(reply) {
    isOver = !reply.cluster;
    element.hidden = isOver || !reply.asked;
    rows = reply.gateways;
    said.textContent = reply.error
      ? `The cluster can't be asked: ${visible(reply.error)}`
      : rows.length === 0 ? "No gateway of shmrpc answers." : "";
    said.hidden = said.textContent === "";
    // The first question is still in flight, so look again soon.
    if (!reply.asked) ticks = 0;
    offer();
    show();
  }

  return {
    element,
    async update() {
      if (isAsking || isOver || ticks++ % EVERY !== 0) return;
      isAsking = true;
      try {
        take(await api.get("/api/v1/machines"));
      } catch {
        /* The event stream reports that the server has gone. */
      } finally {
        isAsking = false;
      }
    },
  };
}
