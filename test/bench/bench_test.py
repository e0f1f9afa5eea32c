#!/usr/bin/env python3
"""Tests of the benchmark itself: that the generator notices every kind of wrong response, counts
and times rightly, and that leftovers and dead processes abort a row.

WEIR_BENCH_TOOLS names the directory of the built tools.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
import measure
import processes
import report
import rows

TOOLS = pathlib.Path(os.environ.get("WEIR_BENCH_TOOLS", "."))
PORT = 18190 + os.getpid() % 2000 * 2  # Two builds may be tested at the same time.
PATTERN_START = b"abejqzkxmd"  # The first bytes of every right body.


def load(*options, port=PORT, stdin=subprocess.DEVNULL):
    done = subprocess.run([str(part) for part in (TOOLS / "weir_bench_load", "--port", port,
                                                  *options)],
                          stdin=stdin, capture_output=True, text=True, timeout=60, check=False)
    return json.loads(done.stdout.strip().splitlines()[-1]), done.returncode


class FakeOrigin:
    """Answers each request it receives with the given bytes, after `delay` seconds."""

    def __init__(self, answer, delay=0.0, close=False):
        self.answer, self.delay, self.close = answer, delay, close
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            try:
                while client.recv(65536):
                    time.sleep(self.delay)
                    client.sendall(self.answer)
                    if self.close:
                        return
            except OSError:
                return


def response(body, status=b"200 OK", length=None):
    length = len(body) if length is None else length
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, length, body)


class WrongResponses(unittest.TestCase):
    def expect_fault(self, fault, answer, *options, close=False):
        with FakeOrigin(answer, close=close) as origin:
            result, code = load("--requests", 1, "--connections", 1, *options, port=origin.port)
        self.assertEqual((result["faults"], result["requests"], code), ({fault: 1}, 0, 1))

    def test_right_response_passes(self):
        with FakeOrigin(response(PATTERN_START)) as origin:
            result, code = load("--requests", 3, "--connections", 1, "--body", 10,
                                port=origin.port)
        self.assertEqual((result["requests"], result["errors"], code), (3, 0, 0))

    def test_status(self):
        self.expect_fault("status", response(PATTERN_START, status=b"503 Service Unavailable"))

    def test_length_other_than_expected(self):
        self.expect_fault("length", response(PATTERN_START), "--body", 11)

    def test_no_length(self):
        self.expect_fault("length", b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\nabejq")

    def test_body_byte_changed(self):
        self.expect_fault("pattern", response(b"abejqzkxmX"))

    def test_bytes_after_the_response(self):
        self.expect_fault("surplus", response(PATTERN_START) + b"H")

    def test_closed_before_the_end(self):
        self.expect_fault("closed", response(PATTERN_START, length=11), close=True)

    def test_not_http(self):
        self.expect_fault("head", b"SSH-2.0-x\r\n\r\n")

    def test_nobody_listens(self):
        result, code = load("--requests", 1, "--connections", 1)
        self.assertEqual((result["faults"], code), ({"connect": 1}, 1))


class Timing(unittest.TestCase):
    def test_closed_loop_times_from_sending(self):
        with FakeOrigin(response(PATTERN_START), delay=0.05) as origin:
            result, _ = load("--requests", 4, "--connections", 1, port=origin.port)
        self.assertGreaterEqual(result["p50_us"], 50_000)
        self.assertLess(result["p50_us"], 150_000)

    def test_open_loop_charges_a_stall_to_the_requests_it_delays(self):
        # One connection that needs 50 ms a request, and 100 requests/s intended for 0.5 s: the
        # n-th is sent 40 ms * n too late. Timed from sending, all would take 50 ms.
        with FakeOrigin(response(PATTERN_START), delay=0.05) as origin:
            result, _ = load("--rate", 100, "--window", 0.5, "--connections", 1, port=origin.port)
        self.assertEqual(result["requests"], 50)
        self.assertGreater(result["p50_us"], 800_000)
        self.assertGreater(result["max_us"], 1_900_000)


class WithBackend(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.backend = processes.Process("backend", [TOOLS / "weir_bench_backend", PORT], 0,
                                         self.directory.name, PORT)
        self.addCleanup(self.backend.kill)

    def test_counts_requests_and_bytes(self):
        result, _ = load("--requests", 500, "--connections", 7, "--path", "/b/100", "--body", 100)
        self.assertEqual((result["requests"], result["bytes"], result["errors"]), (500, 50_000, 0))

    def test_window(self):
        result, _ = load("--warm-up", 0.2, "--window", 0.5, "--cpu-of", self.backend.pid)
        self.assertAlmostEqual(result["seconds"], 0.5, delta=0.3)
        self.assertGreater(result["cpu_ns"], 10_000_000)
        self.assertLess(result["cpu_ns"], result["seconds"] * 1.1e9)

    def test_large_body_and_post(self):
        result, _ = load("--requests", 3, "--connections", 2, "--path", "/b/10485760", "--body",
                         10485760, "--post", 3_000_000)
        self.assertEqual((result["requests"], result["bytes"]), (3, 3 * 10485760))

    def test_new_connections(self):
        result, _ = load("--requests", 300, "--connections", 4, "--new-connection")
        self.assertEqual((result["requests"], result["errors"]), (300, 0))

    def test_slow_reading_keeps_to_its_rate(self):
        result, _ = load("--requests", 4, "--connections", 4, "--slow-read", 200_000, "--path",
                         "/b/100000", "--body", 100000)
        self.assertEqual(result["requests"], 4)
        self.assertGreater(result["p50_us"], 400_000)
        self.assertLess(result["p50_us"], 1_500_000)

    def test_idle_connections_are_held(self):
        held = measure.Bench(TOOLS, PORT).hold_idle(20, self.established)
        self.assertEqual(held, 20)
        deadline = time.monotonic() + 5
        while self.established() and time.monotonic() < deadline:
            time.sleep(0.005)
        self.assertEqual(self.established(), 0)

    def established(self):
        lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
        local = f":{PORT:04X}"
        return sum(1 for line in lines
                   if line.split()[1].endswith(local) and line.split()[3] == "01")

    def test_chunked_request_and_pipelining(self):
        with socket.create_connection(("127.0.0.1", PORT), timeout=10) as client:
            client.sendall(b"POST /b/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"5;e=1\r\nhello\r\n0\r\nt: 1\r\n\r\n"
                           b"GET /b/100000 HTTP/1.1\r\nHost: x\r\n\r\n"
                           b"GET /b/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b"".join(iter(lambda: client.recv(65536), b""))
        self.assertEqual(text.count(b"HTTP/1.1 200 OK"), 3)
        self.assertTrue(text.endswith(b"\r\n\r\nab"))

    def test_a_leftover_on_the_port_aborts(self):
        with self.assertRaises(processes.RowAborted):
            processes.Process("second", [TOOLS / "weir_bench_backend", PORT], 0,
                              self.directory.name, PORT)

    def test_a_dead_process_aborts(self):
        with self.assertRaises(processes.RowAborted):
            with processes.Process("victim", [TOOLS / "weir_bench_backend", PORT + 1], 0,
                                   self.directory.name, PORT + 1) as victim:
                victim.kill()


class Report(unittest.TestCase):
    def result(self):
        values = {metric: {} for metric in rows.ROWS["h1"].metrics}
        values["cpu_us"] = {"weir": [9.0, 10.0, 30.0], "nginx": [10.0, 20.0, 30.0]}
        return report.RowResult(rows.ROWS["h1"], ["weir", "nginx"], values)

    def test_ratios_are_taken_within_rounds(self):
        self.assertIn("| 0.90 (0.50–1.00) |", report.table(self.result()))

    def test_writing_one_row_keeps_the_others(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "RESULTS.md"
            report.write(path, {"log": "## log: old\n\nkept\n"})
            report.write(path, {"h1": report.section(self.result(), "bench.py", {}, 3)})
            text = path.read_text(encoding="utf-8")
        self.assertIn("kept", text)
        self.assertLess(text.index("## h1"), text.index("## log"))
        self.assertEqual(text.count("# Benchmark results"), 1)


if __name__ == "__main__":
    unittest.main()
