"""The numbers that scenarios are computed of, as bench/large.go makes them: each library
makes its own, by its own arange and floor, of which nothing but double precision is asked."""

import math

GOLDEN = 0.6180339887498949
CAMERA = [0.1, -0.2, 0.05, 0.1, 0.2, -0.5, 500, 320, 240, 0.02, -0.003]
POINT, WEIGHT, FEATURE = [0.3, -0.2, 4], 0.9, [350, 230]
BRUSSELATOR = (3.4, 1)  # A and B


def spread(seed, scale, shape, arange, floor):
    """Fractions of multiples of the golden ratio, times scale."""
    n = 1
    for s in shape:
        n *= s
    x = (arange(n) + (1 + 10007 * seed)) * GOLDEN
    return ((x - floor(x)) * scale).reshape(shape)


def cameras_and_points(p):
    """How many of each p observations are of."""
    return max(2, 49 * p // 31843), max(2, 7776 * p // 31843)


# A colouring of the points of a periodic grid in which a point and its four neighbours
# have five colours, where 5 divides the grid's size. Two substances take ten.
def colors(i, j, n):
    if n % 5:
        raise ValueError(f"5 does not divide {n}")
    return (i + 2 * j) % 5


def constant(n, d, k):
    """The part of a mixture's objective that depends on no variable, of a Wishart prior
    with gamma 1 and m 0."""
    log_gamma = d * (d - 1) / 4 * math.log(math.pi) + sum(math.lgamma((d + 1 - j) / 2) for j in range(d))
    return -n * d / 2 * math.log(2 * math.pi) + k * (-(d + 1) * d * math.log(math.sqrt(2)) - log_gamma)
