// Figures over time: from the manager, which stores them on disk, or from shmrpc-web,
// which keeps them in memory.
import * as api from "./api.js";

/** Spans of time: title, seconds, seconds of a step. */
export const SPANS = {
  "25m": ["25 minutes", 1500, 5],
  "24h": ["24 hours", 86400, 60],
  "30d": ["30 days", 2592000, 900],
};

const mean = (point) => point.mean;
const greatest = (point) => point.greatest;
const total = (point) => point.mean * point.count;

/** For each figure of the page: the manager's figures that are added up for it, and what is
 * shown for a step of time: the mean, for p99 the maximum, and for events their number. */
const SOURCES = {
  calls: [["calls_per_s"], mean],
  errors: [["errors_per_s"], mean],
  p50_us: [["p50_us"], mean],
  p99_us: [["p99_us"], greatest],
  queue_p99_us: [["queue_p99_us"], greatest],
  cpu: [["cpu"], mean],
  memory: [["pss_bytes"], mean],
  io: [["read_bytes_per_s", "write_bytes_per_s"], mean],
  restarts: [["restarts"], total],
  crashes: [["crashes"], total],
};

const ERROR = "error "; // prefix of a status's line

/** The points of one line, [[unix_s, value]...]. Times are the ends of steps. */
async function lineOf(name, subject, figures, valueOf, seconds) {
  const sums = new Map();
  for (const figure of figures) {
    const query = new URLSearchParams({ name, subject, figure, seconds });
    for (const point of await api.get(`/rpc/shmrpcd/history?${query}`)) {
      const at = point.at_unix_s + point.seconds;
      sums.set(at, (sums.get(at) ?? 0) + valueOf(point));
    }
  }
  return [...sums];
}

async function fromManager(name, span) {
  const seconds = String(SPANS[span][1]);
  const lines = {};
  const wanted = Object.entries(SOURCES).map(([key, [figures, valueOf]]) =>
    [key, "", figures, valueOf]);
  for (const { subject } of await api.get(`/rpc/shmrpcd/figures?${new URLSearchParams({ name })}`)) {
    if (subject.startsWith(ERROR)) wanted.push([subject, subject, ["errors_per_s"], mean]);
  }
  await Promise.all(wanted.map(async ([key, subject, figures, valueOf]) => {
    lines[key] = await lineOf(name, subject, figures, valueOf, seconds);
  }));
  return lines;
}

async function fromWeb(name, span) {
  const past = await api.get(`/api/v1/services/${encodeURIComponent(name)}/history?span=${span}`);
  const lines = {};
  const take = (key, values) => {
    lines[key] = values.map((value, index) => [past.at_unix_s[index], value])
      .filter(([, value]) => value !== null);
  };
  for (const key of Object.keys(SOURCES)) take(key, past[key]);
  for (const [status, values] of Object.entries(past.errors_by_status)) {
    take(ERROR + status, values);
  }
  return lines;
}

/** Statuses by how often they occurred: {name, key}. */
export function statusesOf(past) {
  return Object.keys(past.lines).filter((key) => key.startsWith(ERROR))
    .map((key) => ({ key, name: key.slice(ERROR.length),
      sum: past.lines[key].reduce((sum, [, value]) => sum + value, 0) }))
    .filter((line) => line.sum > 0)
    .sort((a, b) => b.sum - a.sum);
}

function shape(lines, span) {
  const [, seconds, step] = SPANS[span];
  const all = Object.values(lines).flat();
  if (all.length === 0) return null;
  const end = Math.max(api.now(), ...all.map(([at]) => at > api.now() + step ? 0 : at));
  const first = Math.min(...all.map(([at]) => at));
  // Begin at the first point, but show at least 24 steps, and no more than the whole
  // span.
  const begin = Math.max(end - seconds, Math.min(first, end - 24 * step));
  const past = { begin_unix_s: begin, end_unix_s: end, step_s: step, lines: {}, marks: [] };
  for (const [key, points] of Object.entries(lines)) {
    past.lines[key] = points.filter(([at]) => at >= begin && at <= end);
  }
  for (const [kind, key] of [["restart", "restarts"], ["crash", "crashes"]]) {
    for (const [at, count] of past.lines[key] ?? []) {
      if (count > 0) past.marks.push({ at, kind, count: Math.round(count) });
    }
  }
  return past;
}

/** Returns the data that chart.js draws, or null. `managed` is the manager's name of the
 * service, or null. */
export async function pastOf(name, managed, span) {
  if (managed) {
    try {
      const past = shape(await fromManager(managed, span), span);
      if (past) return past;
    } catch {
      /* The manager stores no figures, because there is no log_dir. */
    }
  }
  return shape(await fromWeb(name, span), span);
}
