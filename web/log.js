// The log of a service, or of all services, from the manager: new lines as they come, and
// older lines of one service from the disk.
import * as api from "./api.js";
import { clock, day, h, visible } from "./dom.js";

const LEVELS = ["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"];
const MOST = 1000;
const mood = { WARNING: "warn", ERROR: "bad", CRITICAL: "bad", DEBUG: "soft" };

/** Today's lines show only a time, others a date too. */
function when(date) {
  return day(date) === day(new Date(api.now() * 1000))
    ? clock(date)
    : `${day(date)} ${clock(date)}`;
}

function lineOf(line) {
  const date = new Date(line.unix_ms);
  return h("li", { class: mood[line.level] ?? null },
    h("time", { class: "time", datetime: date.toISOString() }, when(date)),
    h("span", { class: "level" }, String(line.level).toLowerCase()), " ",
    line.section ? h("span", { class: "soft" }, `${line.section}: `) : null,
    visible(line.text) + (line.truncated ? " …" : ""));
}

/** A form that searches the log on disk. */
function searchPart(name) {
  const field = (id, title, attributes) => {
    const input = h("input", { id: `find-${id}`, ...attributes });
    return { input, element: h("span", { class: "check" },
      h("label", { for: `find-${id}` }, title), input) };
  };
  const text = field("text", "Text", { type: "search", maxlength: "200" });
  const pid = field("pid", "Process", { inputmode: "numeric", pattern: "[0-9]{1,9}", size: "7" });
  const from = field("from", "From", { type: "datetime-local" });
  const until = field("until", "until", { type: "datetime-local" });
  const least = h("select", { id: "find-least" },
    LEVELS.map((level) => h("option", { value: level }, level.toLowerCase())));
  const status = h("p", { role: "status", class: "soft" });
  const lines = h("ol", { class: "log", tabindex: "0", hidden: true,
    "aria-label": `Older lines of ${name}` });
  const msOf = (input) => String(input.value ? new Date(input.value).getTime() : 0);

  async function search(event) {
    event.preventDefault();
    const query = new URLSearchParams({ name, contains: text.input.value, least: least.value,
      pid: pid.input.value || "0", from_unix_ms: msOf(from.input),
      until_unix_ms: msOf(until.input), limit: "1000" });
    const begin = performance.now();
    status.textContent = "Searching …";
    try {
      const found = await api.get(`/rpc/shmrpcd/search?${query}`);
      const count = found.lines.length;
      const ms = Math.round(performance.now() - begin);
      status.textContent = count === 0
        ? `Nothing found, in ${ms} ms.`
        : `${found.more ? "The newest " : ""}${count} ${count === 1 ? "line" : "lines"}, in ${ms} ms:`;
      lines.replaceChildren(...found.lines.reverse().map(lineOf));
      lines.hidden = count === 0;
      lines.scrollTop = lines.scrollHeight;
    } catch (error) {
      status.textContent = error.message;
      lines.hidden = true;
    }
  }

  return h("details", {}, h("summary", {}, "Search all that is on disk"),
    h("form", { class: "bar", onsubmit: search, "aria-label": "Search the log on disk" },
      text.element,
      h("span", { class: "check" }, h("label", { for: "find-least" }, "From level"), least),
      pid.element, from.element, until.element,
      h("button", { type: "submit" }, "Search")),
    status, lines);
}

/** The log of a service; of all services if `name` is "". */
export function logPart(name) {
  let cursor = null;
  let number = 0; // number of the last request; answers to earlier ones are dropped
  let timer;
  let skipped = 0; // lines that were too many, or were dropped before we asked
  const gap = h("li", { class: "soft" });
  const lines = h("ol", { class: "log", tabindex: "0", "aria-label": `Log of ${name || "all services"}` });
  const least = h("select", { id: "log-least", onchange: again },
    LEVELS.map((level) => h("option", { value: level }, level.toLowerCase())));
  const contains = h("input", { id: "log-contains", type: "search", maxlength: "200",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(again, 200);
    } });
  const follow = h("input", { id: "log-follow", type: "checkbox", checked: true });

  function again() {
    cursor = null;
    skipped = 0;
    lines.replaceChildren();
    update();
  }

  async function update() {
    const mine = ++number;
    const query = new URLSearchParams({ name, least: least.value, contains: contains.value,
      limit: cursor === null ? "200" : "1000" });
    if (cursor !== null) query.set("cursor", cursor);
    let page;
    try {
      page = await api.get(`/rpc/shmrpcd/logs?${query}`);
    } catch {
      return;
    }
    if (mine !== number) return;
    if (cursor !== null) skipped += page.skipped;
    cursor = page.next;
    lines.append(...page.lines.map(lineOf));
    while (lines.children.length > MOST) {
      lines.children[gap.parentNode ? 1 : 0].remove();
      skipped++;
    }
    if (skipped > 0) {
      gap.textContent = `… ${skipped} lines before these are not shown …`;
      if (!gap.parentNode) lines.prepend(gap);
    }
    if (follow.checked && page.lines.length > 0) lines.scrollTop = lines.scrollHeight;
  }

  return {
    element: h("section", {}, h("h2", {}, name ? "Log" : "Console"),
      h("div", { class: "bar" },
        h("label", { for: "log-least" }, "From level"), least,
        h("label", { for: "log-contains" }, "Contains"), contains,
        h("span", { class: "check" }, follow, h("label", { for: "log-follow" }, "Follow"))),
      lines, name ? searchPart(name) : null),
    update,
  };
}
