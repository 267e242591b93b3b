"""Prints tests/suite/engine/special_values.rs: values of the special functions, by mpmath.

    python3 tests/special_values.py > tests/suite/engine/special_values.rs
"""
from mpmath import mp, mpf, exp, log, expm1, erf, erfc, sqrt, pi, tanh, findroot

mp.dps = 400


def ncdf(x):
    return erfc(-x / sqrt(2)) / 2


def log_ncdf(x):
    # The logarithm of what `erfc` gives, which mpmath scales freely; near 1, through the other tail.
    return log(1 - ncdf(-x)) if x > 0 else log(ncdf(x))


def score(x):
    return exp(-x * x / 2 - log(2 * pi) / 2 - log_ncdf(x))


def log1p_exp(x):
    return max(x, mpf(0)) + log(1 + exp(-abs(x)))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def quantile(x):
    if x > -0.5:
        # Φ(z) close to 1: the root of the other tail.
        target = log(-expm1(x))
        return -quantile_left(target)
    return quantile_left(x)


def quantile_left(x):
    start = -sqrt(-2 * x) if x < -2 else mpf("0.6") * (x + mpf("0.69"))
    return findroot(lambda z: log_ncdf(z) - x, start, tol=mpf(10) ** -90)


WIDE = ["-1e4", "-1e3", "-120", "-100", "-38.5", "-36", "-34.5", "-20", "-8.25", "-3", "-1", "-0.5", "-1e-3", "-1e-9",
        "0", "1e-9", "1e-3", "0.5", "1", "3", "8.25", "20", "36", "88", "100", "1e3", "1e4"]
LOGS = ["-1e4", "-1e3", "-100", "-40", "-12.5", "-3", "-1", "-0.75", "-0.6875", "-0.5", "-0.25", "-0.0625", "-1e-3", "-1e-6"]

TABLE = [
    ("SOFTPLUS", WIDE, log1p_exp, sigmoid),
    ("LOG_SIGMOID", WIDE, lambda x: -log1p_exp(-x), lambda x: sigmoid(-x)),
    ("SIGMOID", WIDE, sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    ("TANH", WIDE, tanh, lambda x: 1 - tanh(x) ** 2),
    ("ERF", WIDE, erf, lambda x: 2 / sqrt(pi) * exp(-x * x)),
    ("NORMAL_CDF", WIDE, ncdf, lambda x: exp(-x * x / 2) / sqrt(2 * pi)),
    ("LOG_NORMAL_CDF", WIDE, log_ncdf, score),
    ("NORMAL_SCORE", WIDE, score, lambda x: -score(x) * (x + score(x))),
    ("LOG_NORMAL_QUANTILE", LOGS, quantile, lambda x: 1 / score(quantile(x))),
]


def show(x):
    # Rounded once, from four hundred digits to the nearest f64; what f64 cannot hold is 0.
    text = repr(float(x))
    return text if "e" in text or "." in text else text + ".0"


print("//! Made by `tests/special_values.py` with mpmath, 400 digits: `x`, `f(x)`, `f'(x)`.")
print("#![allow(clippy::approx_constant, reason = \"some values are known constants, and stay as they were computed\")]")
print()
print("/// A row: where, the value, the slope.")
print("pub(super) type Row = (f64, f64, f64);")
for name, points, f, slope in TABLE:
    print()
    print(f"pub(super) const {name}: &[Row] = &[")
    for point in points:
        # The argument that the engine is given is the nearest f64 to what is written.
        x = mpf(float(point))
        print(f"    ({show(x)}, {show(f(x))}, {show(slope(x))}),")
    print("];")
