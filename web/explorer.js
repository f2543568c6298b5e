// Forms for the methods of a service, made from its OpenAPI document.
import * as api from "./api.js";
import { h, note, visible } from "./dom.js";

const DEEP = 3; // nesting of structs up to which they get fields of their own

const quote = (text) => JSON.stringify(text);

function boundsOf(schema) {
  const parts = [];
  const bytes = schema["x-shmrpc-bytes"];
  if (bytes) parts.push(`${bytes.min ?? 0} to ${bytes.max ?? "any"} bytes`);
  if (schema.minimum !== undefined && schema.maximum !== undefined) {
    parts.push(`${schema.minimum} to ${schema.maximum}`);
  }
  if (schema.maxItems !== undefined) parts.push(`up to ${schema.maxItems} items`);
  if (schema.contentEncoding) parts.push(schema.contentEncoding);
  if (schema.default !== undefined) parts.push(`default ${quote(schema.default)}`);
  return parts.join(", ");
}

let ids = 0;

/** A field: {element, json() -> text, or null if the field is left out}. */
function makeField(name, schema, required, document, depth) {
  const full = schema.$ref
    ? { ...document.components.schemas[schema.$ref.split("/").pop()], ...schema }
    : schema;
  const id = `field-${++ids}`;
  const help = h("span", { id: `${id}-help`, class: "soft" },
    [full.description, boundsOf(full)].filter(Boolean).join(" · "));
  const about = { id, name, "aria-describedby": `${id}-help` };
  const label = h("label", { for: id }, required ? name : `${name} (may be left out)`);
  const box = (input, json) =>
    ({ element: h("div", { class: "field" }, label, input, help), json });
  const words = full.anyOf?.find((choice) => choice.enum)?.enum;

  if (full.type === "boolean") {
    const input = h("select", about, (required ? [] : [""]).concat("false", "true")
      .map((value) => h("option", { value }, value || "–")));
    return box(input, () => input.value || null);
  }
  if (words && full.anyOf.some((choice) => choice.type === "integer")) {
    const input = h("select", about, (required ? [] : [""]).concat(words)
      .map((value) => h("option", { value }, value || "–")));
    return box(input, () => (input.value ? quote(input.value) : null));
  }
  if (full.type === "integer" || full.type === "number" || full.anyOf?.[0]?.type === "number") {
    // An input of type number would round numbers above 2^53.
    const input = h("input", { ...about, inputmode: "decimal", required,
      placeholder: full.default ?? "" });
    return box(input, () => {
      const text = input.value.trim();
      return text === "" ? null : /^-?[0-9.eE+-]+$/.test(text) ? text : quote(text);
    });
  }
  if (full.type === "string") {
    const input = h("input", { ...about, placeholder: full.default ?? "" });
    return box(input, () => (input.value === "" && !required ? null : quote(input.value)));
  }
  if (full.type === "object" && full.properties && depth < DEEP) {
    return makeGroup(name, full, required, document, depth + 1);
  }
  const input = h("textarea", { ...about, spellcheck: "false" });
  input.value = required
    ? full.type === "array" ? "[]" : full.type === "object" ? "{}" : full.oneOf ? "{}" : "null"
    : "";
  const made = box(input, () => (input.value.trim() === "" ? null : input.value.trim()));
  label.append(" as JSON");
  return made;
}

function makeFields(schema, document, depth) {
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    ...makeField(name, property, schema.required?.includes(name) ?? false, document, depth),
  }));
}

const objectOf = (fields) =>
  `{${fields.map((field) => [field.name, field.json()])
    .filter(([, json]) => json !== null)
    .map(([name, json]) => `${quote(name)}:${json}`).join(",")}}`;

function makeGroup(name, schema, required, document, depth) {
  const fields = makeFields(schema, document, depth);
  return {
    element: h("fieldset", {}, h("legend", {}, required ? name : `${name} (may be left out)`),
      fields.map((field) => field.element)),
    json() {
      const text = objectOf(fields);
      return text === "{}" && !required ? null : text;
    },
  };
}

const LINES = "application/x-ndjson";
const SHOWN = 200; // number of the last lines of a stream that are shown

const isLines = (content) => content !== undefined && LINES in content;

/** The query of a request, in which texts are written without quotes. */
function queryOf(fields) {
  const query = new URLSearchParams(fields.map((field) => [field.name, field.json()])
    .filter(([, json]) => json !== null)
    .map(([name, json]) => [name, json.startsWith('"') ? JSON.parse(json) : json])).toString();
  return query ? `?${query}` : "";
}

/** The schema of an object with the parameters of an upload. */
const schemaOf = (parameters = []) => ({
  properties: Object.fromEntries(parameters.map((parameter) =>
    [parameter.name, parameter.schema ?? parameter.content["application/json"].schema])),
  required: parameters.filter((parameter) => parameter.required).map((parameter) => parameter.name),
});

async function curlOf(path, body, upload, stream) {
  const escaped = body.replaceAll("'", "'\\''");
  const file = await api.tokenFile();
  return `curl ${stream ? "-N " : ""}` +
    `-H "authorization: Bearer ${file ? `$(grep -Eom1 '^[0-9a-f]{64}' ${file})` : "$TOKEN"}" ` +
    `-H 'content-type: ${upload ? LINES : "application/json"}' ` +
    `${upload ? "--data-binary" : "-d"} '${escaped}' ` +
    `${upload ? `'${location.origin}${path}'` : `${location.origin}${path}`}`;
}

/** Reads lines as they arrive; `show` gets the last ones, and the number of all lines. */
async function follow(reply, show) {
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  const last = [];
  let rest = "";
  let number = 0;
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop();
    number += lines.length;
    last.push(...lines);
    last.splice(0, last.length - SHOWN);
    show(last, number);
    if (done) return;
  }
}

function methodForm(path, operation, document) {
  const content = operation.requestBody.content;
  const upload = isLines(content);
  const stream = isLines(operation.responses["200"]?.content);
  const method = path.split("/").pop();
  const fields = makeFields(upload ? schemaOf(operation.parameters)
    : content["application/json"].schema, document, 0);
  const items = h("textarea", { id: `field-${++ids}`, spellcheck: "false" });
  const result = h("pre", { hidden: true, tabindex: "0", role: "region",
    "aria-label": `Result of ${method}` });
  const status = h("p", { role: "status" });
  const command = h("pre", { tabindex: "0", role: "region", "aria-label": "The same call as a curl command",
    hidden: true });
  let ending = null;
  const stop = h("button", { type: "button", hidden: true,
    onclick: () => ending?.abort() }, `Stop ${method}`);

  function show(text) {
    // Shown as it arrived, because parsing it as JSON would round large numbers.
    result.textContent = visible(text.trimEnd()) || "(nothing)";
    result.hidden = false;
  }

  async function showReply(reply) {
    if (reply.headers.get("Content-Type") !== LINES) {
      show(await reply.text());
      return;
    }
    await follow(reply, (lines, number) => {
      status.textContent = `${number} lines …`;
      show(lines.join("\n"));
    });
  }

  async function call(event) {
    event.preventDefault();
    const target = upload ? path + queryOf(fields) : path;
    const body = upload ? items.value : objectOf(fields);
    const headers = { ...(upload && { "Content-Type": LINES }), ...(stream && { Accept: LINES }) };
    const begin = performance.now();
    ending = new AbortController();
    status.textContent = "Calling …";
    stop.hidden = !stream;
    try {
      command.textContent = await curlOf(target, body, upload, stream);
      command.hidden = false;
      const reply = await api.post(target, body, { headers, signal: ending.signal });
      await showReply(reply);
      const ms = Math.round(performance.now() - begin);
      status.textContent = `${reply.ok ? "Done" : "Failed"}: HTTP ${reply.status}, ${ms} ms`;
      status.className = reply.ok ? "good" : "bad";
    } catch (error) {
      status.textContent = error.name === "AbortError" ? "Stopped" : "";
      if (error.name !== "AbortError") note(error.message);
    }
    stop.hidden = true;
  }

  return h("details", {},
    h("summary", {}, h("strong", {}, method),
      operation.summary ? ` – ${operation.summary}` : "",
      operation.deprecated ? h("span", { class: "warn" }, " (deprecated)") : null),
    operation.description ? h("p", {}, operation.description) : null,
    h("form", { onsubmit: call, "aria-label": `Call ${method}` },
      fields.map((field) => field.element),
      upload ? h("div", { class: "field" },
        h("label", { for: items.id }, "Items, a line of JSON each"), items) : null,
      h("button", { class: "main", type: "submit" }, `Call ${method}`), stop),
    status, result, command);
}

export function explorerPart(name) {
  const forms = h("div", {}, h("p", { class: "soft" }, "Reading the interface …"));
  let done = false;

  async function read() {
    let document;
    try {
      document = await api.get("/openapi.json");
    } catch {
      done = false;
      return;
    }
    const made = Object.entries(document.paths)
      .filter(([path, item]) => path.startsWith(`/rpc/${name}/`) && item.post)
      .map(([path, item]) => methodForm(path, item.post, document));
    done = made.length > 0;
    if (done) forms.replaceChildren(...made);
  }

  return {
    element: h("section", {}, h("h2", {}, "Call it"),
      api.session.readOnly
        ? h("p", { class: "soft" }, "This server is read-only.")
        : forms),
    update(isAlive) {
      if (isAlive && !done && !api.session.readOnly) {
        done = true;
        read();
      }
    },
  };
}
