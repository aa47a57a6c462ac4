"""Measures what bench measures, by PyTorch (eager and compiled), JAX and CuPy,
where they are installed: prints a list of results as `cotangent bench --json` does.
Times are medians of runs that end with a synchronization."""

import json
import statistics
import time


def median(run, wait, seconds=0.5):
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
    try:
        ns, runs = median(run, wait)
        results.append({"scenario": scenario, "backend": backend, "gradient_ns": ns, "runs": runs})
    except Exception as e:  # a peer that fails is told, and the others go on
        results.append({"scenario": scenario, "backend": backend, "error": repr(e)})


CHAINS = [10**6, 10**7, 10**8]
SQUARES = [1024, 4096]


def torch_peer():
    import torch

    wait = torch.cuda.synchronize

    def chain(x):
        return ((-x.square()).exp() * x.sin() + (x.square() + 1).sqrt()).sum()

    def gradient(f, *args):
        def run():
            value = f(*args)
            return torch.autograd.grad(value, args)

        return run

    for n in CHAINS:
        x = torch.randn(n, device="cuda", requires_grad=True)
        y = torch.empty_like(x)
        record(f"copy/n={n}", "torch", lambda: y.copy_(x.detach()), wait)
        record(f"chain/n={n}", "torch", gradient(chain, x), wait)
        record(f"chain/n={n}", "torch compiled", gradient(torch.compile(chain), x), wait)
    for n in SQUARES:
        for name, dtype, tf32 in [("fp32", torch.float32, False), ("tf32", torch.float32, True), ("fp64", torch.float64, False)]:
            torch.backends.cuda.matmul.allow_tf32 = tf32
            a, b = (torch.randn(n, n, device="cuda", dtype=dtype, requires_grad=True) for _ in range(2))
            record(f"gemm/{name}/n={n}", "torch", gradient(lambda a, b: (a @ b).square().sum(), a, b), wait)
    torch.backends.cuda.matmul.allow_tf32 = False
    x, labels = torch.randn(32, 784, device="cuda"), torch.randint(0, 10, (32,), device="cuda")
    params = [torch.randn(s, device="cuda", requires_grad=True) for s in [(784, 128), (128,), (128, 10), (10,)]]

    def mlp(w1, b1, w2, b2):
        return torch.nn.functional.cross_entropy((x @ w1 + b1).tanh() @ w2 + b2, labels)

    record("mlp/784-128-10/batch=32", "torch", gradient(mlp, *params), wait)
    record("mlp/784-128-10/batch=32", "torch compiled", gradient(torch.compile(mlp), *params), wait)


def jax_peer():
    import jax
    import jax.numpy as jnp

    def chain(x):
        return (jnp.exp(-jnp.square(x)) * jnp.sin(x) + jnp.sqrt(jnp.square(x) + 1)).sum()

    for n in CHAINS:
        x = jax.random.normal(jax.random.key(0), (n,))
        f = jax.jit(jax.grad(chain))
        record(f"chain/n={n}", "jax", lambda: f(x).block_until_ready(), lambda: None)
    for n in SQUARES:
        a, b = (jax.random.normal(jax.random.key(i), (n, n)) for i in range(2))
        f = jax.jit(jax.grad(lambda a, b: jnp.square(jnp.matmul(a, b, precision="highest")).sum(), (0, 1)))
        record(f"gemm/fp32/n={n}", "jax", lambda: jax.block_until_ready(f(a, b)), lambda: None)


def cupy_peer():
    import cupy

    wait = cupy.cuda.get_current_stream().synchronize
    for n in CHAINS:
        x = cupy.random.standard_normal(n, dtype=cupy.float32)
        y = cupy.empty_like(x)
        record(f"copy/n={n}", "cupy", lambda: cupy.copyto(y, x), wait)


for peer in (torch_peer, jax_peer, cupy_peer):
    try:
        peer()
    except ImportError as e:
        results.append({"backend": peer.__name__, "error": str(e)})
print(json.dumps(results, indent=2))
