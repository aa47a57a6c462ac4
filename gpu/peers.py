"""Measures what `cotangent bench --suite large` measures, by PyTorch (eager and
compiled), JAX and CuPy where they are installed, puts it beside cotangent's own
results and prints a table of all.

    python3 peers.py COTANGENT.json COMMIT OUT

writes OUT.json and OUT.txt. Times are medians of runs that end with a synchronization;
value and gradient, as there."""

import datetime
import functools
import json
import statistics
import subprocess
import sys
import time


def median(run, wait, seconds=0.3):
    run(), wait()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run()
        wait()
        times.append((time.perf_counter() - start) * 1e9)
    return statistics.median(times), len(times)


results = []


def record(scenario, backend, run, wait):
    print(scenario, backend, file=sys.stderr, flush=True)
    try:
        ns, runs = median(run, wait)
        results.append({"scenario": scenario, "backend": backend, "gradient_ns": ns, "runs": runs})
    except Exception as e:  # a peer that fails is told, and the others go on
        results.append({"scenario": scenario, "backend": backend, "error": repr(e)[:300]})


ELEMENTS = [10**6, 10**7, 10**8]
COPIED = [10**4] + ELEMENTS
SQUARES = [1024, 4096]
LAYERS, BATCH = [784, 1024, 10], 4096
MIXTURE = {"n": 10000, "d": 64, "k": 50}
SEQUENCES, STEPS, BITS = 1024, 100, 14


def torch_peer():
    import torch

    wait = torch.cuda.synchronize

    def chain(x):
        return ((-x.square()).exp() * x.sin() + (x.square() + 1).sqrt()).sum()

    def gradient(f, *args):
        def run():
            value = f(*args)
            return value, torch.autograd.grad(value, args)

        return run

    def both(name, f, *args):
        record(name, "torch", gradient(f, *args), wait)
        record(name, "torch compiled", gradient(torch.compile(f), *args), wait)

    def random(*shape, dtype=torch.float32):
        return torch.rand(*shape, device="cuda", dtype=dtype, requires_grad=True)

    for n in COPIED:
        x = random(n)
        y = torch.empty_like(x)
        record(f"copy/fp32/n={n}", "torch", lambda: y.copy_(x.detach()), wait)
    for n in ELEMENTS:
        x = random(n)
        record(f"chain/fp32/n={n}", "torch", gradient(chain, x), wait)
        if n == max(ELEMENTS):  # compiling takes long
            record(f"chain/fp32/n={n}", "torch compiled", gradient(torch.compile(chain), x), wait)
    for name, dtype, tf32 in [("fp32", torch.float32, False), ("tf32", torch.float32, True), ("fp64", torch.float64, False)]:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        for n in SQUARES:
            record(f"gemm/{name}/n={n}", "torch", gradient(lambda a, b: (a @ b).square().sum(), random(n, n, dtype=dtype), random(n, n, dtype=dtype)), wait)
    torch.backends.cuda.matmul.allow_tf32 = False

    x, labels = torch.randn(BATCH, LAYERS[0], device="cuda"), torch.randint(0, LAYERS[-1], (BATCH,), device="cuda")
    params = [p for i, o in zip(LAYERS, LAYERS[1:]) for p in (random(i, o), random(o))]

    def mlp(*params):
        h = x
        for i in range(0, len(params) - 2, 2):
            h = (h @ params[i] + params[i + 1]).tanh()
        return torch.nn.functional.cross_entropy(h @ params[-2] + params[-1], labels)

    both(f"mlp/fp32/{'-'.join(map(str, LAYERS))}/batch={BATCH}", mlp, *params)

    n, d, k = MIXTURE["n"], MIXTURE["d"], MIXTURE["k"]
    points = torch.rand(n, d, device="cuda", dtype=torch.float64)
    rows, cols = torch.tril_indices(d, d, -1, device="cuda")

    def mixture(alpha, mu, q, l):
        factors = torch.diag_embed(q.exp())
        factors = factors.index_put((torch.arange(k, device="cuda")[:, None], rows, cols), l)
        scaled = (points - mu[:, None]) @ factors.transpose(1, 2)
        beta = -0.5 * scaled.square().sum(2) + (alpha + q.sum(1))[:, None]
        return beta.logsumexp(0).sum() - n * alpha.logsumexp(0) - 0.5 * (q.exp().square().sum() + l.square().sum())

    f64 = functools.partial(random, dtype=torch.float64)
    both(f"gmm/fp64/d={d}/k={k}/n={n}", mixture, f64(k), f64(k, d), f64(k, d), f64(k, d * (d - 1) // 2))

    state, sequence = random(SEQUENCES, 4, BITS).detach(), random(SEQUENCES, STEPS, BITS).detach()

    def lstm(main, extra):
        hidden, cell = [state[:, 0], state[:, 2]], [state[:, 1], state[:, 3]]
        total = 0
        for t in range(STEPS - 1):
            y = sequence[:, t] * extra[0]
            for i in range(2):
                w, b = main[2 * i].view(4, BITS), main[2 * i + 1].view(4, BITS)
                forget, ingate = (y * w[0] + b[0]).sigmoid(), (hidden[i] * w[1] + b[1]).sigmoid()
                outgate, change = (y * w[2] + b[2]).sigmoid(), (hidden[i] * w[3] + b[3]).tanh()
                cell[i] = cell[i] * forget + ingate * change
                hidden[i] = y = outgate * cell[i].tanh()
            y = y * extra[1] + extra[2]
            total = total + (sequence[:, t + 1] * (y - (y.exp().sum(1, keepdim=True) + 2).log())).sum()
        return total / -((STEPS - 1) * BITS * SEQUENCES)

    # Not compiled: unrolled, that takes minutes.
    record(f"lstm/fp32/l=2/c={STEPS}/b={BITS}/batch={SEQUENCES}", "torch", gradient(lstm, random(4, 4 * BITS), random(3, BITS)), wait)


def jax_peer():
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    count = iter(range(10**6))

    def random(*shape, dtype=jnp.float32):
        return jax.random.uniform(jax.random.key(next(count)), shape, dtype)

    def compiled(name, f, *args):
        g = jax.jit(jax.value_and_grad(f, tuple(range(len(args)))))
        record(name, "jax", lambda: jax.block_until_ready(g(*args)), lambda: None)

    def chain(x):
        return (jnp.exp(-jnp.square(x)) * jnp.sin(x) + jnp.sqrt(jnp.square(x) + 1)).sum()

    for n in ELEMENTS:
        compiled(f"chain/fp32/n={n}", chain, random(n))
    for name, dtype, precision in [("fp32", jnp.float32, "highest"), ("tf32", jnp.float32, "default"), ("fp64", jnp.float64, "highest")]:
        for n in SQUARES:
            compiled(f"gemm/{name}/n={n}", lambda a, b: jnp.square(jnp.matmul(a, b, precision=precision)).sum(), random(n, n, dtype=dtype), random(n, n, dtype=dtype))

    x, labels = random(BATCH, LAYERS[0]), jnp.zeros(BATCH, int)
    params = [p for i, o in zip(LAYERS, LAYERS[1:]) for p in (random(i, o), random(o))]
    dot = functools.partial(jnp.matmul, precision="highest")

    def mlp(*params):
        h = x
        for i in range(0, len(params) - 2, 2):
            h = jnp.tanh(dot(h, params[i]) + params[i + 1])
        logits = jax.nn.log_softmax(dot(h, params[-2]) + params[-1])
        return -jnp.take_along_axis(logits, labels[:, None], 1).mean()

    compiled(f"mlp/fp32/{'-'.join(map(str, LAYERS))}/batch={BATCH}", mlp, *params)

    n, d, k = MIXTURE["n"], MIXTURE["d"], MIXTURE["k"]
    points = random(n, d, dtype=jnp.float64)
    rows, cols = jnp.tril_indices(d, -1)

    def mixture(alpha, mu, q, l):
        factors = jnp.zeros((k, d, d)).at[:, jnp.arange(d), jnp.arange(d)].set(jnp.exp(q)).at[:, rows, cols].set(l)
        scaled = jnp.matmul(points - mu[:, None], factors.transpose(0, 2, 1))
        beta = -0.5 * jnp.square(scaled).sum(2) + (alpha + q.sum(1))[:, None]
        return jax.nn.logsumexp(beta, 0).sum() - n * jax.nn.logsumexp(alpha) - 0.5 * (jnp.square(jnp.exp(q)).sum() + jnp.square(l).sum())

    f64 = functools.partial(random, dtype=jnp.float64)
    compiled(f"gmm/fp64/d={d}/k={k}/n={n}", mixture, f64(k), f64(k, d), f64(k, d), f64(k, d * (d - 1) // 2))

    state, sequence = random(SEQUENCES, 4, BITS), random(SEQUENCES, STEPS, BITS)

    def lstm(main, extra):
        def step(carry, x):
            hidden, cell = list(carry[0]), list(carry[1])
            y = x * extra[0]
            for i in range(2):
                w, b = main[2 * i].reshape(4, BITS), main[2 * i + 1].reshape(4, BITS)
                forget, ingate = jax.nn.sigmoid(y * w[0] + b[0]), jax.nn.sigmoid(hidden[i] * w[1] + b[1])
                outgate, change = jax.nn.sigmoid(y * w[2] + b[2]), jnp.tanh(hidden[i] * w[3] + b[3])
                cell[i] = cell[i] * forget + ingate * change
                hidden[i] = y = outgate * jnp.tanh(cell[i])
            return (hidden, cell), y * extra[1] + extra[2]

        def one(s, seq):
            _, y = jax.lax.scan(step, ([s[0], s[2]], [s[1], s[3]]), seq[:-1])
            y = y - jnp.log(jnp.exp(y).sum(1, keepdims=True) + 2)
            return (seq[1:] * y).sum() / -((STEPS - 1) * BITS)

        return jax.vmap(one)(state, sequence).mean()

    compiled(f"lstm/fp32/l=2/c={STEPS}/b={BITS}/batch={SEQUENCES}", lstm, random(4, 4 * BITS), random(3, BITS))


def cupy_peer():
    import cupy

    wait = cupy.cuda.get_current_stream().synchronize
    for n in COPIED:
        x = cupy.random.standard_normal(n, dtype=cupy.float32)
        y = cupy.empty_like(x)
        record(f"copy/fp32/n={n}", "cupy", lambda: cupy.copyto(y, x), wait)


def device():
    try:
        query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "no NVIDIA driver"


def table(rows):
    scenarios, backends = [], []
    for r in rows:
        scenarios += [r["scenario"]] * (r["scenario"] not in scenarios)
        backends += [r["backend"]] * (r["backend"] not in backends)
    at = {(r["scenario"], r["backend"]): r for r in rows}

    def cell(r):
        if r is None:
            return "-"
        return "failed" if r.get("error") else f"{r['gradient_ns'] / 1e3:.1f}" if r.get("gradient_ns") else "no time"

    lines = [["microseconds"] + backends] + [[s] + [cell(at.get((s, b))) for b in backends] for s in scenarios]
    widths = [max(len(line[i]) for line in lines) for i in range(len(backends) + 1)]
    return "\n".join("  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))) for line in lines)


def main(ours, commit, out):
    with open(ours) as f:
        rows = json.load(f)
    for peer in (cupy_peer, torch_peer, jax_peer):
        try:
            peer()
        except ImportError as e:
            print(f"{peer.__name__}: {e}", file=sys.stderr)
    head = {"date": datetime.date.today().isoformat(), "commit": commit, "device": device()}
    with open(out + ".json", "w") as f:
        json.dump({**head, "results": rows + results}, f, indent=1)
    text = "\n".join(f"{k}: {v}" for k, v in head.items()) + "\n\nvalue and gradient, median\n" + table(rows + results) + "\n"
    with open(out + ".txt", "w") as f:
        f.write(text)
    print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
