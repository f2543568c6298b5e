// Shared objects, which processes share under a name.
import * as api from "./api.js";
import { bytes, count, h, table, visible } from "./dom.js";

const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

/** Text for a number that is shown only if it is above 0. */
const some = (number, text) => (number > 0 ? [`${count(number)} ${text}`] : []);
const waiting = (number, what) =>
  (number > 0 ? [plural(number, `waits for ${what}`, `wait for ${what}`)] : []);

/** The contents of each kind, and waiting processes. */
const present = {
  queue: (f) => [plural(f.item_count, "item", "items"),
    ...some(f.unacked_count, "not acknowledged"), ...waiting(f.waiting_for_items, "items"),
    ...waiting(f.waiting_for_room, "room")],
  topic: (f) => [plural(f.subscriber_count, "subscriber", "subscribers")],
  pipe: (f) => [`${bytes(f.byte_count)} of ${bytes(f.capacity)}`,
    f.writer_pid ? `written by process ${f.writer_pid}` : "no writer",
    ...waiting(f.waiting_for_bytes, "bytes"), ...waiting(f.waiting_for_room, "room")],
  dict: (f) => [plural(f.entry_count, "entry", "entries"), ...held(f)],
  value: (f) => [f.entry_count ? "set" : "not set", ...held(f)],
};

/** What holds up others, and the state of snapshots. The oldest view keeps memory in use;
 * locks block others. */
const held = (f) => [...(f.view_age > 0
  ? [`oldest view ${plural(f.view_age, "change", "changes")} old`] : []),
  ...some(f.lock_count, "locked"),
  ...(f.snapshot_age_s === undefined ? [] : [`snapshot ${count(f.snapshot_age_s)} s old`]),
  ...some(f.snapshot_failure_count, "snapshots failed")];

/** Events since each object was made; those that have not occurred are left out. */
const total = {
  queue: (f) => [`${count(f.pushed_count)} pushed`, `${count(f.popped_count)} popped`,
    ...some(f.dropped_count, "dropped"), ...some(f.redelivered_count, "came again")],
  topic: (f) => [`${count(f.published_count)} published`, ...some(f.lost_count, "lost"),
    ...some(f.evicted_count, "evicted"), ...some(f.dropped_count, "dropped")],
  pipe: (f) => [`${bytes(f.written_count)} written`, `${bytes(f.read_count)} read`],
  dict: (f) => [plural(f.change_count, "change", "changes"),
    ...some(f.helped_count, "finished by others")],
};
total.value = total.dict;

/** Figures that are shown as rates: the figure, its format, and its word. */
const flows = {
  queue: [["pushed_count", count, "pushed"], ["popped_count", count, "popped"],
    ["dropped_count", count, "dropped"]],
  topic: [["published_count", count, "published"], ["dropped_count", count, "dropped"]],
  pipe: [["written_count", bytes, "written"], ["read_count", bytes, "read"]],
  dict: [["change_count", count, "changed"]],
  value: [["change_count", count, "changed"]],
};

const SPAN_MS = 5000; // rates are the mean over this time

/** Records when an object was seen, and its figures at the beginning of the span. */
function remember(seen, rows) {
  const now = performance.now();
  for (const row of rows) {
    const samples = (seen.get(id(row)) ?? []).filter(({ at }) => at > now - SPAN_MS);
    row.first = samples[0];
    row.seconds = samples.length > 0 ? (now - samples[0].at) / 1000 : 0;
    seen.set(id(row), [...samples, { at: now, figures: row.figures }]);
  }
  const there = new Set(rows.map(id));
  for (const key of seen.keys()) {
    if (!there.has(key)) seen.delete(key);
  }
}

function ratesOf(row) {
  if (!row.figures || !row.first?.figures || row.seconds < 0.9) return "–";
  const found = (flows[row.kind] ?? []).flatMap(([key, text, word]) => {
    const rate = (row.figures[key] - row.first.figures[key]) / row.seconds;
    return rate > 0 ? [`${text(rate < 10 ? Number(rate.toPrecision(2)) : Math.round(rate))} ${word}`] : [];
  });
  return found.join(", ") || "–";
}

const listOf = (parts) => (row) => (row.figures && parts[row.kind]
  ? parts[row.kind](row.figures).join(", ") : "–");
const presentOf = (row) => listOf(present)(row) + (row.figures?.is_ended ? ", ended" : "");

const id = (row) => JSON.stringify([row.scope, row.kind, row.name]);

const moods = { "in use": "good", held: "good", damaged: "bad", destroyed: "bad",
  "owner died": "bad" };

function stateCell(row, known) {
  const old = known?.children[1].firstChild;
  return old?.textContent === row.state
    ? old
    : h("span", { class: `state ${moods[row.state] ?? "soft"}` }, row.state);
}

/** The type begins with the kind. An unreadable object only has a kind. */
const typeOf = (row) => (visible(row.type) || row.kind) +
  (row.scope === "user" ? "" : ` of ${row.scope}`);

const columns = [
  { title: "Name", left: true, wide: true, key: (row) => row.name.toLowerCase(),
    cell: (row) => visible(row.name).replaceAll("\n", "␊").replaceAll("\t", "␉") },
  { title: "State", left: true, key: (row) => row.state, cell: stateCell },
  { title: "Type", left: true, wide: true, key: typeOf, cell: typeOf },
  { title: "Memory", key: (row) => row.memory_bytes, cell: (row) => bytes(row.memory_bytes) },
  { title: "Open", key: (row) => row.open, cell: (row) => count(row.open) },
  { title: "Now", left: true, wide: true, cell: presentOf },
  { title: "Each second", left: true, wide: true, cell: ratesOf },
  { title: "In all", left: true, wide: true, cell: listOf(total) },
];

export function objectsPage() {
  const objects = table("Of this user, and of all users", columns, id, 0, false);
  const empty = h("p", { hidden: true },
    "No program has made a shared object on this machine, or none that this user may see.");
  const more = h("p", { hidden: true });
  const box = h("div", { class: "scroll", tabindex: "0", role: "region",
    "aria-label": "Objects" }, objects.element);
  const seen = new Map();
  let isAsking = false;

  function show(reply) {
    remember(seen, reply.objects);
    objects.update(reply.objects);
    box.hidden = reply.objects.length === 0;
    empty.hidden = !box.hidden;
    more.textContent = [
      reply.omitted ? `${count(reply.omitted)} more are not shown.` : "",
      reply.error ? `A folder could not be read: ${visible(reply.error)}.` : ""].join(" ").trim();
    more.hidden = more.textContent === "";
  }

  return {
    element: h("div", {}, h("h1", {}, "Objects"), h("section", { class: "objects" }, box, empty, more)),
    async update() {
      // If the server takes longer than a tick, there is still only one request at a
      // time.
      if (isAsking) return;
      isAsking = true;
      try {
        show(await api.get("/api/v1/objects"));
      } catch {
        /* The stream reports that the server has gone. */
      } finally {
        isAsking = false;
      }
    },
  };
}
