#!/usr/bin/env python3
"""tcp_client.py FAULT_SERVER ECHO_SERVER: a client that makes every kind of
call. It was written from docs/protocol.md alone and uses only the standard
library (and python3-snappy, if that is installed)."""

import hashlib
import hmac
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    import snappy
except ImportError:
    snappy = None

PATIENCE_S = 20
OPENING = struct.Struct("<4sHHBBHI")
HEAD = struct.Struct("<IBBHIiQ")
TERMS = struct.Struct("<IIII")
RPC = struct.Struct("<4sHHQ")
MAGIC = b"\xf3rpc"

(HELLO, WELCOME, REFUSED, REQUEST, REPLY, CANCEL, TOLD, ENDED, CREDIT, PING,
 PONG, GOAWAY, AUTH) = range(1, 14)
ONEWAY, DETAIL, PACKED, NOT_RUN, LAST = 0x01, 0x02, 0x08, 0x20, 0x40
ZLIB, SNAPPY = 2, 3
CANCELLED, INVALID, DEADLINE, UNIMPLEMENTED = -1, -3, -4, -12


class Frame:
    def __init__(self, head, body):
        (_, self.type, self.flags, self.method, self.call, self.status,
         self.value) = head
        self.body = body

    def detail(self):
        """Returns the path, message and name of the error, and its payload."""
        path, message, name, flag, _ = struct.unpack_from("<BBBBi", self.body)
        assert flag in (0, 1)
        at, texts = 8, []
        for length in (path, message, name):
            texts.append(self.body[at:at + length].decode())
            at += length
        return (*texts, self.body[at:])

    def has_run(self):
        return self.body[3] == 0


class Client:
    def __init__(self, sock, offer=0, key=None):
        self.sock = sock
        sock.settimeout(PATIENCE_S)
        name = b"any"
        hello = (TERMS.pack(1 << 20, offer, 0, 0) + RPC.pack(b"rpc1", 1, 0, 0) +
                 bytes([len(name)]) + name)
        if key is not None:
            self.show(key)
        else:
            sock.sendall(OPENING.pack(MAGIC, 1, 0, 0, 0, 0, 0))
        self.send(HELLO, body=hello)
        if key is None:
            self.opening(0, 0)
        welcome = self.receive()
        assert welcome.type == WELCOME, welcome.body
        (self.max_body, self.compression, self.credits,
         zero) = TERMS.unpack_from(welcome.body)
        assert self.max_body <= 1 << 20 and zero == 0
        assert self.compression == 0 or offer & 1 << self.compression
        magic, major, _, self.hash = RPC.unpack_from(welcome.body, TERMS.size)
        assert (magic, major) == (b"rpc1", 1)
        self.last_call = 0
        self.ids = {}
        self.ids = self.methods(self.call(0).body.decode())

    def opening(self, auth, length):
        said = self.read(OPENING.size)
        magic, major, _, *rest = OPENING.unpack(said)
        assert (magic, major, rest) == (MAGIC, 1, [auth, 0, length, 0])
        return said

    def show(self, key):
        """Proves that we have the key, once the server has proved the same."""
        ours = OPENING.pack(MAGIC, 1, 0, 1, 0, 32, 0) + os.urandom(32)
        self.sock.sendall(ours)
        theirs = self.opening(1, 64) + self.read(32)

        def proof(whose):
            said = whose.ljust(16, b"\0") + ours + theirs
            return hmac.new(key, said, hashlib.sha256).digest()

        assert self.read(32) == proof(b"shmrpc server")
        self.send(AUTH, body=proof(b"shmrpc client"))

    @staticmethod
    def methods(text):
        """Returns the index of each method in the canonical text of the
        service."""
        body = text[re.search(r"\bservice\b", text).end():]
        names = re.findall(
            r"\b(?:raw|json|msgpack|native)\s+(\w+)\s*\(", body)
        return {name: i + 1 for i, name in enumerate(names)}

    def read(self, length):
        data = b""
        while len(data) < length:
            more = self.sock.recv(length - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def send(self, type, flags=0, method=0, call=0, status=0, value=0, body=b""):
        self.sock.sendall(
            HEAD.pack(len(body), type, flags, method, call, status, value) +
            body)

    def receive(self):
        head = HEAD.unpack(self.read(HEAD.size))
        return Frame(head, self.read(head[0]))

    def begin(self, method, body=b"", flags=0, seconds=PATIENCE_S):
        self.last_call += 1
        self.send(REQUEST, flags, self.ids.get(method, method), self.last_call,
                  value=int(seconds * 1e9), body=body)
        return self.last_call

    def call(self, method, body=b"", seconds=PATIENCE_S):
        call = self.begin(method, body, seconds=seconds)
        frame = self.receive()
        assert (frame.type, frame.call) == (REPLY, call)
        return frame


def pack(value):
    """Encodes the part of msgpack that is needed here."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, bytes):
        return b"\xc4" + bytes([len(value)]) + value
    if isinstance(value, str):
        return b"\xd9" + bytes([len(value.encode())]) + value.encode()
    if isinstance(value, list):
        return bytes([0x90 + len(value)]) + b"".join(map(pack, value))
    return bytes([0x80 + len(value)]) + b"".join(
        pack(k) + pack(v) for k, v in value.items())


def unpack(data, at=0):
    """Decodes a value; returns it and the offset of its end."""
    kind = data[at]
    at += 1
    if kind < 0x80 or kind >= 0xe0:
        return struct.unpack("b", bytes([kind]))[0], at
    fixed = {0xc0: None, 0xc2: False, 0xc3: True}
    if kind in fixed:
        return fixed[kind], at
    numbers = {0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q", 0xd0: ">b",
               0xd1: ">h", 0xd2: ">i", 0xd3: ">q", 0xcb: ">d"}
    if kind in numbers:
        form = struct.Struct(numbers[kind])
        return form.unpack_from(data, at)[0], at + form.size
    if kind in (0xc4, 0xd9):
        length, at = data[at], at + 1
        raw = data[at:at + length]
        return (raw if kind == 0xc4 else raw.decode()), at + length
    if 0xa0 <= kind < 0xc0:
        length = kind & 0x1f
        return data[at:at + length].decode(), at + length
    items = []
    for _ in range((kind & 0xf) * (2 if kind < 0x90 else 1)):
        item, at = unpack(data, at)
        items.append(item)
    return (dict(zip(items[::2], items[1::2])) if kind < 0x90 else items), at


def native(form, *values):
    """Returns the native image of numbers that are all aligned to 8, or of
    nothing."""
    if not values:
        return struct.pack("<Ix", 5)
    numbers = struct.pack("<" + form, *values)
    return struct.pack("<II", 8 + len(numbers), 0) + numbers


# ---- tests -------------------------------------------------------------------


def raw_bytes_come_back(client):
    for body in (b"", b"x", bytes(range(256)) * 256):
        frame = client.call("blob", body)
        assert (frame.status, frame.flags, frame.body) == (0, 0, body)


def native_numbers_come_back(client):
    image = native("Q", 1 << 60)
    frame = client.call("echo", image)
    assert (frame.status, frame.body) == (0, image), frame.body


def answers_come_in_any_order(client):
    slow = client.begin("nap", b"[60000]")
    quick = client.begin("blob", b"quick")
    frame = client.receive()
    assert (frame.type, frame.call, frame.body) == (REPLY, quick, b"quick")
    cancel_all(client, [slow])


def as_many_calls_as_credits_are_in_flight(client):
    calls = [client.begin("blob", b"%d" % i) for i in range(client.credits)]
    got = {}
    for _ in calls:
        frame = client.receive()
        got[frame.call] = frame.body
    assert got == {call: b"%d" % i for i, call in enumerate(calls)}


def cancel_all(client, calls):
    """Cancels all calls, and reads until each has ended. For a call that ran,
    the server also sends TOLD, before or after the call's ENDED."""
    for call in calls:
        client.send(CANCEL, call=call)
    ended, awaited = set(), set()
    while ended != set(calls) or awaited:
        frame = client.receive()
        assert frame.type in (TOLD, ENDED) and frame.call in calls
        if frame.type == ENDED:
            ended.add(frame.call)
        if frame.flags != NOT_RUN:
            awaited ^= {frame.call}


class SnappyWithSum:
    @staticmethod
    def compress(body):
        block = snappy.compress(body)
        return block + struct.pack(">I", zlib.adler32(block))

    @staticmethod
    def decompress(packed):
        assert struct.unpack(">I", packed[-4:]) == (zlib.adler32(packed[:-4]),)
        return snappy.decompress(packed[:-4])


def packed_bodies_come_back(client):
    """The server reads our packed bodies, and we read the server's. Short
    bodies are never packed."""
    tools = zlib if client.compression == ZLIB else SnappyWithSum
    for body in (b"ab" * 5000, bytes(range(256)) * 400):
        packed = struct.pack("<I", len(body)) + tools.compress(body)
        call = client.begin("blob", packed, flags=PACKED)
        frame = client.receive()
        assert (frame.type, frame.call) == (REPLY, call)
        assert (frame.status, frame.flags) == (0, PACKED)
        assert len(frame.body) < len(body)
        assert struct.unpack_from("<I", frame.body) == (len(body),)
        assert tools.decompress(frame.body[4:]) == body
    frame = client.call("blob", b"a" * 859)
    assert (frame.flags, frame.body) == (0, b"a" * 859)


def running_call_is_told_to_stop(client):
    call = client.begin("nap", b"[60000]")
    while client_count(client, "napping") == 0:
        pass
    cancel_all(client, [call])


def client_count(client, method):
    """Returns a native u32 from the server, requested while another call is in
    flight."""
    call = client.begin(method, native(""))
    frame = client.receive()
    assert (frame.call, frame.status) == (call, 0)
    return struct.unpack("<II", frame.body)[1]


def waiting_call_is_withdrawn(client):
    """All workers nap, so one more call waits. It is cancelled before it
    runs."""
    naps = [client.begin("nap", b"[60000]") for _ in range(2)]
    waiting = client.begin("blob", b"never")
    client.send(CANCEL, call=waiting)
    frame = client.receive()
    assert (frame.type, frame.call, frame.flags, frame.status) == (
        ENDED, waiting, NOT_RUN, CANCELLED)
    cancel_all(client, naps)


def time_that_is_up_is_DEADLINE(client):
    frame = client.call("blob", b"late", seconds=0)
    assert frame.status == DEADLINE


def oneway_calls_give_credits_back(client):
    """Makes more oneway calls than there are credits; only CREDIT frames answer
    them."""
    free = client.credits
    for _ in range(3 * client.credits):
        while free == 0:
            frame = client.receive()
            assert (frame.type, frame.call) == (CREDIT, 0)
            free += frame.status
        client.begin("blob", b"x", flags=ONEWAY)
        free -= 1
    while free < client.credits:
        frame = client.receive()
        assert frame.type == CREDIT
        free += frame.status
    assert free == client.credits


def unknown_method_is_UNIMPLEMENTED(client):
    frame = client.call(999)
    assert (frame.status, frame.flags) == (UNIMPLEMENTED, DETAIL)


def ping_is_answered(client):
    client.send(PING, value=0x1122334455667788)
    frame = client.receive()
    assert (frame.type, frame.value) == (PONG, 0x1122334455667788)


def json_values_come_back(client):
    value = {"a": [1, 2.5, None, True, "\u00e4"], "b": {}}
    for parameters in ([value], {"data": value}):
        frame = client.call("echo_json", json.dumps(parameters).encode())
        assert frame.status == 0 and json.loads(frame.body) == value


def msgpack_values_come_back(client):
    value = {"a": [1, -5, None, True], 7: b"\x00\xff"}
    for parameters in ([value], {"data": value}):
        frame = client.call("echo_msgpack", pack(parameters))
        assert frame.status == 0
        assert unpack(frame.body) == (value, len(frame.body))


def malformed_parameters_are_INVALID_with_a_path(client):
    frame = client.call("echo_json", b"[")
    assert (frame.status, frame.flags) == (INVALID, DETAIL)
    assert frame.detail()[1] != "" and not frame.has_run()


def deep_nesting_is_INVALID(client):
    """The calls fail, and the connection still works."""
    for method, body in (("echo_json", b"[" * 100000),
                         ("echo_json", b"[" * 1000 + b"]" * 1000),
                         ("echo_json", b'[{"a":' * 1000 + b"1" + b"}]" * 1000),
                         ("echo_msgpack", b"\x91" * 100000),
                         ("echo_msgpack", b"\x91" * 1000 + b"\x01"),
                         ("echo_msgpack", b"\x81\x01" * 1000 + b"\x01"),
                         # a length of 4 Gi elements or bytes, of which none
                         # follow
                         ("echo_msgpack", b"\x91\xdd\xff\xff\xff\xff"),
                         ("echo_msgpack", b"\x91\xc6\xff\xff\xff\xff")):
        frame = client.call(method, body)
        assert (frame.status, frame.flags) == (INVALID, DETAIL), body[:10]
    assert client.call("echo_json", b"[1]").body == b"1"


def declared_error_has_its_name(client):
    frame = client.call("add", native("qq", (1 << 63) - 1, 1))
    path, message, name, payload = frame.detail()
    assert (frame.status, name, payload) == (100, "demo.Overflow", b"")
    assert "64 bits" in message and path == "" and frame.has_run()


def server_that_stops_says_so(client, server):
    nap = client.begin("nap", b"[1500]")
    while client_count(client, "napping") == 0:
        pass
    server.terminate()
    frames = []
    try:
        while True:
            frames.append(client.receive())
    except EOFError:
        pass
    kinds = [(f.type, f.flags) for f in frames]
    assert kinds == [(GOAWAY, 0), (REPLY, 0), (GOAWAY, LAST)], kinds
    assert frames[1].call == nap and frames[1].status == 0


# ---- the programs ------------------------------------------------------------


def start(*command):
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in server.stdout:
        if ": serving at " in line:
            return server, line.split(": serving at ")[1].split(",")[0].strip()
    sys.exit("no server: " + " ".join(command))


def connect(where, offer=0, key=None):
    if where.startswith("unix://"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(where[len("unix://"):])
        return Client(sock, offer)
    host, port = where[len("tcp://"):].rsplit(":", 1)
    return Client(socket.create_connection((host, int(port)), PATIENCE_S), offer, key)


def run(test, *arguments):
    test(*arguments)
    print("ok", test.__name__)


def try_all(fault_server, echo_server, listen):
    options = ("--workers=0", "--threads=2",
               "--force-insecure-serialisation", "--listen",
               listen)
    server, where = start(fault_server, *options)
    try:
        client = connect(where)
        for test in (raw_bytes_come_back, native_numbers_come_back,
                     answers_come_in_any_order,
                     as_many_calls_as_credits_are_in_flight,
                     running_call_is_told_to_stop, waiting_call_is_withdrawn,
                     time_that_is_up_is_DEADLINE,
                     oneway_calls_give_credits_back,
                     unknown_method_is_UNIMPLEMENTED, ping_is_answered):
            run(test, client)
        run(server_that_stops_says_so, client, server)
        assert server.wait(PATIENCE_S) == 0
    finally:
        server.kill()
    server, where = start(echo_server, *options)
    try:
        client = connect(where)
        for test in (json_values_come_back, msgpack_values_come_back,
                     malformed_parameters_are_INVALID_with_a_path,
                     deep_nesting_is_INVALID,
                     declared_error_has_its_name):
            run(test, client)
    finally:
        server.kill()


def try_packed(fault_server, listen, name, number):
    server, where = start(fault_server, "--workers=0", "--tcp-compression",
                          name, "--force-insecure-serialisation", "--listen",
                          listen)
    try:
        assert connect(where).compression == 0
        assert connect(where, 1 << (5 - number) | 1 << 1).compression == 0
        client = connect(where, 1 << number | 1 << 31)
        assert client.compression == number
        run(packed_bodies_come_back, client)
    finally:
        server.kill()


def try_key(fault_server, folder):
    key = b"a secret of this folder"
    path = f"{folder}/key"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.write(key + b"\n")
    server, where = start(fault_server, "--workers=0",
                          "--force-insecure-serialisation", "--listen",
                          f"tcp://:0?key={path}")
    try:
        run(raw_bytes_come_back, connect(where, key=key))
    finally:
        server.kill()


def main():
    fault_server, echo_server = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHMRPC_DIR"] = folder
        for listen in (f"unix://{folder}/s", "tcp://:0"):
            try_all(fault_server, echo_server, listen)
        try_key(fault_server, folder)
        try_packed(fault_server, "tcp://:0", "zlib", ZLIB)
        if snappy is None:
            print("skipped snappy: python3-snappy is not installed")
        else:
            try_packed(fault_server, "tcp://:0", "snappy", SNAPPY)


if __name__ == "__main__":
    main()
