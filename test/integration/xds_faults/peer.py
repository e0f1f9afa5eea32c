"""A process of its own, so that what the suite does costs it nothing: the origins `one` and `two`,
and a client that asks the proxy a hundred times a second. Told by lines, answers by lines of JSON:
`ask PORT`, `stop`."""

import json
import pathlib
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

# pylint: disable=wrong-import-position
from origin import Server, answer
from raw_client import Client

RATE = 100
FRESH = 10  # each tenth request on a connection of its own, the others on one that stays
KEPT_ERRORS = 3


class Asker:
    """A late request counts from when it was due."""

    def __init__(self, port, bodies):
        self.port, self.bodies = port, bodies
        self.took = []  # seconds, of each
        self.errors = []
        self.failed = 0
        self.client = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        due = time.monotonic()
        number = 0
        while not self._stop.wait(max(0, due - time.monotonic())):
            self._ask(due, number % FRESH == 0)
            due += 1 / RATE
            number += 1

    def _ask(self, due, fresh):
        try:
            if fresh or self.client is None:
                if self.client is not None:
                    self.client.close()
                self.client = Client(self.port)
            response = self.client.ask()
            assert response.status == 200 and response.complete, response.start
            assert response.body in self.bodies, response.body
        except (OSError, EOFError, ValueError, AssertionError) as error:
            self.failed += 1
            self.errors = [*self.errors, f"{type(error).__name__} {error}"][:KEPT_ERRORS]
            self.client = None
        self.took.append(time.monotonic() - due)

    def stop(self):
        self._stop.set()
        self._thread.join()
        return {"took": self.took, "failed": self.failed, "errors": self.errors}


def say(what):
    print(json.dumps(what), flush=True)


def main():
    names = (b"one", b"two")
    origins = [Server(answer(body=name)) for name in names]
    say([origin.port for origin in origins])
    asker = None
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "ask":
            asker = Asker(int(argument), names)
        elif command == "stop":
            say(asker.stop())


if __name__ == "__main__":
    main()
