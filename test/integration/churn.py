"""Opens and closes connections at a steady rate, in every way a client may end one."""

import time

from raw_client import Client, request


def whole(port):
    """A request, its response, then the end."""
    with Client(port) as client:
        client.send(request(connection="close"))
        assert client.response().status == 200


def keep_alive(port):
    with Client(port) as client:
        assert client.ask().status == 200
        assert client.ask().status == 200


def silent(port):
    Client(port).close()


def rude(port):
    """Resets the connection while its response is on the way."""
    client = Client(port)
    client.send(request())
    client.reset()


def half_a_head(port):
    with Client(port) as client:
        client.send(b"GET / HTTP/1.1\r\nHo")


def garbage(port):
    with Client(port) as client:
        client.send(b"\0\1\2\r\n\r\n")


KINDS = [whole, keep_alive, silent, rude, half_a_head, garbage]


def churn(port, rate, seconds):
    """Keeps to `rate` connections a second on average; returns how many were made."""
    start, made = time.monotonic(), 0
    while (now := time.monotonic() - start) < seconds:
        if made >= now * rate:
            time.sleep(min(0.002, made / rate - now + 0.0001))
            continue
        KINDS[made % len(KINDS)](port)
        made += 1
    return made
