"""What tests of plain TCP share: a proxy whose listener relays, and ways to watch a socket end."""

import contextlib
import socket

import bootstrap as bs
from weir_process import free_port

END = "FIN"
RESET = "RST"


def relay(place, *endpoints, tcp=None, cluster=None, listener=None, filters=(), **options):
    """A proxy on place.port whose only chain ends with tcp_proxy; its log lines are place.log's."""
    where = [end if isinstance(end, (int, tuple, str)) else end.port for end in endpoints]
    place.port = free_port()
    line = ("%BYTES_RECEIVED% %BYTES_SENT% %RESPONSE_FLAGS% %UPSTREAM_HOST% "
            "%CONNECTION_TERMINATION_DETAILS%")
    fields = {"access_log": [bs.file_log(place.log.path, line)], **(tcp or {})}
    name = fields.pop("cluster", None if "weighted_clusters" in fields else "origin")
    proxy = bs.tcp_proxy(name, **fields)
    config = bs.bootstrap(
        [bs.listener(place.port, filter_chains=[bs.chain(*filters, proxy)], **(listener or {}))],
        [bs.cluster(*where, **(cluster or {})), *options.pop("clusters", ())],
        **options.pop("resources", {}))
    return place.start(config, **options)


def how_it_ends(sock):
    """Reads until the peer ends the connection: what came, and END or RESET."""
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
        return data, END
    except ConnectionResetError:
        return data, RESET


def reset(sock):
    """Closes with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with contextlib.suppress(OSError):
        sock.close()
