// Lines over time, as SVG.
import { h, s } from "./dom.js";

const WIDTH = 400;
const HEIGHT = 130;
const LEFT = 4;
const BOTTOM = 16;

/** The next of 1, 2, 5, 10, ...; of bytes, in KiB and the like. */
function roundUp(value, format) {
  if (value <= 0) return 1;
  const unit = format.isBinary && value > 1024 ? 1024 ** Math.floor(Math.log2(value) / 10) : 1;
  if (unit > 1) return unit * Math.min(roundUp(value / unit, {}), 1024);
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function path(values, top, room) {
  const step = (WIDTH - LEFT) / Math.max(room - 1, 1);
  const first = WIDTH - step * (values.length - 1);
  return values
    .map((value, index) =>
      `${index ? "L" : "M"}${(first + index * step).toFixed(1)} ` +
      `${((HEIGHT - BOTTOM) * (1 - value / top) + 1).toFixed(1)}`)
    .join("");
}

function clock(unix, step) {
  const date = new Date(unix * 1000);
  return step >= 900
    ? date.toLocaleDateString(undefined, { month: "short", day: "numeric" })
    : date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}

/** chart("Calls", [{name, key}], format) -> {element, update(past, room)} */
export function chart(title, series, format) {
  const legend = series.map((line, index) =>
    h("span", { class: `key ${"abc"[index]}` }, line.name));
  const values = h("span", { class: "soft" }, "nothing yet");
  const drawing = s("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img",
    "aria-label": `${title}: nothing yet`,
  });
  const labels = h("div", { class: "bar soft" });
  let shown = null;

  function point(event) {
    if (!shown?.step_s) return;
    const box = drawing.getBoundingClientRect();
    const back = Math.round((1 - (event.clientX - box.left) / box.width) * (shown.room - 1));
    const size = shown[series[0].key].length;
    const at = size - 1 - back;
    if (at < 0 || at >= size) return;
    values.textContent = clock(shown.end_unix_s - back * shown.step_s, 60) + ": " +
      series.map((line) => format(shown[line.key][at])).join(" · ");
  }

  function latest() {
    const last = series.map((line) => shown[line.key].at(-1) ?? 0);
    values.textContent = last.map(format).join(" · ");
  }

  drawing.addEventListener("pointermove", point);
  drawing.addEventListener("pointerleave", () => shown && latest());
  return {
    element: h("figure", {},
      h("figcaption", {}, h("h3", {}, title), legend, values), drawing, labels),
    update(past, room) {
      shown = { ...past, room };
      const most = Math.max(0, ...series.flatMap((line) => past[line.key]));
      const top = roundUp(most, format);
      drawing.replaceChildren(
        s("path", { class: "grid", d: `M0 ${HEIGHT - BOTTOM}H${WIDTH}M0 ${(HEIGHT - BOTTOM) / 2}H${WIDTH}M0 1H${WIDTH}` }),
        ...series.map((line, index) =>
          s("path", { class: "abc"[index], d: path(past[line.key], top, room) })));
      latest();
      const line = series.find((one) => past[one.key].includes(most));
      const back = line ? past[line.key].length - 1 - past[line.key].indexOf(most) : 0;
      drawing.setAttribute("aria-label", `${title}: now ${values.textContent}, at most ` +
        `${format(most)}, at ${clock(past.end_unix_s - back * past.step_s, past.step_s)}`);
      labels.replaceChildren(
        h("span", {}, `${clock(past.end_unix_s - room * past.step_s, past.step_s)} to now`),
        h("span", {}, `scale 0 to ${format(top)}`));
    },
  };
}
