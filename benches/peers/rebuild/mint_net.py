"""log p(x) of mint-net, from its checkpoint."""

import torch
from torch.nn.functional import conv2d, elu, softplus

from blocks import before, normalization, squeeze, standard_normal, unsqueeze


def masks(mask, channels, outputs, inputs):
    """The taps that are kept, `[outputs, inputs, 3, 3]`, and which pairs of units have the same channel."""
    to, of = (torch.arange(n) * channels // n for n in (outputs, inputs))
    same = to[:, None] == of
    early = torch.arange(9) <= 4 if mask == "A" else torch.arange(9) >= 4
    all_taps = of < to[:, None] if mask == "A" else of > to[:, None]
    kept = all_taps[..., None] | (same[..., None] & early)
    return kept.reshape(outputs, inputs, 3, 3).double(), same.double()


def mint(part, x):
    assert part.constant("activation") == "elu"
    channels, units = x.shape[1], part["0.weight"].shape[0]
    shapes = [(units, channels), (units, units), (channels, units)]
    kept, same = zip(*(masks(part.constant("mask"), channels, *shape) for shape in shapes))
    w1, w2, w3 = (part[f"{i}.weight"] * kept[i] for i in range(3))
    into = (w1[..., 1, 1] * same[0]).sum(1) >= 0
    out_of = (w3[..., 1, 1] * same[2]).sum(0) >= 0
    center = w2[..., 1, 1]
    signed = torch.where(out_of[:, None] == into, center.abs(), -center.abs())
    w2 = w2.clone()
    w2[..., 1, 1] = torch.where(same[1] > 0, signed, center)
    a1 = conv2d(x, w1, part["0.bias"], padding=1)
    a2 = conv2d(elu(a1), w2, part["1.bias"], padding=1)
    t = softplus(part["scale"])
    z = t * x + conv2d(elu(a2), w3, part["2.bias"], padding=1)
    c1, c2, c3 = (w[..., 1, 1] * s for w, s in zip((w1, w2, w3), same))
    slope = lambda a: a.clamp(max=0).exp()
    inner = slope(a1) * c1.sum(1)[:, None, None]
    d = torch.einsum("ol,nlhw->nohw", c3, slope(a2) * torch.einsum("lk,nkhw->nlhw", c2, inner))
    return z, (t + d).log().sum((1, 2, 3))


def log_prob(file, x, c=None):
    part, x, log_det = before(file, x, with_logit=True)
    sizes, at = file.sizes, 0
    if sizes["act_norm"]:
        x, more = normalization(part.at("layers.0"), "act", x)
        log_det, at = log_det + more, 1
    x, at = x.reshape(-1, *sizes["image"]), at + 1
    for i, scale in enumerate(sizes["scales"]):
        if i > 0:
            x, at = squeeze(x), at + 1
        for _ in range(2 * scale["pairs"]):
            x, more = mint(part.at(f"layers.{at}"), x)
            log_det, at = log_det + more, at + 1
    for _ in sizes["scales"][1:]:
        x = unsqueeze(x)
    z = x.flatten(1)
    return z, standard_normal(z) + log_det
