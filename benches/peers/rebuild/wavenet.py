"""log p(x) of wavenet, from its checkpoint."""

import torch

from blocks import before, mixture, standard_logistic


def wavenet(part, x, channels, skip, c):
    """[batch, T] to [batch, T, outputs]: the outputs of a step depend on the steps before it."""
    names = part.constant("activation"), part.constant("filter"), part.constant("gate")
    assert names == ("relu", "tanh", "sigmoid")
    earlier = lambda h, steps: torch.cat([torch.zeros_like(h[:, :steps]), h[:, :-steps]], 1)[:, : h.shape[1]]
    h, skips, l = part.at("entrance").linear(earlier(x, 1)[..., None]), 0, 0
    while part.has(f"layers.{l}"):
        layer = part.at(f"layers.{l}")
        g = layer.at("gate").linear(torch.cat([h, earlier(h, int(layer.constant("dilation")))], 2))
        if c is not None:
            g = g + layer.at("condition").linear(c)[:, None]
        o = layer.at("out").linear(g[..., :channels].tanh() * g[..., channels:].sigmoid())
        if o.shape[2] > skip:
            h = h + o[..., :channels]
        skips, l = skips + o[..., -skip:], l + 1
    return part.at("head.1").linear(part.at("head.0").linear(skips.relu()).relu())


def log_prob(file, x, c=None):
    part, x, log_det = before(file, x, with_logit=False)
    sizes = file.sizes
    assert part.constant("reads") == "data"
    theta = wavenet(part.at("net"), x, sizes["channels"], sizes["skip"], c)
    z, log_deriv = mixture(part, x, theta)
    return z, standard_logistic(z) + log_deriv.sum(1) + log_det
