// machines_test.mjs BASE TOKEN: the page's table of all machines, in Chromium, for the
// two machines of machines_test.py, whose zones are east and west.
import fs from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [, , base, token] = process.argv;
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"]
  .find((path) => fs.existsSync(path));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const failures = [];

function expect(what, got, wanted) {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    failures.push(what);
    console.log(`${what}\n  expected: ${JSON.stringify(wanted)}\n  got:      ${JSON.stringify(got)}`);
  }
}

const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
page.setDefaultTimeout(Number(process.env.SHMRPC_PATIENCE_MS ?? 60000));
page.on("pageerror", (error) => failures.push(error.message) && console.log(error.stack));

const table = page.getByRole("table", { name: "On all machines" });
const rows = table.locator("tbody tr");
const machines = () => table.locator("td[data-label=Machine]").allTextContents();

/** Checks that axe-core finds no violation, and that nothing extends beyond the right
 * edge. */
async function judge(what) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => window.axe.run());
  expect(`axe: ${what}`, result.violations.map((v) => v.id), []);
  expect(`${what} fits its width`, await page.evaluate(() =>
    document.documentElement.scrollWidth > document.documentElement.clientWidth), false);
}

async function tells() {
  await page.goto(`${base}/#token=${token}`);
  await rows.nth(1).waitFor();
  const zones = (await machines()).map((text) => text.split(" · ").at(-1)).sort();
  expect("both machines", zones, ["east", "west"]);
  expect("its service", await table.locator("td[data-label=Service]").allTextContents(),
    ["echo_serv", "echo_serv"]);
  expect("one contract", await table.getByText("differs").count(), 0);
  await judge("all machines");
}

async function filters() {
  const filter = page.getByLabel("Machine", { exact: true });
  const [, first, second] = await filter.locator("option").allTextContents();
  for (const name of [first, second]) {
    await filter.selectOption(name);
    expect(`only ${name}`, await machines(), [name]);
  }
  // The choice stays the same after the page has updated its list of machines.
  await page.waitForResponse((reply) => reply.url().endsWith("/api/v1/machines"));
  expect("it stays", await machines(), [second]);
  await filter.selectOption("all");
  expect("all again", (await machines()).length, 2);
}

/** Text from a stranger's gateway is never shown as markup, and a differing contract is
 * marked. */
async function isInert() {
  const answer = await (await fetch(`${base}/api/v1/machines`,
    { headers: { Authorization: `Bearer ${token}` } })).json();
  answer.gateways[0].host = "<b>far</b>\u202eaway";
  answer.gateways[0].differs = answer.gateways[1].differs = true;
  await page.route("**/api/v1/machines", (route) => route.fulfill({ json: answer }));
  await table.getByText("<b>far</b>⟨U+202E⟩away").first().waitFor();
  expect("no markup", await table.locator("b").count(), 0);
  expect("both differ", await table.getByText("differs").count(), 2);
  answer.gateways = [];
  answer.error = "no NATS server at nats://a";
  await page.getByText("The cluster can't be asked: no NATS server at nats://a").waitFor();
  await page.unroute("**/api/v1/machines");
}

async function isSmall() {
  await page.setViewportSize({ width: 390, height: 844 });
  await rows.nth(1).waitFor();
  await judge("on a telephone");
}

for (const test of [tells, filters, isInert, isSmall]) {
  const begin = Date.now();
  try {
    await test();
  } catch (error) {
    failures.push(test.name);
    console.log(`${test.name}: ${error.stack}`);
  }
  console.log(`${test.name}: ${Date.now() - begin} ms`);
}
await browser.close();
process.exit(failures.length > 0 ? 1 : 0);
