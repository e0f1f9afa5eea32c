"""How long this process, and so perhaps the machine, let nobody run: a read that times out in such a
time says nothing of the proxy."""

import threading
import time

BEAT = 0.1


class Standstill:
    """Looks at the clock ten times a second; `longest()` is the longest time that it could not, in
    seconds, since the last `begin()`."""

    def __init__(self):
        self._longest = 0.0
        self._last = time.monotonic()
        threading.Thread(target=self._beat, daemon=True).start()

    def begin(self):
        self._longest = 0.0

    def longest(self):
        return max(self._longest, time.monotonic() - self._last - BEAT)

    def _beat(self):
        while True:
            time.sleep(BEAT)
            now = time.monotonic()
            self._longest = max(self._longest, now - self._last - BEAT)
            self._last = now
