// Figures of the past: from the manager, who keeps them on disk, else from
// shmrpc-web, who keeps them in memory.
import * as api from "./api.js";

/** Spans: title, seconds, seconds of a step. */
export const SPANS = {
  "25m": ["25 minutes", 1500, 5],
  "24h": ["24 hours", 86400, 60],
  "30d": ["30 days", 2592000, 900],
};

/** Our names, and of which of the manager's figures each is the sum. */
const SOURCES = {
  calls: ["calls_per_s"], errors: ["errors_per_s"], p50_us: ["p50_us"], p99_us: ["p99_us"],
  queue_p99_us: ["queue_p99_us"], cpu: ["cpu"], memory: ["pss_bytes"],
  io: ["read_bytes_per_s", "write_bytes_per_s"],
};

/** Of percentiles the worst is shown. */
const valueOf = (key, point) => (key.endsWith("_us") ? point.greatest : point.mean);

async function fromManager(name, span) {
  const [, seconds, step] = SPANS[span];
  const end = Math.floor(Date.now() / 1000 / step) * step;
  const room = seconds / step;
  const past = { end_unix_s: end, step_s: step };
  let first = room;
  await Promise.all(Object.entries(SOURCES).map(async ([key, figures]) => {
    past[key] = new Array(room).fill(0);
    for (const figure of figures) {
      const query = new URLSearchParams({ name, figure, seconds });
      for (const point of await api.get(`/rpc/shmrpcd/history?${query}`)) {
        const at = room - 1 - Math.floor((end - point.at_unix_s) / step);
        if (at >= 0 && at < room) {
          past[key][at] += valueOf(key, point);
          first = Math.min(first, at);
        }
      }
    }
  }));
  if (first === room) return null;
  for (const key of Object.keys(SOURCES)) past[key] = past[key].slice(first);
  return past;
}

/** `managed` is the manager's name of the service, or null. */
export async function pastOf(name, managed, span) {
  if (managed) {
    try {
      const past = await fromManager(managed, span);
      if (past) return past;
    } catch {
      /* It keeps none: there is no log_dir. */
    }
  }
  return api.get(`/api/v1/services/${name}/history?span=${span}`);
}
