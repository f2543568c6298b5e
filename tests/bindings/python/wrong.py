"""Mistakes of users that types find; read by types_test.sh, never run."""

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
