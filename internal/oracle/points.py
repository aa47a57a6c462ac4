"""The arguments of the oracle's tables: where a function is hard, and a spread over its whole domain.

Each generator draws from its own random.Random, so that a table does not change when another one does.
"""
import math
import struct

from mpmath import mp, mpf

MAX, MIN, DENORM = float.fromhex("0x1.fffffffffffffp+1023"), 2.0**-1022, 5e-324
F32MAX, F32MIN, F32DENORM = float.fromhex("0x1.fffffep+127"), 2.0**-126, 2.0**-149


def f32(x):
    """x rounded to float32, overflow to the largest."""
    x = max(-F32MAX, min(F32MAX, x))
    return struct.unpack("f", struct.pack("f", x))[0]


def nudge(x, steps):
    """The float64 so many places above x."""
    for _ in range(abs(steps)):
        x = math.nextafter(x, math.inf if steps > 0 else -math.inf)
    return x


def logspread(r, lo, hi, n, single=False):
    """n values of random exponent in [lo, hi] (powers of two) and random mantissa."""
    out = []
    for _ in range(n):
        x = math.ldexp(r.uniform(1, 2), r.randint(lo, hi))
        out.append(f32(x) if single else x)
    return [x for x in out if x != 0]


def linspread(r, lo, hi, n, single=False):
    out = [r.uniform(lo, hi) for _ in range(n)]
    return [f32(x) for x in out] if single else out


def near(r, p, n, single=False):
    """Neighbours of p: the closest ones, then at distances of random binary exponent, both sides."""
    out = [p] + [nudge(p, k) for k in (-2, -1, 1, 2)]
    for _ in range(n):
        d = math.ldexp(r.uniform(1, 2), r.randint(-53, -3)) * (1 if p == 0 else abs(p))
        x = p + d * r.choice((-1, 1))
        out.append(f32(x) if single else x)
    return out


def both(xs):
    return list(xs) + [-x for x in xs]


EDGES = [0.0, DENORM, 2 * DENORM, MIN - DENORM, MIN, F32DENORM, F32MIN, 2.0**-60, 2.0**-30, 2.0**-27, 0.5, 1.0, nudge(1.0, 1), nudge(1.0, -1), 2.0]


def around(r, points, n):
    return [x for p in points for x in near(r, p, n)]


def exp_points(r):
    x = both(EDGES) + linspread(r, -750, 712, 900) + linspread(r, -2, 2, 500) + both(logspread(r, -60, 9, 300))
    x += around(r, [709.782712893384, -708.3964185322641, -745.1332191019412, 88.72283935546875, -87.33654022216797, -103.97207641601562], 25)
    x += [k * math.log(2) / 2 for k in range(-60, 61)] + [1e300, -1e300, MAX, -MAX]
    return x + linspread(r, -105, 90, 500, True) + both(logspread(r, -140, 6, 150, True)) + linspread(r, -1, 1, 300, True)


def exp2_points(r):
    x = both(EDGES) + linspread(r, -1080, 1026, 900) + linspread(r, -2, 2, 500) + both(logspread(r, -60, 9, 300))
    x += [float(k) for k in range(-1076, 1026, 7)] + [k / 2 for k in range(-41, 41)] + around(r, [1024.0, -1022.0, -1075.0, 128.0, -150.0], 20)
    return x + linspread(r, -152, 129, 500, True) + both(logspread(r, -140, 6, 150, True))


def unit_points(r):
    """For functions with all their interest within a few tens of 0: tanh, sigmoid, softplus, sinh, erf."""
    x = both(EDGES) + linspread(r, -750, 750, 500) + linspread(r, -40, 40, 500) + linspread(r, -2, 2, 700) + both(logspread(r, -1074, 10, 400))
    x += around(r, [709.782712893384, 710.4758600739439, -708.3964185322641, -745.1332191019412, -37.0, 22.0, 0.3465, -0.3465, 0.6931, 27.2, 0.5, -0.5], 12)
    x += [MAX, -MAX]
    return x + linspread(r, -105, 90, 500, True) + linspread(r, -4, 4, 400, True) + both(logspread(r, -149, 8, 200, True))


def positive_points(r):
    x = EDGES + logspread(r, -1074, 1023, 900) + linspread(r, 0.3, 3, 700) + near(r, 1.0, 400) + near(r, math.sqrt(0.5), 50) + near(r, math.sqrt(2), 50)
    x += [2.0**k for k in range(-1074, 1024, 21)] + [10.0**k for k in range(-30, 31)] + [MAX, nudge(MAX, -1), F32MAX]
    return x + logspread(r, -149, 127, 600, True) + linspread(r, 0.5, 2, 400, True) + near(r, 1.0, 200, True)


def log1p_points(r):
    x = both(EDGES[:-4]) + [1.0, 2.0, -0.5, -1 + 2.0**-53, -1 + 2.0**-30] + both(logspread(r, -1074, -1, 500)) + logspread(r, 0, 1023, 400)
    x += linspread(r, -0.999, 3, 900) + [-1 + d for d in logspread(r, -53, -2, 200)] + near(r, math.sqrt(2) - 1, 50) + near(r, math.sqrt(0.5) - 1, 50) + [MAX]
    return x + linspread(r, -0.99, 3, 500, True) + both(logspread(r, -149, -1, 250, True)) + logspread(r, 0, 127, 200, True)


def trig_points(r):
    x = both(EDGES) + linspread(r, -8, 8, 1000) + linspread(r, -3000, 3000, 400) + both(logspread(r, -60, 29, 150)) + both(logspread(r, 29, 1023, 400))
    x += near(r, 2.0**30, 20) + [MAX, math.ldexp(6381956970095103, 797), 1e22, F32MAX]
    with mp.workprec(400):
        for _ in range(500):
            k = r.randint(1, 2 ** r.randint(1, 70))
            x.append(float(k * mp.pi / 2) * r.choice((-1, 1)))
        for k in range(1, 40):
            x += [nudge(float(k * mp.pi / 4), d) for d in (-1, 0, 1)]
        for _ in range(300):
            x.append(f32(float(r.randint(1, 2 ** r.randint(1, 40)) * mp.pi / 2)))
    return x + linspread(r, -10, 10, 600, True) + both(logspread(r, -149, 127, 300, True))


def pow_points(r):
    out = []

    def add(x, y, single=False):
        out.append((f32(x), f32(y)) if single else (x, y))

    for single, elo, ehi, top in ((False, -1074, 1023, 745.0), (True, -149, 127, 104.0)):
        n = 700 if single else 1500
        for x in logspread(r, elo, ehi, n, single):
            if math.log(x) != 0:
                add(x, r.uniform(-top, top * 0.96) / math.log(x), single)
        for _ in range(n // 2):
            x = 1 + r.choice((-0.4, 1)) * math.ldexp(r.uniform(0.5, 1), -r.randint(0, 22 if single else 52))
            x = f32(x) if single else x
            if x != 1:
                add(x, r.uniform(-top, top * 0.96) / math.log(x), single)
        for _ in range(n // 4):
            add(r.uniform(-12, 12), float(r.randint(-30, 30)), single)
    out += [(x, y) for x in (0.5, 1.5, 2.0, 10.0, 3.0, nudge(1.0, 1), nudge(1.0, -1), DENORM, MAX) for y in (0.5, -0.5, 1.0, -1.0, 2.0, 3.0, 1e-300, 1e300, -1e300, 22.0, -22.0, DENORM)]
    out += [(-2.0, 2.0**53), (-1.0, 2.0**53 - 1), (-1.0, 2.0**52 + 1), (-1.0, 2.0**54), (-nudge(1.0, 1), 2.0**52 - 1), (-3.0, 3.0), (-2.0, -1074.0), (2.0, -1074.0), (2.0, 1023.0)]
    return out


def atan2_points(r):
    out = []
    for single in (False, True):
        n = 400 if single else 900
        lo, hi = (-149, 127) if single else (-1074, 1023)
        for _ in range(n):
            y = logspread(r, lo, hi, 1)[0]
            x = y * math.ldexp(r.uniform(1, 2), r.randint(-6, 6))
            out.append((y, x if 0 < x < math.inf else 1.0, single))
        for _ in range(n // 2):
            out.append((logspread(r, lo, hi, 1)[0], logspread(r, lo, hi, 1)[0], single))
        for _ in range(n // 3):
            y = r.uniform(0.5, 2)
            out.append((y, y * (1 + math.ldexp(r.uniform(-1, 1), -r.randint(0, 52))), single))
            out.append((y, y * math.tan(r.choice((math.pi / 8, 3 * math.pi / 8))) * (1 + math.ldexp(r.uniform(-1, 1), -r.randint(3, 52))), single))
    pts = []
    for y, x, single in out:
        y, x = y * r.choice((-1, 1)), x * r.choice((-1, 1))
        pts.append((f32(y), f32(x)) if single else (y, x))
    pts += [(y, x) for y in both([DENORM, 1.0, MAX, MIN]) for x in both([DENORM, 1.0, MAX, MIN])]
    return [(y, x) for y, x in pts if y != 0 and x != 0]


def hypot_points(r):
    pts = [(y, x) for y, x in atan2_points(r)]
    for _ in range(300):
        e = r.randint(-1070, 1020)
        pts.append((math.ldexp(r.uniform(1, 2), e), math.ldexp(r.uniform(1, 2), e + r.randint(0, 1))))
    return pts + [(3.0, 4.0), (MAX / 2, MAX / 2), (MAX, 1.0), (1e308, 1.4e308), (1e308, 1.6e308), (0.0, 5.0), (-0.0, -DENORM)]


def roots(f, lo, hi):
    """The float64 next to the root of f in (lo, hi) where it changes sign."""
    with mp.workprec(200):
        a, b, s = mpf(lo), mpf(hi), f(mpf(lo)) > 0
        for _ in range(150):
            m = (a + b) / 2
            a, b = (m, b) if (f(m) > 0) == s else (a, m)
        return float(a)


def gamma_points(r, special):
    """For lgamma, digamma and polygamma; special are the roots to look at closely."""
    x = EDGES[1:] + logspread(r, -1074, 1023, 300) + linspread(r, 0, 3, 600) + linspread(r, 0, 20, 400) + logspread(r, -3, 12, 300)
    x += around(r, [1.0, 2.0, 2.5, 1.5, 0.5, 3.0, 10.0], 30) + [nudge(2.5599833278516383e305, k) for k in (-9, -1, 0, 1, 9)] + [2.5563481638716906e305, MAX] + [float(k) for k in range(1, 172, 5)]
    x += linspread(r, -8, 0, 500) + linspread(r, -200, -8, 150) + [-t for t in logspread(r, -1060, -1, 100)] + around(r, [-1.0, -2.0, -3.0, -10.0, -0.5], 15)
    x += [-(2.0**k) - 0.5 for k in range(3, 40, 4)] + around(r, special, 12)
    x += linspread(r, 0, 12, 400, True) + logspread(r, -149, 127, 250, True) + linspread(r, -6, 0, 200, True) + near(r, 1.0, 60, True) + near(r, 2.0, 60, True)
    return [t for t in x if not (t <= 0 and t == math.floor(t))]


def lgamma_points(r):
    f = lambda x: mp.log(abs(mp.gamma(x)))
    lo = [(-2.6, -2.2), (-2.9, -2.7), (-3.3, -3.05), (-3.99, -3.8), (-4.1, -4.01), (-4.999, -4.9), (-5.02, -5.001), (-5.9999, -5.99)]
    return gamma_points(r, [roots(f, a, b) for a, b in lo])


def digamma_points(r):
    lo = [(1, 2)] + [(-k + 1e-9, -k + 1 - 1e-9) for k in range(1, 12)]
    return gamma_points(r, [roots(mp.digamma, mpf(a), mpf(b)) for a, b in lo])


def polygamma_points(r):
    out = []
    for n in (1, 2, 3):
        special = [] if n % 2 else [roots(lambda x: mp.re(mp.polygamma(n, x)), -k + 0.01, -k + 0.99) for k in range(1, 5)]
        xs = gamma_points(r, special)
        out += [(float(n), x) for x in r.sample(xs, 1500 if n == 1 else 500)]
    for n in (4, 5, 7, 10, 20, 50, 100, 171, 300):
        out += [(float(n), x) for x in linspread(r, 0, 12, 25) + logspread(r, -8, 12, 25) + linspread(r, -4, 0, 6)]
    return out


def inverse_points(r):
    """[-1, 1]: asin, acos, atanh."""
    x = both(EDGES[:-4]) + [-0.5, 1 - 2.0**-53, -1 + 2.0**-53] + both(logspread(r, -1074, -1, 400)) + linspread(r, -1, 1, 900)
    x += both([1 - d for d in logspread(r, -53, -2, 250)])
    return x + linspread(r, -1, 1, 600, True) + both(logspread(r, -149, -1, 150, True))


def wide_points(r):
    """The whole line: atan, asinh."""
    x = both(EDGES) + both(logspread(r, -1074, 1023, 500)) + linspread(r, -10, 10, 1000) + around(r, [0.41421356237309503, 2.414213562373095, 1.0], 40) + [MAX, -MAX]
    return x + both(logspread(r, -149, 127, 200, True)) + linspread(r, -5, 5, 500, True)


def above_one_points(r):
    x = [1.0, nudge(1.0, 1), 2.0, MAX] + [1 + d for d in logspread(r, -52, 2, 900)] + logspread(r, 0, 1023, 600) + linspread(r, 1, 30, 600)
    return x + logspread(r, 0, 127, 250, True) + linspread(r, 1, 4, 500, True)


def whole_points(r):
    return logspread(r, -1074, 1023, 1200) + EDGES + [MAX] + linspread(r, 0, 100, 300) + logspread(r, -149, 127, 600, True)
