// Elements, numbers and texts. Text from outside never becomes markup.

/** Makes an element: h("td", {class: "x", onclick: f}, "text", child...) */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) {
      element.addEventListener(key.slice(2), value);
    } else if (value === true) {
      element.setAttribute(key, "");
    } else if (value !== false && value != null) {
      element.setAttribute(key, value);
    }
  }
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

const svgNamespace = "http://www.w3.org/2000/svg";

export function s(name, attributes = {}, ...children) {
  const element = document.createElementNS(svgNamespace, name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Makes control characters, and those that change the writing direction, visible, so
 * that a text can't look like another one. */
export function visible(text) {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (c) => {
      const code = c.codePointAt(0);
      return code < 0x20
        ? String.fromCodePoint(0x2400 + code)
        : code === 0x7f
          ? "\u2421"
          : `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
    },
  );
}

/** A number with three digits. */
function digits(value) {
  return value >= 100 || value === 0
    ? Math.round(value).toString()
    : String(Number(value.toPrecision(value >= 10 ? 3 : 2)));
}

export function count(value) {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e4]]) {
    if (value >= size) return digits(value / (unit === "k" ? 1e3 : size)) + " " + unit;
  }
  return digits(value);
}

export function time(us) {
  if (!us) return "–";
  return us < 1e3
    ? digits(us) + " µs"
    : us < 1e6
      ? digits(us / 1e3) + " ms"
      : digits(us / 1e6) + " s";
}

export function bytes(value) {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]]) {
    if (value >= size) return digits(value / size) + " " + unit;
  }
  return digits(value) + " B";
}

bytes.isBinary = true; // scales have powers of 2

export const percent = (part) =>
  (part >= 0.1 ? Math.round(part * 100) : Math.round(part * 1000) / 10) + " %";

const two = (number) => String(number).padStart(2, "0");

/** Times of day have 24 hours, in the browser's time zone, which the page names once. */
export const clock = (date, withSeconds = true) =>
  `${two(date.getHours())}:${two(date.getMinutes())}` +
  (withSeconds ? `:${two(date.getSeconds())}` : "");

export const day = (date) =>
  `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;

/** The name of the time zone, such as "CET" or "GMT+5:30". */
export const zone = (date) => new Intl.DateTimeFormat("en", { timeZoneName: "short" })
  .formatToParts(date).find((part) => part.type === "timeZoneName").value;

export function span(seconds) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  for (const [unit, size] of units) {
    if (seconds >= size * 2) return Math.floor(seconds / size) + " " + unit;
  }
  return Math.floor(seconds) + " s";
}

/** Announces an event, visibly and to screen readers. */
let noteTimer;
export function note(text) {
  byId("note").replaceChildren(h("p", {}, text));
  clearTimeout(noteTimer);
  noteTimer = setTimeout(() => byId("note").replaceChildren(), 6000);
}

/** Asks the user before something is done; true means yes. */
export function ask(title, text, yes) {
  const dialog = byId("ask");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), {
      once: true,
    });
  });
}

/** A table that is sorted by a click on a title, and becomes cards on small screens.
 * columns: {title, cell(row) -> text or node, key(row) -> sort key, if it can be sorted,
 * left}. `update(rows)` keeps the elements of rows with the same id, so that focus is not
 * lost. */
export function table(caption, columns, id, sorted, descending = true) {
  let order = sorted;
  let down = descending;
  let rows = [];
  const lines = new Map();
  const heads = columns.map((column, index) =>
    h("th", { scope: "col", role: "columnheader", class: column.left ? "left" : null },
      column.key
        ? h("button", { type: "button", onclick: () => {
            down = order === index ? !down : true;
            order = index;
            show();
          } }, column.title)
        : column.title));
  const body = h("tbody", { role: "rowgroup" });
  const element = h("table", { class: "cards", role: "table" },
    h("caption", {}, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)), body);

  /** Cards leave out missing values. */
  const mark = (cell) => cell.classList.toggle("none", cell.textContent === "–");

  function line(row) {
    const known = lines.get(id(row));
    const cells = columns.map((column) => column.cell(row, known));
    if (known) {
      cells.forEach((cell, index) => {
        const old = known.children[index];
        if (typeof cell === "string") {
          if (old.textContent !== cell) old.textContent = cell;
        } else if (cell !== old.firstChild) {
          old.replaceChildren(cell);
        }
        mark(old);
      });
      return known;
    }
    const made = h("tr", { role: "row" }, cells.map((cell, index) =>
      h("td", { role: "cell", "data-label": columns[index].title,
        class: [columns[index].left && "left", columns[index].wide && "wide"]
          .filter(Boolean).join(" ") || null }, cell)));
    [...made.cells].forEach(mark);
    lines.set(id(row), made);
    return made;
  }

  function show() {
    heads.forEach((head, index) => {
      if (columns[index].key) {
        head.setAttribute("aria-sort",
          index !== order ? "none" : down ? "descending" : "ascending");
      }
    });
    const key = columns[order].key;
    const placed = [...rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    });
    const wanted = placed.map(line);
    for (const [name, old] of lines) {
      if (!wanted.includes(old)) {
        old.remove();
        lines.delete(name);
      }
    }
    wanted.forEach((at, index) => {
      if (body.children[index] !== at) body.insertBefore(at, body.children[index] ?? null);
    });
  }

  return { element, update(now) { rows = now; show(); } };
}
