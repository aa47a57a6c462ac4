"""Measures what `cotangent bench --suite large` measured, by PyTorch (eager and
compiled), JAX and CuPy where Python has them, compares what comes out with
cotangent's own, and prints a table of all.

    python3 peers COTANGENT.json COMMIT OUT [cpu]

writes OUT.json and OUT.txt after each row. Times are medians of runs that end with a
synchronization: value and gradient, or the values of a sparse Jacobian. A library has a
process of its own; a row that takes more than PEERS_ROW seconds (120), compiling
included, is ended, told as failed, and the others go on; so does all after PEERS_ALL
seconds (1800). It fails where values differ. With "cpu" the libraries compute there,
which tests these scripts."""

import datetime
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

# In which order: of the libraries, and of kinds of rows.
BACKENDS = ["jax", "torch", "cupy", "torch compiled"]
KINDS = ["jacobian", "gmm", "lstm", "mlp", "chain", "copy", "gemm"]
STARTING = 120  # seconds to load a library and open its device
TOLERANCES = {"fp32": 1e-4, "tf32": 2e-2, "fp64": 1e-10}  # of sums, relative to those of magnitudes


def tolerance(scenario):
    return next((t for name, t in TOLERANCES.items() if f"/{name}/" in scenario), TOLERANCES["fp64"])


def difference(row, ours):
    """What of a row's values differs from ours, or nothing: sums of their elements, of
    the magnitudes, and of log(1 + magnitude), in which small ones count too, tell."""
    for what, of in (("sum", "size"), ("size", "size"), ("logs", "logs")):
        if not abs(row[what] - ours[what]) <= tolerance(row["scenario"]) * ours[of]:
            return f"the values' {what} is {row[what]!r}, cotangent's {ours[what]!r}"


class Worker:
    """A library in a process of its own, which measures rows one by one."""

    def __init__(self, command, scenarios):
        env = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        self.process = subprocess.Popen(command + scenarios, stdout=subprocess.PIPE, text=True, env=env, start_new_session=True)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.startswith("{"):  # libraries print, too
                self.lines.put(json.loads(line))
        self.lines.put(None)

    def next(self, seconds):
        """The next answer; without one, how the process ended or was ended."""
        try:
            answer = self.lines.get(timeout=max(0, seconds))
        except queue.Empty:
            self.end()
            return {"error": f"not done within {seconds:.0f} s", "ended": True}
        if answer is None:
            return {"error": f"the process ended with {self.process.wait()}", "ended": True}
        return answer

    def end(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # and what compiles for it
        except ProcessLookupError:
            pass
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


def measure(backend, command, scenarios, row_seconds, deadline, record):
    """Measures scenarios by one library, beginning again behind one that ends it."""
    pending = list(scenarios)
    while pending:
        worker = Worker(command, pending)
        ready = worker.next(min(STARTING, deadline - time.monotonic()))
        if "error" in ready:
            worker.end()
            for scenario in pending:
                record({"scenario": scenario, "backend": backend, **{k: ready[k] for k in ("error", "missing") if k in ready}})
            return
        while pending:
            row = worker.next(min(row_seconds, deadline - time.monotonic()))
            ended = row.pop("ended", False)
            record({"scenario": pending.pop(0), "backend": backend, **row})
            if ended:
                break
        worker.end()


def device():
    try:
        query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "no NVIDIA driver"


def table(rows):
    scenarios = list(dict.fromkeys(r["scenario"] for r in rows))
    backends = list(dict.fromkeys(r["backend"] for r in rows))
    at = {(r["scenario"], r["backend"]): r for r in rows}

    def cell(r):
        if r is None or r.get("missing"):
            return "-"
        return "failed" if r.get("error") else f"{r['gradient_ns'] / 1e3:.1f}" if r.get("gradient_ns") else "no time"

    lines = [["microseconds"] + backends] + [[s] + [cell(at.get((s, b))) for b in backends] for s in scenarios]
    widths = [max(len(line[i]) for line in lines) for i in range(len(backends) + 1)]
    text = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))).rstrip() for line in lines]
    for r in rows:
        if r.get("error") and not r.get("missing"):
            text.append(f"failed: {r['scenario']} by {r['backend']}: {r['error']}")
        ways = r.get("ways", {})
        if len(ways) > 1:
            text.append(f"{r['scenario']} by {r['backend']}: " + ", ".join(f"{way} {t if isinstance(t, str) else f'{t / 1e3:.1f}'}" for way, t in ways.items()))
    for backend, why in dict.fromkeys((r["backend"], r["error"]) for r in rows if r.get("missing")):
        text.append(f"{backend} was not measured: {why}")
    return "\n".join(text)


def write(path, text):
    with open(path + ".new", "w") as f:
        f.write(text)
    os.replace(path + ".new", path)


def main(ours, commit, out, where="cuda", worker=None, backends=BACKENDS):
    with open(ours) as f:
        rows = json.load(f)
    head = {"date": datetime.date.today().isoformat(), "commit": commit, "device": device()}
    reference = {}
    for r in rows:  # the last that did not fail, which is a prepared program's
        if not r.get("error"):
            reference[r["scenario"]] = r
    scenarios = sorted(dict.fromkeys(r["scenario"] for r in rows), key=lambda s: KINDS.index(s.split("/")[0]))
    wrong = [r for r in rows if r.get("error")]

    def save():
        write(out + ".json", json.dumps({**head, "results": rows}, indent=1))
        note = "value and gradient, or the values of the Jacobian, median"
        text = "\n".join(f"{k}: {v}" for k, v in head.items()) + f"\n\n{note}\n" + table(rows) + "\n"
        write(out + ".txt", text)
        return text

    def record(row):
        if not row.get("error") and row["scenario"] in reference:
            differs = difference(row, reference[row["scenario"]])
            if differs:
                row["error"] = differs
                wrong.append(row)
        if not row.get("missing"):
            print(row["scenario"], row["backend"], row.get("error", "measured"), file=sys.stderr, flush=True)
        rows.append(row)
        save()

    deadline = time.monotonic() + float(os.environ.get("PEERS_ALL", 1800))
    worker = worker or os.path.join(os.path.dirname(os.path.abspath(__file__)), "worker.py")
    for backend in backends:
        measure(backend, [sys.executable, worker, where, backend], scenarios, float(os.environ.get("PEERS_ROW", 120)), deadline, record)
    print(save())
    for r in wrong:
        print(f"--- FAIL: {r['scenario']} by {r['backend']}: {r['error']}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
