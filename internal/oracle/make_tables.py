#!/usr/bin/env python3
"""Writes testdata/<function>.gz: arguments and values of the elementary functions, computed with mpmath.

A file, uncompressed and little-endian: the magic "CTO1", one byte for the number of arguments, a uint32 for the number
of rows, then by column: each argument (float64), the value rounded to float64, and what the rounding left out, as an
int16 in units of 1/65534 of the last place of the rounded value. Needs python3 with mpmath (gmpy2 makes it faster).

    python3 make_tables.py [function ...]
"""
import gzip
import math
import os
import random
import struct
import sys

import mpmath
from mpmath import mp, mpf

import points

INF, NAN = math.inf, math.nan
WIDE = 2400  # bits: 1 + exp(-745) and log(1 + 2^-1074) keep a full float64 beyond their leading term
GAMMA = 400


def lgamma(x):
    return mp.log(abs(mp.gamma(x))) if abs(x) < 10**6 else mp.re(mp.loggamma(x))


def hurwitz(s, a):
    """zeta(s, a), a > 0, by Euler and Maclaurin: exact terms up to a + k = 120 + s, then 110 corrections."""
    total = mpf(0)
    while a < 120 + s:
        total += a**-s
        a += 1
    tail = a / (s - 1) + mpf(1) / 2
    f = mpf(s) / a
    for j in range(1, 111):
        tail += f * mp.bernoulli(2 * j) / mp.factorial(2 * j)
        f *= (s + 2 * j - 1) * (s + 2 * j) / a**2
    return total + tail * a**-s


def erfc(x):
    """mpmath's for what is not yet its limit; huge arguments are beyond its series."""
    return mp.erfc(x) if abs(x) < 1000 else mpf(0) if x > 0 else mpf(2)


def polygamma(n, x):
    """(-1)^(n+1) n! zeta(n+1, x); for x < 0 the terms of either sign apart."""
    s = int(n) + 1
    if x > 0:
        z = hurwitz(s, x)
    else:
        f = x - mp.floor(x)
        z = hurwitz(s, f) + (-1) ** s * (hurwitz(s, 1 - f) - hurwitz(s, 1 - x))
    return (-1) ** s * mp.factorial(s - 1) * z


def pow_(x, y):
    if x < 0:
        return (-1) ** int(y) * (-x) ** y
    return x**y


# function: (value, points, bits, special rows: arguments then the value IEEE 754 and C give)
Z = [(0.0, 0.0), (-0.0, -0.0), (NAN, NAN)]
TABLES = {
    "exp": (mp.exp, points.exp_points, WIDE, [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN)]),
    "exp2": (lambda x: mpf(2) ** x, points.exp2_points, WIDE, [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (NAN, NAN)]),
    "expm1": (mp.expm1, points.exp_points, WIDE, Z + [(INF, INF), (-INF, -1.0)]),
    "log": (mp.log, points.positive_points, WIDE, [(0.0, -INF), (-0.0, -INF), (-1.0, NAN), (-5e-324, NAN), (-INF, NAN), (INF, INF), (NAN, NAN), (1.0, 0.0)]),
    "log2": (lambda x: mp.log(x) / mp.log(2), points.positive_points, WIDE,
             [(0.0, -INF), (-0.0, -INF), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN), (1.0, 0.0)] + [(2.0**k, float(k)) for k in range(-1074, 1024, 3)]),
    "log10": (lambda x: mp.log(x) / mp.log(10), points.positive_points, WIDE,
              [(0.0, -INF), (-0.0, -INF), (-1.0, NAN), (-INF, NAN), (INF, INF), (NAN, NAN), (1.0, 0.0)] + [(10.0**k, float(k)) for k in range(23)]),
    "log1p": (mp.log1p, points.log1p_points, WIDE, Z + [(-1.0, -INF), (-1.5, NAN), (-INF, NAN), (INF, INF)]),
    "sin": (mp.sin, points.trig_points, WIDE, Z + [(INF, NAN), (-INF, NAN)]),
    "cos": (mp.cos, points.trig_points, WIDE, [(0.0, 1.0), (-0.0, 1.0), (INF, NAN), (-INF, NAN), (NAN, NAN)]),
    "tan": (mp.tan, points.trig_points, WIDE, Z + [(INF, NAN), (-INF, NAN)]),
    "tanh": (mp.tanh, points.unit_points, WIDE, Z + [(INF, 1.0), (-INF, -1.0)]),
    "sinh": (mp.sinh, points.unit_points, WIDE, Z + [(INF, INF), (-INF, -INF)]),
    "cosh": (mp.cosh, points.unit_points, WIDE, [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, INF), (NAN, NAN)]),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), points.unit_points, WIDE, [(0.0, 0.5), (-0.0, 0.5), (INF, 1.0), (-INF, 0.0), (NAN, NAN)]),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), points.unit_points, WIDE, [(INF, INF), (-INF, 0.0), (NAN, NAN)]),
    "erf": (mp.erf, points.unit_points, GAMMA, Z + [(INF, 1.0), (-INF, -1.0)]),
    "erfc": (erfc, points.unit_points, GAMMA, [(0.0, 1.0), (-0.0, 1.0), (INF, 0.0), (-INF, 2.0), (NAN, NAN)]),
    "pow": (pow_, points.pow_points, WIDE,
            [(x, 0.0, 1.0) for x in (NAN, INF, -INF, 0.0, -0.0, -3.5)] + [(1.0, y, 1.0) for y in (NAN, INF, -INF, 2.5)] +
            [(-1.0, INF, 1.0), (-1.0, -INF, 1.0), (-2.0, 0.5, NAN), (-0.5, -3.5, NAN), (-2.0, 2.0**-1074, NAN),
             (0.0, 3.0, 0.0), (-0.0, 3.0, -0.0), (-0.0, 2.0, 0.0), (-0.0, 0.5, 0.0), (0.0, -3.0, INF), (-0.0, -3.0, -INF), (-0.0, -2.0, INF), (-0.0, -0.5, INF),
             (0.0, INF, 0.0), (0.0, -INF, INF), (-0.0, -INF, INF), (INF, 2.0, INF), (INF, -2.0, 0.0), (-INF, 3.0, -INF), (-INF, 2.0, INF), (-INF, 0.5, INF),
             (-INF, -3.0, -0.0), (-INF, -2.0, 0.0), (-INF, -0.5, 0.0), (0.5, INF, 0.0), (0.5, -INF, INF), (2.0, INF, INF), (2.0, -INF, 0.0), (-0.5, INF, 0.0), (-2.0, INF, INF),
             (INF, INF, INF), (INF, -INF, 0.0), (NAN, 1.0, NAN), (2.0, NAN, NAN), (NAN, NAN, NAN), (-2.0, 2.0**60, INF), (-2.0, -2.0**60, 0.0)]),
    "atan2": (mp.atan2, points.atan2_points, WIDE,
              [(0.0, 1.0, 0.0), (-0.0, 1.0, -0.0), (0.0, 0.0, 0.0), (-0.0, 0.0, -0.0), (0.0, -0.0, math.pi), (-0.0, -0.0, -math.pi), (0.0, -1.0, math.pi), (-0.0, -1.0, -math.pi),
               (1.0, 0.0, math.pi / 2), (1.0, -0.0, math.pi / 2), (-1.0, 0.0, -math.pi / 2), (INF, 1.0, math.pi / 2), (-INF, -1.0, -math.pi / 2), (1.0, INF, 0.0), (-1.0, INF, -0.0),
               (1.0, -INF, math.pi), (-1.0, -INF, -math.pi), (INF, INF, math.pi / 4), (-INF, INF, -math.pi / 4), (INF, -INF, 3 * math.pi / 4), (-INF, -INF, -3 * math.pi / 4),
               (NAN, 1.0, NAN), (1.0, NAN, NAN), (NAN, NAN, NAN), (NAN, INF, NAN)]),
    "hypot": (lambda x, y: mp.sqrt(x * x + y * y), points.hypot_points, WIDE,
              [(INF, NAN, INF), (NAN, -INF, INF), (INF, 0.0, INF), (NAN, 1.0, NAN), (1.0, NAN, NAN), (0.0, 0.0, 0.0), (-0.0, -0.0, 0.0), (-INF, INF, INF)]),
    "sqrt": (mp.sqrt, points.whole_points, WIDE, Z + [(INF, INF), (-1.0, NAN), (-INF, NAN)]),
    "lgamma": (lgamma, points.lgamma_points, GAMMA, [(0.0, INF), (-0.0, INF), (-1.0, INF), (-7.0, INF), (-1e17, INF), (INF, INF), (-INF, INF), (NAN, NAN), (1.0, 0.0), (2.0, 0.0)]),
    "digamma": (mp.digamma, points.digamma_points, GAMMA, [(0.0, -INF), (-0.0, INF), (-1.0, NAN), (-7.0, NAN), (INF, INF), (-INF, NAN), (NAN, NAN)]),
    "polygamma": (polygamma, points.polygamma_points, WIDE // 2,
                  [(1.0, 0.0, INF), (1.0, -3.0, INF), (1.0, INF, 0.0), (1.0, NAN, NAN), (2.0, INF, -0.0), (3.0, INF, 0.0), (2.0, NAN, NAN), (3.0, -2.0, INF), (0.0, 0.0, -INF)]),
    "asin": (mp.asin, points.inverse_points, WIDE, Z + [(1.5, NAN), (-1.5, NAN), (INF, NAN)]),
    "acos": (mp.acos, points.inverse_points, WIDE, [(1.0, 0.0), (1.5, NAN), (-1.5, NAN), (INF, NAN), (NAN, NAN)]),
    "atanh": (mp.atanh, points.inverse_points, WIDE, Z + [(1.0, INF), (-1.0, -INF), (1.5, NAN), (-1.5, NAN), (INF, NAN)]),
    "atan": (mp.atan, points.wide_points, WIDE, Z + [(INF, math.pi / 2), (-INF, -math.pi / 2)]),
    "asinh": (mp.asinh, points.wide_points, WIDE, Z + [(INF, INF), (-INF, -INF)]),
    "acosh": (mp.acosh, points.above_one_points, WIDE, [(1.0, 0.0), (0.5, NAN), (-INF, NAN), (INF, INF), (NAN, NAN)]),
}


def split(v):
    """The float64 nearest to v, and (v - it) in units of its last place."""
    if v == 0:
        return 0.0, 0.0
    _, e = mpmath.frexp(v)
    u = max(int(e) - 53, -1074) if e < 2000 else 3000
    if u > 971:
        return (INF if v > 0 else -INF), 0.0
    q = mpmath.ldexp(v, -u)
    n = int(mpmath.nint(q))
    frac = float(q - n)
    if abs(n) == 2**53:
        if u == 971:
            return (INF if v > 0 else -INF), 0.0
        frac /= 2
    if n == 0:
        return math.copysign(0.0, -1.0 if v < 0 else 1.0), frac
    return math.ldexp(float(n), u), frac


def poles(name, args):
    """Arguments whose value is exceptional, given as special rows only."""
    x = args[-1]
    return (name.startswith("log") and name != "log1p" and x <= 0 or name == "log1p" and x <= -1
            or name == "atanh" and abs(x) >= 1 or x == 0 and math.copysign(1, x) < 0)


def table(name):
    value, pts, bits, special = TABLES[name]
    args = pts(random.Random(name))
    args = [a if isinstance(a, tuple) else (a,) for a in args]
    args = sorted({a for a in args if not poles(name, a)})
    rows = []
    mp.prec = bits
    for a in args:
        hi, frac = split(+value(*[mpf(x) for x in a]))
        if hi == 0 and frac == 0 and name in ("sin", "tan", "tanh", "sinh", "expm1", "log1p", "erf", "asin", "atan", "asinh", "atanh"):
            hi = math.copysign(0.0, a[0])
        rows.append((a, hi, frac))
    known = {a for a, _, _ in rows}
    for s in special:
        a = s[:-1]
        if a in known and all(math.copysign(1, x) > 0 or x != 0 for x in a):
            continue
        rows.append((a, s[-1], special_frac(name, a)))
    return rows


def special_frac(name, a):
    """Special rows are exact, but for atan's multiples of pi/4."""
    if name == "atan2":
        y, x = a
        if not (math.isnan(x) or math.isnan(y)) and (x, y) != (0, 0):
            clamp = lambda t: mpf(math.copysign(1, t)) if math.isinf(t) else mpf(0) if math.isinf(x) or math.isinf(y) else mpf(t)
            return split(abs(mp.atan2(clamp(y), clamp(x))))[1] * math.copysign(1, y)
        if (x, y) == (0, 0) and math.copysign(1, x) < 0:
            return split(mp.pi)[1] * math.copysign(1, y)
    if name == "atan" and math.isinf(a[0]):
        return split(mp.pi / 2)[1] * math.copysign(1, a[0])
    return 0.0


def write(name, rows):
    n = len(rows[0][0])
    out = b"CTO1" + struct.pack("<BI", n, len(rows))
    for k in range(n):
        out += struct.pack(f"<{len(rows)}d", *[a[k] for a, _, _ in rows])
    out += struct.pack(f"<{len(rows)}d", *[hi for _, hi, _ in rows])
    out += struct.pack(f"<{len(rows)}h", *[round(f * 65534) for _, _, f in rows])
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "testdata", name + ".gz")
    with open(path, "wb") as f:
        f.write(gzip.compress(out, 9, mtime=0))


def main():
    for name in sys.argv[1:] or TABLES:
        rows = table(name)
        write(name, rows)
        print(name, len(rows), flush=True)


if __name__ == "__main__":
    main()
