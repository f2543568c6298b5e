"""A service and its client, written for speedysvc; only the import was
changed."""

import os

from shmrpc.speedysvc import (
    ClientMethodsBase,
    ServerMethodsBase,
    json_method,
    marshal_method,
    msgpack_method,
    pickle_method,
    raw_method,
)


class SpeedyServer(ServerMethodsBase):
    port = int(os.environ.get("SPEEDY_PORT", "5863"))
    name = "speedy"

    def __init__(self, logger_client):
        ServerMethodsBase.__init__(self, logger_client)
        self.loaded_by = os.getpid()
        self.started_by = None
        self.log.info("made by %d", self.loaded_by)

    def worker_start(self):
        self.started_by = os.getpid()

    @json_method
    def defaults(self, data, default="test"):
        return (data, default)

    @json_method
    def json_echo(self, data):
        return data

    @json_method
    def total(self, data: list[int]) -> int:
        return sum(data)

    @raw_method
    def raw_echo(self, data):
        return data

    @raw_method
    def raw_return_len(self, data):
        return b"Z" * int(data)

    @pickle_method
    def pickle_echo(self, data):
        return data

    @marshal_method
    def marshal_echo(self, data):
        return data

    @msgpack_method
    def msgpack_echo(self, data):
        return data

    @json_method
    def pids(self):
        return [self.loaded_by, self.started_by, os.getpid()]

    @json_method
    def fail(self, name):
        from services import raised

        raise raised(name)


class SpeedyClient(ClientMethodsBase):
    def __init__(self, client_provider):
        ClientMethodsBase.__init__(self, client_provider)

    defaults = SpeedyServer.defaults.as_rpc()
    raw_echo = SpeedyServer.raw_echo.as_rpc()
    raw_return_len = SpeedyServer.raw_return_len.as_rpc()
    pickle_echo = SpeedyServer.pickle_echo.as_rpc()
    marshal_echo = SpeedyServer.marshal_echo.as_rpc()
    msgpack_echo = SpeedyServer.msgpack_echo.as_rpc()
    total = SpeedyServer.total.as_rpc()
    pids = SpeedyServer.pids.as_rpc()
    fail = SpeedyServer.fail.as_rpc()

    def json_echo(self, data):
        return self.send(SpeedyServer.json_echo, [data])


class Nobody(ServerMethodsBase):
    """Is never served."""

    port = 5864
    name = "speedy_nobody"

    @json_method
    def echo(self, data):
        return data
