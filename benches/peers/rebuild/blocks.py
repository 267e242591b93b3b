"""What several models are made of. Each map returns its result and its log-determinant from x to z."""

import math

import torch
from torch.nn.functional import conv2d, softplus

LN_2PI = math.log(2 * math.pi)


def standard_normal(z):
    return (-0.5 * z**2 - 0.5 * LN_2PI).sum(1)


def standard_logistic(z):
    return -(softplus(z) + softplus(-z)).sum(1)


def logit(x, margin):
    s = margin + (1 - 2 * margin) * x
    y = s.log() - (1 - s).log()
    return y, (softplus(y) + softplus(-y)).flatten(1).sum(1) + x[0].numel() * math.log(1 - 2 * margin)


def statistics(part):
    """m and s of a standardization. A table's have low parts."""
    return [part[name] + (part[name + "_low"] if name + "_low" in part else 0) for name in ("mean", "std")]


def standardize(x, part):
    m, s = statistics(part)
    return (x - m) / s, -s.log().sum().expand(len(x))


def before(file, x, with_logit):
    """What comes before the model: the model's part of the file, and x with its log-determinant."""
    space = file.space
    if space["kind"] == "signal" or space.get("standardized"):
        return file.at("layers.1"), *standardize(x, file.at("layers.0"))
    if space["kind"] == "images" and with_logit:
        return file.at("layers.1"), *logit(x, file.constant("layers.0.margin"))
    return file, x, torch.zeros(len(x)).double()


def mlp(part, x):
    assert part.constant("activation") == "relu"
    count = 0
    while f"{count}.weight" in part:
        x = part.at(count).linear(x.relu() if count else x)
        count += 1
    return x


def made(part, x, hidden, outputs, c):
    """[batch, D] to [batch, D, outputs]."""
    assert part.constant("activation") == "relu"
    dims = x.shape[1]
    degrees = torch.arange(1, dims + 1)
    h = x.sign() * x.abs().log1p() if part.has_constant("input") and part.constant("input") == "symlog" else x
    for layer, width in enumerate(hidden):
        own = torch.tensor([max(1, -(-k * (dims - 1) // width)) for k in range(1, width + 1)])
        h = h @ (part[f"{layer}.weight"] * (degrees <= own[:, None])).T + part[f"{layer}.bias"]
        if layer == 0 and c is not None:
            h = h + part.at("condition.0").linear(c)
        h, degrees = h.relu(), own
    own = torch.arange(1, dims + 1).repeat_interleave(outputs)
    last = len(hidden)
    h = h @ (part[f"{last}.weight"] * (degrees < own[:, None])).T + part[f"{last}.bias"]
    if c is not None:
        h = h + part.at("condition.1" if hidden else "condition.0").linear(c)
    return h.reshape(len(x), dims, outputs)


def shift_and_log_scale(part, theta):
    """μ and α of an affine or a gated map with a fixed bound."""
    first, a = theta[..., 0], theta[..., 1]
    if part.has_constant("bound"):
        lower = upper = part.constant("bound")
    else:
        lower, upper = part.constant("lower"), part.constant("upper")
    a = torch.where(a < 0, lower * (a / lower).tanh(), upper * (a / upper).tanh())
    if part.constant("map") == "gated":
        return (-a).sigmoid() * first, -softplus(-a)
    assert part.constant("map") == "affine"
    return first, a


def mixture(part, x, theta):
    """z, and log dz/dx of each element."""
    bound = part.constant("bound")
    logits, means, a = theta.chunk(3, -1)
    log_scales = bound * (a / bound).tanh()
    log_w, v = logits.log_softmax(-1), (x[..., None] - means) * (-log_scales).exp()
    if part.constant("map") == "gaussian mixture":
        log_cdf, log_density = torch.special.log_ndtr, lambda v: -0.5 * v**2 - 0.5 * LN_2PI
        quantile = lambda log_p: torch.special.ndtri(log_p.exp())
    else:
        log_cdf, log_density = lambda v: -softplus(-v), lambda v: -softplus(v) - softplus(-v)
        quantile = lambda log_p: log_p - (-log_p.expm1()).log()
    below, above = ((log_w + log_cdf(side * v)).logsumexp(-1) for side in (1, -1))
    z = torch.where(below < above, quantile(below), -quantile(above))
    return z, (log_w + log_density(v) - log_scales).logsumexp(-1) - log_density(z)


def kernel_marginal(part, x):
    assert part.constant("kernel") == "logistic"
    log_w, log_h = part["logits"].log_softmax(1), part["log_scales"]
    v = (x[..., None] - part["locations"]) * (-log_h).exp()
    below, above = ((log_w - softplus(-side * v)).logsumexp(-1) for side in (1, -1))
    z = torch.where(below < above, torch.special.ndtri(below.exp()), -torch.special.ndtri(above.exp()))
    log_f = (log_w - softplus(v) - softplus(-v) - log_h).logsumexp(-1)
    return z, (log_f + 0.5 * z**2 + 0.5 * LN_2PI).sum(1)


def normalization(part, kind, x, changed=None):
    """ActNorm or BatchNorm over axis 1, of the elements where `changed` is 1."""
    shaped = lambda p: p.reshape(-1, *[1] * (x.dim() - 2))
    if kind == "act":
        s, y = part["log_scale"], x + shaped(part["shift"])
        y = y * shaped(s).exp()
    else:
        s = part["log_gamma"] - 0.5 * (part["variance"] + part.constant("epsilon")).log()
        y = (x - shaped(part["mean"])) * shaped(s).exp() + shaped(part["beta"])
    changed = torch.ones_like(x[0]) if changed is None else changed
    return torch.where(changed > 0, y, x), (shaped(s) * changed).sum().expand(len(x))


def squeeze(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, 4 * c, h // 2, w // 2)


def unsqueeze(x):
    n, c, h, w = x.shape
    return x.reshape(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)


def conv(part, x):
    weight = part["weight"]
    if "gain" in part:
        weight = weight * (part["gain"] / weight.square().sum((1, 2, 3)).sqrt())[:, None, None, None]
    return conv2d(x, weight, part["bias"], padding=weight.shape[2] // 2)


def permute(part, x):
    return x[:, [int(i) for i in part.constant("order")]]


def in_order(y, parameters):
    """z of an inverse autoregressive layer, dimension by dimension: parameters(z) gives μ and α."""
    z = torch.zeros_like(y)
    for _ in range(y.shape[1]):
        mu, alpha = parameters(z)
        z = (y - mu) * (-alpha).exp()
    return z, -parameters(z)[1].sum(1)


def reflect(v, x):
    """H₁⋯Hₙ·x for rows x."""
    for one in reversed(v):
        x = x - 2 * (x @ one)[:, None] * one / one.square().sum()
    return x
