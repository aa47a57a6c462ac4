"""The scenarios in JAX: whole functions compiled by jit."""

import functools

import jax
import jax.numpy as jnp

import points

jax.config.update("jax_enable_x64", True)
DTYPES = {"fp32": jnp.float32, "tf32": jnp.float32, "fp64": jnp.float64}


def open(where, compiled=False):
    if where == "cuda" and jax.default_backend() != "gpu":
        raise RuntimeError(f"JAX computes on {jax.default_backend()}")
    return JAX()


def spread(seed, scale, *shape, dtype="fp64"):
    return points.spread(seed, scale, shape, lambda n: jnp.arange(n, dtype=jnp.float64), jnp.floor).astype(DTYPES[dtype])


def around(seed, scale, *shape, dtype="fp64"):
    return (spread(seed, 2 * scale, *shape) - scale).astype(DTYPES[dtype])


def cycled(n):
    return jnp.tile(around(0, 2, 1000, dtype="fp32"), n // 1000)


def compiled(f, *args):
    g = jax.jit(f)
    return lambda: jax.block_until_ready(g(*args))


def gradient(f, *args):
    return {"jit": compiled(jax.value_and_grad(f, tuple(range(len(args)))), *args)}


class JAX:
    def wait(self):
        pass  # runs wait for their results

    def sums(self, values):
        leaves = [v.astype(jnp.float64) for v in jax.tree.leaves(values)]
        sizes = [jnp.abs(v) for v in leaves]
        return [float(sum(v.sum() for v in each)) for each in (leaves, sizes, [jnp.log1p(v) for v in sizes])]

    def copy(self, n, dtype):
        return {"jit": compiled(lambda x: x + 1, cycled(n))}

    def chain(self, n, dtype):
        return gradient(lambda x: (jnp.exp(-jnp.square(x)) * jnp.sin(x) + jnp.sqrt(jnp.square(x) + 1)).sum(), cycled(n))

    def gemm(self, n, dtype):
        precision = "default" if dtype == "tf32" else "highest"
        return gradient(
            lambda a, b: jnp.square(jnp.matmul(a, b, precision=precision)).sum(),
            spread(0, 1, n, n, dtype=dtype), spread(1, 1, n, n, dtype=dtype))

    def mlp(self, layers, batch, dtype):
        x, labels = around(0, 1, batch, layers[0], dtype=dtype), jnp.arange(batch) % layers[-1]
        params = []
        for i, (rows, cols) in enumerate(zip(layers, layers[1:])):
            params += [around(2 * i + 1, rows**-0.5, rows, cols, dtype=dtype), around(2 * i + 2, 0.1, cols, dtype=dtype)]
        dot = functools.partial(jnp.matmul, precision="highest")

        def loss(*params):
            h = x
            for i in range(0, len(params) - 2, 2):
                h = jnp.tanh(dot(h, params[i]) + params[i + 1])
            logits = jax.nn.log_softmax(dot(h, params[-2]) + params[-1])
            return -jnp.take_along_axis(logits, labels[:, None], 1).mean()

        return gradient(loss, *params)

    def gmm(self, d, k, n, dtype):
        x = around(0, 1, n, d)
        cols, rows = jnp.triu_indices(d, 1)
        diagonal = jnp.arange(d)
        constant = points.constant(n, d, k)

        def objective(alpha, mu, q, l):
            factors = jnp.zeros((k, d, d)).at[:, diagonal, diagonal].set(jnp.exp(q)).at[:, rows, cols].set(l)
            scaled = jnp.matmul(x - mu[:, None], factors.transpose(0, 2, 1))
            beta = -0.5 * jnp.square(scaled).sum(2) + (alpha + q.sum(1))[:, None]
            prior = 0.5 * (jnp.square(jnp.exp(q)).sum() + jnp.square(l).sum())
            return jax.nn.logsumexp(beta, 0).sum() - n * jax.nn.logsumexp(alpha) - prior + constant

        return gradient(objective, around(1, 1, k), spread(2, 1, k, d), around(3, 1, k, d), around(4, 1, k, d * (d - 1) // 2))

    def lstm(self, l, c, b, batch, dtype):
        state, sequence = spread(0, 1, batch, 2 * l, b, dtype=dtype), spread(1, 1, batch, c, b, dtype=dtype)

        def loss(main, extra):
            def step(carry, x):
                hidden, cell = list(carry[0]), list(carry[1])
                y = x * extra[0]
                for i in range(l):
                    w, bias = main[2 * i].reshape(4, b), main[2 * i + 1].reshape(4, b)
                    forget, ingate = jax.nn.sigmoid(y * w[0] + bias[0]), jax.nn.sigmoid(hidden[i] * w[1] + bias[1])
                    outgate, change = jax.nn.sigmoid(y * w[2] + bias[2]), jnp.tanh(hidden[i] * w[3] + bias[3])
                    cell[i] = cell[i] * forget + ingate * change
                    hidden[i] = y = outgate * jnp.tanh(cell[i])
                return (hidden, cell), y * extra[1] + extra[2]

            def one(s, seq):
                _, y = jax.lax.scan(step, (list(s[0::2]), list(s[1::2])), seq[:-1])
                y = y - jnp.log(jnp.exp(y).sum(1, keepdims=True) + 2)
                return (seq[1:] * y).sum() / -((c - 1) * b)

            return jax.vmap(one)(state, sequence).mean()

        return gradient(loss, spread(2, 1, 2 * l, 4 * b, dtype=dtype), spread(3, 1, 3, b, dtype=dtype))

    def ba(self, p, dtype):
        n, m = points.cameras_and_points(p)
        cameras, at = jnp.tile(jnp.array(points.CAMERA, float), (n, 1)), jnp.tile(jnp.array(points.POINT, float), (m, 1))
        weights, features = jnp.full(p, points.WEIGHT), jnp.tile(jnp.array(points.FEATURE, float), (p, 1))
        camera, point = jnp.arange(p) % n, jnp.arange(p) % m

        def residual(camera, point, weight, feature):
            r, x = camera[:3], point - camera[3:6]
            square = r @ r
            angle = jnp.sqrt(jnp.where(square > 0, square, 1))
            axis = r / angle
            turned = x * jnp.cos(angle) + jnp.cross(axis, x) * jnp.sin(angle) + axis * (axis @ x) * (1 - jnp.cos(angle))
            y = jnp.where(square > 0, turned, x + jnp.cross(r, x))
            u = y[:2] / y[2]
            radius = u @ u
            seen = camera[6] * (1 + camera[9] * radius + camera[10] * radius**2) * u + camera[7:9]
            return weight * (seen - feature)

        def blocks(jacobian):
            def values(cameras, at, weights):
                each = jax.vmap(jacobian(residual, (0, 1, 2)))(cameras[camera], at[point], weights, features)
                return each, jax.vmap(jax.grad(lambda w: 1 - w * w))(weights)

            return compiled(values, cameras, at, weights)

        return {"jacrev": blocks(jax.jacrev), "jacfwd": blocks(jax.jacfwd)}

    def brusselator(self, n, dtype):
        a, b = points.BRUSSELATOR
        al = 10.0 * (n - 1) ** 2

        def reaction(u, v):
            return b + u * u * v - (a + 1) * u, a * u - u * u * v

        def f(x):
            around = jnp.roll(x, 1, 1) + jnp.roll(x, -1, 1) + jnp.roll(x, 1, 2) + jnp.roll(x, -1, 2)
            return al * (around - 4 * x) + jnp.stack(reaction(x[0], x[1]))

        s, i, j = jnp.meshgrid(jnp.arange(2), jnp.arange(n), jnp.arange(n), indexing="ij")
        color = points.colors(i, j, n) + 5 * s
        seeds = (color == jnp.arange(10)[:, None, None, None]).astype(float)
        # Of each row the colours of its entries' columns.
        stencil = [color] + [jnp.roll(color, by, axis) for axis in (1, 2) for by in (1, -1)] + [color[::-1]]
        index = jnp.stack([c * color.size + jnp.arange(color.size).reshape(color.shape) for c in stencil], -1)

        def colored(x, seeds, index):
            products = jax.vmap(lambda seed: jax.jvp(f, (x,), (seed,))[1])(seeds)
            return products.reshape(-1)[index]

        # The diffusion's entries are known; those of the reaction are derivatives point by point.
        def by_points(x):
            ones, zeros = jnp.ones((n, n)), jnp.zeros((n, n))
            by_u, by_v = (jnp.stack(jax.jvp(reaction, (x[0], x[1]), seed)[1]) for seed in ((ones, zeros), (zeros, ones)))
            own, other = jnp.stack([by_u[0], by_v[1]]), jnp.stack([by_v[0], by_u[1]])
            return jnp.stack([own - 4 * al] + [jnp.full((2, n, n), al)] * 4 + [other], -1)

        x = spread(0, 1, 2, n, n)
        return {"10 colours": compiled(colored, x, seeds, index), "structure by hand": compiled(by_points, x)}
