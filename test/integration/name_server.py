"""A name server that gives every name one address, each time the next of its list."""

import itertools
import socket
import threading

HEADER = b"\x81\x80\0\1\0\1\0\0\0\0"  # an answer without error: one question, one record
RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4"  # the question's name, A, IN, a TTL of 0, four bytes


class NameServer:

    def __init__(self, *addresses):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.asked = 0
        self._addresses = itertools.cycle(addresses)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            query, sender = self.sock.recvfrom(512)
            if not query:
                return
            self.asked += 1
            question = query[12:query.index(b"\0", 12) + 5]
            self.sock.sendto(
                query[:2] + HEADER + question + RECORD + socket.inet_aton(next(self._addresses)),
                sender)

    def close(self):
        self.sock.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self.sock.close()
