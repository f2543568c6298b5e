"""Services whose replies have metadata: the entries that came with the call,
and entries of their own."""

import shmrpc

SVC = """
package test.told;

error Refused = 100 { 1: string why; }

service Told {
  port 5853;
  name "told";
  json    ask(string key = "", string value = "") -> any;
  json    refuse(string how) throws Refused;
  raw     echo(bytes data) -> bytes;
  msgpack count(u32 most) -> stream u32 throws Refused;
  msgpack sum(stream u32 number) -> u32 throws Refused;
  msgpack twice(stream u32 number) -> stream u32;
}
"""


def answer():
    """Sends the call's metadata back with the reply, and returns it."""
    context = shmrpc.context()
    for key, value in context.metadata.items():
        context.set_reply_metadata(f"your-{key}", value)
    context.set_reply_metadata("method", context.method)
    context.set_reply_metadata("method", "of two the first one counts")
    return context.metadata


def refused(how):
    if how == "declared":
        return shmrpc.context().errors.Refused(why="on purpose")
    return shmrpc.NotFound(how) if how == "status" else KeyError(how)


class Told:
    __svc__ = SVC

    def ask(self, key, value):
        if key:
            shmrpc.context().set_reply_metadata(key, value)
        return answer()

    def refuse(self, how):
        answer()
        raise refused(how)

    def echo(self, data):
        answer()
        return data

    def count(self, most):
        yield from range(most)
        answer()
        if most == 3:
            raise refused("declared")

    def sum(self, number):
        answer()
        if (total := sum(number)) == 13:
            raise refused("declared")
        return total

    def twice(self, number):
        answer()
        for one in number:
            yield 2 * one


class AsyncTold(Told):
    async def ask(self, key, value):
        return super().ask(key, value)

    async def refuse(self, how):
        super().refuse(how)

    async def count(self, most):
        for number in range(most):
            yield number
        answer()
        if most == 3:
            raise refused("declared")

    async def sum(self, number):
        answer()
        if (total := sum([one async for one in number])) == 13:
            raise refused("declared")
        return total

    async def twice(self, number):
        answer()
        async for one in number:
            yield 2 * one
