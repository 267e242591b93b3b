"""log p(x) of real-nvp over rows and over images, from its checkpoint."""

import torch

from blocks import before, conv, logit, mlp, normalization, squeeze, standard_normal


def affine(layer, x, theta):
    """x under (μ, a), all μ first, with a learned bound for each feature, and each log-derivative."""
    mu, a = theta.chunk(2, 1)
    alpha = layer["factor"].reshape(-1, *[1] * (x.dim() - 2)) * a.tanh()
    return (x - mu) * (-alpha).exp(), -alpha


def of_rows(file, x, c):
    part, x, log_det = before(file, x, with_logit=False)
    sizes = file.sizes["rows"]
    first, step = (sizes["dims"] + 1) // 2, 1 if sizes["norm"] == "none" else 2
    for i in range(sizes["couplings"]):
        layer = part.at(f"layers.{i * step}")
        a, b = x[:, :first], x[:, first:]
        reads_first = layer.constant("reads") == "first half"
        read, changed = (a, b) if reads_first else (b, a)
        theta = mlp(layer.at("net"), read if c is None else torch.cat([read, c], 1))
        changed, log_deriv = affine(layer, changed, theta)
        x = torch.cat([a, changed] if reads_first else [changed, b], 1)
        log_det = log_det + log_deriv.sum(1)
        if step == 2:
            which = (torch.arange(x.shape[1]) >= first) == reads_first
            x, more = normalization(part.at(f"layers.{i * step + 1}"), sizes["norm"], x, which.double())
            log_det = log_det + more
    return x, log_det


def network(part, x, c, blocks):
    assert part.constant("activation") == "relu"
    h = conv(part.at("input"), x)
    if c is not None:
        h = h + part.at("condition").linear(c)[:, :, None, None]
    for j in range(blocks):
        h = h + conv(part.at(f"blocks.{j}.1"), conv(part.at(f"blocks.{j}.0"), h.relu()).relu())
    return conv(part.at("output"), h.relu())


def checkerboard(layer, x, c, blocks):
    row, column = torch.meshgrid(torch.arange(x.shape[2]), torch.arange(x.shape[3]), indexing="ij")
    parity = {"row + column even": 0, "row + column odd": 1}[layer.constant("reads")]
    read = ((row + column) % 2 == parity).double().expand_as(x[0])
    y, log_deriv = affine(layer, x, network(layer.at("net"), x * read, c, blocks))
    return torch.where(read > 0, x, y), (log_deriv * (1 - read)).sum((1, 2, 3)), 1 - read


def halves(layer, x, c, blocks):
    first = (x.shape[1] + 1) // 2
    a, b = x[:, :first], x[:, first:]
    reads_first = layer.constant("reads") == "first half"
    read, changed = (a, b) if reads_first else (b, a)
    changed, log_deriv = affine(layer, changed, network(layer.at("net"), read, c, blocks))
    which = torch.zeros_like(x[0])
    which[first:] = float(reads_first)
    which[:first] = float(not reads_first)
    return torch.cat([a, changed] if reads_first else [changed, b], 1), log_deriv.sum((1, 2, 3)), which


def scale(part, sizes, x, c, squeezes):
    """All latents of one scale and those inside it, flat, with their log-determinant."""
    log_det, at = torch.zeros(len(x)).double(), 0

    def couple(kind, x):
        nonlocal log_det, at
        x, more, which = kind(part.at(f"layers.{at}"), x, c, sizes["blocks"])
        log_det, at = log_det + more, at + 1
        if sizes["norm"] != "none":
            x, more = normalization(part.at(f"layers.{at}"), sizes["norm"], x, which)
            log_det, at = log_det + more, at + 1
        return x

    first, couplings, last = sizes.get("squeeze_first", False), sizes.get("couplings", 3), sizes.get("last", 4)
    if not first:
        ends = squeezes == sizes["squeezes"]
        for _ in range(last if ends else couplings):
            x = couple(checkerboard, x)
        if ends:
            return x.flatten(1), log_det
    x = squeeze(x)
    at += 1
    ends = first and squeezes + 1 == sizes["squeezes"]
    for i in range(last if ends else couplings):
        x = couple(checkerboard if first and i % 2 == 0 else halves, x)
    if ends:
        return x.flatten(1), log_det
    assert part.constant(f"layers.{at}.leaves") == "first half"
    out, rest = x.chunk(2, 1)
    z, more = scale(part.at(f"layers.{at}.rest"), sizes, rest, c, squeezes + 1)
    return torch.cat([out.flatten(1), z], 1), log_det + more


def of_images(file, x, c):
    sizes = file.sizes["images"]
    x, log_det, begin = x.reshape(-1, *sizes["image"]), 0, "layers.1"
    if sizes["logit"] is not None:
        x, log_det = logit(x, file.constant("layers.0.margin"))
        begin = "layers.2"
    z, more = scale(file.at(begin), sizes, x, c, 0)
    return z, log_det + more


def log_prob(file, x, c=None):
    z, log_det = (of_rows if "rows" in file.sizes else of_images)(file, x, c)
    return z, standard_normal(z) + log_det
