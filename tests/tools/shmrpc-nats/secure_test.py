#!/usr/bin/env python3
"""secure_test.py SHMRPC_NATS LIFE_SERVER LIFE_CLIENT LIBRARIES LIBRARY_SERVER:
who may call over NATS: permissions, nkeys, credentials, certificates
(world.py, identity.py)."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading

from identity import Authority, Key, operator
from world import PATIENCE_S, Server, await_, main


def server(world, text):
    """A nats-server with this configuration instead of the one before."""
    for old in world.servers:
        old.kill()
    path = os.path.join(world.folder, "nats.conf")
    with open(path, "w") as file:
        file.write(text)
    world.servers = [Server(world, options=["-c", path])]


def at(world, query):
    return f"{world.address()}?{query}"


def gateway(world, query, *options):
    process, instance = world.serve(
        world.gateway_path, "--force-insecure-serialisation", *options,
        "--servers", at(world, query), "life")
    return process, instance


def call(world, query, number="1"):
    """Calls until it can: the gateway is there when a call says so."""
    client = world.client("calls", number, "1", address=at(world, query))
    assert client.wait(PATIENCE_S) == 0, client.stdout.read()
    world.running.remove(client)


def said_by(world, query, *words):
    client = world.client(*words, address=at(world, query))
    said = client.communicate(timeout=PATIENCE_S)[0]
    world.running.remove(client)
    return said


def permissions(world, service):
    """What the program prints: of clients, and of gateways."""
    text = subprocess.run([world.gateway_path, "--permissions", service],
                          text=True, capture_output=True, check=True,
                          timeout=PATIENCE_S).stdout
    return re.findall(r"permissions \{.*?\n\}", text, re.DOTALL)


# ---- what is tried -----------------------------------------------------------


def permissions_and_nkeys_suffice(world):
    """Both may what they need, and a client of one service not the other's."""
    keys = {name: Key(world.folder, "user", name)
            for name in ("clients", "gateways", "others")}
    allowed = dict(zip(("clients", "gateways"), permissions(world, "life")))
    allowed["others"] = permissions(world, "library")[0]
    users = "\n".join(f"{{ nkey: {keys[name].public}, {allowed[name]} }}"
                      for name in keys)
    server(world, f"authorization {{ users: [ {users} ] }}\n")
    process, _ = gateway(world, f"nkey={keys['gateways'].seed_file}")
    world.ledger.start_over()
    call(world, f"nkey={keys['clients'].seed_file}")
    said = said_by(world, f"nkey={keys['others'].seed_file}", "nap", "0")
    assert said.startswith(("UNAVAILABLE", "DEADLINE")), said
    assert world.stop(process, signal.SIGTERM) == 0


def credentials_let_in(world):
    conf, creds = operator(world.folder)
    server(world, conf)
    process, _ = gateway(world, f"creds={creds}")
    call(world, f"creds={creds}", "2")
    assert world.stop(process, signal.SIGTERM) == 0


def wrong_ones_are_named(world):
    """By the client and by the gateway, which ends; also by one whose server
    was not there at first."""
    other = Key(world.folder, "user", "stranger")
    server(world, "authorization { users: [ { nkey: "
                  f"{Key(world.folder, 'user', 'known').public} }} ] }}\n")
    said = said_by(world, f"nkey={other.seed_file}", "nap", "0")
    assert said.startswith("UNAUTHENTICATED"), said
    assert other.seed_file in said, said
    for is_late in (False, True):
        if is_late:
            world.servers[0].kill()
        process = world.start(
            world.gateway_path, "--force-insecure-serialisation",
            "--servers", at(world, f"nkey={other.seed_file}"), "life",
            stderr=subprocess.PIPE)
        if is_late:
            assert "serving at" in process.stdout.readline()
            world.servers[0].start()
        said = process.communicate(timeout=PATIENCE_S)[1]
        world.running.remove(process)
        assert process.returncode == 1, process.returncode
        assert "refuse" in said and other.seed_file in said, said


def certificates_let_in(world):
    authority = Authority(world.folder)
    host, key = authority.certificate("server", "IP:127.0.0.1")
    user, _ = authority.certificate("user", "email:user@example.com")
    server(world, f'tls {{ cert_file: "{host}", key_file: "{key}", '
                  f'ca_file: "{authority.file}", verify: true }}\n')
    query = f"ca={authority.file}&cert={user}"
    process, _ = gateway(world, query)
    call(world, query, "3")
    said = said_by(world, f"ca={authority.file}", "nap", "0")
    assert said.startswith("UNA"), said
    assert world.stop(process, signal.SIGTERM) == 0


def old_servers_are_warned_about(world):
    """Once, though two services and a reconnection have seen it."""
    server(world, "")
    process = world.start(
        world.gateway_path, "--force-insecure-serialisation", "--servers",
        world.address(), "life", "library:5832", stderr=subprocess.PIPE)
    lines = []
    thread = threading.Thread(target=lambda: lines.extend(process.stderr))
    thread.start()
    await_(lambda: [line for line in lines if "is old" in line],
           "it is warned about")
    world.servers[0].kill()
    world.servers[0].start()
    call(world, "zone=x", "4")
    world.stop(process, signal.SIGTERM)
    thread.join()
    warnings = [line for line in lines if "is old" in line]
    assert len(warnings) == 1 and "2.10.27" in warnings[0], lines


def prepare(world):
    world.nats()
    world.service()


if __name__ == "__main__":
    if shutil.which("openssl") is None:
        print("SKIPPED: no openssl here: who may call over NATS is not tested")
        sys.exit(77)
    sys.exit(main(prepare, [
        permissions_and_nkeys_suffice, credentials_let_in,
        certificates_let_in, wrong_ones_are_named,
        old_servers_are_warned_about]))
