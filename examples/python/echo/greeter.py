"""A service in Python: its interface is in echo.svc."""

import shmrpc


class Greeter:
    __svc__ = "echo.svc"

    def __init__(self):  # once, before workers are forked
        self.word = "Hello"

    def greet(self, name, times):
        if not name:
            raise shmrpc.context().errors.NoName(hint="say who you are")
        return " ".join([f"{self.word}, {name}!"] * times)

    def add(self, a, b):
        return a + b


if __name__ == "__main__":
    shmrpc.main(Greeter)
