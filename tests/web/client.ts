// A TypeScript client with types made from the OpenAPI document, so that the
// compiler checks its calls.  argv: address, token.
import createClient from "openapi-fetch";
/// <reference lib="dom" />
declare const process: { argv: string[]; exitCode?: number };
import type { components, paths } from "./api.js";

const [, , baseUrl, token] = process.argv;
const api = createClient<paths>({
  baseUrl,
  headers: { Authorization: `Bearer ${token}` },
});

function expect(what: string, got: unknown, wanted: unknown): void {
  const text = JSON.stringify(got);
  if (text !== JSON.stringify(wanted)) {
    console.log(`${what}\n  expected: ${JSON.stringify(wanted)}\n  got: ${text}`);
    process.exitCode = 1;
  }
}

const sum = await api.POST("/rpc/echo_serv/add", { body: { a: 40, b: 2 } });
const number: number | undefined = sum.data;
expect("add", number, 42);

const overflow = await api.POST("/rpc/echo_serv/add", {
  body: { a: 9007199254740991, b: 1 },
});
expect("no overflow yet", overflow.data, 9007199254740992);

const found = await api.GET("/rest/library/v2/search", {
  params: { query: { text: "a b", limit: 5, order: "DATE" } },
});
const hits: components["schemas"]["library.test.library.Hit"][] | undefined =
  found.data;
expect("find", hits, [{ id: 5, title: "a b/date/-/" }]);

const book = await api.GET("/rest/library/v2/books/{key}", {
  params: { path: { key: "none" } },
});
if (book.response.status === 404 && book.error && "details" in book.error) {
  expect("details", book.error.details, { key: "none", nearest: "nine" });
} else {
  expect("a declared error", book.response.status, 404);
}

const stored = await api.PUT("/rest/library/v2/books/{key}", {
  params: { path: { key: "k" } },
  body: { title: "t", id: 9 },
});
expect("store", stored.data, { id: 9, title: "t" });

const soldOut = await api.POST("/rpc/shop/buy", {
  body: { item: { title: "pen", grade: "FINE" }, count: 9 },
});
expect("sold out", soldOut.response.status, 400);

const nothing = await api.POST("/rpc/kinds/nothing", { body: {} });
expect("nothing", [nothing.response.status, nothing.data], [200, null]);

const bad = await api.POST("/rpc/shop/buy", {
  body: { item: { title: "y".repeat(21) } },
});
if (bad.error && "path" in bad.error) {
  expect("bounds", bad.error.path, "item.title");
} else {
  expect("bounds", bad.response.status, "an error with a path");
}
