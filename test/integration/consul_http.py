"""One call of Consul's HTTP interface, real or fake."""

import http.client
import json
import urllib.parse


class Answer:
    """`headers` by their names in lower case."""

    def __init__(self, response):
        self.status = response.status
        self.fields = response.getheaders()
        self.headers = {name.lower(): value for name, value in self.fields}
        self.text = response.read().decode()

    def json(self):
        return json.loads(self.text)

    @property
    def index(self):
        return int(self.headers["x-consul-index"])

    def good(self):
        assert self.status == 200, f"{self.status} {self.text}"
        return self


def ask(port, method, path, body=None, token=None, patience=30, headers=None, **query):
    """One request on a connection of its own. A value of `query` may be a list (`tag=["a", "b"]`),
    and True stands for a parameter without one (`passing=True`)."""
    words = [(name, one) for name, value in query.items()
             for one in (value if isinstance(value, (list, tuple)) else [value])]
    line = "&".join(name if value is True else f"{name}={urllib.parse.quote(str(value))}"
                    for name, value in words)
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        link.request(method, urllib.parse.quote(path) + ("?" + line if line else ""),
                     body if body is None or isinstance(body, bytes) else json.dumps(body),
                     {**({"X-Consul-Token": token} if token else {}), **(headers or {})})
        return Answer(link.getresponse())
    finally:
        link.close()
