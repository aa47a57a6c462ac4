"""The scenarios in PyTorch, eager or with functions compiled by torch.compile."""

import torch

import points

DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "fp64": torch.float64}


def open(where, compiled=False):
    if where == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("PyTorch has no CUDA")
    torch.set_default_device(where)
    return Torch(where, compiled)


def spread(seed, scale, *shape, dtype="fp64"):
    return points.spread(seed, scale, shape, lambda n: torch.arange(n, dtype=torch.float64), torch.floor).to(DTYPES[dtype])


def around(seed, scale, *shape, dtype="fp64"):
    return (spread(seed, 2 * scale, *shape) - scale).to(DTYPES[dtype])


def cycled(n):
    return around(0, 2, 1000, dtype="fp32").repeat(n // 1000)


def tensors(values):
    if isinstance(values, torch.Tensor):
        return [values]
    return [t for v in values for t in tensors(v)]


class Torch:
    def __init__(self, where, compiled):
        self.wait = torch.cuda.synchronize if where == "cuda" else lambda: None
        self.compiled = compiled

    def sums(self, values):
        leaves = [v.detach().double() for v in tensors(values)]
        sizes = [v.abs() for v in leaves]
        return [sum(v.sum().item() for v in each) for each in (leaves, sizes, [v.log1p() for v in sizes])]

    def made(self, f):
        """f as it is called."""
        return torch.compile(f, dynamic=False) if self.compiled else f

    def applied(self, f, *args):
        g = self.made(f)
        return lambda: g(*args)

    def gradient(self, f, *args):
        args = [a.requires_grad_() for a in args]

        def run():
            value = f(*args)
            return value, torch.autograd.grad(value, args)

        return {"autograd": run}

    def copy(self, n, dtype):
        x = cycled(n)
        if self.compiled:
            return {"x + 1": self.applied(lambda x: x + 1, x)}
        x, y = x + 1, torch.empty_like(x)
        return {"copy": lambda: y.copy_(x)}

    def chain(self, n, dtype):
        return self.gradient(self.made(lambda x: ((-x.square()).exp() * x.sin() + (x.square() + 1).sqrt()).sum()), cycled(n))

    def gemm(self, n, dtype):
        torch.backends.cuda.matmul.allow_tf32 = dtype == "tf32"
        return self.gradient(self.made(lambda a, b: (a @ b).square().sum()), spread(0, 1, n, n, dtype=dtype), spread(1, 1, n, n, dtype=dtype))

    def mlp(self, layers, batch, dtype):
        torch.backends.cuda.matmul.allow_tf32 = False
        x, labels = around(0, 1, batch, layers[0], dtype=dtype), torch.arange(batch) % layers[-1]
        params = []
        for i, (rows, cols) in enumerate(zip(layers, layers[1:])):
            params += [around(2 * i + 1, rows**-0.5, rows, cols, dtype=dtype), around(2 * i + 2, 0.1, cols, dtype=dtype)]

        def loss(*params):
            h = x
            for i in range(0, len(params) - 2, 2):
                h = (h @ params[i] + params[i + 1]).tanh()
            return torch.nn.functional.cross_entropy(h @ params[-2] + params[-1], labels)

        return self.gradient(self.made(loss), *params)

    def gmm(self, d, k, n, dtype):
        x = around(0, 1, n, d)
        cols, rows = torch.triu_indices(d, d, 1)
        each = torch.arange(k)[:, None]
        constant = points.constant(n, d, k)

        def objective(alpha, mu, q, l):
            factors = torch.diag_embed(q.exp()).index_put((each, rows, cols), l)
            scaled = (x - mu[:, None]) @ factors.transpose(1, 2)
            beta = -0.5 * scaled.square().sum(2) + (alpha + q.sum(1))[:, None]
            prior = 0.5 * (q.exp().square().sum() + l.square().sum())
            return beta.logsumexp(0).sum() - n * alpha.logsumexp(0) - prior + constant

        return self.gradient(self.made(objective), around(1, 1, k), spread(2, 1, k, d), around(3, 1, k, d), around(4, 1, k, d * (d - 1) // 2))

    def lstm(self, l, c, b, batch, dtype):
        state, sequence = spread(0, 1, batch, 2 * l, b, dtype=dtype), spread(1, 1, batch, c, b, dtype=dtype)

        def step(x, target, hidden, cell, main, extra):
            hidden, cell = list(hidden), list(cell)
            y = x * extra[0]
            for i in range(l):
                w, bias = main[2 * i].view(4, b), main[2 * i + 1].view(4, b)
                forget, ingate = (y * w[0] + bias[0]).sigmoid(), (hidden[i] * w[1] + bias[1]).sigmoid()
                outgate, change = (y * w[2] + bias[2]).sigmoid(), (hidden[i] * w[3] + bias[3]).tanh()
                cell[i] = cell[i] * forget + ingate * change
                hidden[i] = y = outgate * cell[i].tanh()
            y = y * extra[1] + extra[2]
            return hidden, cell, (target * (y - (y.exp().sum(1, keepdim=True) + 2).log())).sum()

        step = self.made(step)  # all steps in one function take minutes to compile

        def loss(main, extra):
            hidden, cell = list(state.unbind(1)[0::2]), list(state.unbind(1)[1::2])
            total = 0
            for t in range(c - 1):
                hidden, cell, part = step(sequence[:, t], sequence[:, t + 1], hidden, cell, main, extra)
                total = total + part
            return total / -((c - 1) * b * batch)

        return self.gradient(loss, spread(2, 1, 2 * l, 4 * b, dtype=dtype), spread(3, 1, 3, b, dtype=dtype))

    def ba(self, p, dtype):
        n, m = points.cameras_and_points(p)
        f64 = lambda v: torch.tensor(v, dtype=torch.float64)
        cameras, at = f64(points.CAMERA).repeat(n, 1), f64(points.POINT).repeat(m, 1)
        weights, features = f64(points.WEIGHT).repeat(p), f64(points.FEATURE).repeat(p, 1)
        camera, point = torch.arange(p) % n, torch.arange(p) % m
        cross = torch.linalg.cross

        def residual(camera, point, weight, feature):
            r, x = camera[:3], point - camera[3:6]
            square = r @ r
            angle = torch.where(square > 0, square, 1.0).sqrt()
            axis = r / angle
            turned = x * angle.cos() + cross(axis, x) * angle.sin() + axis * (axis @ x) * (1 - angle.cos())
            y = torch.where(square > 0, turned, x + cross(r, x))
            u = y[:2] / y[2]
            radius = u @ u
            seen = camera[6] * (1 + camera[9] * radius + camera[10] * radius**2) * u + camera[7:9]
            return weight * (seen - feature)

        def blocks(jacobian):
            def values(cameras, at, weights):
                each = torch.func.vmap(jacobian(residual, (0, 1, 2)))(cameras[camera], at[point], weights, features)
                return each, torch.func.vmap(torch.func.grad(lambda w: 1 - w * w))(weights)

            return self.applied(values, cameras, at, weights)

        return {"jacrev": blocks(torch.func.jacrev), "jacfwd": blocks(torch.func.jacfwd)}

    def brusselator(self, n, dtype):
        a, b = points.BRUSSELATOR
        al = 10.0 * (n - 1) ** 2

        def reaction(u, v):
            return b + u * u * v - (a + 1) * u, a * u - u * u * v

        def f(x):
            around = x.roll(1, 1) + x.roll(-1, 1) + x.roll(1, 2) + x.roll(-1, 2)
            return al * (around - 4 * x) + torch.stack(reaction(x[0], x[1]))

        s, i, j = torch.meshgrid(torch.arange(2), torch.arange(n), torch.arange(n), indexing="ij")
        color = points.colors(i, j, n) + 5 * s
        seeds = (color == torch.arange(10)[:, None, None, None]).double()
        # Of each row the colours of its entries' columns.
        stencil = [color] + [color.roll(by, axis) for axis in (1, 2) for by in (1, -1)] + [color.flip(0)]
        index = torch.stack([c * color.numel() + torch.arange(color.numel()).view(color.shape) for c in stencil], -1)

        def colored(x, seeds, index):
            products = torch.func.vmap(lambda seed: torch.func.jvp(f, (x,), (seed,))[1])(seeds)
            return products.reshape(-1)[index]

        # The diffusion's entries are known; those of the reaction are derivatives point by point.
        def by_points(x):
            ones, zeros = torch.ones_like(x[0]), torch.zeros_like(x[0])
            by_u, by_v = (torch.stack(torch.func.jvp(reaction, (x[0], x[1]), seed)[1]) for seed in ((ones, zeros), (zeros, ones)))
            own, other = torch.stack([by_u[0], by_v[1]]), torch.stack([by_v[0], by_u[1]])
            return torch.stack([own - 4 * al] + [torch.full_like(x, al)] * 4 + [other], -1)

        x = spread(0, 1, 2, n, n)
        return {"10 colours": self.applied(colored, x, seeds, index), "structure by hand": self.applied(by_points, x)}
