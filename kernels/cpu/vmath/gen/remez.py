"""Minimax polynomials by the Remez exchange on a dense grid, in multiple precision.

The exchange runs over Chebyshev points dense enough that the levelled error between two neighbours is flat
(E. W. Cheney, Introduction to Approximation Theory, ch. 3).
"""
from mpmath import mp, mpf


def grid(lo, hi, count):
    mid, half = (mpf(lo) + mpf(hi)) / 2, (mpf(hi) - mpf(lo)) / 2
    return [mid - half * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]


def horner(c, x):
    s = mpf(0)
    for a in reversed(c):
        s = s * x + a
    return s


def rounded(x, bits=53):
    """x to so many bits, nearest."""
    m, e = mp.frexp(x)
    return mp.ldexp(mp.nint(mp.ldexp(m, bits)), int(e) - bits)


def _level(xs, fs, ws, n):
    """The polynomial with w (p - f) = +-E at the n+2 points, signs alternating, and E."""
    a, b = mp.matrix(n + 2, n + 2), mp.matrix(n + 2, 1)
    for i, (x, f, w) in enumerate(zip(xs, fs, ws)):
        for j in range(n + 1):
            a[i, j] = w * x**j
        a[i, n + 1] = -(mpf(-1) ** i)
        b[i] = w * f
    s = mp.lu_solve(a, b)
    return list(s[: n + 1]), s[n + 1]


def _extrema(err):
    """One index of largest |err| in each run of equal sign."""
    out = []
    for i, e in enumerate(err):
        if out and (err[out[-1]] > 0) == (e > 0):
            if abs(e) > abs(err[out[-1]]):
                out[-1] = i
        elif e != 0:
            out.append(i)
    return out


def _thin(ext, err, need):
    """Drops the weaker end, or the weakest inner pair, so that the signs of the need points left still alternate."""
    while len(ext) > need:
        if len(ext) == need + 1:
            ext.pop(0 if abs(err[ext[0]]) < abs(err[ext[-1]]) else -1)
            continue
        k = min(range(len(ext) - 1), key=lambda j: max(abs(err[ext[j]]), abs(err[ext[j + 1]])))
        del ext[k : k + 2]
    return ext


def fit(f, lo, hi, n, weight=lambda x: mpf(1), rounds=60):
    """The coefficients of the polynomial of degree n that minimises max |weight (f - p)| over [lo, hi]."""
    xs = [x for x in grid(lo, hi, max(400, 30 * n)) if weight(x) != 0]
    fs, ws = [f(x) for x in xs], [abs(weight(x)) for x in xs]
    scale = max(abs(mpf(lo)), abs(mpf(hi)))
    xs = [x / scale for x in xs]  # powers of at most 1 keep the system well scaled
    need, best = n + 2, None
    ref = [round((len(xs) - 1) * i / (need - 1)) for i in range(need)]
    for _ in range(rounds):
        p, level = _level([xs[i] for i in ref], [fs[i] for i in ref], [ws[i] for i in ref], n)
        err = [w * (fv - horner(p, x)) for x, fv, w in zip(xs, fs, ws)]
        worst = max(abs(e) for e in err)
        if best is None or worst < best[1]:
            best = (p, worst)
        ext = _thin(_extrema(err), err, need)
        if worst < abs(level) * (1 + mpf(2) ** -10) or len(ext) < need:
            break
        ref = ext
    return [c / scale**k for k, c in enumerate(best[0])]


def fit_rounded(f, lo, hi, n, weight=lambda x: mpf(1), steps=4):
    """fit with float64 coefficients: rounds the lowest `steps` of them one at a time and fits the others again, so
    that these make up for the rounding. Returns the coefficients and the largest weighted error."""
    cache = {}

    def value(x):
        if x not in cache:
            cache[x] = f(x)
        return cache[x]

    done = []
    for k in range(min(steps, n) + 1):
        def rest(x):
            x = x if x != 0 else mpf(2) ** -70
            return (value(x) - horner(done, x)) / x**k
        c = fit(rest, lo, hi, n - k, lambda x: weight(x) * x**k)
        done = done + ([rounded(c[0])] if k < min(steps, n) else [rounded(a) for a in c])
    err = max(abs(weight(x) * (value(x) - horner(done, x))) for x in grid(lo, hi, 400))
    return done, err
