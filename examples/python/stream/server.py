"""Handlers that are coroutines: one worker has many calls in flight."""

import asyncio
from collections import Counter

import shmrpc


class Words:
    __svc__ = "words.svc"
    concurrency = 100

    async def count(self, most, line):
        words = Counter()
        async for one in line:
            words.update(one.split())
        return [{"word": word, "times": times}
                for word, times in words.most_common(most)]

    async def speak(self, text):
        for word in text.split():
            await asyncio.sleep(len(word) / 100)
            yield word


if __name__ == "__main__":
    shmrpc.main(Words)
