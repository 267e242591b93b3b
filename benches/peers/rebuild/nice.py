"""log p(x) of nice, from its checkpoint."""

import torch

from blocks import before, mlp, permute, standard_logistic


def latents(file, x, c):
    part, x, log_det = before(file, x, with_logit=False)
    dims, couplings = file.sizes["dims"], file.sizes["couplings"]
    x = permute(part.at("layers.0"), x)
    first = (dims + 1) // 2
    for i in range(1, couplings + 1):
        layer = part.at(f"layers.{i}")
        a, b = x[:, :first], x[:, first:]
        given = (lambda half: half) if c is None else (lambda half: torch.cat([half, c], 1))
        if layer.constant("reads") == "first half":
            b = b - mlp(layer.at("net"), given(a))
        else:
            a = a - mlp(layer.at("net"), given(b))
        x = torch.cat([a, b], 1)
    s = part[f"layers.{couplings + 1}.log_scale"]
    return x * (-s).exp(), log_det - s.sum()


def log_prob(file, x, c=None):
    z, log_det = latents(file, x, c)
    return z, standard_logistic(z) + log_det
