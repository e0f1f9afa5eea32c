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
ANONYMOUS = "Permission denied: anonymous token lacks permission 'agent:read' on \"node-1\". The " \
            "anonymous token is used implicitly when a request does not specify a token."
TEXT, JSON = "text/plain; charset=utf-8", "application/json"
POLICY = "X-Consul-Default-Acl-Policy"
REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
           429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}
CHUNKED_FROM = 2048  # Go's server knows the length of smaller bodies only.


@dataclasses.dataclass
class Reply:
    """An answer to be; a field of None is left out. `sent` of its bytes leave before the connection
    closes, None: all."""
    status: int
    body: str | bytes
    kind: str | None = TEXT
    fields: dict = dataclasses.field(default_factory=dict)
    sent: int | None = None

    @classmethod
    def of(cls, found, consistency=None):
        """The right answer, with the header fields of the real one."""
        # Of the streaming backend, and of an error, the real one says that it knows no leader.
        value = found.value()
        known = found.backend != "streaming" and not isinstance(value, str)
        fields = {"X-Consul-Index": found.index or 1, "X-Consul-Knownleader": str(known).lower(),
                  "X-Consul-Lastcontact": "0", "X-Consul-Query-Backend": found.backend}
        if isinstance(value, str):
            return cls(found.status, value, TEXT, fields)
        if consistency:
            fields["X-Consul-Effective-Consistency"] = consistency
        if value is None:
            return cls(found.status, "", None, fields)
        return cls(found.status, json.dumps(value), JSON, fields)

    def half(self):
        return dataclasses.replace(self, sent=len(self.encoded()[0]) // 2)

    def encoded(self):
        """(bytes, whether that is all of it and the connection may go on)."""
        body = self.body.encode() if isinstance(self.body, str) else self.body
        chunked = len(body) > CHUNKED_FROM
        fields = {"Content-Type": self.kind, "Vary": "Accept-Encoding", POLICY: "allow",
                  **self.fields, "Date": email.utils.formatdate(usegmt=True)}
        fields["Transfer-Encoding" if chunked else "Content-Length"] = (
            "chunked" if chunked else len(body))
        head = f"HTTP/1.1 {self.status} {REASONS.get(self.status, 'Status')}\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in fields.items() if value is not None)
        if chunked:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        data = head.encode() + b"\r\n" + body
        return (data, True) if self.sent is None else (data[:self.sent], False)


def no_such_path():
    return Reply(404, "Invalid URL path: not a recognized HTTP API endpoint\n",
                 fields={"Vary": None, POLICY: None})


def own(found, instance):
    """What the agent says of one of its own services."""
    if found is None:
        return Reply(404, f"unknown service ID: {instance}")
    return Reply(200, json.dumps(found), JSON, {"X-Consul-Contenthash": "0"})


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


def filtered(reply):
    """What a token without rights gets of a list: nothing, with 200 (of `recurse`: 404), and a
    field that says why; Consul's streaming backend leaves even that out."""
    keys = reply.status == 404 or "X-Consul-Effective-Consistency" not in reply.fields
    status, text, kind = (404, "", None) if keys else (200, "[]", JSON)
    why = {} if reply.fields.get("X-Consul-Query-Backend") == "streaming" else {
        "X-Consul-Results-Filtered-By-Acls": "true"}
    return Reply(status, text, kind, {**reply.fields, **why})


def unknown(reply):
    """An agent that lost its servers, asked with an index for a service that it has not seen: the
    service may have any number of instances."""
    return dataclasses.replace(reply, body="[]", fields={
        **reply.fields, "X-Consul-Index": 1, "X-Consul-Knownleader": "false",
        "X-Consul-Query-Backend": "streaming"})


def cached(age, last_contact=0):
    """As from the agent's cache: so many seconds old."""
    return lambda reply: dataclasses.replace(reply, fields={
        **reply.fields, "X-Cache": "HIT", "Age": age, "X-Consul-Lastcontact": last_contact})
