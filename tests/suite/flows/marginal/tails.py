"""Prints tails.txt: z, the logarithm of ∂z/∂x, and the derivative of that, by mpmath.

    python3 tests/suite/flows/marginal/tails.py > tests/suite/flows/marginal/tails.txt
"""

from mpmath import diff, erfc, exp, findroot, log, mp, mpf, nstr, pi, sqrt

mp.dps = 420

# Of each dimension: logits, locations, log-scales, as the test has them.
DIMENSIONS = [
    ([0.5, -1.0, 0.25], [-1.5, 0.5, 2.0], [-0.5, 0.25, -1.0]),
    ([0.0, 0.75], [-20.0, 20.0], [-1.0, -0.5]),
    ([-0.25, 0.5], [0.0, 0.125], [-6.0, 1.5]),
]
# Places, as multiples of a scale: out to |z| of 37 and beyond, about F = 1/2, and between.
PLACES = [
    "-750", "-687.5", "-640", "-300", "-65.0", "-64.0", "-20", "-5", "-1.25", "-0.25", "0", "0.0625", "0.375", "0.75",
    "1.5", "3", "9", "40", "63.5", "66", "250", "645", "660", "720", "1000",
]


def ncdf(z):
    return erfc(-z / sqrt(2)) / 2


def mixture(dimension, x):
    """The lighter of F and 1 − F, which of them it is (1 or −1), and f."""
    logits, locations, log_scales = ([mpf(number) for number in part] for part in dimension)
    total = sum(exp(logit) for logit in logits)
    below = above = density = mpf(0)
    for logit, location, log_scale in zip(logits, locations, log_scales):
        u = (x - location) / exp(log_scale)
        low, high = 1 / (1 + exp(-u)), 1 / (1 + exp(u))
        weight = exp(logit) / total
        below, above = below + weight * low, above + weight * high
        density += weight / exp(log_scale) * low * high
    return (below, 1, density) if below < above else (above, -1, density)


def latent(dimension, x):
    tail, side, density = mixture(dimension, x)
    start = -sqrt(-2 * log(tail)) if tail < mpf("1e-3") else -sqrt(pi / 2) * (1 - 2 * tail)
    z = findroot(lambda z: log(ncdf(z)) - log(tail), start, tol=mpf(10) ** -200, maxsteps=300)
    log_slope = log(density) + z * z / 2 + log(2 * pi) / 2
    return side * z, log_slope


def bend(dimension, x):
    return diff(lambda x: latent(dimension, x)[1], x, h=mpf(10) ** -90)


def main():
    print("# dimension x z log_slope d(log_slope)/dx")
    for d, dimension in enumerate(DIMENSIONS):
        scale = 2.0 ** round(float(max(dimension[2])))
        for place in PLACES:
            x = mpf(place) * scale
            z, log_slope = latent(dimension, x)
            numbers = [x, z, log_slope, bend(dimension, x)]
            print(d, *(nstr(number, 20) for number in numbers))


main()
