"""What a control plane says, byte by byte: good, and not. Written by hand, because no library would
write what is wrong."""

import struct

from control_plane import FOLDERS, V3

CLUSTERS = V3 + FOLDERS["clusters"]
SECRETS = V3 + FOLDERS["secrets"]
ENDPOINTS = V3 + FOLDERS["endpoints"]
LARGE = 64 << 20


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    """A field that has a length: text, bytes, a message."""
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def any_of(kind, content):
    return field(1, kind) + field(2, content)


def cluster(name):
    """As an Any. A cluster without endpoints, which is a good one."""
    return any_of(CLUSTERS, field(1, name))


def cluster_with(name, text):
    """A good one, with that text in its metadata."""
    entry = field(1, "text") + field(2, field(3, text))     # a Value in a Struct
    metadata = field(1, field(1, "of") + field(2, field(1, entry)))
    return any_of(CLUSTERS, field(1, name) + field(25, metadata))


def back():
    """The cluster that is in force: endpoints by ADS, 1 s to connect."""
    source = field(3, b"") + b"\x30\x02"  # ads {}, resource_api_version V3
    return any_of(CLUSTERS, field(1, "back") + b"\x10\x03" + field(3, field(1, source)) +
                  field(4, b"\x08\x01"))


def response(kind, *resources, delta=False, version="77", nonce="n77", names=()):
    """A (Delta)DiscoveryResponse of resources that are Anys; `names` are theirs, for deltas."""
    parts = [field(1, version)]
    for i, resource in enumerate(resources):
        if delta:
            name = names[i] if names else f"r{i}"
            resource = field(3, name) + field(1, version) + field(2, resource)
        parts.append(field(2, resource))
    return b"".join([*parts, field(4, kind), field(5, nonce)])


def framed(message, flag=0, size=None):
    """As gRPC has it; `size` may lie."""
    return struct.pack(">BI", flag, len(message) if size is None else size) + message
