"""The posterior, the bound and the decoder of a vae, from its checkpoint."""

import math

import torch
from torch.nn.functional import softplus

from blocks import LN_2PI, conv, logit, made, mlp, normalization, permute, squeeze, standard_logistic, standard_normal
from blocks import shift_and_log_scale, standardize, statistics, unsqueeze


class Vae:
    def __init__(self, file):
        assert file.constant("prior") == "standard normal"
        self.file, self.sizes = file, file.sizes
        self.latents = self.sizes["latents"]

    def bounded(self, a):
        bound = self.file.constant("log_scale_bound")
        return bound * (a / bound).tanh()

    def preprocess(self, x):
        part = self.file.at("preprocessing")
        if self.file.space["kind"] != "images":
            return standardize(x, part.at("layers.0")) if "layers.0.mean" in part else (x, torch.zeros(len(x)).double())
        if self.sizes["likelihood"] == "bernoulli":
            return x, torch.zeros(len(x)).double()
        y, first = logit(x, part.constant("layers.0.margin"))
        y, second = normalization(part.at("layers.1.layers.0"), "act", y)
        return y, first + second

    def undo_preprocessing(self, y):
        part = self.file.at("preprocessing")
        if self.file.space["kind"] != "images":
            if "layers.0.mean" not in part:
                return y
            m, s = statistics(part.at("layers.0"))
            return y * s + m
        norm, margin = part.at("layers.1.layers.0"), part.constant("layers.0.margin")
        s = (y * (-norm["log_scale"]).exp() - norm["shift"]).sigmoid()
        return (s - margin) / (1 - 2 * margin)

    def encode(self, y):
        """μ, log σ, and the features."""
        encoder, j = self.file.at("encoder"), self.latents
        if "dense" in self.sizes["coder"]:
            codes = mlp(encoder, y)
        else:
            h = y.reshape(-1, *self.sizes["image"])
            for i in range(len(self.sizes["coder"]["convolutional"])):
                h = conv(encoder.at(f"convs.{i}"), squeeze(h)).relu()
            codes = encoder.at("output").linear(h.flatten(1))
        return codes[:, :j], self.bounded(codes[:, j : 2 * j]), codes[:, 2 * j :]

    def decode(self, z):
        """The location of each dimension, and its s if the likelihood has one."""
        decoder = self.file.at("decoder")
        if "dense" in self.sizes["coder"]:
            parameters = mlp(decoder, z)
        else:
            channels, (_, height, width) = self.sizes["coder"]["convolutional"], self.sizes["image"]
            m = len(channels)
            h = decoder.at("input").linear(z).reshape(-1, channels[-1], height >> m, width >> m)
            for i in range(m):
                h = unsqueeze(conv(decoder.at(f"convs.{i}"), h.relu()))
            parameters = h.flatten(1)
        dims = math.prod(self.sizes["image"])
        return parameters[:, :dims], self.bounded(parameters[:, dims:])

    def likelihood(self, y, z):
        location, s = self.decode(z)
        kind = self.sizes["likelihood"]
        if kind == "bernoulli":
            return (y * location - softplus(location)).sum(1)
        if isinstance(kind, dict):
            s = torch.full_like(location, math.log(kind["fixed-gaussian"]["std"]))
        base = standard_logistic if kind == "logistic" else standard_normal
        return base((y - location) * (-s).exp()) - s.sum(1)

    def refine(self, z, features):
        """z₀ to z, with log|det ∂z/∂z₀|."""
        log_det, refinement = torch.zeros(len(z)).double(), self.sizes["refinement"]
        if refinement == "none":
            return z, log_det
        part = self.file.at("posterior")
        if "planar" in refinement:
            for i in reversed(range(refinement["planar"]["layers"])):
                z, more = planar(part.at(f"layers.{i}"), z, features)
                log_det = log_det + more
            return z, log_det
        sizes = refinement["iaf"]
        for i in reversed(range(sizes["layers"])):
            layer = part.at(f"layers.{2 * i}")
            mu, alpha = shift_and_log_scale(layer, made(layer.at("net"), z, sizes["hidden"], 2, features))
            z, log_det = z * alpha.exp() + mu, log_det + alpha.sum(1)
            if i > 0:
                # A reversal is its own inverse.
                z = permute(part.at(f"layers.{2 * i - 1}"), z)
        return z, log_det

    def bound(self, x, noise):
        """log p(y | z) + log|det| − log q(z | x) + log p(z) for one ε a row."""
        y, log_det = self.preprocess(x)
        mu, log_sigma, features = self.encode(y)
        z0 = mu + log_sigma.exp() * noise
        z, refined = self.refine(z0, features)
        log_q = standard_normal(noise) - log_sigma.sum(1) - refined
        return self.likelihood(y, z) + log_det - log_q + standard_normal(z)

    def divergence(self, x):
        """KL(q ‖ N(0, I)) of the unrefined posterior."""
        mu, log_sigma, _ = self.encode(self.preprocess(x)[0])
        return 0.5 * (mu**2 + (2 * log_sigma).exp() - 1 - 2 * log_sigma).sum(1)

    def center(self, x):
        """z for ε = 0, as zoo encode gives it."""
        mu, _, features = self.encode(self.preprocess(x)[0])
        return self.refine(mu, features)[0]

    def mean(self, z):
        """The mean of p(x | z), as zoo decode gives it."""
        location, _ = self.decode(z)
        return location.sigmoid() if self.sizes["likelihood"] == "bernoulli" else self.undo_preprocessing(location)

    def estimate(self, x, draws):
        """The importance-sampled log p(x) of one row, with its standard error."""
        torch.manual_seed(0)
        parts = [self.bound(x.expand(1000, -1), torch.randn(1000, self.latents).double()) for _ in range(draws // 1000)]
        w = torch.cat(parts)
        weights = (w - w.max()).exp()
        error = weights.std() / weights.mean() / len(w) ** 0.5
        return (w.logsumexp(0) - math.log(len(w))).item(), error.item()


def planar(part, z, features):
    dims = z.shape[1]
    own = part.at("condition").linear(features)
    w, u, b = part["w"] + own[:, :dims], part["u"] + own[:, dims : 2 * dims], part["b"] + own[:, 2 * dims]
    wu = (w * u).sum(1)
    r = softplus(wu.clamp(min=-part.constant("steepest")))
    u_hat = u + ((r - 1 - wu) / w.square().sum(1))[:, None] * w
    tanh = ((w * z).sum(1) + b).tanh()
    return z + u_hat * tanh[:, None], (tanh**2 + (1 - tanh**2) * r).log()
