"""A process of its own: origins that say their names, and clients that ask a proxy at a steady rate.
Told by lines, answers each by a line of JSON:

    open NAME [PORT]   its port
    close NAME         as a service ends: nobody new, what is under way is answered, then it is gone
    last NAME          when its last request came (CLOCK_MONOTONIC)
    ask PORT RATE      so many requests a second, until `stop`
    stop               what became of them"""

import asyncio
import collections
import json
import sys
import time

CONNECTIONS = 16
ANSWERS_AFTER = 0.003  # so that something is under way whenever an origin ends
PATIENCE = 15
KEPT_ERRORS = 5
REQUEST = b"GET / HTTP/1.1\r\nhost: test.example\r\n\r\n"


class Link(asyncio.Protocol):
    """A connection to an origin; requests have no bodies, and come one at a time."""

    def __init__(self, origin):
        self.origin = origin
        self.transport = None
        self.busy = False

    def connection_made(self, transport):
        self.transport = transport
        self.origin.links.add(self)

    def connection_lost(self, exc):
        self.origin.links.discard(self)
        self.origin.check_empty()

    def data_received(self, data):
        if data.endswith(b"\r\n\r\n"):
            self.origin.last = time.monotonic()
            self.busy = True
            asyncio.get_running_loop().call_later(ANSWERS_AFTER, self.answer)

    def answer(self):
        self.busy = False
        self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (
            len(self.origin.name), self.origin.name))
        if self.origin.ending:
            self.transport.close()


class Origin:
    def __init__(self, name):
        self.name = name.encode()
        self.links = set()
        self.last = 0
        self.ending = False
        self.server = None
        self.empty = asyncio.Event()

    async def open(self, port=0):
        self.server = await asyncio.get_running_loop().create_server(
            lambda: Link(self), "127.0.0.1", port, backlog=1024)
        return self.server.sockets[0].getsockname()[1]

    async def close(self):
        self.ending = True
        self.server.close()
        for link in list(self.links):
            if not link.busy:
                link.transport.close()
        self.check_empty()
        await self.empty.wait()

    def check_empty(self):
        if self.ending and not self.links:
            self.empty.set()


class Load:
    """Each request at its time; one that is late counts from when it was due."""

    def __init__(self, port, rate):
        self.port, self.rate = port, rate
        self.begun = self.next = time.monotonic()
        self.answers = collections.Counter()
        self.took, self.errors, self.failed, self.over = [], [], 0, False
        self.tasks = [asyncio.create_task(self._client()) for _ in range(CONNECTIONS)]

    async def _client(self):
        link = None
        while not self.over:
            due, self.next = self.next, self.next + 1 / self.rate
            await asyncio.sleep(max(0, due - time.monotonic()))
            try:
                link = link or await asyncio.open_connection("127.0.0.1", self.port)
                await asyncio.wait_for(self._ask(*link), PATIENCE)
            except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
                self.failed += 1
                self.errors.append(f"{type(error).__name__} {error} at {due - self.begun:.2f} s")
                if link:
                    link[1].close()
                link = None
            self.took.append(time.monotonic() - due)
        if link:
            link[1].close()

    async def _ask(self, reader, writer):
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        size = next(int(line.partition(":")[2]) for line in lines
                    if line.startswith("content-length:"))
        body = await reader.readexactly(size)
        if not head.startswith(b"HTTP/1.1 200"):
            raise ValueError(f"{lines[0]} {body[:100]!r}")
        self.answers[body.decode()] += 1

    async def stop(self):
        self.over = True
        await asyncio.gather(*self.tasks)
        return {"answers": self.answers, "took": sorted(self.took), "failed": self.failed,
                "errors": self.errors[:KEPT_ERRORS], "seconds": time.monotonic() - self.begun}


class Told:
    def __init__(self):
        self.origins, self.load = {}, None

    async def obey(self, command, *words):
        if command == "open":
            origin = self.origins[words[0]] = Origin(words[0])
            return await origin.open(*map(int, words[1:]))
        if command == "close":
            return await self.origins.pop(words[0]).close()
        if command == "last":
            return self.origins[words[0]].last
        if command == "ask":
            self.load = Load(int(words[0]), float(words[1]))
            return None
        return await self.load.stop()


async def main():
    told = Told()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        print(json.dumps(await told.obey(*line.decode().split())), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
