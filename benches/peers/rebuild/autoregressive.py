"""log p(x) of made, maf and iaf, from their checkpoints."""

from blocks import before, in_order, made, mixture, normalization, permute, shift_and_log_scale, standard_normal


def layer_of(layer, x, c, hidden, reads, components):
    """One autoregressive layer from x to z."""
    net = layer.at("net")
    assert layer.constant("reads") == reads
    if layer.constant("map") == "gaussian mixture":
        z, log_deriv = mixture(layer, x, made(net, x, hidden, 3 * components, c))
        return z, log_deriv.sum(1)
    if reads == "data":
        mu, alpha = shift_and_log_scale(layer, made(net, x, hidden, 2, c))
        return (x - mu) * (-alpha).exp(), -alpha.sum(1)
    return in_order(x, lambda z: shift_and_log_scale(layer, made(net, z, hidden, 2, c)))


def latents(part, sizes, x, c, reads):
    log_det, at = 0, 0
    if sizes["order"] != "given":
        x, at = permute(part.at("layers.0"), x), 1
    for i in range(sizes["layers"]):
        if i > 0:
            x, at = permute(part.at(f"layers.{at}"), x), at + 1
        x, more = layer_of(part.at(f"layers.{at}"), x, c, sizes["hidden"], reads, sizes["components"])
        log_det, at = log_det + more, at + 1
        if sizes["norm"] != "none" and part.constant(f"layers.{at - 1}.map") != "gaussian mixture":
            x, more = normalization(part.at(f"layers.{at}"), sizes["norm"], x)
            log_det, at = log_det + more, at + 1
    return x, log_det


def log_prob(file, x, c=None):
    part, x, log_det = before(file, x, with_logit=True)
    reads = "latents" if file.config["model"] == "iaf" else "data"
    z, more = latents(part, file.sizes, x, c, reads)
    return z, standard_normal(z) + log_det + more
