"""Machines for tests: each is a network namespace with its own host name and
folder, connected to a bridge in a namespace of the test. They know each other
by name. A test that imports this is restarted in that namespace, or skipped if
namespaces are not permitted."""

import os
import shutil
import subprocess
import sys

import world

TOOLS = ("unshare", "nsenter", "ip")
INSIDE = "SHMRPC_TEST_MACHINES"
PORT = 4222


def enter():
    """Restarts the test in a namespace of its own, with a bridge, and returns
    only there. Exits with 77 if that is impossible."""
    if os.environ.get(INSIDE):
        for words in (("link", "set", "lo", "up"),
                      ("link", "add", "hub", "type", "bridge"),
                      ("addr", "add", "10.77.0.254/24", "dev", "hub"),
                      ("link", "set", "hub", "up")):
            subprocess.run(("ip", *words), check=True)
        return
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if os.getuid() == 0:
        unshare = ["unshare", "--net", "--uts", "--mount"]
    else:
        unshare = ["unshare", "--map-root-user", "--net", "--uts", "--mount"]
    tried = missing or subprocess.run(
        [*unshare, "sh", "-c",
         "ip link add hub type bridge && "
         "ip link add one type veth peer name two && "
         "mount --bind /etc/hosts /etc/hosts"],
        capture_output=True, text=True).stderr
    if tried:
        print(f"SKIPPED: no network namespaces here ({tried}): machines that "
              "are apart are not tested")
        sys.exit(77)
    os.execvpe(unshare[0], [*unshare, sys.executable, "-B", *sys.argv],
               dict(os.environ, **{INSIDE: "1"}))


class Machine(world.World):
    """A machine with a nats-server of its own (serve_nats), or one that uses
    the server of the machine `nats`. Machines with the same `host` count as one
    machine when a client looks for the nearest gateway."""

    def __init__(self, stage, name, number, nats=None, host=None):
        stage.hosts = os.path.join(stage.folder, "hosts")
        with open(stage.hosts, "a") as file:
            file.write(f"10.77.0.{number} {name}\n")
        folder = os.path.join(stage.folder, name)
        os.mkdir(folder, 0o700)
        super().__init__(stage.programs, folder)
        self.running = stage.running
        self.name, self.link = name, f"to-{name}"
        self.nats = nats or self
        self.ip = f"10.77.0.{number}"
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "--mount", "sh", "-c",
             f"hostname {host or name} && mount --bind {stage.hosts} /etc/hosts"
             " && echo && exec sleep 3600"], stdout=subprocess.PIPE)
        self.running.append(self.holder)
        assert self.holder.stdout.readline() == b"\n", "no namespaces"
        for words in (("link", "add", self.link, "type", "veth", "peer", "name",
                       "eth0", "netns", str(self.holder.pid)),
                      ("link", "set", self.link, "master", "hub", "up")):
            subprocess.run(("ip", *words), check=True)
        for words in (("link", "set", "lo", "up"),
                      ("addr", "add", f"{self.ip}/24", "dev", "eth0"),
                      ("link", "set", "eth0", "up")):
            subprocess.run(self.inside("ip", *words), check=True)

    def inside(self, *command):
        return ("nsenter", "-t", str(self.holder.pid), "--net", "--uts",
                "--mount", f"--wd={os.getcwd()}", *command)

    def start(self, *command, **more):
        return super().start(*self.inside(*command), **more)

    def serve_nats(self, others=(), config=""):
        """Starts a nats-server, in a cluster with those of the other
        machines."""
        path = os.path.join(self.folder, "nats.conf")
        with open(path, "w") as file:
            file.write(config)
        command = [world.PROGRAM, "-c", path, "-a", self.ip, "-p", str(PORT),
                   "-l", os.devnull]
        if others:
            command += ["--cluster_name", "tests", "--cluster",
                        f"nats://{self.ip}:6222", "--routes",
                        ",".join(f"nats://{other.ip}:6222"
                                 for other in others)]
        process = self.start(*command)
        world.await_(self.listens, "nats-server listens")
        return process

    def listens(self):
        try:
            self.wire().close()
            return True
        except OSError:
            return False

    def address(self):
        return f"nats://{self.nats.ip}:{PORT}"

    def wire(self):
        return world.Wire(PORT, self.nats.ip)

    def plug(self, state):
        """"down" cuts the machine off without telling anybody; "up" connects it
        again."""
        subprocess.run(["ip", "link", "set", self.link, state], check=True)
