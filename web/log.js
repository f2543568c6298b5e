// The live log of a service, from the manager.
import * as api from "./api.js";
import { h, visible } from "./dom.js";

const LEVELS = ["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"];
const MOST = 1000;
const mood = { WARNING: "warn", ERROR: "bad", CRITICAL: "bad", DEBUG: "soft" };

export function logPart(name) {
  let cursor = null;
  let number = 0; // of the request; older answers are dropped
  let timer;
  const lines = h("ol", { class: "log", tabindex: "0", "aria-label": `Log of ${name}` });
  const least = h("select", { id: "log-least", onchange: again },
    LEVELS.map((level) => h("option", { value: level }, level.toLowerCase())));
  const contains = h("input", { id: "log-contains", type: "search", maxlength: "200",
    oninput: () => {
      clearTimeout(timer);
      timer = setTimeout(again, 200);
    } });
  const follow = h("input", { id: "log-follow", type: "checkbox", checked: true });

  function lineOf(line) {
    const date = new Date(line.unix_ms);
    return h("li", { class: mood[line.level] ?? null },
      h("time", { class: "time", datetime: date.toISOString() },
        date.toLocaleTimeString(undefined, { hour12: false })),
      `${String(line.level).toLowerCase()}: ${visible(line.text)}${line.truncated ? " …" : ""}`);
  }

  function again() {
    cursor = null;
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
    if (page.skipped > 0 && cursor !== null) {
      lines.append(h("li", { class: "soft" }, `… ${page.skipped} lines are no longer kept …`));
    }
    cursor = page.next;
    lines.append(...page.lines.map(lineOf));
    while (lines.children.length > MOST) lines.firstChild.remove();
    if (follow.checked && page.lines.length > 0) lines.scrollTop = lines.scrollHeight;
  }

  return {
    element: h("section", {}, h("h2", {}, "Log"),
      h("div", { class: "bar" },
        h("label", { for: "log-least" }, "From level"), least,
        h("label", { for: "log-contains" }, "Contains"), contains,
        h("span", { class: "check" }, follow, h("label", { for: "log-follow" }, "Follow"))),
      lines),
    update,
  };
}
