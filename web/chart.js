// Lines over time, as SVG, with marks for events.
import { clock, day, h, s } from "./dom.js";

const HEIGHT = 150;
const TOP = 10;
const LEFT = 62; // the same in all charts, so that their times are aligned
const RIGHT = 8;
const BOTTOM = 18;
const LETTER = 6.4; // width of a character in a label
const COLOURS = "abcdef";

/** A longer time between two points is a gap: nothing was sampled, or nothing was
 * visible. */
const gapOf = (past) => 1.9 * past.step_s;

/** The step between two lines of the scale, which has up to four. */
function stepOf(most, format) {
  const raw = (most > 0 ? Math.max(most, format.least ?? 0) : format.least ?? 3) / 3;
  if (format.isBinary) {
    const unit = 1024 ** Math.max(0, Math.floor(Math.log2(raw) / 10));
    return unit * 2 ** Math.max(0, Math.ceil(Math.log2(raw / unit)));
  }
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= raw * 0.999);
}

const label = (value, format) => (value === 0 ? "0" : format(value));

const TIME_STEPS = [10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400,
  172800, 432000];

/** Seconds by which local time is ahead of UTC. */
const offset = (unix) => -60 * new Date(unix * 1000).getTimezoneOffset();

/** Round times in local time: [unix, label]. */
function timeTicks(begin, end, most) {
  const step = TIME_STEPS.find((one) => (end - begin) / one <= most) ?? TIME_STEPS.at(-1);
  const ticks = [];
  for (let local = Math.ceil((begin + offset(begin)) / step) * step; ; local += step) {
    const unix = local - offset(local - offset(begin));
    if (unix > end) return ticks;
    const date = new Date(unix * 1000);
    ticks.push([unix, step >= 86400 ? day(date).slice(5) : clock(date, step < 60)]);
  }
}

const when = (unix, past) => {
  const date = new Date(unix * 1000);
  return (past.end_unix_s - past.begin_unix_s > 86000 ? `${day(date)} ` : "") +
    clock(date, past.step_s < 60);
};

/** Draws the lines, with gaps. A single point is a dot. */
function draw(points, x, y, gap, colour) {
  let line = "";
  let dots = "";
  points.forEach(([at, value], index) => {
    const begins = index === 0 || at - points[index - 1][0] > gap;
    const ends = index === points.length - 1 || points[index + 1][0] - at > gap;
    const place = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
    if (begins && ends) dots += `M${place}h0`;
    else line += (begins ? "M" : "L") + place;
  });
  return [[line, colour], [dots, `${colour} dot`]].filter(([d]) => d)
    .map(([d, name]) => s("path", { class: name, d }));
}

/** The point of a line that is nearest to a time, or undefined. */
function nearest(points, unix, gap) {
  let best;
  for (const point of points) {
    if (Math.abs(point[0] - unix) <= Math.abs((best?.[0] ?? Infinity) - unix)) best = point;
  }
  return best && Math.abs(best[0] - unix) <= gap ? best : undefined;
}

const several = (number, word) =>
  `${number} ${word}${number === 1 ? "" : word.endsWith("h") ? "es" : "s"}`;

/** For example "1 crash, 2 restarts", or "". */
function countMarks(marks) {
  return ["crash", "restart"].map((kind) => [kind, marks
    .filter((mark) => mark.kind === kind).reduce((sum, mark) => sum + mark.count, 0)])
    .filter(([, number]) => number > 0).map(([kind, number]) => several(number, kind)).join(", ");
}

/** One chart. `linesOf(past)` returns [{name, key}], where key is one of past.lines. */
function figure({ title, linesOf, format }, point) {
  const legend = h("span", { class: "legend" });
  const moment = h("span", { class: "moment soft" });
  const drawing = s("svg", { role: "img", "aria-label": `${title}: nothing yet` });
  const element = h("figure", {}, h("figcaption", {}, h("h3", {}, title), moment, legend), drawing);
  let past = null;
  let pointed = null; // the pointer, as a fraction of the width
  let place = null; // the result of scale()
  let values = [];

  function lines() {
    return linesOf(past).slice(0, COLOURS.length)
      .map((line) => ({ ...line, points: past.lines[line.key] ?? [] }));
  }

  function scale() {
    const width = drawing.clientWidth || 360;
    const most = Math.max(0, ...lines().flatMap((line) => line.points.map(([, value]) => value)));
    const step = stepOf(most, format);
    const top = Math.max(step, Math.ceil(most / step - 1e-9) * step);
    const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
    const inner = width - LEFT - RIGHT;
    const span = past.end_unix_s - past.begin_unix_s;
    return { width, inner, ticks, most,
      x: (unix) => LEFT + ((unix - past.begin_unix_s) / span) * inner,
      y: (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top) };
  }

  function grid() {
    const { width, ticks, x, y } = place;
    const floor = y(0);
    return [
      ...ticks.flatMap((value) => [
        s("path", { class: "grid", d: `M${LEFT} ${y(value).toFixed(1)}H${width - RIGHT}` }),
        s("text", { x: LEFT - 5, y: (y(value) + 4).toFixed(1), "text-anchor": "end" },
          label(value, format))]),
      ...timeTicks(past.begin_unix_s, past.end_unix_s, place.inner / 80).flatMap(([unix, text]) => [
        s("path", { class: "grid", d: `M${x(unix).toFixed(1)} ${floor}v3` }),
        // Leave out a label that would extend beyond the edge.
        ...(x(unix) + text.length * LETTER / 2 > width ? [] : [s("text",
          { x: x(unix).toFixed(1), y: HEIGHT - 3, "text-anchor": "middle" }, text)])])];
  }

  /** A cross for a crash, a triangle for a restart, so that they differ not only in
   * colour. */
  function mark({ kind, at }) {
    const x = Math.round(place.x(at)) + 0.5;
    const sign = kind === "crash" ? `M${x - 4} 1l8 8m0-8l-8 8` : `M${x - 4} 1h8l-4 8z`;
    return s("g", { class: `mark ${kind}` }, s("path", { d: sign }),
      s("path", { class: "line", d: `M${x} ${TOP}V${HEIGHT - BOTTOM}` }));
  }

  function cross() {
    if (pointed === null) return [];
    const unix = past.begin_unix_s + pointed * (past.end_unix_s - past.begin_unix_s);
    const x = place.x(unix).toFixed(1);
    return [s("path", { class: "cross", d: `M${x} ${TOP}V${HEIGHT - BOTTOM}` })];
  }

  /** Shows the values under the pointer, otherwise the latest. */
  function tell() {
    const unix = pointed === null ? past.end_unix_s
      : past.begin_unix_s + pointed * (past.end_unix_s - past.begin_unix_s);
    const gap = gapOf(past);
    values = lines().map((line, index) => {
      const found = nearest(line.points, unix, gap);
      return h("span", { class: `key ${COLOURS[index]}` }, `${line.name} `,
        h("b", {}, found ? label(found[1], format) : "–"));
    });
    const rest = linesOf(past).length - COLOURS.length;
    legend.replaceChildren(...values, rest > 0 ? `and ${rest} more` : "");
    const near = (past.end_unix_s - past.begin_unix_s) * 6 / place.inner;
    moment.textContent = pointed === null ? "" : ["at " + when(unix, past),
      countMarks(past.marks.filter((one) => Math.abs(one.at - unix) <= near))]
      .filter(Boolean).join(": ");
  }

  /** Describes the whole chart in words. */
  function say() {
    const now = values.map((value) => value.textContent).join(", ");
    const peak = lines().flatMap((line) => line.points).find(([, value]) => value === place.most);
    const marks = countMarks(past.marks);
    drawing.setAttribute("aria-label", `${title}: now ${now}` +
      (peak ? `; at most ${label(place.most, format)}, at ${when(peak[0], past)}` : "") +
      (marks ? `; ${marks}` : ""));
  }

  function show() {
    if (!past) return;
    place = scale();
    drawing.setAttribute("viewBox", `0 0 ${place.width} ${HEIGHT}`);
    drawing.replaceChildren(...grid(), ...past.marks.map(mark),
      ...lines().flatMap((line, index) =>
        draw(line.points, place.x, place.y, gapOf(past), COLOURS[index])),
      ...cross());
    tell();
  }

  drawing.addEventListener("pointermove", (event) => {
    if (!place) return;
    const part = (event.clientX - drawing.getBoundingClientRect().left - LEFT) / place.inner;
    point(Math.min(1, Math.max(0, part)));
  });
  // On a touch screen the point stays when the finger is lifted.
  drawing.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && point(null));
  new ResizeObserver(show).observe(drawing);
  return {
    element,
    point(part) {
      pointed = part;
      show();
    },
    update(now) {
      past = now;
      element.hidden = linesOf(past).length === 0;
      show();
      say();
    },
  };
}

/** Charts of the same time span: the pointer is shown in all of them. specs: {title,
 * linesOf, format}; past: {begin_unix_s, end_unix_s, step_s, lines: {KEY: [[unix_s,
 * value]...]}, marks: [{at, kind, count}]}. */
export function charts(specs) {
  const figures = specs.map((spec) => figure(spec, (part) =>
    figures.forEach((one) => one.point(part))));
  return {
    element: h("div", { class: "charts" }, figures.map((one) => one.element)),
    update: (past) => figures.forEach((one) => one.update(past)),
  };
}
