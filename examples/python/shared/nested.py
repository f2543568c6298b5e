"""Maps and lists inside a dict are changed in place."""

import multiprocessing

import shmrpc


def change(name):
    with shmrpc.Dict(name) as other:
        other["nested"]["counter"] += 1
        other["nested"]["list"].append("world")


if __name__ == "__main__":
    with shmrpc.Dict() as d:
        d["nested"] = {"counter": 0, "list": ["hello"]}
        process = multiprocessing.get_context("spawn").Process(
            target=change, args=[d.name])
        process.start()
        process.join()
        print(d["nested"])
