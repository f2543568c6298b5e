"""Uses two streams at the same time, in one thread."""

import asyncio

import shmrpc.aio


async def listen(words, text):
    async for word in words.speak(text):
        print(word)


async def count(words):
    async with words.count(2) as lines:
        for line in ("to be", "or not to be", "that is the question to be"):
            await lines.send(line)
        return await lines.finish()


async def main():
    async with shmrpc.aio.connect("words") as words:
        counts, _ = await asyncio.gather(count(words), listen(words, "a bb ccc"))
        for row in counts:
            print(row.word, row.times)
        async for word in words.speak("this never ends " * 1000):
            print(word, "...")
            break  # this also cancels the handler's task


asyncio.run(main())
