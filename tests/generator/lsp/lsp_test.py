#!/usr/bin/env python3
"""lsp_test.py SHMRPCGEN [NAME...]: drives the language server as an editor
would, in a private folder."""
import os
import sys
import tempfile
import traceback

from client import Client, edit, find, span

PROGRAM = sys.argv[1]

GOOD = """package acme.fts;

/// At most so many hits.
const u32 MAX_HITS = 1000;

type Lang = string(2..8);

enum Order : u8 { RELEVANCE = 0; DATE = 1; }

/// What to search for.
/// Second line.
struct Query {
  /// user text: "häß" 😀
  string(1..4096) text;
  u32(1..MAX_HITS) limit = 10;
  Order order = RELEVANCE;
  optional Lang lang;
}

error BadQuery = 100;

/// Finds texts.
service Search {
  port 5560;

  /// Finds.
  @idempotent @timeout(2s)
  msgpack find(Query query) -> list<u64> throws BadQuery;
}
"""


def uri(name):
    return "file:///nowhere/" + name


def codes(diagnostics):
    return [d["code"] for d in diagnostics]


def labels(items):
    return {item["label"] for item in items}


def opened(text=GOOD, **options):
    client = Client(PROGRAM, **options)
    client.published_first = client.open(uri("a.svc"), text)
    return client


# ---- life cycle ----

def test_says_what_it_can():
    client = Client(PROGRAM)
    can = client.initialized["capabilities"]
    assert can["positionEncoding"] == "utf-16"
    assert can["textDocumentSync"]["change"] == 2
    assert can["hoverProvider"] and can["definitionProvider"]
    assert client.initialized["serverInfo"]["name"] == "shmrpcgen"
    client.end()


def test_refuses_requests_before_initialize():
    client = Client(PROGRAM, initialize=False)
    answer = client.answer("textDocument/hover", {})
    assert answer["error"]["code"] == -32002, answer
    client.notify("textDocument/didOpen", {})
    assert "result" in client.answer("initialize", {"capabilities": {}})
    answer = client.answer("initialize", {"capabilities": {}})
    assert answer["error"]["code"] == -32600, answer
    client.end()


def test_refuses_requests_after_shutdown():
    client = Client(PROGRAM)
    client.request("shutdown", None)
    assert client.answer("shutdown", None)["error"]["code"] == -32600
    client.notify("exit", None)
    client.wait(0)


def test_tells_an_exit_without_shutdown():
    Client(PROGRAM).end(status=1)


def test_tells_a_client_that_is_gone():
    client = Client(PROGRAM)
    client.wait(1)


# ---- diagnostics ----

def test_good_file_has_no_diagnostics():
    client = opened()
    assert client.published_first == [], client.published_first
    client.end()


def test_breaks_and_mends():
    client = opened()
    change, text = edit(GOOD, "Order order", "Oder order")
    found = client.change(uri("a.svc"), 2, change)
    assert codes(found) == ["S0301"], found
    assert found[0]["range"] == span(15, 2, 15, 6)
    assert found[0]["severity"] == 1 and found[0]["source"] == "shmrpcgen"
    assert "did you mean `Order`" in found[0]["message"]
    change, text = edit(text, "Oder", "Order")
    assert client.change(uri("a.svc"), 3, change) == []
    assert text == GOOD
    client.end()


def test_applies_changes_in_order():
    client = opened("package p;\n")
    found = client.change(
        uri("a.svc"), 2,
        {"text": "package p; struct A { Missing m; }\n"},
        {"range": span(0, 11, 0, 11), "text": "struct Missing {}\r\n"},
        {"range": span(1, 0, 1, 0), "text": "// 😀 "},
        {"range": span(1, 0, 1, 5), "text": ""},
        {"range": span(1, 0, 1, 1), "text": ""})
    assert found == [], found
    found = client.change(uri("a.svc"), 3,
                          {"range": span(0, 11, 0, 28), "text": ""})
    assert codes(found) == ["S0301"]
    assert found[0]["range"] == span(1, 11, 1, 18), found
    client.end()


def test_notes_become_related_information():
    text = "package p;\nstruct A {}\nstruct A {}\n"
    client = opened(text)
    found = client.published_first
    assert codes(found) == ["S0305"], found
    related = found[0]["relatedInformation"]
    assert related[0]["location"] == {"uri": uri("a.svc"),
                                      "range": span(1, 7, 1, 8)}, related
    client.end()


def test_counts_as_negotiated():
    text = "package p; /* 😀 */ struct A { Ä b; Missing c; }\n".replace(
        "/* 😀 */", "const string S = \"😀\";").replace("Ä b; ", "")
    client = opened(text)
    at = find(text, "Missing")[1]
    assert client.published_first[0]["range"] == span(0, at, 0, at + 7)
    client.end()
    client = opened(text, encodings=["utf-8", "utf-16"])
    assert client.initialized["capabilities"]["positionEncoding"] == "utf-8"
    at8 = find(text, "Missing", utf8=True)[1]
    assert at8 == at + 2
    assert client.published_first[0]["range"] == span(0, at8, 0, at8 + 7)
    client.end()


def test_takes_a_file_with_nul():
    client = opened("package p;\0 struct")
    assert codes(client.published_first) == ["S0002"], client.published_first
    assert client.at("hover", uri("a.svc"), (0, 3)) is None
    client.end()


def test_closing_clears():
    client = opened("package p; struct A { B b; }")
    assert codes(client.published_first) == ["S0301"]
    client.notify("textDocument/didClose",
                  {"textDocument": {"uri": uri("a.svc")}})
    client.await_diagnostics(uri("a.svc"), lambda d: d == [])
    answer = client.answer("textDocument/hover", {
        "textDocument": {"uri": uri("a.svc")},
        "position": {"line": 0, "character": 0}})
    assert answer["error"]["code"] == -32602
    client.end()


# ---- several documents ----

COMMON = "package acme;\n/// A page.\nstruct Page { u32 number; }\n"
MAIN = ("package acme.app;\nimport \"common.svc\";\n"
        "struct Book { acme.Page first; }\n")


def test_imports_come_from_open_documents():
    client = Client(PROGRAM)
    found = client.open(uri("main.svc"), MAIN)
    assert codes(found) == ["S0001"], found
    client.open(uri("common.svc"), COMMON)
    client.await_diagnostics(uri("main.svc"), lambda d: d == [])
    change, _ = edit(COMMON, "Page", "Sheet")
    client.change(uri("common.svc"), 2, change)
    found = client.await_diagnostics(uri("main.svc"), lambda d: d)
    assert "S0301" in codes(found), found
    client.change(uri("common.svc"), 3, {"text": COMMON})
    client.await_diagnostics(uri("main.svc"), lambda d: d == [])
    client.notify("textDocument/didClose",
                  {"textDocument": {"uri": uri("common.svc")}})
    client.await_diagnostics(uri("main.svc"),
                             lambda d: d and codes(d) == ["S0001"])
    client.end()


def test_errors_of_an_import_stand_at_the_import():
    client = Client(PROGRAM)
    client.open(uri("common.svc"), COMMON.replace("u32", "u33"))
    found = client.open(uri("main.svc"), MAIN)
    assert codes(found) == ["S0301"], found
    assert found[0]["range"] == span(1, 7, 1, 19), found
    related = found[0]["relatedInformation"][0]["location"]
    assert related["uri"] == uri("common.svc"), related
    client.end()


def test_tells_of_names_that_clash_when_generated():
    text = ("package c;\nstruct Hit { 1: u8 a; }\n"
            "struct HitList { 1: list<Hit> hits; }\n")
    client = opened(text)
    row = client.published_first[0]
    assert row["code"] == "S0801" and row["severity"] == 1, row
    assert "`c_hit_list` in C" in row["message"], row
    assert row["range"] == span(2, 7, 2, 14), row
    user = ('package d;\nimport "a.svc";\nstruct A { 1: c.Hit h; }\n')
    rows = client.open(uri("d.svc"), user)
    assert codes(rows) == ["S0801"], rows
    assert rows[0]["range"] == span(1, 7, 1, 14), rows
    change, _ = edit(text, "HitList", "Hits")
    assert client.change(uri("a.svc"), 2, change) == []
    client.await_diagnostics(uri("d.svc"), lambda d: d == [])
    client.end()


def test_imports_come_from_disk_and_folders():
    with tempfile.TemporaryDirectory() as folder:
        odd = os.path.join(folder, "with blank")
        os.mkdir(odd)
        with open(os.path.join(odd, "common.svc"), "w") as file:
            file.write(COMMON)
        odd_uri = "file://" + odd.replace(" ", "%20")
        client = Client(PROGRAM)
        assert client.open(odd_uri + "/x/../main.svc", MAIN) == []
        where = client.at("definition", odd_uri + "/main.svc",
                          find(MAIN, "Page"))
        assert where["uri"] == odd_uri + "/common.svc", where
        client.end()
        for client in (Client(PROGRAM, options={"importDirs": [odd]}),
                       Client(PROGRAM, folders=[odd_uri]),
                       Client(PROGRAM, "-I", odd)):
            assert client.open(uri("main.svc"), MAIN) == []
            client.end()


def test_a_change_on_disk_is_seen_after_save():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "common.svc")
        client = Client(PROGRAM)
        main = "file://%s/main.svc" % folder
        assert codes(client.open(main, MAIN)) == ["S0001"]
        with open(path, "w") as file:
            file.write(COMMON)
        client.notify("textDocument/didSave", {"textDocument": {"uri": main}})
        client.await_diagnostics(main, lambda d: d == [])
        client.end()


def test_imports_what_is_no_file_without_waiting():
    with tempfile.TemporaryDirectory() as folder:
        os.mkfifo(os.path.join(folder, "pipe.svc"))
        client = Client(PROGRAM)
        for name in ("pipe.svc", "/dev/stdin", "/dev/zero"):
            found = client.open("file://%s/m.svc" % folder,
                                "package p; import \"%s\";\n" % name)
            assert codes(found) == ["S0001"], found
        client.end()


# ---- hover, definition, references, outline ----

def hover(client, word, nth=0, text=GOOD):
    found = client.at("hover", uri("a.svc"), find(text, word, nth=nth))
    return found and found["contents"]["value"]


def test_hover_shows_declaration_and_documentation():
    client = opened()
    text = hover(client, "Query query")
    assert "struct Query {" in text and "1: string(1..4096) text;" in text
    assert "2: u32(1..1000) limit = 10;" in text, text
    assert text.endswith("```\n\nWhat to search for.\nSecond line.\n"), text
    assert "const u32 MAX_HITS = 1000;" in hover(client, "MAX_HITS", 1)
    assert "At most so many hits." in hover(client, "MAX_HITS", 1)
    assert "type Lang = string(2..8);" in hover(client, "Lang lang")
    assert "Order.RELEVANCE = 0" in hover(client, "RELEVANCE", 1)
    assert "error BadQuery = 100 {" in hover(client, "BadQuery", 1)
    method = hover(client, "find(")
    assert ("@idempotent @timeout(2s)" in method.replace("\n  ", " ") and
            "Finds." in method), method
    assert "2: u32(1..1000) limit = 10\n" in hover(client, "limit")
    assert "user text: \"häß\" 😀" in hover(client, "text;")
    assert "service Search {" in hover(client, "Search")
    assert hover(client, "struct") is None
    assert hover(client, "u32") is None
    client.end()


def test_hover_and_outline_show_shared_objects():
    text = ("package p;\n/// What waits.\nqueue u8 jobs { capacity 4K; }\n"
            "pipe sound;\nvalue any config { log 8; }\n")
    client = opened(text)
    assert client.published_first == [], client.published_first
    said = hover(client, "jobs", text=text)
    assert "queue u8 jobs { capacity 4096; }" in said, said
    assert "What waits." in said, said
    said = hover(client, "config", text=text)
    assert "value any config { log 8; }" in said, said
    outline = client.request("textDocument/documentSymbol",
                             {"textDocument": {"uri": uri("a.svc")}})
    names = [symbol["name"] for symbol in outline]
    assert names[-3:] == ["jobs", "sound", "config"], names
    client.end()


def test_hover_works_beside_an_error():
    broken = GOOD.replace("Order order", "Oder order")
    client = opened(broken)
    text = hover(client, "Query query", text=broken)
    assert "struct Query {" in text and "Second line." in text, text
    client.end()


def test_definition_leads_to_the_name():
    client = opened()
    for use, nth, name, name_nth in (
            ("Query query", 0, "Query {", 0), ("MAX_HITS", 1, "MAX_HITS", 0),
            ("RELEVANCE", 1, "RELEVANCE", 0), ("Lang lang", 0, "Lang =", 0),
            ("BadQuery;", 0, "BadQuery =", 0)):
        found = client.at("definition", uri("a.svc"), find(GOOD, use, nth=nth))
        line, character = find(GOOD, name, nth=name_nth)
        assert found["uri"] == uri("a.svc")
        assert found["range"]["start"] == {
            "line": line, "character": character}, (use, found)
    assert client.at("definition", uri("a.svc"), (0, 0)) is None
    client.end()


def test_definition_crosses_imports():
    client = Client(PROGRAM)
    client.open(uri("common.svc"), COMMON)
    client.open(uri("main.svc"), MAIN)
    found = client.at("definition", uri("main.svc"), find(MAIN, "Page"))
    assert found == {"uri": uri("common.svc"), "range": span(2, 7, 2, 11)}
    found = client.at("definition", uri("main.svc"), find(MAIN, "common"))
    assert found == {"uri": uri("common.svc"), "range": span(0, 0, 0, 0)}
    text = client.at("hover", uri("main.svc"), find(MAIN, "Page"))
    assert "A page." in text["contents"]["value"]
    client.end()


def test_references_are_found_in_all_documents():
    client = Client(PROGRAM)
    client.open(uri("common.svc"), COMMON)
    client.open(uri("main.svc"), MAIN)
    for where, text in (("main.svc", MAIN), ("common.svc", COMMON)):
        found = client.at("references", uri(where), find(text, "Page"),
                          context={"includeDeclaration": True})
        places = sorted((f["uri"], f["range"]["start"]["line"])
                        for f in found)
        assert places == [(uri("common.svc"), 2), (uri("main.svc"), 2)]
    found = client.at("references", uri("main.svc"), find(MAIN, "Page"),
                      context={"includeDeclaration": False})
    assert [f["uri"] for f in found] == [uri("main.svc")]
    client.end()


def test_outline_is_nested():
    client = opened()
    found = client.request("textDocument/documentSymbol",
                           {"textDocument": {"uri": uri("a.svc")}})
    names = {s["name"]: s for s in found}
    assert set(names) == {"acme.fts", "MAX_HITS", "Lang", "Order", "Query",
                          "BadQuery", "Search"}, names.keys()
    assert [c["name"] for c in names["Query"]["children"]] == [
        "text", "limit", "order", "lang"]
    assert [c["name"] for c in names["Search"]["children"]] == ["find"]
    assert names["Query"]["range"] == span(11, 0, 17, 1), names["Query"]
    assert names["Query"]["selectionRange"] == span(11, 7, 11, 12)

    def check(symbol):
        outer, inner = symbol["range"], symbol["selectionRange"]

        def key(place):
            return place["line"], place["character"]
        assert key(outer["start"]) <= key(inner["start"]), symbol
        assert key(outer["end"]) >= key(inner["end"]), symbol
        for child in symbol.get("children", []):
            check(child)
    for symbol in found:
        check(symbol)
    client.end()


# ---- completion ----

def complete(before, after="\n"):
    """The completions offered at the cursor, which is between the two texts."""
    text = GOOD + before + after
    client = opened(text)
    lines = (GOOD + before).split("\n")
    items = client.at("completion", uri("a.svc"),
                      (len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2))
    client.end()
    return labels(items)


def test_completes_keywords_by_place():
    top = complete("")
    assert {"struct", "enum", "service", "const"} <= top, top
    assert not {"port", "throws", "u32", "Query"} & top, top
    inside = complete("service S { port 1; ", "}")
    assert {"msgpack", "oneway", "name"} <= inside, inside
    assert "struct" not in inside
    assert "throws" in complete("service S { json f() -> u8 ", ";\n}")
    assert "stream" in complete("service S { json f() -> ", ";\n}")


def test_completes_types():
    for before, after in (("struct A { ", "}"), ("struct A { Qu", "}"),
                          ("service S { json f(", ");}"),
                          ("service S { json f() -> ", ";}"),
                          ("struct A { list<", "> x; }"),
                          ("type T = ", ";")):
        found = complete(before, after)
        assert {"u32", "string", "Query", "Order", "Lang"} <= found, before
        assert not {"BadQuery", "MAX_HITS", "Search"} & found, (before, found)


def test_completes_what_the_parser_cannot_know():
    assert complete("service S { json f() throws ", ";}") == {"BadQuery"}
    assert complete("service S { json f() throws A, B", ";}") == {"BadQuery"}
    assert {"timeout", "idempotent", "deprecated"} <= complete("@")
    values = complete("struct A { Order o = ", "; }")
    assert {"RELEVANCE", "DATE", "MAX_HITS"} <= values, values
    assert {"RELEVANCE", "DATE"} <= complete("const Order O = Order.", ";")
    assert complete("// ") == set() and complete("import \"") == set()


def test_completes_options_of_shared_objects():
    def found(before, after=" }\n"):
        return complete("package p;\n" + before, after)
    names = found("queue u8 q { ")
    assert {"capacity", "order", "delivery", "mode"} <= names, names
    assert "history" not in names and "struct" not in names, names
    assert "snapshot" in found("dict<u8, any> d { log 8;\n  ")
    assert found("topic u8 t { overflow ") == {"overwrite", "drop", "block"}
    assert found("pipe p {\n  lifetime last") >= {"last_close", "creator"}
    assert "MAX" in found("const u32 MAX = 8;\nqueue u8 q { capacity ")
    assert "optional" in found("struct queue { ", " u8 x; }\n")


def test_completes_names_of_imports():
    client = Client(PROGRAM)
    client.open(uri("common.svc"), COMMON)
    text = MAIN + "struct B {  }\n"
    client.open(uri("main.svc"), text)
    found = labels(client.at("completion", uri("main.svc"), (3, 11)))
    assert {"acme.Page", "Book"} <= found, found
    change, text = edit(text, "{  }", "{ acme. }")
    client.change(uri("main.svc"), 2, change)
    found = labels(client.at("completion", uri("main.svc"), (3, 16)))
    assert found == {"Page"}, found
    client.end()


# ---- fixes ----

def apply(text, edits):
    """`text` (ASCII) after the edits of one action."""
    lines = text.split("\n")

    def offset(place):
        return (sum(len(line) + 1 for line in lines[:place["line"]]) +
                place["character"])
    for change in sorted(edits, key=lambda e: offset(e["range"]["start"]),
                         reverse=True):
        text = (text[:offset(change["range"]["start"])] + change["newText"] +
                text[offset(change["range"]["end"]):])
    return text


def fixes(client, text):
    last = text.count("\n")
    return client.request("textDocument/codeAction", {
        "textDocument": {"uri": uri("a.svc")}, "range": span(0, 0, last, 0),
        "context": {"diagnostics": []}})


def test_fixes_mend():
    for broken in ("package p;\nstruct Thing {}\nstruct B { Thong a; }\n",
                   "package p;\nstruct A { u32 x;\nstruct B {}\n",
                   "package p;\nstrct A { u32 x; }\n",
                   "package p;\nstruct A { u32 x }\n",
                   "package p;\nstruct A { int x; }\n"):
        client = opened(broken)
        assert len(client.published_first) == 1, client.published_first
        actions = fixes(client, broken)
        assert len(actions) == 1, (broken, actions)
        assert actions[0]["kind"] == "quickfix"
        assert actions[0]["diagnostics"] == client.published_first
        mended = apply(broken, actions[0]["edit"]["changes"][uri("a.svc")])
        found = client.change(uri("a.svc"), 2, {"text": mended})
        assert found == [], (mended, found)
        client.end()


def test_removes_an_unused_import():
    client = Client(PROGRAM)
    client.open(uri("common.svc"), COMMON)
    text = "package p;\nimport \"common.svc\";\nstruct A {}\n"
    found = client.open(uri("a.svc"), text)
    assert codes(found) == ["S0006"] and found[0]["severity"] == 2
    assert found[0]["tags"] == [1]
    action, = fixes(client, text)
    assert apply(text, action["edit"]["changes"][uri("a.svc")]) == \
        "package p;\nstruct A {}\n"
    client.end()


# ---- layout and advice ----

def test_formats():
    client = opened()
    text = "package p;\nstruct   A{u32 x;\n// kept\nstring y;}\n"
    client.change(uri("a.svc"), 2, {"text": text})

    def ask():
        return client.request("textDocument/formatting", {
            "textDocument": {"uri": uri("a.svc")}, "options": {"tabSize": 8}})
    change, = ask()
    assert change["range"] == span(0, 0, 4, 0), change
    assert "struct A" in change["newText"] and "// kept" in change["newText"]
    client.change(uri("a.svc"), 3,
                  {"range": change["range"], "text": change["newText"]})
    assert ask() == []
    client.change(uri("a.svc"), 4, {"text": "struct {"})
    assert ask() is None
    client.end()


def test_gives_advice_as_information():
    client = opened("package p;\n/// A page.\nstruct bad_style { u32 x; }\n")
    advice = [d for d in client.published_first if d["code"] == "S1003"]
    assert advice and advice[0]["severity"] == 3, client.published_first
    client.end()


# ---- hostile clients ----

def test_survives_broken_json():
    client = opened()
    for body in (b"", b"{", b"[]", b"[1,2]", b"\"x\"", b"null", b"\xff\xfe",
                 b"[" * 5000, b"{\"a\":" * 5000, b"{\"id\":{},\"x\":1}",
                 b"\0" * 100, b"{\"method\":5,\"id\":1}",
                 b"{\"method\":\"\\u0000\",\"id\":1}",
                 b"{" + b",".join(b"\"%d\":1" % i for i in range(5000)) +
                 b"}"):
        client.send_raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        message = client.receive()
        while "method" in message:
            message = client.receive()
        assert message["error"]["code"] in (-32700, -32600), (body, message)
    assert "Finds." in hover(client, "find(")
    client.end()


def test_survives_unknown_and_malformed_messages():
    client = opened()
    assert client.answer("no/such", {})["error"]["code"] == -32601
    assert client.answer("exit", {})["error"]["code"] == -32601
    client.notify("no/such", {})
    client.notify("$/cancelRequest", {"id": 1})
    client.send({"jsonrpc": "2.0", "id": 77, "result": None})
    odd = [None, [], 5, "x", {}, {"textDocument": 5},
           {"textDocument": {"uri": 7}}, {"textDocument": {"uri": "a\0b"}},
           {"textDocument": {"uri": uri("a.svc")}},
           {"textDocument": {"uri": uri("a.svc")}, "position": []},
           {"textDocument": {"uri": uri("a.svc")}, "contentChanges": {}},
           {"textDocument": {"uri": uri("a.svc")}, "contentChanges": [5]},
           {"textDocument": {"uri": uri("a.svc")},
            "position": {"line": -1, "character": 1.5}},
           {"textDocument": {"uri": uri("a.svc"), "text": 5}}]
    for params in odd:
        for name in ("didOpen", "didChange", "didClose"):
            if name == "didClose" and uri("a.svc") in str(params):
                continue
            client.notify("textDocument/" + name, params)
        for name in ("hover", "definition", "references", "completion",
                     "codeAction", "documentSymbol"):
            client.answer("textDocument/" + name, params)
    assert "Finds." in hover(client, "find(")
    client.end()


def test_survives_positions_out_of_range():
    client = opened()
    huge = [0, 1, 3, 99999, 4294967295, 4294967296, 10**30]
    for line in huge:
        for character in huge:
            for name in ("hover", "definition", "references", "completion"):
                client.at(name, uri("a.svc"), (line, character))
    client.notify("textDocument/didChange", {
        "textDocument": {"uri": uri("a.svc"), "version": 2},
        "contentChanges": [{"range": span(10**20, 5, 0, 0), "text": "x"}]})
    found = client.change(uri("a.svc"), 3,
                          {"range": span(10**9, 0, 10**9, 9), "text": "}"})
    assert len(found) == 1, found
    client.end()


def test_drops_large_messages_and_goes_on():
    client = opened()
    size = (16 << 20) + 1
    client.send_raw(b"Content-Length: %d\r\n\r\n" % size)
    client.send_raw(b"x" * size)
    message = client.receive()
    assert message["error"]["code"] == -32600, message
    assert "Finds." in hover(client, "find(")
    client.end()


def test_ends_on_headers_that_are_none():
    for head in (b"GET / HTTP/1.1\r\n\r\n", b"Content-Length: x\r\n\r\n",
                 b"Content-Length: -1\r\n\r\n", b"Content-Length: \r\n\r\n",
                 b"Content-Length: 99999999999999999999\r\n\r\n",
                 b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
                 b"a" * 5000):
        client = Client(PROGRAM, initialize=False)
        client.send_raw(head)
        client.wait(1)


def test_takes_headers_in_pieces():
    client = Client(PROGRAM, initialize=False)
    body = b"{\"jsonrpc\":\"2.0\",\"id\":\"a b\",\"method\":\"x\"}"
    data = (b"content-type: application/vscode-jsonrpc\r\n"
            b"CONTENT-LENGTH:  %d \r\n\r\n" % len(body)) + body
    for byte in data:
        client.send_raw(bytes([byte]))
    assert client.await_answer("a b")["error"]["code"] == -32002
    client.wait(1)


def test_limits_the_documents():
    client = Client(PROGRAM)
    for i in range(257):
        client.notify("textDocument/didOpen", {"textDocument": {
            "uri": uri("%d.svc" % i), "version": 1, "text": "package p;\n"}})
    client.answer("no/such", {})
    assert len(client.logged) == 1, client.logged
    client.end()


def test_limits_the_changes_of_a_message():
    client = opened()
    client.notify("textDocument/didChange", {
        "textDocument": {"uri": uri("a.svc"), "version": 2},
        "contentChanges": [{"text": "x"}] * 2000})
    client.answer("no/such", {})
    assert len(client.logged) == 1, client.logged
    assert "Finds." in hover(client, "find(")
    client.end()


def test_refuses_a_file_over_the_limit():
    client = Client(PROGRAM)
    found = client.open(uri("a.svc"), "//" + "x" * (5 << 20))
    assert codes(found) == ["S0003"], found
    client.end()


def main():
    wanted = sys.argv[2:]
    failed = 0
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        try:
            test()
        except Exception:  # one failure must not hide the others
            failed += 1
            print("FAILED %s; alone: %s %s %s" %
                  (name, sys.argv[0], PROGRAM, name))
            traceback.print_exc()
    sys.exit(1 if failed else 0)


main()
