"""Users' mistakes that type checkers must find; types_test.sh checks this
file, nothing runs it."""

import shmrpc


def right() -> None:
    with shmrpc.connect("echo_serv", timeout=5) as echo:
        echo.add(1, 2)
        with echo.echo_raw.view(b"x") as memory:
            print(memory.nbytes)
        print(echo.add.start(1, 2).result())
        try:
            echo["add"](1, 2, _timeout=0.5)
        except shmrpc.DeadlineExceeded as error:
            print(error.may_have_run)
        except ConnectionError:
            raise


def right_objects() -> None:
    with shmrpc.Dict("voices", mode="create") as voices:
        voices["ann"] = {"rate": 16000}
        with voices.lock("ann", timeout=1.5) as lock:
            print(lock.owner_died, len(voices), dict(voices), voices | {})
        for event in voices.watch("a"):
            print(event.kind, event.change + 1)
    jobs = shmrpc.Queue("jobs", maxsize=2, acked=True)
    jobs.put(1, timeout=5)
    jobs.task_done()
    print(jobs.join(0.5), shmrpc.Array("a", shape=(2, 3)).shape[0])
    for message in shmrpc.Topic("news", history=2).subscribe():
        print(message)
    shmrpc.Pipe("pcm").write(b"x")
    print(shmrpc.Value("config", {}).get(), shmrpc.objects()[0].name)


def wrong() -> None:
    shmrpc.connect(5)  # wrong
    shmrpc.connect("echo_serv", tiemout=5)  # wrong
    echo = shmrpc.connect("echo_serv")
    echo.add(1, 2, _timeout="soon")  # wrong
    echo.with_options(5)  # wrong
    echo.service.name  # wrong
    echo.add.start(1).results()  # wrong
    shmrpc.Ext("x", b"")  # wrong
    shmrpc.no_such_name  # wrong
    shmrpc.Dict(5)  # wrong
    shmrpc.Queue("jobs", maxsize="2")  # wrong
    shmrpc.Queue("jobs").put_now(1)  # wrong
    shmrpc.Dict("voices").lock.aquire()  # wrong
    shmrpc.Array("a", shape="2")  # wrong
    shmrpc.Pipe("pcm").read("5")  # wrong
