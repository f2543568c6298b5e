// The actions on a service, which the manager carries out, if there is one.
import * as api from "./api.js";
import { ask, h, note } from "./dom.js";

/** For each section of the manager: the addresses of its service when it ran last, and the
 * name under which the service was listed. A stopped service reports neither, so its row and
 * its page are found by these. */
const known = new Map();

function recall(managed, rows) {
  const before = known.get(managed.name) ?? { addresses: [], name: managed.name };
  const addresses = managed.addresses.length > 0 ? managed.addresses : before.addresses;
  const found = rows.find((row) => addresses.includes(row.address));
  const now = { addresses, name: found?.name ?? before.name };
  known.set(managed.name, now);
  return now;
}

/** Rows for people: running services, and those that the manager could start. */
export function rowsOf(state) {
  const rows = state.services.map((figures) => ({ ...figures, managed: null }));
  for (const managed of state.managed) {
    const { addresses, name } = recall(managed, rows);
    const own = rows.filter((row) => addresses.includes(row.address));
    own.forEach((row) => (row.managed = managed));
    if (own.length === 0) {
      rows.push({ name, address: null, alive: false, managed, workers: 0,
        calls_per_s: 0, errors_per_s: 0, p50_us: 0, p99_us: 0, queue_p99_us: 0, cpu: 0,
        memory: 0, connections: 0 });
    }
  }
  return rows;
}

/** The service's workers die when they are started, so nobody serves at present. */
const isForsaken = (row) => row.alive && row.next_start_s !== undefined;

/** One word for the state, as in supervisord. */
export function stateOf(row) {
  const managed = row.managed;
  if (isForsaken(row)) return "backoff";
  if (!managed) return row.alive ? "running" : "not running";
  return managed.trouble && managed.state === "RUNNING" ? "stuck" : managed.state.toLowerCase();
}

/** The address at which the service should be found on this machine, but is not. */
const lostOf = (row) => (row.managed?.state === "RUNNING" && !row.alive
  ? row.managed.addresses.find((address) => address.startsWith("shm://")) : undefined);

/** The service runs, but has nothing that could be called here, like a program or a
 * gateway. */
export const isPlain = (row) =>
  row.managed?.state === "RUNNING" && !row.alive && lostOf(row) === undefined;

/** The service's trouble, if there is any; otherwise its state. */
export function troubleOf(row) {
  const lost = lostOf(row);
  if (row.managed?.trouble) return row.managed.trouble;
  if (isForsaken(row)) {
    return `no worker lives; the next one starts in ${Math.max(0, Math.ceil(row.next_start_s))} s`;
  }
  if (lost) return `${lost} does not answer`;
  if (isPlain(row)) return row.managed.addresses.join(", ") || "a program without a service";
  return "";
}

export function moodOf(row) {
  const state = row.managed?.state;
  if (row.managed?.trouble || ["BACKOFF", "CRASHED"].includes(state) || isForsaken(row)) return "bad";
  if (state === "STOPPED" || (!row.managed && !row.alive)) return "soft";
  return row.alive || isPlain(row) ? "good" : "warn";
}

/** State and trouble, with colours. */
export const stateNode = (row) =>
  h("span", { class: moodOf(row) }, h("span", { class: "state" }, stateOf(row)),
    troubleOf(row) ? h("small", {}, troubleOf(row)) : null);

const doing = { start: "Starting", stop: "Stopping", restart: "Restarting" };

async function run(action, name) {
  if (action !== "start" &&
      !(await ask(`${action === "stop" ? "Stop" : "Restart"} ${name}?`,
        action === "stop"
          ? "Calls in progress are finished; later ones fail until it is started again."
          : "Calls in progress are finished; callers wait for the new processes.",
        action === "stop" ? "Stop" : "Restart"))) {
    return;
  }
  note(`${doing[action]} ${name} …`);
  try {
    await api.call("shmrpcd", action, { name });
    note(`${name}: ${action === "stop" ? "stopped" : "running"}`);
  } catch (error) {
    note(`${name}: ${error.message}`);
  }
  dispatchEvent(new Event("managed"));
}

/** Buttons for a row; none without a manager. */
export function actionsOf(row) {
  const managed = row.managed;
  if (!managed || api.session.readOnly) return null;
  const name = managed.name;
  const button = (action, title, danger) =>
    h("button", { type: "button", class: danger ? "danger" : null,
      "aria-label": `${title} ${name}`, onclick: () => run(action, name) }, title);
  return h("span", { class: "actions" },
    managed.state === "STOPPED"
      ? button("start", "Start")
      : [button("restart", "Restart"), button("stop", "Stop", true)]);
}
