"""A language client without an editor: frames, requests, notifications.

Waits for answers with a deadline, so a server that hangs fails the test.
"""
import json
import os
import select
import subprocess
import time

DEADLINE_S = 30


class Client:
    def __init__(self, program, *args, encodings=None, options=None,
                 folders=None, initialize=True):
        self.server = subprocess.Popen([program, "lsp", *args],
                                       stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        self.buffer = b""
        self.next_id = 1
        self.diagnostics = {}  # the last of each URI
        self.logged = []
        if initialize:
            general = {"positionEncodings": encodings} if encodings else {}
            params = {"processId": None, "rootUri": None,
                      "capabilities": {"general": general}}
            if options is not None:
                params["initializationOptions"] = options
            if folders is not None:
                params["workspaceFolders"] = [
                    {"uri": uri, "name": "x"} for uri in folders]
            self.initialized = self.request("initialize", params)
            self.notify("initialized", {})

    # ---- bytes ----

    def send_raw(self, data):
        self.server.stdin.write(data)
        self.server.stdin.flush()

    def send(self, message):
        body = json.dumps(message).encode()
        self.send_raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def receive(self):
        """The next message, or None at the end."""
        end = time.monotonic() + DEADLINE_S
        while True:
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if mark:
                name, _, length = head.partition(b": ")
                assert name == b"Content-Length", self.buffer[:200]
                length = int(length)
                if len(rest) >= length:
                    self.buffer = rest[length:]
                    return json.loads(rest[:length])
            left = end - time.monotonic()
            ready, _, _ = select.select([self.server.stdout], [], [],
                                        max(left, 0))
            assert ready, "no answer within %d s" % DEADLINE_S
            data = os.read(self.server.stdout.fileno(), 65536)
            if not data:
                assert not self.buffer, self.buffer[:200]
                return None
            self.buffer += data

    # ---- messages ----

    def take(self, message):
        if message.get("method") == "textDocument/publishDiagnostics":
            params = message["params"]
            self.diagnostics[params["uri"]] = params
        elif message.get("method") == "window/logMessage":
            self.logged.append(message["params"]["message"])

    def notify(self, method, params):
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def answer(self, method, params):
        """The whole answer."""
        ident = self.next_id
        self.next_id += 1
        self.send({"jsonrpc": "2.0", "id": ident, "method": method,
                   "params": params})
        return self.await_answer(ident)

    def await_answer(self, ident):
        while True:
            message = self.receive()
            assert message is not None, "the server ended"
            if "method" in message:
                self.take(message)
            else:
                assert message["id"] == ident, message
                return message

    def request(self, method, params):
        answer = self.answer(method, params)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, uri, text, version=1):
        self.notify("textDocument/didOpen", {"textDocument": {
            "uri": uri, "languageId": "svc", "version": version,
            "text": text}})
        return self.published(uri, version)

    def change(self, uri, version, *changes):
        self.notify("textDocument/didChange", {
            "textDocument": {"uri": uri, "version": version},
            "contentChanges": list(changes)})
        return self.published(uri, version)

    def published(self, uri, version):
        """Waits for the diagnostics of this version."""
        while self.diagnostics.get(uri, {}).get("version") != version:
            message = self.receive()
            assert message is not None, "the server ended"
            self.take(message)
        return self.diagnostics[uri]["diagnostics"]

    def await_diagnostics(self, uri, wanted):
        """Waits for diagnostics of `uri` for which `wanted` is true."""
        while not wanted(self.diagnostics.get(uri, {}).get("diagnostics")):
            message = self.receive()
            assert message is not None, "the server ended"
            self.take(message)
        return self.diagnostics[uri]["diagnostics"]

    def at(self, method, uri, position, **more):
        line, character = position
        params = {"textDocument": {"uri": uri},
                  "position": {"line": line, "character": character}}
        params.update(more)
        return self.request("textDocument/" + method, params)

    def end(self, status=0):
        if status == 0:
            assert self.request("shutdown", None) is None
        self.notify("exit", None)
        return self.wait(status)

    def wait(self, status):
        try:
            self.server.stdin.close()
        except BrokenPipeError:
            pass
        while self.receive() is not None:
            pass
        got = self.server.wait(DEADLINE_S)
        assert got == status, "exit status %d, expected %d" % (got, status)


def span(line, character, end_line, end_character):
    return {"start": {"line": line, "character": character},
            "end": {"line": end_line, "character": end_character}}


def find(text, word, utf8=False, nth=0):
    """The position of the nth `word` as the protocol counts it."""
    offset = -1
    for _ in range(nth + 1):
        offset = text.index(word, offset + 1)
    line = text.count("\n", 0, offset)
    before = text[text.rfind("\n", 0, offset) + 1:offset]
    encoded = before.encode("utf-8" if utf8 else "utf-16-le")
    return line, len(encoded) if utf8 else len(encoded) // 2


def edit(text, old, new, nth=0):
    """An edit that replaces the nth `old` by `new`, and the resulting text."""
    line, character = find(text, old, nth=nth)
    offset = -1
    for _ in range(nth + 1):
        offset = text.index(old, offset + 1)
    tail = text[:offset + len(old)]
    end = (tail.count("\n"),
           len(tail[tail.rfind("\n") + 1:].encode("utf-16-le")) // 2)
    changed = text[:offset] + new + text[offset + len(old):]
    return {"range": span(line, character, *end), "text": new}, changed
