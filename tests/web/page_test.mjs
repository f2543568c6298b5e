// page_test.mjs BASE TOKEN PICTURES READ_ONLY SHMRPC FOLDER KEPT: every part and action
// of the page, in Chromium, against the services of page_test.py.
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , base, token, pictures, readOnly, shmrpc, folder, keptFolder] = process.argv;
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
  .find((path) => fs.existsSync(path));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const failures = [];
let page;

function expect(what, got, wanted) {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    failures.push(what);
    console.log(`${what}\n  expected: ${JSON.stringify(wanted)}\n  got:      ${JSON.stringify(got)}`);
  }
}

async function open(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  page = await context.newPage();
  page.setDefaultTimeout(Number(process.env.SHMRPC_PATIENCE_MS ?? 60000));
  page.on("pageerror", (error) => failures.push(error.message) && console.log(error.stack));
  page.on("dialog", (dialog) => failures.push("a dialog") && dialog.dismiss());
  page.on("request", (request) => {
    if (![base, readOnly].some((origin) => request.url().startsWith(`${origin}/`))) {
      expect("loads from elsewhere", request.url(), base);
    }
  });
}

/** Checks that axe-core finds no violation in the page's present state. */
async function judge(what) {
  // The page's policy forbids scripts, so axe is not added as one.
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run());
  expect(`axe: ${what}`, result.violations.map((v) =>
    `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`), []);
  const wide = await page.evaluate(() =>
    document.documentElement.scrollWidth > document.documentElement.clientWidth);
  expect(`${what} fits its width`, wide, false);
}

/** Returns the output of a command line as JSON. */
const told = (...words) =>
  JSON.parse(execFileSync(shmrpc, [...words, "--json"], { encoding: "utf8" }));

async function ask(path) {
  const reply = await fetch(base + path, { headers: { Authorization: `Bearer ${token}` } });
  return path.startsWith("/metrics") ? reply.text() : reply.json();
}

const picture = (name) => page.screenshot({ path: `${pictures}/${name}.png` });
const row = (name) => page.locator("tr", { has: page.getByRole("cell", { name, exact: true }) }).first();
const section = (title) => page.locator("section", { has: page.getByRole("heading", { name: title }) });

async function logsIn() {
  await open();
  await page.goto(base);
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.getByText(`cat ${folder}/token`).waitFor();
  await judge("login");
  await page.getByLabel("Token").fill("0".repeat(64));
  await page.keyboard.press("Enter");
  await page.getByText("this is not the token").waitFor();
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "echo_serv" }).first().waitFor();
  await page.reload();
  await page.getByRole("link", { name: "echo_serv" }).first().waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  await page.goto(`${base}/#token=${token}`);
  await page.getByRole("link", { name: "echo_serv" }).first().waitFor();
  expect("the token has left the address", page.url(), `${base}/#/`);
  // Except for the cookie, which scripts can't read, only this origin's secret is stored.
  const kept = await page.evaluate(() => [document.cookie, Object.keys(localStorage)]);
  expect("nothing else for scripts to read", kept, ["", ["shmrpc.csrf"]]);
}

async function paints() {
  const times = [];
  for (let i = 0; i < 3; i++) {
    await page.goto(`${base}/?${i}#/`);
    await page.getByRole("link", { name: "echo_serv" }).first().waitFor();
    times.push(await page.evaluate(() =>
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0));
  }
  console.log(`first paint: ${times.map(Math.round).join(", ")} ms`);
}

/** The steps of an operator who is new to the page: finds out which service is slow,
 * which method, since when, and what the log says; then restarts it. */
async function newcomer() {
  await page.goto(`${base}/#/`);
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByRole("button", { name: "p99" }).first().click();
  // Compare only our services: others may run on this machine.
  await page.waitForFunction((ours) =>
    [...document.querySelector("tbody").rows].map((line) => line.cells[0].textContent)
      .find((name) => ours.includes(name)) === "slow", ["slow", "echo_serv", "shop", "shmrpcd"]);
  await page.getByRole("cell", { name: "slow.nap" }).waitFor();
  await picture("list");
  await judge("list");
  await page.getByRole("link", { name: "slow", exact: true }).first().click();
  await page.getByRole("heading", { name: "slow", level: 1 }).waitFor();
  await page.waitForFunction(() =>
    document.querySelector("tbody tr td")?.textContent === "nap");
  const label = page.locator("svg[aria-label^='Latency: now'][aria-label*='; at most']");
  await label.waitFor();
  // On a busy machine a nap of 120 ms may take more than a second.
  const text = await label.getAttribute("aria-label");
  expect("a chart says how slow, and when",
    /at most [\d.]+ m?s, at \d\d:\d\d:\d\d/.test(text) || text, true);
  const box = await label.boundingBox();
  const drawn = page.locator("figure", { has: label });
  await page.mouse.move(box.x + box.width - 3, box.y + box.height / 2);
  await drawn.getByText(/^at \d\d:\d\d:\d\d/).waitFor();
  const log = page.getByRole("list", { name: "Log of Slow" });
  await log.getByText("disk").first().waitFor();
  await judge("service");
  const before = await page.getByText(/up \d+/).first().textContent();
  const pid = await row("running").locator("td").first().textContent();
  await page.getByRole("button", { name: "Restart Slow" }).click();
  await judge("question");
  await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
  await page.getByText("Slow: running").waitFor();
  await page.waitForFunction((old) => ![...document.querySelectorAll("td:first-child")]
    .some((cell) => cell.textContent === old), pid);
  expect("it ran before", /up/.test(before), true);
  await page.locator("figure:visible .mark.restart").first().waitFor();
  await page.locator("svg[aria-label*='; 1 restart']").first().waitFor();
}

async function logIsInert() {
  const log = page.getByRole("list", { name: "Log of Slow" });
  await log.getByText("<b>bold</b>").first().waitFor();
  expect("no markup", await log.locator("b, img, script").count(), 0);
  const text = await log.textContent();
  expect("no control characters", /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(text), false);
  expect("nothing has run", await page.evaluate(() => window.hacked), undefined);
  // Each level is named, and serious levels have colours of their own.
  const colours = [];
  for (const [number, level] of ["debug", "info", "notice", "warning", "error", "critical"].entries()) {
    const line = log.locator("li", { hasText: `of level ${number}` }).first();
    expect(level, await line.locator(".level").textContent(), level);
    colours.push(await line.evaluate((node) => getComputedStyle(node).color));
  }
  const [debug, info, notice, warning, error, critical] = colours;
  expect("colours of levels", [new Set([debug, info, warning, error]).size, info === notice,
    error === critical], [4, true, true]);
  const shown = (level, part) => page.waitForFunction(([wanted, text]) => {
    const lines = [...document.querySelectorAll(".log:not([hidden]) li")];
    return lines.length > 0 && lines.every((line) => line.textContent.includes(text) &&
      wanted.includes(line.querySelector(".level").textContent));
  }, [level, part]);
  const least = page.getByLabel("From level").first();
  await least.selectOption("WARNING");
  await shown(["warning", "error", "critical"], "");
  await least.selectOption("DEBUG");
  await page.getByLabel("Contains").fill("bold");
  await shown(["info"], "bold");
}

/** The log shows lines that were printed before the page was opened, more lines than are
 * kept in memory, and how many lines the page was too slow to receive. */
async function logsOfThePast() {
  await page.goto(`${base}/#/service/Chatty`);
  const log = page.getByRole("list", { name: "Log of Chatty" });
  await log.locator("li").first().waitFor();
  await page.route("**/shmrpcd/logs?**", (route) => route.abort());
  for (let i = 0; i < 2; i++) {
    fs.writeFileSync(`${folder}/more`, "");
    while (fs.existsSync(`${folder}/more`)) await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  await page.unroute("**/shmrpcd/logs?**");
  await log.getByText(/… \d{5,} lines before these are not shown …/).waitFor();
  await page.getByText("Search all that is on disk").click();
  const form = page.getByRole("form", { name: "Search the log on disk" });
  await form.getByLabel("Text").fill("12345");
  await page.keyboard.press("Enter");
  await page.getByText(/^2 lines, in \d+ ms:$/).waitFor();
  await judge("search");
  await picture("search");
  await form.getByLabel("Process").fill("1");
  await page.keyboard.press("Enter");
  await page.getByText("Nothing found").waitFor();
}

/** The page shows the true state of each service, in the same words as the command
 * line. */
async function states() {
  const wanted = { Bad: /backoff/, Crash: /crashed/, Silent: /starting/, Later: /waiting/,
    "echo_serv@frozen": /stuck/, Plain: /running/, echo_serv: /running/ };
  await page.goto(`${base}/#/`);
  for (const [name, word] of Object.entries(wanted)) {
    await row(name).locator(".state", { hasText: word }).waitFor();
  }
  await row("Bad").getByText("ends as soon as it is started").waitFor();
  await row("Silent").getByText("has not reported yet that it is ready").waitFor();
  await row("echo_serv@frozen").getByText("stopped by a signal").waitFor();
  const states = Object.fromEntries(told("ps").map((service) => [service.name, service.state]));
  expect("the command line", [states.Bad, states.Silent, states.Later, states.Echo],
    ["BACKOFF", "STARTING", "WAITING", "RUNNING"]);
  const bad = (await ask("/rpc/shmrpcd/list")).find((service) => service.name === "Bad");
  expect("the API", [bad.state, bad.degraded, bad.last_end, bad.restarts >= 3],
    ["BACKOFF", true, "status 3", true]);
  await picture("states");
  await judge("states");
  await page.getByRole("link", { name: "Bad", exact: true }).click();
  await page.getByText(/\d+ restarts/).waitFor();
  await page.getByText("last exit: status 3").waitFor();
  await page.locator("figure:visible .mark.crash").first().waitFor();
  await page.getByRole("list", { name: "Log of Bad" }).getByText("no such disk").first().waitFor();
  await judge("a service that does not run");
  await picture("bad");
  await page.goto(`${base}/#/service/Plain`);
  await page.locator(".state", { hasText: "running" }).waitFor();
  await page.getByText("a program without a service").waitFor();
  await page.locator("svg[aria-label^='CPU: now']").waitFor();
  expect("charts of a program", await page.locator("figure:visible h3").allTextContents(),
    ["CPU", "Memory", "Disk"]);
  await judge("a program");
  await picture("plain");
}

/** A service that takes a while to end is shown as stopping, then as stopped. */
async function ends() {
  await page.goto(`${base}/#/`);
  await page.getByRole("button", { name: "Stop Chatty" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
  await row("Chatty").locator(".state", { hasText: "stopping" }).waitFor();
  await row("Chatty").locator(".state", { hasText: "stopped" }).waitFor();
}

/** A known number of calls is the same on the page, in /metrics and on the command line.
 * Their times agree to 1 %. */
async function agrees() {
  const calls = 1000;
  execFileSync(shmrpc, ["bench", `--calls=${calls}`, "shop", "text", "known"]);
  await page.goto(`${base}/#/service/shop`);
  const cells = async () => (await row("text").locator("td").allTextContents());
  await row("text").waitFor();
  // The load goes on meanwhile, so a figure that is read between two others must lie
  // between them.
  const asked = () => {
    const text = told("stats", "shop").methods.find((method) => method.name === "text");
    return { calls: text.calls, total: text.service.total_us * 1e3 };
  };
  const metric = (text, name) =>
    Number(text.match(new RegExp(`^${name}\\{service="shop",method="text"\\} (.*)$`, "m"))[1]);
  const numbers = [];
  numbers.push(asked());
  let text;
  do { // metrics are updated every second
    text = await ask("/metrics");
  } while (metric(text, "shmrpc_calls_total") < numbers[0].calls);
  numbers.push({ calls: metric(text, "shmrpc_calls_total"),
    total: metric(text, "shmrpc_service_seconds_sum") * 1e9 });
  const api = (await ask("/api/v1/services/shop")).methods.find((method) => method.name === "text");
  numbers.push({ calls: api.calls, total: api.service.total_us * 1e3 });
  const before = (await cells())[2];
  await page.waitForFunction((old) => [...document.querySelectorAll("tr")].some((line) =>
    line.cells[0].textContent === "text" && line.cells[2].textContent !== old), before);
  numbers.push({ calls: Number((await cells())[2]) });
  numbers.push(asked());
  const least = numbers[0];
  const most = numbers.at(-1);
  expect("the workload is known", least.calls > calls, true);
  for (const one of numbers) {
    expect(`calls ${JSON.stringify(numbers)}`,
      one.calls >= least.calls * 0.99 && one.calls <= most.calls * 1.01, true);
    expect(`times ${JSON.stringify(numbers)}`, one.total === undefined ||
      (one.total >= least.total * 0.99 && one.total <= most.total * 1.01), true);
  }
}

/** A user with permission only to see sees everything, but no buttons. */
async function onlyLooks() {
  await open();
  await page.goto(`${readOnly}/#token=${token}`);
  await page.getByText("live · read-only").waitFor();
  await row("shop").getByText("running").waitFor();
  expect("buttons", await page.getByRole("button", { name: /^(Stop|Start|Restart|Reload)/ }).count(), 0);
  await page.getByRole("link", { name: "shop", exact: true }).first().click();
  await page.getByText("This server is read-only.").waitFor();
  expect("forms", await page.getByRole("button", { name: /^(Call |Scale)/ }).count(), 0);
  await judge("read-only");
}

async function stopsAndStarts() {
  await page.goto(`${base}/#/`);
  await page.getByRole("button", { name: "Stop Shop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Stop Shop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
  await page.getByText("Shop: stopped").waitFor();
  await row("shop").locator(".state", { hasText: "stopped" }).waitFor();
  await page.getByRole("link", { name: "shop", exact: true }).first().click();
  await page.getByRole("heading", { name: "shop", level: 1 }).waitFor();
  await judge("a stopped service");
  await page.getByRole("button", { name: "Start Shop", exact: true }).click();
  await page.getByText("Shop: running").waitFor();
  await page.goto(`${base}/#/`);
  await row("shop").getByText("running").waitFor();
  await page.getByRole("button", { name: "Reload" }).click();
  await page.getByText("0 added, 0 changed, 0 removed").waitFor();
}

async function calls() {
  await page.goto(`${base}/#/service/echo_serv`);
  const part = section("Call it");
  await part.getByText("add", { exact: true }).click();
  const form = part.getByRole("form", { name: "Call add" });
  // A number too large for a JavaScript number.
  await form.getByLabel("a", { exact: true }).fill("9007199254740993");
  await form.getByLabel("b", { exact: true }).fill("1");
  await form.getByRole("button", { name: "Call add" }).click();
  await part.getByText("Done: HTTP 200").waitFor();
  expect("sum", await part.getByRole("region", { name: "Result of add" }).textContent(),
    "9007199254740994");
  await form.getByLabel("a", { exact: true }).fill("9223372036854775807");
  await page.keyboard.press("Enter");
  await part.getByText("Failed: HTTP 400").waitFor();
  await part.getByText("demo.Overflow").waitFor();
  await judge("explorer");
  await page.goto(`${base}/#/service/shop`);
  await part.getByText("buy", { exact: true }).click();
  const buy = part.getByRole("form", { name: "Call buy" });
  await buy.getByLabel("title", { exact: true }).fill("<i>pen</i>");
  await buy.getByLabel("grade (may be left out)").selectOption("FINE");
  await buy.getByLabel("tags (may be left out) as JSON").fill('{"a":1}');
  await picture("call");
  await buy.getByRole("button", { name: "Call buy" }).click();
  await part.getByText("Done: HTTP 200").waitFor();
  expect("bought", await part.getByRole("region", { name: "Result of buy" }).textContent(),
    '"<i>pen</i>"');
  await buy.getByLabel("count (may be left out)").fill("9");
  await buy.getByRole("button", { name: "Call buy" }).click();
  await part.getByText('"missing":6').first().waitFor();
}

/** Shows which streams are open, and their traffic. Streams can be opened and stopped on
 * the page, too. */
async function streams() {
  const held = new AbortController();
  const reply = await fetch(`${base}/rpc/papers/first`,
    { headers: { Authorization: `Bearer ${token}` }, signal: held.signal });
  await reply.body.getReader().read();
  await page.goto(`${base}/#/`);
  await page.waitForFunction(() => [...document.querySelectorAll("tbody tr")].some((line) =>
    line.cells[0].textContent === "papers" &&
    line.querySelector("td[data-label=Streams]").textContent === "1"));
  await page.goto(`${base}/#/service/papers`);
  const table = page.getByRole("region", { name: "Streams" });
  const line = table.locator("tr", { has: page.getByRole("cell", { name: "first", exact: true }) });
  await line.waitFor();
  await page.getByText(/1 open stream, /).waitFor();
  expect("open, opened", (await line.getByRole("cell").allTextContents()).slice(1, 3), ["1", "1"]);
  await judge("streams");
  held.abort();
  await page.waitForFunction(() => [...document.querySelectorAll("[aria-label=Streams] tbody tr")]
    .every((row) => row.cells[1].textContent === "0"));

  const part = section("Call it");
  await part.getByText("list", { exact: true }).click();
  const list = part.getByRole("form", { name: "Call list" });
  await list.getByLabel("count", { exact: true }).fill("300");
  await list.getByRole("button", { name: "Call list" }).click();
  await part.getByText("Done: HTTP 200").waitFor();
  const lines = (await part.getByRole("region", { name: "Result of list" }).textContent()).split("\n");
  expect("the last lines", [lines.length, lines.at(-2), lines.at(-1)],
    [200, '{"id":299,"title":"no 299"}', '{"end":{"items":300}}']);
  await list.getByLabel("count", { exact: true }).fill("0");
  await list.getByRole("button", { name: "Call list" }).click();
  await part.getByText(/^\d{4,} lines/).waitFor();
  // While a stream flows, its rate is shown.
  await page.waitForFunction(() => [...document.querySelectorAll("[aria-label=Streams] tbody tr")]
    .some((row) => row.cells[0].textContent === "list" && row.cells[3].textContent !== "0"));
  await list.getByRole("button", { name: "Stop list" }).click();
  await part.getByText("Stopped").waitFor();
  await part.getByText("file", { exact: true }).click();
  const file = part.getByRole("form", { name: "Call file" });
  await file.getByLabel("box", { exact: true }).fill("a b");
  await file.getByLabel("Items").fill('{"id":1,"title":"x"}\n{"id":2,"title":"y"}');
  await file.getByRole("button", { name: "Call file" }).click();
  await part.getByText("Done: HTTP 200").last().waitFor();
  await part.getByRole("region", { name: "Result of file" }).getByText("2", { exact: true }).waitFor();
}

/** Each method has a form, with the parameters' types and limits from the interface. */
async function forms() {
  await page.goto(`${base}/#/service/echo_serv`);
  const part = section("Call it");
  const values = { echo_json: { data: '{"a":[1,null]}' }, echo_msgpack: { data: '"hi"' },
    echo_raw: { data: "aGk=" }, add: { a: "1", b: "2" } };
  const results = { echo_json: '{"a":[1,null]}', echo_msgpack: '"hi"', echo_raw: '"aGk="', add: "3" };
  await part.getByText("add", { exact: true }).waitFor();
  expect("methods", await part.locator("summary strong").allTextContents(), Object.keys(values));
  for (const [method, fields] of Object.entries(values)) {
    await part.getByText(method, { exact: true }).click();
    const form = part.getByRole("form", { name: `Call ${method}` });
    for (const [name, value] of Object.entries(fields)) {
      await form.getByLabel(name === "data" ? /^data/ : name, { exact: name !== "data" }).fill(value);
    }
    await form.getByRole("button", { name: `Call ${method}` }).click();
    const result = part.getByRole("region", { name: `Result of ${method}` });
    await result.waitFor();
    expect(method, await result.textContent(), results[method]);
  }
  expect("the same by curl", (await part.getByRole("region", { name: "The same call as a curl command" })
    .last().textContent()).includes(`-d '{"a":1,"b":2}' ${base}/rpc/echo_serv/add`), true);
  const told = await part.getByRole("region", { name: "The same call as a curl command" }).last().textContent();
  expect("and it works", execFileSync("sh", ["-c", told], { encoding: "utf8" }).trim(), "3");
  await page.goto(`${base}/#/service/shop`);
  await part.getByText("buy", { exact: true }).click();
  const buy = part.getByRole("form", { name: "Call buy" });
  const about = (field) => field.evaluate((node) =>
    document.getElementById(node.getAttribute("aria-describedby")).textContent);
  expect("bounds", (await about(buy.getByLabel("title", { exact: true }))).includes("1 to 20 bytes"), true);
  const count = buy.getByLabel("count (may be left out)");
  expect("default", [(await about(count)).includes("default 1"), await count.getAttribute("placeholder")],
    [true, "1"]);
  await buy.getByLabel("title", { exact: true }).fill("y".repeat(21));
  await page.keyboard.press("Enter");
  await part.getByText("Failed: HTTP 400").waitFor();
  await part.getByText("length 21, allowed 1..20").waitFor();
  await page.goto(`${base}/#/`);
}

/** The manager starts more workers. Figures over time are those that the manager
 * stores. */
async function scales() {
  const kept = page.waitForResponse((reply) =>
    reply.url().includes("/rpc/shmrpcd/history?") && reply.ok());
  await page.goto(`${base}/#/service/shop`);
  await page.getByLabel("At least").fill("3");
  await page.getByLabel("at most", { exact: true }).fill("2");
  await page.getByRole("button", { name: "Scale" }).click();
  await page.getByText(/^Shop: .*(min|most|least)/i).waitFor();
  await page.getByLabel("at most", { exact: true }).fill("3");
  await page.getByRole("button", { name: "Scale" }).click();
  await page.getByText("Shop: 3 to 3 workers from now on").waitFor();
  await page.locator("p.soft", { hasText: / 3 workers / }).waitFor();
  expect("kept", (await (await kept).json()).length > 0, true);
}

/** The keyboard alone is enough to reach a service, a form, and go back. */
async function keyboard() {
  await page.goto(`${base}/#/`);
  await page.getByRole("link", { name: "echo_serv" }).first().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "echo_serv", level: 1 }).waitFor();
  expect("focus follows", await page.evaluate(() => document.activeElement.id), "main");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Services", level: 1 }).waitFor();
  const link = page.getByRole("link", { name: "shop", exact: true }).first();
  await link.focus();
  // Figures are updated meanwhile, and the focus stays.
  const before = await page.evaluate(() => performance.now());
  await page.waitForFunction((begin) => performance.now() > begin + 2500, before);
  expect("focus stays", await link.evaluate((node) => node === document.activeElement), true);
}

/** Shows shared objects, whatever their names are, and their figures as they grow. */
async function objects() {
  await page.goto(`${base}/#/`);
  await page.getByRole("link", { name: "Objects", exact: true }).click();
  await page.getByRole("heading", { name: "Objects", level: 1 }).waitFor();
  await page.getByText("No program has made a shared object").waitFor();
  await judge("no objects");
  const run = (...words) => execFileSync(shmrpc, words, { stdio: "ignore" });
  const hostile = '<img src=x onerror="window.hacked=1">\n\u202e\u001b[31m' + "long".repeat(40);
  run("queue", "push", "--create", "jobs", "1", "2", "3");
  run("dict", "set", "--create", "config", "rate", "16000");
  run("topic", "pub", "--create", "news", "rain");
  run("queue", "push", "--create", hostile, "1");
  const cell = (name, title) => row(name).locator(`td[data-label="${title}"]`);
  await cell("jobs", "Now").getByText("3 items").waitFor();
  await cell("jobs", "In all").getByText("3 pushed, 0 popped").waitFor();
  await row("jobs").locator(".state", { hasText: "idle" }).waitFor();
  await cell("config", "Now").getByText("1 entry").waitFor();
  await cell("news", "Now").getByText("0 subscribers").waitFor();
  await cell("news", "In all").getByText("1 published").waitFor();
  run("queue", "pop", "jobs");
  await cell("jobs", "Each second").getByText(/^0\.\d+ popped$/).waitFor();
  await cell("jobs", "Now").getByText("2 items").waitFor();
  await cell("jobs", "In all").getByText("3 pushed, 1 popped").waitFor();
  const waiter = spawn(shmrpc, ["queue", "pop", "--create", "--deadline=600s", "mail"]);
  await cell("mail", "Now").getByText("0 items, 1 waits for items").waitFor();
  waiter.kill();
  await cell("mail", "State").getByText("idle").waitFor(); // nobody waits any more
  run("rm", "--kind=queue", "mail");
  await row("mail").waitFor({ state: "detached" });
  const evil = page.getByRole("cell", { name: "<img src=x" });
  await evil.waitFor();
  const text = await evil.textContent();
  expect("the name as it is", text.startsWith(
    '<img src=x onerror="window.hacked=1">␊⟨U+202E⟩␛[31mlong'), true);
  expect("no markup", await page.locator("main img").count(), 0);
  expect("nothing has run", await page.evaluate(() => window.hacked), undefined);
  const names = () => page.locator("tbody tr td:first-child").allTextContents();
  expect("sorted", (await names()).slice(1), ["config", "jobs", "news"]);
  await page.getByRole("button", { name: "Name" }).click();
  expect("sorted the other way", (await names()).slice(0, 3), ["news", "jobs", "config"]);
  await judge("objects");
  await picture("objects");
  await page.setViewportSize({ width: 390, height: 844 });
  await judge("objects, 390 px");
  await picture("objects-390");
  await page.setViewportSize({ width: 1280, height: 900 });
  run("rm", "--kind=queue", "jobs");
  await row("jobs").waitFor({ state: "detached" });
}

async function looks() {
  for (const colorScheme of ["light", "dark"]) {
    await open({ colorScheme, viewport: { width: 390, height: 844 } });
    await page.goto(`${base}/#token=${token}`);
    await page.getByRole("link", { name: "echo_serv" }).first().waitFor();
    await judge(`list, 390 px, ${colorScheme}`);
    await picture(`list-390-${colorScheme}`);
    await page.setViewportSize({ width: 1280, height: 900 });
    await judge(`list, 1280 px, ${colorScheme}`);
    await picture(`list-1280-${colorScheme}`);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${base}/#/service/slow`);
    await page.locator("svg[aria-label^='CPU: now']").waitFor();
    await judge(`service, 390 px, ${colorScheme}`);
    await picture(`service-390-${colorScheme}`);
    await page.setViewportSize({ width: 1280, height: 900 });
    await judge(`service, 1280 px, ${colorScheme}`);
    await picture(colorScheme === "dark" ? "service-dark" : "service");
  }
}

/** A handler aborts. An operator who is new to the page finds out which method it was,
 * which signal, and when. */
async function crashes() {
  await page.goto(`${base}/#/service/workers`);
  const part = section("Call it");
  await part.getByText("crash", { exact: true }).click();
  await part.getByRole("button", { name: "Call crash" }).click();
  await part.getByText("Failed: HTTP 502").waitFor();
  await part.getByText('"WORKER_DIED"').first().waitFor();
  await page.getByText(/1 worker crashed; the last one at \d\d:\d\d:\d\d in crash: signal 6 \(SIGABRT\), pid \d+/).waitFor();
  await page.getByRole("row", { name: /^WORKER_DIED 1 crash 1$/ }).waitFor();
  const line = page.getByRole("list", { name: "Log of Workers" })
    .locator("li", { hasText: /workers\.crash.*signal 6|signal 6.*workers\.crash/ }).first();
  await line.waitFor();
  expect("its level", await line.locator(".level").textContent(), "error");
  await page.locator("figure:visible .mark.crash").first().waitFor();
  await page.locator("svg[aria-label*='WORKER_DIED']").first().waitFor();
  await page.locator("svg[aria-label$='; 1 crash']").first().waitFor();
  await judge("a crash");
  await page.evaluate(() => scrollTo(0, 0));
  await picture("crash");
  await page.setViewportSize({ width: 400, height: 860 });
  await judge("a crash, 400 px");
  await picture("crash-400");
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** A point that arrives at an odd time has its own value, not the sum of its neighbours.
 * Missing points are a gap. When the chart is drawn again, the point under the pointer is
 * still marked. */
async function draws() {
  const ago = [61, 60, 55, 50, 49, 44, 39, 20, 15, 10, 5]; // nothing from 39 to 20
  const points = () => ago.map((seconds) => ({ at_unix_s: Math.floor(Date.now() / 1000) - seconds,
    seconds: 0, count: 1, mean: 5 * 2 ** 20, least: 5 * 2 ** 20, greatest: 5 * 2 ** 20 }));
  await page.route("**/shmrpcd/history?**", (route) => route.fulfill({
    json: route.request().url().includes("figure=pss_bytes") ? points() : [] }));
  await page.goto(`${base}/#/service/shop`);
  const chart = page.locator("svg[aria-label^='Memory: now PSS 5 MiB; at most 5 MiB']");
  await chart.waitFor();
  const line = await chart.locator("path.a").first().getAttribute("d");
  const heights = [...line.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => y);
  expect("a constant is constant", [heights.length, new Set(heights).size], [ago.length, 1]);
  expect("a gap is a gap", line.match(/M/g).length, 2);
  const ticks = await chart.locator("text").allTextContents();
  expect("ticks", [ticks.includes("0"), ticks.includes("4 MiB"),
    ticks.some((text) => /^\d\d:\d\d(:\d\d)?$/.test(text))], [true, true, true]);
  const drawn = page.locator("figure", { has: chart });
  const box = await chart.boundingBox();
  await page.mouse.move(box.x + box.width - 10, box.y + box.height / 2);
  await drawn.getByText(/^at \d\d:\d\d:\d\d$/).waitFor();
  const drawings = chart.locator("path.a").first();
  const before = await drawings.elementHandle();
  await page.waitForFunction((old) => !old.isConnected, before); // redrawn
  expect("what is under the pointer stays", [await drawn.locator(".moment")
    .textContent(), await chart.locator(".cross").count()]
    .map((one) => /^at \d\d:\d\d:\d\d$/.test(one) || one), [true, 1]);
  expect("in all charts", await page.locator("svg .cross").count(), 6);
  await page.mouse.move(0, 0);
  await page.waitForFunction(() => !document.querySelector("svg .cross"));
  await page.unroute("**/shmrpcd/history?**");
}

/** The page shows the round trip of the built-in _ping. */
async function pings() {
  await page.goto(`${base}/#/service/echo_serv`);
  await page.getByText(/ · ping [\d.]+ (µs|ms) · /).waitFor();
}

/** Each icon is hidden from screen readers. Beside it is a text that says the same, which
 * is read aloud and copied. */
async function picturesBesideText() {
  await page.goto(`${base}/#/`);
  const seen = { "🐎": /^ \d+(\.\d+)? µs$/, "🐇": /^ \d+(\.\d+)? (µs|ms)$/, "🏃": /^ \d+(\.\d+)? (ms|s)$/ };
  await row("slow").getByText("🏃").waitFor(); // 120 ms
  const cells = await page.locator("tbody td[data-label=p50] span[aria-hidden]").evaluateAll((nodes) =>
    nodes.map((node) => [node.textContent, node.nextSibling.textContent]));
  expect("paces", cells.length > 1 && cells.every(([sign, text]) => seen[sign]?.test(text)), true);
  expect("the legend names each", await page.locator("span.soft", { hasText: "p50 below" }).textContent(),
    "🐎 p50 below 100 µs, 🐇 below 10 ms, 🏃 10 ms or more");
  const bare = await page.evaluate(() => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (texts.nextNode()) {
      const { data, parentElement } = texts.currentNode;
      if (/\p{Extended_Pictographic}/u.test(data) && !parentElement.closest("[aria-hidden=true]")) found.push(data);
    }
    return found;
  });
  expect("none is read aloud", bare, []);
  expect("the name is text", await page.locator("a.home").ariaSnapshot(),
    '- link "shmrpc":\n  - /url: "#/"');
}

const NOW_MS = Date.UTC(2026, 0, 31, 12);

/** The answers that the server gives while the index is compared with the stored
 * pictures. */
const FIXED = {
  "/api/v1/services": [["echo_serv", 41, 120, 9, 2], ["slow", 4100, 8800, 120, 1], ["tts", 130000, 610000, 3, 4]]
    .map(([name, p50_us, p99_us, calls_per_s, workers]) => ({ name, address: `shm://${name}`, port: 5555,
      alive: true, workers, calls_per_s, errors_per_s: name === "slow" ? 0.5 : 0, streams_open: 0,
      items_per_s: 0, stalled: 0, p50_us, p99_us, queue_p99_us: 10, cpu: 0.25, memory: 12 * 2 ** 20,
      uptime_s: 4000, connections: 3 })),
  "/rpc/shmrpcd/list": ["Echo", "Slow", "Tts"].map((name, index) => ({ name, state: "RUNNING", pid: 71 + index,
    addresses: [`shm://${["echo_serv", "slow", "tts"][index]}`], since_unix_ms: NOW_MS, restarts: 0,
    last_end: "", trouble: "", min_workers: 1, max_workers: 4 })),
  "/rpc/shmrpcd/logs": { next: 3, skipped: 0, lines: [["INFO", "Echo", "serving at shm://echo_serv"],
    ["WARNING", "Slow", "the disk answers slowly"], ["ERROR", "Tts", "no voice “Anna”"]]
    .map(([level, section, text], index) => ({ unix_ms: NOW_MS + index * 1500, level, section, text,
      origin: "STDERR", truncated: false, thread: 72, call: 0 })) },
};
FIXED["/api/v1/services"].push({ ...FIXED["/api/v1/services"][0], name: "shmrpcd", address: "shm://shmrpcd" });

const inside = (name) => ({ name, methods: ["add", "search", "say"].map((method, index) => ({ id: index + 1,
  name: method, calls: 1000 * (index + 1), errors: index, service: { total_us: 5e6 / (index + 1), p50_us: 50,
    p99_us: 900 } })) });

/** How much two pictures differ, from 0 to 1: the share of squares of 10 x 10 pixels
 * whose brightness differs. Other fonts of the same size don't matter. */
async function difference(kept, got) {
  const blank = await browser.newPage(); // its policy allows images from data: URLs
  const off = await blank.evaluate(async (sources) => {
    const parts = [];
    for (const source of sources) {
      const image = new Image();
      image.src = `data:image/png;base64,${source}`;
      await image.decode();
      const canvas = new OffscreenCanvas(Math.ceil(image.width / 10), Math.ceil(image.height / 10));
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(image, 0, 0, canvas.width, canvas.height);
      parts.push({ size: [image.width, image.height],
        data: context.getImageData(0, 0, canvas.width, canvas.height).data });
    }
    const [a, b] = parts;
    if (String(a.size) !== String(b.size)) return 1;
    let different = 0;
    for (let i = 0; i < a.data.length; i += 4) {
      const off = [0, 1, 2].reduce((sum, at) => sum + Math.abs(a.data[i + at] - b.data[i + at]), 0);
      different += off > 60;
    }
    return different * 4 / a.data.length;
  }, [kept, got].map((bytes) => bytes.toString("base64")));
  await blank.close();
  return off;
}

/** The index with services, top methods and console looks as in the stored pictures.
 * SHMRPC_KEEP=1 stores new ones. */
async function looksAsKept() {
  for (const [width, height] of [[390, 844], [1280, 900]]) {
    await open({ viewport: { width, height }, colorScheme: "light", timezoneId: "UTC", locale: "en-GB" });
    await page.route((url) => url.pathname === "/api/v1/events", (route) => route.abort());
    for (const [path, json] of Object.entries(FIXED)) {
      await page.route((url) => url.pathname === path, (route) => route.fulfill({ json }));
    }
    await page.route((url) => /^\/api\/v1\/services\/[a-z_]+$/.test(url.pathname), (route) =>
      route.fulfill({ json: inside(route.request().url().split("/").at(-1)) }));
    await page.goto(`${base}/#token=${token}`);
    const lines = section("Console").getByRole("list", { name: "Log of all services" });
    await lines.getByText("Tts: no voice").waitFor();
    await page.getByRole("cell", { name: "tts.say" }).waitFor();
    await page.evaluate(() => { // parts that no answer determines
      document.getElementById("clock").textContent = "12:00:00 UTC";
      document.getElementById("link").hidden = true;
    });
    await judge(`the index with its console, ${width} px`);
    for (const part of ["top", "end"]) {
      await page.evaluate((at) => scrollTo(0, at === "top" ? 0 : document.body.scrollHeight), part);
      const name = `index-${part}-${width}.png`;
      const got = await page.screenshot();
      if (process.env.SHMRPC_KEEP) fs.writeFileSync(`${keptFolder}/${name}`, got);
      fs.writeFileSync(`${pictures}/${name}`, got);
      const off = await difference(fs.readFileSync(`${keptFolder}/${name}`), got);
      console.log(`${name}: ${(100 * off).toFixed(1)} % differ`);
      expect(`${name} looks as kept (see ${pictures}/${name}; SHMRPC_KEEP=1 keeps it)`, off < 0.05, true);
    }
  }
}

/** The console shows the output of all services. */
async function consoleOfAll() {
  await page.goto(`${base}/#/`);
  const lines = section("Console").getByRole("list", { name: "Log of all services" });
  await lines.getByText(/Crash: /).first().waitFor(); // both are restarted repeatedly
  await section("Console").getByLabel("Contains").fill("no such disk");
  await lines.getByText("Bad: error: no such disk").first().waitFor();
  const others = lines.locator("li").filter({ hasNotText: "Bad: error: no such disk" });
  await others.first().waitFor({ state: "detached" }); // the filter takes effect after a moment
}

/** After the manager was killed and started again, the graph still shows the time before,
 * and continues. */
async function graphGoesOn() {
  await open();
  await page.goto(`${base}/#token=${token}`);
  await page.getByRole("link", { name: "shop", exact: true }).first().click();
  const chart = page.locator("svg[aria-label^='Memory: now PSS']");
  const pointsDrawn = async () => (await chart.locator("path.a").evaluateAll((paths) =>
    paths.map((path) => path.getAttribute("d").match(/[ML]/g).length)))
    .reduce((sum, count) => sum + count, 0);
  const atLeast = async (count) => {
    while (await pointsDrawn() < count) {
      const before = await chart.locator("path.a").first().elementHandle();
      await page.waitForFunction((old) => !old.isConnected, before); // redrawn
    }
  };
  await chart.waitFor();
  await atLeast(3);
  const before = await pointsDrawn();
  fs.writeFileSync(`${folder}/restart`, "");
  while (fs.existsSync(`${folder}/restart`)) await page.evaluate(() => new Promise(requestAnimationFrame));
  await page.reload(); // now the page's memory is empty
  await chart.waitFor();
  await atLeast(before + 2);
}

/** Shows a span of 30 days, and pages of services that don't exist. */
async function spans() {
  await page.goto(`${base}/#/service/echo_serv`);
  const answered = page.waitForResponse((reply) =>
    reply.url().includes("seconds=2592000") && reply.ok());
  await page.getByLabel("the last").selectOption("30d");
  await answered;
  for (const wrong of ["nobody", "%E0%A4%A"]) {
    await page.goto(`${base}/#/service/${wrong}`);
    await page.getByText(`No service “${wrong}” runs here`).waitFor();
    expect(`nothing loads of ${wrong}`, (await page.locator("main").innerText()).includes("…"), false);
    await page.getByRole("link", { name: "Back to all services" }).click();
    await page.getByRole("heading", { name: "Services", level: 1 }).waitFor();
  }
}

const wanted = process.env.SHMRPC_TEST_ONLY?.split(",");
for (const test of [logsIn, paints, newcomer, logIsInert, logsOfThePast, states, stopsAndStarts,
  ends, agrees, forms, calls, streams, scales, keyboard, crashes, draws, pings, picturesBesideText, spans, objects, onlyLooks, looks, consoleOfAll, looksAsKept, graphGoesOn]) {
  if (wanted && test !== logsIn && !wanted.includes(test.name)) continue;
  const begin = Date.now();
  try {
    await test();
  } catch (error) {
    failures.push(test.name);
    console.log(`${test.name}: ${error.stack}`);
    await picture(`failed-${test.name}`);
  }
  console.log(`${test.name}: ${Date.now() - begin} ms`);
}
await browser.close();
process.exit(failures.length > 0 ? 1 : 0);
