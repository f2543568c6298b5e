"""An array that is replaced while it is read."""

import array
import multiprocessing

import shmrpc

COUNT = 10_000


def replace(numbers):
    n = 0
    while not numbers[0] == -1:
        n += 1
        numbers.put(array.array("d", [n]) * COUNT)


if __name__ == "__main__":
    with shmrpc.Array(format="d", shape=COUNT) as numbers:
        process = multiprocessing.get_context("spawn").Process(
            target=replace, args=[numbers])
        process.start()
        looks = 0
        while looks < 200:
            view = memoryview(numbers)  # this view never changes
            if len(set(view)) != 1:
                break
            looks += 1
        print("each of", looks, "looks saw only equal numbers")
        while process.is_alive():
            numbers.put([-1] * COUNT)
            process.join(0.01)
