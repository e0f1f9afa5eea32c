"""What the suite must notice. Each fault is a script that does wrong, and what must be said then."""

import dataclasses
import re
import signal

import churn_judge
import churn_run
from churn_script import Script


class Cutting(Script):
    """The proxy is told to end each stream after a second."""

    def manager(self):
        return {**super().manager(),
                "common_http_protocol_options": {"max_stream_duration": "1s"}}


class Deadly(Script):
    def put(self, number):
        super().put(number)
        if number == 5:
            self.proxy.signal(signal.SIGKILL)


class Refused(Script):
    """Clusters that no proxy can take."""

    def clusters(self, number):
        for resource in super().clusters(number):
            yield {**resource, "connect_timeout": "0s"} if number else resource


class Silent(Script):
    def put(self, number):
        if number == 0:
            super().put(number)


@dataclasses.dataclass
class Fault:
    name: str
    script: type
    noticed: tuple  # patterns: each must match a check that failed


FAULTS = [
    Fault("a proxy that cuts streams", Cutting, ("streams: .* dropped", "sockets: .* dropped")),
    Fault("a proxy that dies", Deadly, (
        "churn: .* requests failed", "streams: .* dropped", "the proxy's exit code is -9")),
    Fault("changes that are refused", Refused, (
        r"\d+ refusals .*connect_timeout", "clusters: the proxy counts 0 ")),
    Fault("a control plane that changes nothing", Silent, (
        "clusters: 0 changes", "endpoints: 0 changes", "endpoints: clients saw 1 ",
        "listeners: 0 changes", "routes: 0 changes", "routes: clients saw 1 rounds",
        "scoped_routes: 0 changes", "secrets: clients saw 1 ", "runtime: clients saw 1 ",
        "extensions: clients saw 1 rounds")),
]


def not_noticed(fault, command, program, directory):
    """The patterns that nothing matched: none when all is as it should be."""
    options = churn_run.Options(seconds=2, rate=200)
    figures = churn_run.Run(command, program, options, directory, fault.script).go()
    failed = [what for good, what in churn_judge.checks(figures, options) if not good]
    return [pattern for pattern in fault.noticed
            if not any(re.match(pattern, what) for what in failed)]
