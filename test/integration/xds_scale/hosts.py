"""Origins of xds_scale: PORT on 127.0.0.1 to 127.0.0.COUNT. Each answers every request with its
number. Run as a program: prints a line when all listen; ends with stdin."""

import asyncio
import sys


class Host(asyncio.Protocol):
    def __init__(self, number):
        text = str(number).encode()
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text)
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        """Requests have no bodies, and come one at a time."""
        if data.endswith(b"\r\n\r\n"):
            self.transport.write(self.answer)


async def main(port, count):
    loop = asyncio.get_running_loop()
    for number in range(1, count + 1):
        await loop.create_server(lambda number=number: Host(number), f"127.0.0.{number}", port,
                                 backlog=1024)
    print("serving", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
