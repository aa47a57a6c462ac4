"""python3 test_peers.py: libraries that are right, wrong, slow, killed and missing."""

import importlib.util
import json
import os
import sys
import tempfile
import unittest

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
spec = importlib.util.spec_from_file_location("peers", os.path.join(here, "__main__.py"))
peers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(peers)
import points
import worker

# A library that does to each scenario what the scenario is called.
LIBRARY = """
import os, signal, sys, time
sys.path.insert(0, %r)
import worker

class Library:
    wait = staticmethod(lambda: None)
    sums = staticmethod(lambda values: values)
    def copy(self, n, dtype):
        return {"it": lambda: (n, n, n)}
    def chain(self, n, dtype):
        return {"raises": lambda: 1 / 0, "wrong": lambda: (n, n, n + 1)}
    def mlp(self, n, dtype):
        return {"kills itself": lambda: os.kill(os.getpid(), signal.SIGKILL)}
    def lstm(self, n, dtype):
        return {"never ends": lambda: time.sleep(1000)}
    def gemm(self, n, dtype):
        raise ValueError("no such sizes")

class opener:
    def open(where, compiled):
        assert where == "here"
        if compiled:
            raise ImportError("not installed")
        return Library()

worker.importlib.import_module = lambda name: opener
worker.main(*sys.argv[1:])
"""


class TestPeers(unittest.TestCase):
    def test_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            path = lambda name: os.path.join(folder, name)
            ours = [{"scenario": f"{kind}/fp32/n=8", "backend": "ours", "gradient_ns": 1000, "sum": 8, "size": 8, "logs": 8} for kind in peers.KINDS if kind != "jacobian"]
            with open(path("ours.json"), "w") as f:
                json.dump(ours, f)
            with open(path("library.py"), "w") as f:
                f.write(LIBRARY % here)
            os.environ["PEERS_ROW"] = "3"
            self.assertEqual(peers.main(path("ours.json"), "abc", path("out"), "here", path("library.py"), ["torch", "torch compiled"]), 1)
            with open(path("out.json")) as f:
                results = json.load(f)["results"]
            self.assertEqual(len(results), 3 * len(ours))
            rows = {(r["scenario"].split("/")[0], r["backend"]): r for r in results}
            for kind, error in {
                "gmm": "no derivatives", "lstm": "not done within 3 s", "mlp": "ended with -9", "chain": "logs is 9", "gemm": "no such sizes", "copy": None,
            }.items():
                row = rows[kind, "torch"]
                self.assertIn(error or "none", row.get("error", "none"), kind)
                self.assertEqual("missing" in row, kind == "gmm")
                self.assertTrue(rows[kind, "torch compiled"]["missing"])
            self.assertIn("ZeroDivisionError", rows["chain", "torch"]["ways"]["raises"])
            self.assertGreater(rows["copy", "torch"]["gradient_ns"], 0)
            with open(path("out.txt")) as f:
                text = f.read()
            for part in ("failed: lstm/fp32/n=8 by torch: not done", "torch compiled was not measured: ImportError: not installed"):
                self.assertIn(part, text)

    def test_parse(self):
        for name, want in {
            "mlp/fp32/784-10/batch=7": ("mlp", {"dtype": "fp32", "layers": [784, 10], "batch": 7}),
            "jacobian/ba/p=31843": ("ba", {"dtype": "fp64", "p": 31843}),
            "gemm/tf32/n=4": ("gemm", {"dtype": "tf32", "n": 4}),
        }.items():
            self.assertEqual(worker.parse(name), want)

    def test_colors(self):
        n = 10
        at = lambda i, j: points.colors(i % n, j % n, n)
        for i in range(n):
            for j in range(n):
                self.assertEqual(len({at(i, j), at(i + 1, j), at(i - 1, j), at(i, j + 1), at(i, j - 1)}), 5)

    def test_tolerance(self):
        row = {"scenario": "gemm/tf32/n=4", "sum": 1.0, "size": 1.0, "logs": 1.0}
        self.assertIsNone(peers.difference(row, {**row, "sum": 1.01}))
        for what in ("sum", "size", "logs"):
            self.assertIn(what, peers.difference({**row, "scenario": "jacobian/ba/p=4"}, {**row, what: 1.01}))
            self.assertIn(what, peers.difference({**row, what: float("nan")}, row))


if __name__ == "__main__":
    unittest.main()
