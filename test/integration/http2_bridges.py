"""HTTP/2 around a WebSocket library that speaks HTTP/1 only, by python3-h2 (RFC 8441). `Outward` takes
the library's connections and makes each a stream of a few HTTP/2 connections; `Inward` serves HTTP/2
and opens a connection to the library's server for each stream. Bytes go through unread."""

import asyncio
import base64
import contextlib
import hashlib
import os

import h2.config
import h2.connection
import h2.events
import h2.settings

PIECE = 1 << 16
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LOOSE = {"validate_outbound_headers": False, "normalize_outbound_headers": False,
         "header_encoding": "latin-1"}


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + MAGIC).digest()).decode()


def fields_of(head):
    """(first line, fields in lower case) of an HTTP/1 head."""
    lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    return lines[0], {name.lower(): value.strip() for name, _, value in pairs}


class Link:
    """One HTTP/2 connection; `on_request(link, stream, fields)` of a server's."""

    def __init__(self, reader, writer, client, on_request=None):
        self.reader, self.writer, self.on_request = reader, writer, on_request
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=client, **LOOSE))
        self.heads, self.pipes, self.room = {}, {}, asyncio.Event()
        self.settled = asyncio.Event()
        self.streams = 0
        self.tasks = []
        if not client:
            self.h2.local_settings = h2.settings.Settings(
                False, {h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1,
                        h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(1 << 24)
        self.flush()
        self.task = asyncio.ensure_future(self.run())

    def flush(self):
        self.writer.write(self.h2.data_to_send())

    async def run(self):
        with contextlib.suppress(ConnectionError):
            while data := await self.reader.read(PIECE):
                for event in self.h2.receive_data(data):
                    self.note(event)
                self.flush()  # without waiting: who does not read lets the other side wait, too
        for pipe in self.pipes.values():
            pipe.feed(None)
        self.writer.close()

    def note(self, event):
        stream = getattr(event, "stream_id", 0)
        if isinstance(event, h2.events.RequestReceived):
            self.pipes[stream] = Pipe(self, stream)
            # A task that nobody holds may be collected before it has ended.
            self.tasks.append(asyncio.ensure_future(
                self.on_request(self.pipes[stream], dict(event.headers))))
        elif isinstance(event, h2.events.ResponseReceived):
            self.heads[stream].set_result(dict(event.headers))
        elif isinstance(event, h2.events.DataReceived):
            self.pipes[stream].feed(event.data, event.flow_controlled_length)
        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
            if stream in self.pipes:
                self.pipes[stream].feed(None)
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            self.settled.set()
        self.room.set()

    async def ask(self, fields):
        """(fields of the answer, pipe)"""
        await self.settled.wait()
        stream = self.h2.get_next_available_stream_id()
        self.heads[stream] = asyncio.get_running_loop().create_future()
        self.pipes[stream] = Pipe(self, stream)
        self.h2.send_headers(stream, fields)
        self.flush()
        return await self.heads[stream], self.pipes[stream]


class Pipe:
    """One stream."""

    def __init__(self, link, stream):
        self.link, self.stream, self.queue = link, stream, asyncio.Queue()

    def feed(self, data, size=0):
        self.queue.put_nowait((data, size))

    async def to(self, writer):
        """Until the stream ends."""
        while True:
            data, size = await self.queue.get()
            if data is None:
                break
            writer.write(data)
            await writer.drain()
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self.link.h2.acknowledge_received_data(size, self.stream)
            self.link.flush()
        if writer.can_write_eof():
            writer.write_eof()

    async def send(self, data, end=False):
        link = self.link
        while data:
            size = min(link.h2.local_flow_control_window(self.stream), len(data),
                       link.h2.max_outbound_frame_size)
            if size <= 0:
                link.room.clear()
                await link.room.wait()
                continue
            link.h2.send_data(self.stream, data[:size])
            data = data[size:]
            link.flush()
            await link.writer.drain()
        if end:
            link.h2.end_stream(self.stream)
            link.flush()

    async def join(self, reader, writer):
        """Bytes both ways until both have ended."""

        async def out():
            while data := await reader.read(PIECE):
                await self.send(data)
            await self.send(b"", end=True)

        with contextlib.suppress(ConnectionError, h2.exceptions.H2Error):
            await asyncio.gather(out(), self.to(writer))
        writer.close()


def closed(bridge):
    bridge.server.close()
    for link in bridge.links:
        link.task.cancel()
        link.writer.close()


class Outward:
    """A server for the library's clients, in front of an HTTP/2 proxy."""

    def __init__(self, port, connections, tls=None):
        self.port, self.connections, self.tls = port, connections, tls
        self.links = []
        self.asked = 0
        self.server = None

    async def start(self):
        """Its port."""
        name = "localhost" if self.tls else None
        for _ in range(self.connections):
            ends = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls,
                                                 server_hostname=name)
            self.links.append(Link(*ends, client=True))
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, backlog=512)
        return self.server.sockets[0].getsockname()[1]

    def close(self):
        closed(self)

    async def serve(self, reader, writer):
        line, fields = fields_of(await reader.readuntil(b"\r\n\r\n"))
        key = fields.pop("sec-websocket-key")
        for name in ("connection", "upgrade", "host"):
            fields.pop(name)
        link = self.links[self.asked % len(self.links)]
        self.asked += 1
        answer, pipe = await link.ask([
            (":method", "CONNECT"), (":protocol", "websocket"),
            (":scheme", "https" if self.tls else "http"), (":path", line.split()[1]),
            (":authority", "localhost"), *fields.items()])
        status = answer.pop(":status")
        if status != "200":
            writer.write(f"HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n".encode())
            return writer.close()
        assert "sec-websocket-accept" not in answer, "an answer to no key"
        answer |= {"connection": "Upgrade", "upgrade": "websocket",
                   "sec-websocket-accept": accept_of(key)}
        lines = "".join(f"{name}: {value}\r\n" for name, value in answer.items())
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode())
        return await pipe.join(reader, writer)


class Inward:
    """An HTTP/2 server in front of the library's, which is at `behind`."""

    def __init__(self, behind, tls=None):
        self.behind, self.tls = behind, tls
        self.links = []
        self.server = None

    async def start(self):
        """Its port."""
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0, ssl=self.tls,
                                                 backlog=512)
        return self.server.sockets[0].getsockname()[1]

    def close(self):
        closed(self)

    async def accept(self, reader, writer):
        self.links.append(Link(reader, writer, client=False, on_request=self.serve))

    async def serve(self, pipe, fields):
        assert (fields[":method"], fields[":protocol"]) == ("CONNECT", "websocket")
        assert "sec-websocket-key" not in fields, "a key in HTTP/2"
        reader, writer = await asyncio.open_connection("127.0.0.1", self.behind)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {fields[':path']} HTTP/1.1", f"Host: {fields[':authority']}",
                 "Connection: Upgrade", "Upgrade: websocket", f"Sec-WebSocket-Key: {key}"]
        lines += [f"{name}: {value}" for name, value in fields.items() if name[0] != ":"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        line, answer = fields_of(await reader.readuntil(b"\r\n\r\n"))
        status = "200" if line.split()[1] == "101" else line.split()[1]
        for name in ("connection", "upgrade", "sec-websocket-accept", "transfer-encoding"):
            answer.pop(name, None)
        pipe.link.h2.send_headers(pipe.stream, [(":status", status), *answer.items()])
        pipe.link.flush()
        await pipe.join(reader, writer)
