"""What a fake Consul does wrong. Each function here makes what `FakeConsul.fault` takes: it gets
the right answer and returns what is sent in its place."""

import dataclasses
import email.utils
import json

CLOSE, HALF, HANG = object(), object(), object()
NO_LEADER = "rpc error making call: No cluster leader"
NO_SERVERS = "No known Consul servers"
NO_SUCH_TOKEN = "ACL not found"
DENIED = "Permission denied: token with AccessorID '00000000-0000-0000-0000-000000000002' lacks " \
         "permission 'service:read' on \"web\""
TEXT = "text/plain; charset=utf-8"
REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
           429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
CHUNKED_FROM = 2048  # Go's server knows the length of smaller bodies only.


@dataclasses.dataclass
class Reply:
    """An answer to be; `sent` of its bytes leave before the connection closes, None: all."""
    status: int
    body: str | bytes
    kind: str = TEXT
    fields: dict = dataclasses.field(default_factory=dict)
    sent: int | None = None

    @classmethod
    def of(cls, found):
        """The right answer, with the header fields of the real one."""
        fields = {"X-Consul-Default-Acl-Policy": "allow",
                  "X-Consul-Effective-Consistency": "leader", "X-Consul-Index": found.index or 1,
                  "X-Consul-Knownleader": "true", "X-Consul-Lastcontact": "0",
                  "X-Consul-Query-Backend": "blocking-query"}
        value = found.value()
        if isinstance(value, str):
            return cls(found.status, value)
        body = "" if value is None else json.dumps(value)
        return cls(found.status, body, "application/json", fields)

    def half(self):
        return dataclasses.replace(self, sent=len(self.encoded()[0]) // 2)

    def encoded(self):
        """(bytes, whether that is all of it and the connection may go on)."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        chunked = len(body) > CHUNKED_FROM
        fields = {"Content-Type": self.kind, "Vary": "Accept-Encoding", **self.fields,
                  "Date": email.utils.formatdate(usegmt=True)}
        fields["Transfer-Encoding" if chunked else "Content-Length"] = (
            "chunked" if chunked else len(body))
        head = f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in fields.items())
        if chunked:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        data = head.encode() + b"\r\n" + body
        return (data, True) if self.sent is None else (data[:self.sent], False)


class Rule:
    """A fault in force; `met` counts the answers it changed."""

    def __init__(self, change, path, times, waits, over):
        self.change = change if callable(change) else lambda _: change
        self.path, self.times, self.waits = path, times, waits
        self.met = 0
        self.hanging = []
        self._over = over

    def takes(self, path):
        """Whether it is for this request; counts it then."""
        if not path.startswith(self.path) or self.met == self.times:
            return False
        self.met += 1
        return True

    def end(self):
        self._over(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


def answers(status, text):
    """Another answer than the right one, such as 500 with NO_LEADER."""
    return lambda _: Reply(status, text)


def header(name, value):
    """One field changed; None leaves it out."""
    def change(reply):
        fields = {key: one for key, one in reply.fields.items() if key.lower() != name.lower()}
        return dataclasses.replace(
            reply, fields=fields if value is None else {**fields, name: value})
    return change


def index(value):
    """Any index: a smaller one, 0, words, or None for no such field."""
    return header("X-Consul-Index", value)


def body(data):
    """The right head with other bytes: garbage, half a document, 64 MB."""
    return lambda reply: dataclasses.replace(reply, body=data)


def cached(age, last_contact=0):
    """As from the agent's cache: so many seconds old."""
    return lambda reply: dataclasses.replace(reply, fields={
        **reply.fields, "X-Cache": "HIT", "Age": age, "X-Consul-Lastcontact": last_contact})
