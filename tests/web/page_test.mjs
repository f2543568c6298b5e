// page_test.mjs BASE TOKEN PICTURES: every part and action of the page, in
// Chromium, against the services of page_test.py.
import fs from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , base, token, pictures] = process.argv;
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
    if (!request.url().startsWith(base)) expect("loads from elsewhere", request.url(), base);
  });
}

/** No violation of axe-core's rules, as it looks now. */
async function judge(what) {
  // Not as a script of the page, which its policy forbids.
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run());
  expect(`axe: ${what}`, result.violations.map((v) =>
    `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`), []);
  const wide = await page.evaluate(() =>
    document.documentElement.scrollWidth > document.documentElement.clientWidth);
  expect(`${what} fits its width`, wide, false);
}

const picture = (name) => page.screenshot({ path: `${pictures}/${name}.png` });
const row = (name) => page.locator("tr", { has: page.getByRole("cell", { name, exact: true }) }).first();
const section = (title) => page.locator("section", { has: page.getByRole("heading", { name: title }) });

async function logsIn() {
  await open();
  await page.goto(base);
  await page.getByRole("heading", { name: "Who are you?" }).waitFor();
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
  await page.getByRole("heading", { name: "Who are you?" }).waitFor();
  await page.goto(`${base}/#token=${token}`);
  await page.getByRole("link", { name: "echo_serv" }).first().waitFor();
  expect("the token has left the address", page.url(), `${base}/#/`);
  const kept = await page.evaluate(() => [document.cookie, localStorage.length]);
  expect("nothing for scripts to read", kept, ["", 0]);
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

/** What an operator does who has never seen the page: which service is slow,
 * which method, since when, what does the log say; restart it. */
async function newcomer() {
  await page.goto(`${base}/#/`);
  await page.getByText("live", { exact: true }).waitFor();
  await page.getByRole("button", { name: "99 % within" }).first().click();
  await page.waitForFunction(() =>
    document.querySelector("tbody tr td")?.textContent === "slow");
  await page.getByRole("cell", { name: "slow.nap" }).waitFor();
  await picture("list");
  await judge("list");
  await page.getByRole("link", { name: "slow", exact: true }).first().click();
  await page.getByRole("heading", { name: "slow", level: 1 }).waitFor();
  await page.waitForFunction(() =>
    document.querySelector("tbody tr td")?.textContent === "nap");
  const label = page.locator("svg[aria-label^='Service time: now']");
  await label.waitFor();
  expect("a chart says how slow", /at most \d+ ms/.test(await label.getAttribute("aria-label")), true);
  const log = page.getByRole("list", { name: "Log of Slow" });
  await log.getByText("disk").first().waitFor();
  await judge("service");
  await picture("service");
  const before = await page.getByText(/up \d+/).first().textContent();
  const pid = await row("works").locator("td").first().textContent();
  await page.getByRole("button", { name: "Restart Slow" }).click();
  await judge("question");
  await page.getByRole("dialog").getByRole("button", { name: "Restart" }).click();
  await page.getByText("Slow: can be called").waitFor();
  await page.waitForFunction((old) => ![...document.querySelectorAll("td:first-child")]
    .some((cell) => cell.textContent === old), pid);
  expect("it ran before", /up/.test(before), true);
}

async function logIsInert() {
  const log = page.getByRole("list", { name: "Log of Slow" });
  await log.getByText("<b>bold</b>").first().waitFor();
  expect("no markup", await log.locator("b, img, script").count(), 0);
  const text = await log.textContent();
  expect("no control characters", /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(text), false);
  expect("nothing has run", await page.evaluate(() => window.hacked), undefined);
  await page.getByLabel("From level").selectOption("WARNING");
  await page.waitForFunction(() => {
    const lines = [...document.querySelectorAll(".log li")];
    return lines.length > 0 && lines.every((line) => line.textContent.includes("warning:"));
  });
  await page.getByLabel("From level").selectOption("DEBUG");
  await page.getByLabel("Contains").fill("bold");
  await page.waitForFunction(() => {
    const lines = [...document.querySelectorAll(".log li")];
    return lines.length > 0 && lines.every((line) => line.textContent.includes("bold"));
  });
}

async function stopsAndStarts() {
  await page.goto(`${base}/#/`);
  await page.getByRole("button", { name: "Stop Shop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Stop Shop" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Stop" }).click();
  await page.getByText("Shop: stopped").waitFor();
  await page.getByRole("button", { name: "Start Shop", exact: true }).click();
  await page.getByText("Shop: can be called").waitFor();
  await row("shop").getByText("running").waitFor();
  await page.getByRole("button", { name: "Read service.ini again" }).click();
  await page.getByText("0 added, 0 changed, 0 removed").waitFor();
}

async function calls() {
  await page.goto(`${base}/#/service/echo_serv`);
  const part = section("Call it");
  await part.getByText("add", { exact: true }).click();
  const form = part.getByRole("form", { name: "Call add" });
  // More than a number of JavaScript holds.
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

/** More workers, by the manager; figures over time are those that it keeps. */
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
  await page.getByText(/ 3 workers /).waitFor();
  expect("kept", (await (await kept).json()).length > 0, true);
}

/** Only keys: to a service, to a form, and back. */
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
  // Figures are renewed meanwhile, and the focus stays.
  const before = await page.evaluate(() => performance.now());
  await page.waitForFunction((begin) => performance.now() > begin + 2500, before);
  expect("focus stays", await link.evaluate((node) => node === document.activeElement), true);
}

async function looks() {
  for (const colorScheme of ["light", "dark"]) {
    await open({ colorScheme, viewport: { width: 390, height: 844 } });
    await page.goto(`${base}/#token=${token}`);
    await page.getByRole("link", { name: "echo_serv" }).first().waitFor();
    await judge(`list, 390 px, ${colorScheme}`);
    await picture(`list-390-${colorScheme}`);
    await page.goto(`${base}/#/service/slow`);
    await page.locator("svg[aria-label^='CPU: now']").waitFor();
    await judge(`service, 390 px, ${colorScheme}`);
    await picture(`service-390-${colorScheme}`);
    if (colorScheme === "dark") {
      await page.setViewportSize({ width: 1280, height: 900 });
      await judge("service, 1280 px, dark");
      await picture("service-dark");
    }
  }
}

/** A gone service, and a server that comes again. */
async function spans() {
  await page.goto(`${base}/#/service/echo_serv`);
  const answered = page.waitForResponse((reply) =>
    reply.url().includes("seconds=2592000") && reply.ok());
  await page.getByLabel("the last").selectOption("30d");
  await answered;
  await page.goto(`${base}/#/service/nobody`);
  await page.getByText("no such service").waitFor();
}

for (const test of [logsIn, paints, newcomer, logIsInert, stopsAndStarts, calls, scales, keyboard, spans,
  looks]) {
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
