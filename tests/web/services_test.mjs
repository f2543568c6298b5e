// services_test.mjs MODULES SHMRPC_NATS ECHO_SERVER: NATS's own client of services
// (@nats-io/services, ADR-32) finds a service behind two gateways, reads its methods and
// counts, and calls it without any code of shmrpc. with_server.py has started the
// nats-server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const modules = path.resolve(process.argv[2]);
const [gateway, server] = process.argv.slice(3);
const address = process.env.TEST_NATS;
const CALLS = 20;
const PATIENCE_MS = 60000;

if (!fs.existsSync(`${modules}/@nats-io/services`)) {
  console.log("SKIPPED: npm packages are not installed (./dev test-web)");
  process.exit(77);
}
const require = createRequire(`${modules}/of.js`);
const { connect } = require("@nats-io/transport-node");
const { Svcm } = require("@nats-io/services");

const failures = [];
function expect(what, got, wanted) {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    failures.push(what);
    console.log(`${what}\n  expected: ${JSON.stringify(wanted)}\n  got:      ${JSON.stringify(got)}`);
  }
}

const running = [];

/** Starts a program, and returns the words that it prints after "serving at". */
async function serve(...command) {
  const process = spawn(command[0], command.slice(1), { stdio: ["ignore", "pipe", "inherit"] });
  running.push(process);
  for await (const line of readline.createInterface(process.stdout)) {
    if (line.includes("serving at")) { return line.trim().split(" ").at(-1); }
  }
  throw new Error(`${command[0]} ended before it served`);
}

async function all(answers) {
  const got = [];
  for await (const answer of await answers) { got.push(answer); }
  return got;
}

/** Repeats `ask` until `enough` accepts its answers. The first ones may be incomplete,
 * because a message may arrive before a subscription. */
async function until(what, ask, enough) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const got = await ask();
    if (enough(got)) { return got; }
    if (Date.now() > end) { throw new Error(`${what}: ${JSON.stringify(got)}`); }
  }
}

async function run() {
  await serve(server, "--force-insecure-serialisation");
  const ids = [];
  for (let i = 0; i < 2; i++) {
    ids.push(await serve(gateway, "--force-insecure-serialisation", "--servers", address, "echo_serv"));
  }
  const connection = await connect({ servers: address });
  // A list of answers ends after 300 ms of silence.
  const client = new Svcm(connection).client({ strategy: "stall", maxWait: 10000 });

  const pings = await until("two gateways answer", () => all(client.ping()),
    (answers) => answers.length === 2);
  expect("name", pings.map((ping) => ping.name), ["echo_serv", "echo_serv"]);
  expect("ids", pings.map((ping) => ping.id).sort(), ids.sort());

  const [info] = await all(client.info("echo_serv", ids[0]));
  const methods = new Map(info.endpoints.map((endpoint) => [endpoint.name, endpoint.subject]));
  expect("methods", ["echo_raw", "echo_json", "add"].filter((name) => !methods.has(name)), []);

  const words = { greeting: "hello", numbers: [1, 2.5, null] };
  for (let i = 0; i < CALLS; i++) {
    const answer = await connection.request(methods.get("echo_json"), JSON.stringify([words]),
      { timeout: PATIENCE_MS });
    expect("the answer", answer.json(), words);
  }
  const refused = await connection.request(methods.get("echo_json"), "{", { timeout: PATIENCE_MS });
  expect("bad JSON is an error", Boolean(refused.headers?.get("Nats-Service-Error")), true);

  const counted = (answers) => answers.flatMap((one) => one.endpoints)
    .filter((endpoint) => endpoint.name === "echo_json")
    .reduce((sum, endpoint) => [sum[0] + endpoint.num_requests, sum[1] + endpoint.num_errors], [0, 0]);
  // A reply may arrive before it is counted.
  const stats = await until("both have counted all", () => all(client.stats("echo_serv")),
    (answers) => answers.length === 2 && counted(answers)[0] > CALLS);
  expect("requests and errors of both", counted(stats), [CALLS + 1, 1]);
  await connection.close();
}

try {
  await run();
} finally {
  for (const process of running) {
    process.kill();
    if (process.exitCode === null && process.signalCode === null) { await once(process, "exit"); }
  }
}
process.exit(failures.length ? 1 : 0);
