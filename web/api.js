// Requests to the server.

export const session = { csrf: null, readOnly: false, version: "" };

/** How many seconds the server's clock is ahead of ours. */
let ahead = 0;

/** The server's time in seconds since 1970, to which all figures refer. */
export const now = () => Date.now() / 1000 + ahead;

function setClock(reply) {
  const server = Date.parse(reply.headers.get("Date")) / 1000;
  const off = server - Date.now() / 1000;
  // The server's time is in whole seconds, and somewhat old when it arrives, so smaller
  // differences don't count.
  ahead = Math.abs(off) > 2 ? off : 0;
}

export class Refused extends Error {
  constructor(status, body) {
    super(body?.message || `HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}

async function answer(reply) {
  setClock(reply);
  const text = await reply.text();
  let body = null;
  try {
    body = text ? JSON.parse(text) : null;
  } catch {
    body = { message: text };
  }
  if (!reply.ok) throw new Refused(reply.status, body);
  return body;
}

export async function get(path) {
  const headers = session.csrf ? { "X-CSRF-Token": session.csrf } : {};
  return answer(await fetch(path, { cache: "no-store", headers }));
}

/** `headers` are additional header fields; `signal` aborts the request. */
export function post(path, body, { headers = {}, signal } = {}) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrf ?? "", ...headers },
    body,
    signal,
  });
}

/** Calls a method with parameters by name. */
export async function call(service, method, params) {
  return answer(await post(`/rpc/${service}/${method}`, JSON.stringify(params)));
}

// The server sends the secret only in its reply to the login; the page stores it for this
// origin, which includes the port. Other programs on this host get the cookie too, because
// cookies ignore the port; but without the secret the cookie permits no changes.
const kept = "shmrpc.csrf";

function take(body) {
  if (body.csrf) {
    session.csrf = body.csrf;
    localStorage.setItem(kept, body.csrf);
  }
  session.readOnly = body.read_only;
  session.version = body.version;
}

export async function resume() {
  session.csrf = localStorage.getItem(kept);
  take(await get("/api/v1/session"));
}

export async function logIn(token) {
  take(await answer(await post("/api/v1/login", JSON.stringify({ token }))));
}

export async function logOut() {
  await post("/api/v1/logout", "");
  localStorage.removeItem(kept);
}

/** The path of the token's file, quoted for a shell; null if the page is shown on another
 * machine. */
export async function tokenFile() {
  const { path } = await get("/api/v1/token-file").catch(() => ({ path: null }));
  return path && (/^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
}

/** The manager's report on its services. */
export const managed = () => get("/rpc/shmrpcd/list");
