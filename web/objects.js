// Shared objects: what processes share under a name.
import * as api from "./api.js";
import { bytes, count, h, table, visible } from "./dom.js";

const plural = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

/** What is told of it only when there is some. */
const some = (number, text) => (number > 0 ? [`${count(number)} ${text}`] : []);

/** The figures of each kind as a sentence. */
const sentences = {
  queue: (f) => [plural(f.item_count, "item", "items"), `${count(f.pushed_count)} pushed`,
    `${count(f.popped_count)} popped`, ...some(f.dropped_count, "dropped"),
    ...some(f.unacked_count, "not acknowledged"), ...some(f.redelivered_count, "came again")],
  topic: (f) => [`${count(f.published_count)} published`,
    plural(f.subscriber_count, "subscriber", "subscribers"), ...some(f.lost_count, "lost"),
    ...some(f.evicted_count, "evicted"), ...some(f.dropped_count, "dropped")],
  pipe: (f) => [`${bytes(f.byte_count)} of ${bytes(f.capacity)}`,
    `${bytes(f.written_count)} written`,
    f.writer_pid ? `writer: process ${f.writer_pid}` : "no writer"],
  dict: (f) => [plural(f.entry_count, "entry", "entries"), ...changes(f)],
  value: (f) => [f.entry_count ? "there" : "not there yet", ...changes(f)],
};

const changes = (f) => [plural(f.change_count, "change", "changes"),
  ...some(f.helped_count, "finished by others"),
  ...some(f.view_age, "since the oldest view"),
  ...some(f.lock_count, "locked")];

const figures = (row) => (row.figures && sentences[row.kind]
  ? [...sentences[row.kind](row.figures), ...(row.figures.is_ended ? ["ended"] : [])].join(", ")
  : "–");

const id = (row) => JSON.stringify([row.scope, row.kind, row.name]);

const moods = { "in use": "good", held: "good", damaged: "bad", destroyed: "bad",
  "owner died": "bad" };

function stateCell(row, known) {
  const old = known?.children[2].firstChild;
  return old?.textContent === row.state
    ? old
    : h("span", { class: `state ${moods[row.state] ?? "soft"}` }, row.state);
}

const columns = [
  { title: "Name", left: true, wide: true, key: (row) => row.name.toLowerCase(),
    cell: (row) => visible(row.name).replaceAll("\n", "␊").replaceAll("\t", "␉") },
  { title: "Kind", left: true, key: (row) => row.kind, cell: (row) => row.kind },
  { title: "State", left: true, key: (row) => row.state, cell: stateCell },
  { title: "Open", key: (row) => row.open, cell: (row) => count(row.open) },
  { title: "Memory", key: (row) => row.memory_bytes, cell: (row) => bytes(row.memory_bytes) },
  { title: "Figures", left: true, wide: true, cell: figures },
  { title: "Type", left: true, key: (row) => row.type, cell: (row) => visible(row.type) || "–" },
  { title: "Of", left: true, key: (row) => row.scope,
    cell: (row) => (row.scope === "user" ? "this user" : row.scope) },
];

export function objectsPage() {
  const objects = table("Of this user, and of all users", columns, id, 0, false);
  const empty = h("p", { hidden: true },
    "No program has made a shared object on this machine, or none that this user may see.");
  const more = h("p", { hidden: true });
  const box = h("div", { class: "scroll", tabindex: "0", role: "region",
    "aria-label": "Objects" }, objects.element);
  let isAsking = false;

  function show(reply) {
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
      // One at a time, if the server takes longer than a tick.
      if (isAsking) return;
      isAsking = true;
      try {
        show(await api.get("/api/v1/objects"));
      } catch {
        /* The stream says that the server has gone. */
      } finally {
        isAsking = false;
      }
    },
  };
}
