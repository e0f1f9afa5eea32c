"""What a case of Weir and the real Consul happens on: the agent that all cases share, a place for
proxies and origins, and a load in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import consul_setup as cs
from conftest import Place
from consul_agent import ConsulAgent, ttl
from control_plane import named, says
from test_health import shares
from tls_tools import stat
from weir_process import wait_for

TRAFFIC = Path(__file__).resolve().parent / "traffic.py"
RETRIES = {"retry_policy": {"retry_on": "connect-failure,refused-stream,reset-before-request",
                            "num_retries": {"value": 2}}}
REACHED = 0.9  # of the requests that were wanted: less proves nothing
CASES = []


def case(function):
    CASES.append(function)
    return function


class Traffic:
    """See traffic.py."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, TRAFFIC], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Stage(Place):
    """`agent`: the one that all cases share. What they registered there is gone afterwards."""

    def __init__(self, directory, agent, options):
        super().__init__(directory)
        self.agent, self.options = agent, options
        self.weir_process = None
        self._traffic, self.rate = None, 0

    def another(self, name, **options):
        """An agent of this case alone."""
        made = ConsulAgent(self.directory, name, **options)
        self.closers.append(made.close)
        return made

    def follow(self, *clusters, agent=None, **options):
        self.weir_process = cs.follow(self, agent or self.agent, *clusters, **options)
        return self.weir_process

    def register(self, name, service="web", agent=None, check=True, **fields):
        """An origin that says its name, and is an instance of that name."""
        origin = named(self, name)
        checks = {"Check": ttl()} if check else {}
        (agent or self.agent).register(service, origin.port, name, **{**checks, **fields})
        return origin

    def expect(self, patience=20, **wanted):
        """Until of so many requests each instance has answered as many as it should; a status is
        named s503."""
        expected = {int(name[1:]) if name[0] == "s" and name[1:].isdigit() else name: count
                    for name, count in wanted.items()}
        found = []

        def as_expected():
            found[:] = [self.shares(sum(wanted.values()))]
            return found[0] == expected

        try:
            wait_for(as_expected, f"{expected}", patience)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {dict(found[0])}") from None

    def shares(self, times):
        with self.client() as client:
            return shares(client, times)

    def says(self):
        return says(self)

    def stat(self, name):
        return stat(self, name)

    def page(self, path):
        return cs.page(self, path)

    def logged(self, *texts, patience=20):
        for text in texts:
            wait_for(lambda t=text: t in self.weir_process.output(), f"'{text}' in the log", patience)

    # a load

    @property
    def traffic(self):
        self._traffic = self._traffic or self._closed_later(Traffic())
        return self._traffic

    def serve(self, name, service="web", **fields):
        """Like `register`, of an origin that the load's process has."""
        port = self.traffic.tell("open", name)
        self.agent.register(service, port, name, **{"Check": ttl(), **fields})

    def ask(self, rate):
        self.rate = rate
        self.traffic.tell("ask", self.port, rate)

    def all_answered(self):
        """Ends the load; (requests, p99 in ms). None may have failed."""
        found = self.traffic.tell("stop")
        took = found["took"]
        assert not found["failed"], f"{found['failed']} of {len(took)} failed: {found['errors']}"
        wanted = self.rate * found["seconds"]
        assert len(took) >= REACHED * wanted, f"{len(took)} requests of {wanted:.0f}"
        return len(took), took[int(len(took) * 0.99)] * 1000

    def close(self):
        super().close()
        for instance in self.agent.get("/v1/agent/services").json():
            self.agent.deregister(instance)
