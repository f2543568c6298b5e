// The page: login, choice of the part that is shown, and the figures for all parts.
import * as api from "./api.js";
import { byId, clock, h, note, zone } from "./dom.js";
import { listPage } from "./list.js";
import { objectsPage } from "./objects.js";
import { servicePage } from "./service.js";

/** The latest figures, from which every part of the page is made. */
const state = { services: [], managed: [] };
let part = null; // {update(state), close()}
let source = null;

function show(element, title) {
  document.title = title ? `${title} · shmrpc` : "shmrpc";
  byId("main").replaceChildren(element);
}

/** Decodes the service's name in an address; unchanged if the address is malformed. */
function nameOf(hash) {
  const match = /^#\/service\/(.+)$/.exec(hash);
  try {
    return match && decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}

function open() {
  part?.close?.();
  byId("ask").close();
  const name = nameOf(location.hash);
  const isObjects = location.hash === "#/objects";
  part = name ? servicePage(name) : isObjects ? objectsPage() : listPage();
  show(part.element, name ?? (isObjects ? "Objects" : null));
  part.update(state);
  byId("main").focus({ preventScroll: true });
  scrollTo(0, 0);
}

function tell(text, bad) {
  const link = byId("link");
  link.textContent = text;
  link.className = bad ? "bad" : "";
}

/** Shows the time zone of all times on the page. */
function showClock() {
  const date = new Date(api.now() * 1000);
  byId("clock").textContent = `${clock(date)} ${zone(date)}`;
  byId("clock").title = Intl.DateTimeFormat().resolvedOptions().timeZone;
}

const hasManager = () => state.services.some((row) => row.name === "shmrpcd" && row.alive);

async function lookAtManager() {
  try {
    state.managed = hasManager() ? await api.managed() : [];
    part?.update(state);
  } catch {
    /* The stream reports that the server has gone. */
  }
}

function listen() {
  source = new EventSource("/api/v1/events");
  source.addEventListener("services", (event) => {
    state.services = JSON.parse(event.data);
    tell(api.session.readOnly ? "live · read-only" : "live", false);
    showClock();
    part?.update(state);
    lookAtManager();
  });
  source.onerror = async () => {
    tell("connection lost, trying again …", true);
    try {
      await api.resume();
    } catch (error) {
      // After a logout the user must log in again; while offline, the page only waits.
      if (error instanceof api.Refused) location.reload();
    }
  };
}

async function begin() {
  byId("leave").hidden = byId("objects").hidden = false;
  addEventListener("hashchange", open);
  addEventListener("managed", lookAtManager);
  state.services = await api.get("/api/v1/services");
  await lookAtManager();
  open();
  listen();
}

function loginPage(why) {
  const input = h("input", { id: "token", type: "password", autocomplete: "off", required: true,
    spellcheck: "false", "aria-describedby": "token-help" });
  const file = h("span", {});
  api.tokenFile().then((word) => word &&
    file.replaceChildren(": ", h("code", {}, `cat ${word}`)));
  const form = h("form", { class: "login", onsubmit: async (event) => {
    event.preventDefault();
    try {
      await api.logIn(input.value.trim());
      removeEventListener("hashchange", start);
      await begin();
    } catch (error) {
      note(error.message);
      input.select();
    }
  } },
    h("section", {},
      h("h1", {}, "Log in"),
      h("p", { id: "token-help" }, "The token is in the file that shmrpc-web named when it started",
        file, "."),
      h("p", {}, h("label", { for: "token" }, "Token"), input),
      h("p", {}, h("button", { class: "main", type: "submit" }, "Log in"))));
  show(form, "Log in");
  // A link with the token may be opened here.
  addEventListener("hashchange", start, { once: true });
  if (why) note(why);
  input.focus();
}

async function start() {
  const token = /^#token=([0-9a-f]{64})$/.exec(location.hash)?.[1];
  if (token) {
    // It must not stay in the browser's history.
    history.replaceState(null, "", "#/");
  }
  try {
    await (token ? api.logIn(token) : api.resume());
  } catch (error) {
    loginPage(token ? error.message : "");
    return;
  }
  await begin();
}

byId("leave").addEventListener("click", async () => {
  source?.close();
  await api.logOut();
  location.hash = "#/";
  location.reload();
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
start();
