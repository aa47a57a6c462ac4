#!/usr/bin/env python3
"""Derives the constants and polynomials of package vmath and writes ../coef.h and ../coef.go.

Every polynomial is a minimax fit (remez.py) of the function named beside it, rounded coefficient by coefficient to
float64; the printed figure is log2 of the largest weighted error after that rounding. Needs python3 with
mpmath, and gofmt.

    python3 coef.py
"""
import os
import subprocess
from dataclasses import dataclass
from typing import Callable

from mpmath import bernoulli, mp, mpf

from remez import fit_rounded, rounded

mp.prec = 320
TINY = mpf(2) ** -70  # stands for 0 where a formula is 0/0


@dataclass
class Poly:
    name: str
    doc: str
    f: Callable
    lo: object
    hi: object
    degree: int
    weight: Callable = lambda x: mpf(1)


def asymptotic(terms, cut, exact):
    """A function of w = 1/x given exactly for w > cut and by its asymptotic series below."""

    def f(w):
        if w > cut:
            return exact(w)
        return sum(terms(k) * w ** (2 * k - 2) for k in range(1, 60))

    return f


LN2H = mp.log(2) / 2
QUARTER = mp.pi / 4
S2 = (mp.sqrt(2) - 1) ** 4  # (f/(2+f))^2 at f = sqrt(2)-1
T2 = mp.tan(mp.pi / 8) ** 2
CUT = mpf(1) / 90


def at(x):
    return x if x != 0 else TINY


def sq(f):
    """f of the square root, for polynomials in z = x^2."""
    return lambda z: f(mp.sqrt(at(z)))


stirling = asymptotic(
    lambda k: bernoulli(2 * k) / (2 * k * (2 * k - 1)), CUT,
    lambda w: (mp.loggamma(1 / w) - (1 / w - mpf(1) / 2) * mp.log(1 / w) + 1 / w - mp.log(2 * mp.pi) / 2) / w)
psi = asymptotic(lambda k: bernoulli(2 * k) / (2 * k), CUT, lambda w: (mp.log(1 / w) - w / 2 - mp.digamma(1 / w)) / w**2)
psi1 = asymptotic(lambda k: bernoulli(2 * k), CUT, lambda w: (mp.polygamma(1, 1 / w) - w - w * w / 2) / w**3)

ERFC_K = mpf(4)


def erfc_t(t):
    """(1+2a) exp(a^2) erfc(a) as a function of t = (a-K)/(a+K)."""
    a = ERFC_K * (1 + t) / (1 - t)
    return (1 + 2 * a) * mp.exp(a * a) * mp.erfc(a)


def lgamma_rest(d):
    d = at(d)
    return ((mp.loggamma(2 + d) / d - 1 + mp.euler) / d - (mp.pi**2 / 6 - 1) / 2) / d


ERFC_MID = rounded(erfc_t(mpf(0)))


def exp_rest(r):
    return (mp.exp(at(r)) - 1 - at(r)) / at(r) ** 2


def atanh_rest(z):
    """(atanh(s)/s - 1)/z with z = s^2."""
    s = mp.sqrt(at(z))
    return (mp.atanh(s) / s - 1) / at(z)


def sin_rest(z):
    r = mp.sqrt(at(z))
    return (mp.sin(r) - r) / r**3


def cos_rest(z):
    z = at(z)
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def atan_rest(z):
    q = mp.sqrt(at(z))
    return (mp.atan(q) - q) / q**3


def exp_weight(r):
    return r * r


POLYS = [
    Poly("exp", "(e^r - 1 - r)/r^2, |r| <= ln2/2", exp_rest, -LN2H, LN2H, 9, exp_weight),
    Poly("expf", "the same for float32", exp_rest, -LN2H, LN2H, 5, exp_weight),
    Poly("log", "(atanh(s)/s - 1)/z in z = s^2, |s| <= (sqrt2-1)^2", atanh_rest, 0, S2, 6, lambda z: z),
    Poly("logf", "the same for float32", atanh_rest, 0, S2, 3, lambda z: z),
    Poly("logpow", "the same, for pow of float32", atanh_rest, 0, S2, 4, lambda z: z),
    Poly("logdd", "(atanh(s)/s - 1 - z/3)/z^2 in z = s^2", lambda z: (atanh_rest(z) - mpf(1) / 3) / at(z) if z > 2**-60 else mpf(1) / 5,
         0, S2, 6, lambda z: z * z),
    Poly("sin", "(sin(r) - r)/r^3 in z = r^2, |r| <= pi/4", sin_rest, 0, QUARTER**2, 5, lambda z: z),
    Poly("sinf", "the same for float32", sin_rest, 0, QUARTER**2, 3, lambda z: z),
    Poly("cos", "(cos(r) - 1 + z/2)/z^2 in z = r^2, |r| <= pi/4", cos_rest, 0, QUARTER**2, 5, lambda z: z * z),
    Poly("cosf", "the same for float32", cos_rest, 0, QUARTER**2, 2, lambda z: z * z),
    Poly("atan", "(atan(q) - q)/q^3 in z = q^2, |q| <= tan(pi/8)", atan_rest, 0, T2, 10, lambda z: z),
    Poly("atanf", "the same for float32", atan_rest, 0, T2, 5, lambda z: z),
    Poly("lgamma", "lgamma(2+d)/d^3 - (1-gamma)/d^2 - trigamma(2)/(2d), |d| <= 1/2", lgamma_rest, mpf(-1) / 2, mpf(1) / 2, 15, lambda d: d * d),
    Poly("stirling", "(lgamma(x) - (x-1/2) log x + x - log(2 pi)/2)/w in w = 1/x <= 0.4", stirling, 0, mpf(2) / 5, 12,
         lambda w: w / mp.loggamma(1 / w) if w > mpf(1) / 1000 else mpf(10) ** -7),
    Poly("psi", "(log x - w/2 - digamma(x))/w^2 in w = 1/x <= 1/2", psi, 0, mpf(1) / 2, 15,
         lambda w: w * w / mp.digamma(1 / w) if w > mpf(1) / 1000 else mpf(10) ** -7),
    Poly("psi1", "(trigamma(x) - w - w^2/2)/w^3 in w = 1/x <= 1/2", psi1, 0, mpf(1) / 2, 16, lambda w: w * w / (1 + w / 2 + w * w / 6)),
    Poly("erf", "erf(x)/x - 1 in z = x^2, |x| <= 1/2", sq(lambda x: mp.erf(x) / x - 1), 0, mpf(1) / 4, 8),
    Poly("erfc", "((1+2a) exp(a^2) erfc(a) - erfcMid)/t in t = (a-4)/(a+4), 1/2 <= a <= 27.5",
         lambda t: (erfc_t(at(t)) - ERFC_MID) / at(t), -7 * mpf(1) / 9, 47 * mpf(1) / 63, 20, lambda t: t),
]


def pair(name, x, first=53):
    hi = rounded(x, first)
    return [(name + "Hi", hi), (name + "Lo", rounded(x - hi))]


def consts():
    c = [("log2e", rounded(1 / mp.log(2)))]
    c += pair("ln2", mp.log(2))
    c += pair("ln2Short", mp.log(2), 42)  # k*ln2ShortHi is exact for |k| < 2^11
    c += pair("invLn2", 1 / mp.log(2))
    c += pair("invLn10", 1 / mp.log(10))
    c += [("sqrtHalf", rounded(mp.sqrt(mpf(1) / 2)))]
    c += [("twoOverPi", rounded(2 / mp.pi))]
    p1 = rounded(mp.pi / 2)
    p2 = rounded(mp.pi / 2 - p1)
    c += [("pio2a", p1), ("pio2b", p2), ("pio2c", rounded(mp.pi / 2 - p1 - p2))]
    c += pair("pi", mp.pi) + pair("pio4", mp.pi / 4) + pair("third", mpf(1) / 3)
    c += [("tanPio8", rounded(mp.tan(mp.pi / 8)))]
    c += pair("stirling", mp.log(2 * mp.pi) / 2 - mpf(1) / 2) + pair("logPi", mp.log(mp.pi))
    c += pair("psiTwo", 1 - mp.euler) + pair("halfPsi1Two", (mp.pi**2 / 6 - 1) / 2) + [("erfcMid", ERFC_MID)]
    return c


def words():
    """The bits of 2/pi after the binary point, in 64-bit words: enough for every float64 exponent."""
    with mp.workprec(64 * 22):
        bits = int(mp.floor(mp.ldexp(2 / mp.pi, 64 * 20)))
    return [(bits >> (64 * (19 - i))) & (2**64 - 1) for i in range(20)]


def hexf(x):
    return float(x).hex().replace("0x1.0000000000000p", "0x1p")


def upper(name):
    out = ""
    for ch in name:
        out += "_" + ch if ch.isupper() else ch.upper()
    return "CT_" + out


HEAD = "Generated by gen/coef.py; DO NOT EDIT."


def chains(c):
    """The even and the odd coefficients, highest first: two Horner chains in x^2 halve the latency of one."""
    return list(reversed(c[0::2])), list(reversed(c[1::2]))


def c_poly(name, doc, c):
    even, odd = chains(c)
    s = [f"/* {doc} */", f"CT_FN double ct_p_{name}(double x) {{", "    double z = x * x;"]
    for v, chain in (("e", even), ("o", odd)):
        s.append(f"    double {v} = {hexf(chain[0])};")
        s += [f"    {v} = fma({v}, z, {hexf(a)});" for a in chain[1:]]
    return s + ["    return fma(o, x, e);", "}", ""]


def go_poly(name, doc, c):
    even, odd = chains(c)
    fn = "p" + name[0].upper() + name[1:]

    def nest(chain):
        expr = hexf(chain[0])
        for a in chain[1:]:
            expr = f"math.FMA({expr}, z, {hexf(a)})"
        return expr

    return [f"// {fn}: {doc}", f"func {fn}(x float64) float64 {{", "\tz := float64(x * x)",
            f"\treturn math.FMA({nest(odd)}, x,", f"\t\t{nest(even)})", "}", ""]


def bernoulli_terms():
    """B_2j/(2j)! in double-double, for the Euler-Maclaurin sum."""
    out = []
    for j in range(1, 15):
        x = bernoulli(2 * j) / mp.factorial(2 * j)
        hi = rounded(x)
        out.append((hi, rounded(x - hi)))
    return out


def sin_taylor():
    """(-1)^k/(2k+1)! and (-1)^k/(2k)! in double-double."""
    rows = []
    for k in range(16):
        row = []
        for m in (2 * k + 1, 2 * k):
            x = (-1) ** k / mp.factorial(m)
            hi = rounded(x)
            row += [hi, rounded(x - hi)]
        rows.append(row)
    return rows


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    c = [f"/* {HEAD} Constants and minimax polynomials of vmath. */", "#ifndef CT_COEF_H", "#define CT_COEF_H", ""]
    g = [f"// Code generated by gen/coef.py; DO NOT EDIT.", "", "package vmath", "", 'import "math"', "", "const ("]
    for name, x in consts():
        c.append(f"#define {upper(name)} {hexf(x)}")
        g.append(f"\t{name} = {hexf(x)}")
    c.append("")
    g += [")", ""]

    c += ["/* The bits of 2/pi after the binary point. */", "CT_DATA uint64_t ct_two_over_pi[20] = {"]
    g += ["// twoOverPiBits holds the bits of 2/pi after the binary point.", "var twoOverPiBits = [20]uint64{"]
    w = words()
    for i in range(0, 20, 4):
        c.append("    " + " ".join(f"0x{x:016x}ULL," for x in w[i : i + 4]))
        g.append("\t" + " ".join(f"0x{x:016x}," for x in w[i : i + 4]))
    c += ["};", ""]
    g += ["}", ""]

    c += ["/* B_2j/(2j)! for j >= 1, high and low parts. */", "CT_DATA double ct_bernoulli[14][2] = {"]
    g += ["// bernoulli holds B_2j/(2j)! for j >= 1, high and low parts.", "var bernoulli = [14][2]float64{"]
    for hi, lo in bernoulli_terms():
        c.append(f"    {{{hexf(hi)}, {hexf(lo)}}},")
        g.append(f"\t{{{hexf(hi)}, {hexf(lo)}}},")
    c += ["};", ""]
    g += ["}", ""]

    c += ["/* (-1)^k/(2k+1)! and (-1)^k/(2k)!, high and low parts. */", "CT_DATA double ct_taylor[16][4] = {"]
    g += ["// taylor holds (-1)^k/(2k+1)! and (-1)^k/(2k)!, high and low parts.", "var taylor = [16][4]float64{"]
    for row in sin_taylor():
        c.append("    {" + ", ".join(hexf(x) for x in row) + "},")
        g.append("\t{" + ", ".join(hexf(x) for x in row) + "},")
    c += ["};", ""]
    g += ["}", ""]

    for p in POLYS:
        coef, err = fit_rounded(p.f, p.lo, p.hi, p.degree, p.weight)
        print(f"{p.name:10s} degree {p.degree:2d}  error 2^{float(mp.log(err, 2)):7.2f}", flush=True)
        c += c_poly(p.name, p.doc, coef)
        g += go_poly(p.name, p.doc, coef)

    c.append("#endif")
    with open(os.path.join(here, "..", "coef.h"), "w") as f:
        f.write("\n".join(c) + "\n")
    with open(os.path.join(here, "..", "coef.go"), "w") as f:
        f.write("\n".join(g).rstrip("\n") + "\n")
    subprocess.run(["gofmt", "-w", f.name], check=True)


if __name__ == "__main__":
    main()
