#!/usr/bin/env python3
"""foreign_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES LIBRARY_SERVER:
clients without any shmrpc code call services by NATS messages in JSON or
msgpack (world.py)."""

import json
import os
import signal
import sys

from world import PATIENCE_S, Server, await_, main

JSON = ("Content-Type", "application/json")
MSGPACK = ("Content-Type", "application/msgpack")
BYTES = ("Content-Type", "application/octet-stream")
# ---- requests ----------------------------------------------------------------


class Asker:
    """A connection to NATS, and requests over it."""

    def __init__(self, world):
        self.wire = world.wire()
        self.wire.subscribe("_INBOX.wire")

    def ask(self, method, data=b"", *headers, service="library"):
        if not isinstance(data, bytes):
            data = json.dumps(data).encode()
        self.wire.request(f"shmrpc.{service}.call.{method}", data, headers)
        got = self.wire.answer()
        assert got is not None, f"no answer to {method}"
        return got

    def result(self, *args, **more):
        head, body = self.ask(*args, **more)
        assert "Nats-Service-Error" not in head, (head, body)
        return body

    def error(self, *args, **more):
        head, body = self.ask(*args, **more)
        said = json.loads(body)
        assert head["Nats-Service-Error-Code"] == str(said["number"]), head
        assert head["Nats-Service-Error"] == said["message"].strip(), head
        return said


# ---- tests -------------------------------------------------------------------


def results_come_in_the_form_of_the_request(world):
    asker = Asker(world)
    hits = asker.result("find", ["x", 3])
    assert json.loads(hits) == [{"id": 3, "title": "x/relevance/-/"}], hits
    hits = asker.result("find", {"text": "x", "exact": True}, JSON)
    assert json.loads(hits)[0]["title"] == "x/relevance/exact/", hits
    assert json.loads(asker.result("count")) == 1
    # In msgpack the result is the same. The request or Accept decides the form.
    head, body = asker.ask("fetch", b"\x91\xa3abc",
                           ("content-type", "Application/MsgPack; a=b"))
    assert head["Content-Type"] == "application/msgpack", head
    assert body == b"\x82\x01\x03\x02\xa3abc" or b"abc" in body, body
    head, body = asker.ask("fetch", ["abc"], JSON,
                           ("Accept", "text/html, application/msgpack"))
    assert head["Content-Type"] == "application/msgpack", head
    # Native methods are called with values, not with memory layouts.
    assert json.loads(asker.result("store", {"key": "k", "title": ""})) == \
        {"id": 7, "title": "k"}
    # Raw methods take plain bytes, or bytes in their JSON form.
    data = os.urandom(1000)
    assert asker.result("blob", data, BYTES, service="life") == data
    assert json.loads(asker.result("blob", ["AQID"], service="life")) == "AQID"
    # A foreign message that looks like one of ours is not treated as one.
    data = b"\xf4\x01\x05\x00" + bytes(28)
    assert asker.result("blob", data, BYTES, service="life") == data


def errors_say_what_is_wrong(world):
    asker = Asker(world)
    said = asker.error("fetch", ["none"])
    assert said["name"] == "test.library.NoBook" and said["number"] == 100, said
    assert said["details"] == {"key": "none", "nearest": "nine"}, said
    said = asker.error("find", {"text": "x", "txet": "x"})
    assert said["name"] == "INVALID" and "text" in said["message"], said
    said = asker.error("find", ["x" * 65])
    assert said["name"] == "INVALID" and said["path"] == "text", said
    assert said["may_have_run"] is False, said
    said = asker.error("fnd", ["x"])
    assert said["name"] == "NOT_FOUND" and "`find`" in said["message"], said
    for data in (b"{", b"\xff\xfe", b"[" * 100000, b"[1,2,3]", b"null x"):
        assert asker.error("find", data)["name"] == "INVALID"
    for headers in ([("Content-Type", "text/html")], [("Accept", "text/html")],
                    [("Shmrpc-Timeout-Ms", "0")], [BYTES],
                    [("Shmrpc-Timeout-Ms", "600001")],
                    [("Shmrpc-Timeout-Ms", "x")],
                    [("Shmrpc-Timeout-Ms", "9" * 500)],
                    [("Shmrpc-Meta-A b", "x")]):
        assert asker.error("find", ["x"], *headers)["name"] == "INVALID", headers
    many = [(f"Shmrpc-Meta-k{i}", "v") for i in range(40)]
    assert asker.error("find", ["x"], *many)["name"] == "TOO_LARGE"
    assert json.loads(asker.result("find", ["x"], ("Shmrpc-Meta-A", "b")))


def deadlines_hold(world):
    asker = Asker(world)
    said = asker.error("nap", [60000], ("Shmrpc-Timeout-Ms", "100"),
                       service="life")
    assert said["name"] == "DEADLINE", said


def a_large_reply_is_told(world):
    """A byte of msgpack becomes 6 bytes of JSON, so the request fits but the
    answer does not."""
    asker = Asker(world)
    data = b"\x91\xda" + (40000).to_bytes(2, "big") + b"\x01" * 40000
    said = asker.error("old", data, MSGPACK, ("Accept", "application/json"))
    assert said["name"] == "TOO_LARGE" and said["may_have_run"], said
    assert len(asker.result("old", data, MSGPACK)) > 40000


def stat_of(pid):
    """Returns the state and the parent of a process."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            words = file.read().rsplit(")", 1)[1].split()
        return words[0], int(words[1])
    except OSError:
        return "", 0


def freeze(pid):
    os.kill(pid, signal.SIGSTOP)
    await_(lambda: stat_of(pid)[0] == "T", "the process stands still")


def freeze_all(pid):
    """Stops a process and then its children; in the other order it would start
    new ones."""
    freeze(pid)
    pids = [pid]
    for other in filter(str.isdigit, os.listdir("/proc")):
        if stat_of(other)[1] == pid:
            pids += freeze_all(int(other))
    return pids


def more_than_there_is_room_for_is_refused(world):
    """While no worker runs, 64 calls are in flight and 1,024 wait. Further
    callers are refused; the calls that wait run later."""
    asker = Asker(world)
    asker.result("nap", [0], service="life")
    pids = freeze_all(world.life.pid)
    for _ in range(64 + 1024 + 50):
        asker.wire.request("shmrpc.life.call.nap", b"[0]")
    for _ in range(50):
        said = json.loads(asker.wire.answer()[1])
        assert said["name"] == "EXHAUSTED" and not said["may_have_run"], said
        assert said["retry_after_ns"] > 0, said
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    for _ in range(64 + 1024):
        head, body = asker.wire.answer()
        assert body == b"null", (head, body)


def nowhere_to_answer_is_not_run(world):
    """The gateway may publish to more subjects than a caller may. A call whose
    reply subject is not allowed to the caller does not run, and neither does a
    call without a reply subject."""
    asker = Asker(world)
    asker.wire.subscribe("elsewhere")
    before = json.loads(asker.result("count"))
    for _ in range(10):
        asker.wire.request("shmrpc.library.call.count", reply="elsewhere")
        asker.wire.publish("shmrpc.library.call.count")
    asker.wire.request("shmrpc.library.call.a.b")
    assert asker.wire.answer() == ({}, b""), "NATS answers that nobody is there"
    after = json.loads(asker.result("count"))
    assert after == before + 1, (before, after)


def tools_see_endpoints(world):
    asker = Asker(world)
    asker.wire.publish("$SRV.INFO.library", reply="_INBOX.wire")
    info = json.loads(asker.wire.answer()[1])
    places = {e["name"]: (e["subject"], e["queue_group"])
              for e in info["endpoints"]}
    assert places["find"] == ("shmrpc.library.call.find", "q"), places
    asker.wire.publish("$SRV.STATS.library", reply="_INBOX.wire")
    stats = {e["name"]: e for e in
             json.loads(asker.wire.answer()[1])["endpoints"]}
    assert stats["fetch"]["num_errors"] >= 1, stats["fetch"]
    assert stats["fetch"]["last_error"] == "test.library.NoBook"
    assert stats["find"]["num_requests"] > stats["find"]["num_errors"] > 0
    assert stats["find"]["average_processing_time"] > 0, stats["find"]


def a_new_server_is_found(world):
    """While no gateway runs, callers are told at once that their calls have not
    run."""
    asker = Asker(world)
    world.stop(world.library, signal.SIGKILL)
    said = asker.error("fetch", ["abc"])
    assert said["name"] == "UNAVAILABLE" or said["may_have_run"], said
    said = asker.error("fetch", ["abc"])
    assert said["name"] == "UNAVAILABLE" and not said["may_have_run"], said
    world.library = world.serve(sys.argv[5], "--workers=1")[0]
    await_(lambda: "Nats-Service-Error" not in asker.ask("fetch", ["abc"])[0],
           "the new server is called")


def a_stopped_gateway_ends_what_it_has(world):
    asker = Asker(world)
    asker.wire.request("shmrpc.life.call.nap", b"[1000]")
    asker.result("blob", b"x", BYTES, service="life")
    assert world.stop(world.gateways.pop(), signal.SIGTERM) == 0
    head, body = asker.wire.answer()
    assert body == b"null", (head, body)


def prepare(world):
    """For this test nats-server needs at least this max_payload."""
    path = os.path.join(world.folder, "nats.conf")
    with open(path, "w") as file:
        file.write("max_payload: 128KB\n")
    world.servers = [Server(world, options=["-c", path])]
    world.library = world.serve(sys.argv[5], "--workers=1")[0]
    world.life = world.service()
    world.gateways = [world.gateway(name)[0] for name in ("library", "life")]


if __name__ == "__main__":
    sys.exit(main(prepare, [
        results_come_in_the_form_of_the_request, errors_say_what_is_wrong,
        deadlines_hold, a_large_reply_is_told, tools_see_endpoints,
        nowhere_to_answer_is_not_run, more_than_there_is_room_for_is_refused,
        a_new_server_is_found, a_stopped_gateway_ends_what_it_has]))
