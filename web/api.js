// What is asked of the server.

export const session = { csrf: null, readOnly: false, version: "" };

export class Refused extends Error {
  constructor(status, body) {
    super(body?.message || `HTTP ${status}`);
    this.status = status;
    this.body = body;
  }
}

async function answer(reply) {
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
  return answer(await fetch(path, { cache: "no-store" }));
}

export function post(path, json) {
  return fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": session.csrf ?? "" },
    body: json,
  });
}

/** Calls a method with parameters by name. */
export async function call(service, method, params) {
  return answer(await post(`/rpc/${service}/${method}`, JSON.stringify(params)));
}

function take(body) {
  session.csrf = body.csrf;
  session.readOnly = body.read_only;
  session.version = body.version;
}

export async function resume() {
  take(await get("/api/v1/session"));
}

export async function logIn(token) {
  take(await answer(await post("/api/v1/login", JSON.stringify({ token }))));
}

export async function logOut() {
  await post("/api/v1/logout", "");
}

/** What the manager says of its services. */
export const managed = () => get("/rpc/shmrpcd/list");
