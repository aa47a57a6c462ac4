"""One library, which measures the scenarios named.

    python3 worker.py cuda|cpu BACKEND SCENARIO...

prints a line of JSON when it is ready, and one for each scenario, in order: the median
nanoseconds of the fastest way that the library has ("gradient_ns"), those of each way
("ways"), and of its values the "sum", that of magnitudes ("size") and that of
log(1 + magnitude) ("logs"); or its "error"."""

import importlib
import json
import statistics
import sys
import time

MODULES = {"jax": "with_jax", "torch": "with_torch", "torch compiled": "with_torch", "cupy": "with_cupy"}


def parse(name):
    """The kind of a scenario and its sizes: those of "mlp/fp32/784-10/batch=7" are
    dtype, layers and batch."""
    parts = name.split("/")
    if parts[0] == "jacobian":
        parts = parts[1:]
    sizes = {"dtype": "fp64"}
    for part in parts[1:]:
        key, given, value = part.partition("=")
        if given:
            sizes[key] = int(value)
        elif part[:2] in ("fp", "tf"):
            sizes["dtype"] = part
        else:
            sizes["layers"] = [int(width) for width in part.split("-")]
    return parts[0], sizes


def median(run, wait, seconds=0.3):
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run()
        wait()
        times.append((time.perf_counter() - start) * 1e9)
    return statistics.median(times), len(times)


def measure(library, name):
    kind, sizes = parse(name)
    make = getattr(library, kind, None)
    if make is None:
        return {"error": "the library has no derivatives", "missing": True}
    row, ways = {}, {}
    for way, run in make(**sizes).items():
        try:
            run(), library.wait()  # compiles
            sums = library.sums(run())
            ns, runs = median(run, library.wait)
        except Exception as e:  # the other ways go on
            ways[way] = f"failed: {type(e).__name__}: {e}"[:300]
            continue
        ways[way] = ns
        if ns <= row.get("gradient_ns", ns):
            row = {"gradient_ns": ns, "runs": runs, **dict(zip(("sum", "size", "logs"), sums))}
    if not row:
        return {"error": "; ".join(ways.values())}
    return {**row, "ways": ways}


def say(answer):
    print("\n" + json.dumps(answer), flush=True)


def main(where, backend, *scenarios):
    try:
        library = importlib.import_module(MODULES[backend]).open(where, compiled=backend.endswith("compiled"))
    except Exception as e:  # what is not there, or has no device
        return say({"error": f"{type(e).__name__}: {e}"[:300], "missing": isinstance(e, ImportError)})
    say({"ready": True})
    for name in scenarios:
        try:
            say(measure(library, name))
        except Exception as e:
            say({"error": f"{type(e).__name__}: {e}"[:300]})


if __name__ == "__main__":
    main(*sys.argv[1:])
