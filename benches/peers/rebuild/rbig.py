"""log p(x) of rbig with histograms or kernels, from its checkpoint."""

import torch

from blocks import LN_2PI, before, kernel_marginal, standard_normal


def histogram(edges, masses, x):
    """One dimension: z, and log dz/dx."""
    masses = masses / masses.sum()
    bins, widths, middles = masses[1:-1], edges.diff(), (edges[1:] + edges[:-1]) / 2
    p = bins / bins.sum()
    mean = (p * middles).sum()
    s = (p * ((middles - mean) ** 2 + widths**2 / 12)).sum().sqrt()
    b = (torch.searchsorted(edges, x, right=True) - 1).clamp(0, len(bins) - 1)
    part = bins[b] * (x - edges[b]) / widths[b]
    below, above = masses[:-1].cumsum(0), masses.flip(0)[:-1].cumsum(0).flip(0)
    left, right = below[b] + part, above[b] - part
    ndtri = torch.special.ndtri
    z = torch.where(left < right, ndtri(left), -ndtri(right))
    log_deriv = bins[b].log() - widths[b].log() + 0.5 * z**2 + 0.5 * LN_2PI
    tails = (x < edges[0], ndtri(masses[0]), edges[0]), (x >= edges[-1], -ndtri(masses[-1]), edges[-1])
    for beyond, end, edge in tails:
        z = torch.where(beyond, end + (x - edge) / s, z)
        log_deriv = torch.where(beyond, -s.log(), log_deriv)
    return z, log_deriv


def log_prob(file, x, c=None):
    part, x, log_det = before(file, x, with_logit=True)
    sizes = file.sizes["layers"]
    for i in range(sizes["layers"]):
        if i > 0:
            q = part[f"layers.{2 * i - 1}.matrix"]
            for _ in range(2):
                q = q @ (3 * torch.eye(len(q)).double() - q.T @ q) / 2
            x = x @ q.T
        layer = part.at(f"layers.{2 * i}")
        if "kernels" in sizes["marginals"]:
            x, more = kernel_marginal(layer, x)
        else:
            assert layer.constant("tails") == "linear"
            columns = [histogram(*row) for row in zip(layer["edges"], layer["masses"], x.T.contiguous())]
            x, more = torch.stack([z for z, _ in columns], 1), sum(l for _, l in columns)
        log_det = log_det + more
    return x, standard_normal(x) + log_det
