"""Metadata of calls and replies: for each form of a call, and for a client."""

import asyncio
import pickle
import re

import pytest

import shmrpc
import shmrpc.aio
from conftest import PATIENCE_S
from test_workers import running


@pytest.fixture(scope="module", params=[
    ("Told", "shm://told@plain", "--workers=1"),
    ("AsyncTold", "shm://told@loop", "--workers=1"),
    ("Told", "tcp://127.0.0.1:0", "--workers=0")], ids=["plain", "loop", "tcp"])
def service(folder, request):
    name, where, *options = request.param
    with running(f"told:{name}", *options, "--threads=4",
                 where=where) as service:
        line = service.wait_for("serving at")
        if where.startswith("tcp"):
            port = re.search(r":(\d+)$", line).group(1)
            service.where = f"tcp://127.0.0.1:{port}"
        yield service


@pytest.fixture(scope="module")
def told(service):
    with shmrpc.connect(service.where, wait=PATIENCE_S,
                        timeout=PATIENCE_S) as client:
        yield client


SENT = {"tenant": "blue", "name": "\u00fc"}


def back_of(method):
    return {"your-tenant": "blue", "your-name": "\u00fc", "method": method}


def test_reply_has_metadata_if_it_is_asked_for(told):
    back = {"old": "is removed", 5: 6}
    assert told.ask(_metadata=SENT, _reply_metadata=back) == SENT
    assert back == back_of("ask")
    assert told.ask(_reply_metadata=back) == {}
    assert back == {"method": "ask"}
    assert told.ask(_metadata=SENT, _reply_metadata=None) == SENT
    call = told.ask.start(_metadata=SENT, _reply_metadata=back)
    assert back == {}
    assert call.result() == call.result() == SENT
    assert back == back_of("ask")
    back.clear()
    with told.echo.view(b"x" * 10000, _reply_metadata=back) as memory:
        assert len(memory) == 10000 and back == {"method": "echo"}


@pytest.mark.parametrize("how, cls", [
    ("declared", shmrpc.Error), ("status", shmrpc.NotFound),
    ("fault", KeyError)])
def test_errors_have_it_too(told, how, cls):
    for call in (told.refuse,
                 lambda how, **more: told.refuse.start(how, **more).result()):
        back = {}
        with pytest.raises(cls):
            call(how, _metadata=SENT, _reply_metadata=back)
        assert back == back_of("refuse")


def test_call_that_was_not_sent_has_none(told):
    back = {"old": "is removed"}
    with pytest.raises(TypeError, match="key"):
        told.ask(5, _reply_metadata=back)
    assert told.ask.start(_reply_metadata=back) is not None  # it is dropped
    with pytest.raises(TypeError, match="_reply_metadata: expected a dict"):
        told.ask(_reply_metadata=[])


@pytest.mark.parametrize("key, value, why", [
    ("Tenant", "x", "lower-case"), ("a b", "x", "lower-case"),
    ("tenant", "a\nb", "control characters"), ("tenant", "x" * 1200, "at most 16 entries")],
    ids=["capital", "space", "control", "long"])
def test_handler_is_told_what_is_wrong(told, key, value, why):
    with pytest.raises(ValueError, match=why) as caught:
        told.ask(key, value)
    assert isinstance(caught.value, shmrpc.RemoteError)


def test_client_with_metadata_of_its_own(told):
    blue = told.with_options(metadata={"tenant": "blue"})
    assert blue.ask() == {"tenant": "blue"} and told.ask() == {}
    assert blue.ask(_metadata={"user": "ann"}) == {"user": "ann",
                                                   "tenant": "blue"}
    assert blue.ask(_metadata={"tenant": "red"}) == {"tenant": "red"}
    assert blue.ask(_metadata=None) == {"tenant": "blue"}
    assert blue.ask.start().result() == {"tenant": "blue"}
    assert blue.with_options(timeout=5).ask() == {"tenant": "blue"}
    assert blue.with_options(metadata={"user": "ann"}).ask() == {"user": "ann"}
    assert blue.with_options(metadata={}).ask() == {}
    given = {"tenant": "blue"}
    view = told.with_options(metadata=given)
    given["tenant"] = "red"  # too late: the dict was copied
    assert view.ask() == {"tenant": "blue"}
    for wrong in ("tenant", ["tenant"], {1: "x"}, {"tenant": b"blue"}):
        with pytest.raises(TypeError, match="metadata: expected"):
            told.with_options(metadata=wrong)
    with pickle.loads(pickle.dumps(blue)) as elsewhere:  # may be secret
        assert elsewhere.ask() == {}


def test_streams(told):
    back = {"old": "is removed"}
    with told.count(2, _metadata=SENT, _reply_metadata=back) as numbers:
        assert next(numbers) == 0 and back == {}
        assert list(numbers) == [1]
        assert back == back_of("count")
    with pytest.raises(shmrpc.Error, match="on purpose"):
        list(told.count(3, _metadata=SENT, _reply_metadata=back))
    assert back == back_of("count")
    for item, ends in ((12, True), (13, False)):
        with told.sum(_metadata=SENT, _reply_metadata=back) as numbers:
            numbers.send(item)
            assert back == {}
            if ends:
                assert numbers.finish() == item
            else:
                with pytest.raises(shmrpc.Error, match="on purpose"):
                    numbers.finish()
        assert back == back_of("sum")
    with told.with_options(metadata=SENT).twice(_reply_metadata=back) as both:
        both.send(4)
        both.end()
        assert list(both) == [8] and back == back_of("twice")
    with told.count(0xffffffff, _reply_metadata=back) as numbers:
        next(numbers)
    assert back == {}


def test_asyncio(service, told):
    async def main():
        async with shmrpc.aio.connect(service.where,
                                      timeout=PATIENCE_S) as client:
            backs = [{"old": "is removed"} for _ in range(200)]
            got = await asyncio.gather(*(
                client.ask(_metadata={"n": str(n)}, _reply_metadata=back)
                for n, back in enumerate(backs)))
            for n, back in enumerate(backs):
                assert got[n] == {"n": str(n)}
                assert back == {"your-n": str(n), "method": "ask"}
            back = {}
            for how, cls in (("declared", shmrpc.Error), ("fault", KeyError)):
                with pytest.raises(cls):
                    await client.refuse(how, _reply_metadata=back)
                assert back == {"method": "refuse"}
            blue = client.with_options(metadata=SENT)
            async with blue.count(2, _reply_metadata=back) as numbers:
                assert [number async for number in numbers] == [0, 1]
            assert back == back_of("count")
            async with blue.sum(_reply_metadata=back) as numbers:
                await numbers.send(5)
                assert await numbers.finish() == 5
            assert back == back_of("sum")
            async with blue.twice(_reply_metadata=back) as both:
                await both.send(5)
                await both.end()
                assert [number async for number in both] == [10]
            assert back == back_of("twice")

    asyncio.run(main())
