"""RealNVP: nflows' couplings in the plane, and the multi-scale image model in plain PyTorch."""

import torch
from nflows import distributions, flows, transforms
from torch import nn

from measure import main, workload


def train_step(parameters, loss):
    adam = torch.optim.Adam(parameters, lr=1e-3)

    def step():
        adam.zero_grad(set_to_none=True)
        loss().backward()
        adam.step()

    return step


class Conditioner(nn.Module):
    """Two hidden layers of 64, with the signature that nflows expects of a coupling's network."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs)
        )

    def forward(self, x, context=None):
        return self.layers(x)


@workload("realnvp_2d_train_b256", lib="nflows", warm=20, repeats=200)
def plane():
    torch.manual_seed(0)
    masks = (torch.tensor([i % 2, 1 - i % 2]) for i in range(8))
    couplings = [transforms.AffineCouplingTransform(mask, Conditioner) for mask in masks]
    flow = flows.Flow(transforms.CompositeTransform(couplings), distributions.StandardNormal([2]))
    batch = torch.randn(256, 2)
    return train_step(flow.parameters(), lambda: -flow.log_prob(batch).mean())


CHANNELS, BLOCKS = 64, 4


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = (nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(2))

    def forward(self, h):
        return h + self.second(torch.relu(self.first(torch.relu(h))))


def network(inputs, outputs):
    blocks = [Block() for _ in range(BLOCKS)]
    first, last = nn.Conv2d(inputs, CHANNELS, 3, padding=1), nn.Conv2d(CHANNELS, outputs, 1)
    return nn.Sequential(first, *blocks, nn.ReLU(), last)


class Coupling(nn.Module):
    """Reads the pixels where the mask is 1 and changes those where it is 0."""

    def __init__(self, mask):
        super().__init__()
        channels = mask.shape[0]
        self.net, self.factor = network(channels, 2 * channels), nn.Parameter(torch.ones(1))
        self.register_buffer("mask", mask)

    def coefficients(self, x):
        a, mu = self.net(x * self.mask).chunk(2, dim=1)
        return self.factor * torch.tanh(a) * (1 - self.mask), mu * (1 - self.mask)

    def forward(self, x):
        alpha, mu = self.coefficients(x)
        return (x - mu) * torch.exp(-alpha), -alpha.flatten(1).sum(1)

    def inverse(self, z):
        alpha, mu = self.coefficients(z)
        return z * torch.exp(alpha) + mu


def checkerboard(size, layer):
    return ((torch.arange(size)[:, None] + torch.arange(size) + layer + 1) % 2).float()[None]


def channels(layer):
    return torch.tensor([1.0, 1.0, 0.0, 0.0] if layer % 2 == 0 else [0.0, 0.0, 1.0, 1.0])[:, None, None]


class RealNVP(nn.Module):
    """1×28×28: 3 checkerboard couplings, squeeze, 3 channel-wise couplings, half factored out, 4 checkerboard couplings."""

    def __init__(self):
        super().__init__()
        self.large = nn.ModuleList(Coupling(checkerboard(28, i)) for i in range(3))
        self.deep = nn.ModuleList(Coupling(channels(i)) for i in range(3))
        self.last = nn.ModuleList(Coupling(checkerboard(14, i).expand(2, -1, -1)) for i in range(4))

    def log_prob(self, x):
        log_det = 0.0
        for coupling in self.large:
            x, part = coupling(x)
            log_det = log_det + part
        x = nn.functional.pixel_unshuffle(x, 2)
        for coupling in self.deep:
            x, part = coupling(x)
            log_det = log_det + part
        early, x = x.chunk(2, dim=1)
        for coupling in self.last:
            x, part = coupling(x)
            log_det = log_det + part
        z = torch.cat([early, x], dim=1).flatten(1)
        return log_det - 0.5 * z.square().sum(1)

    def sample(self, count):
        early, x = torch.randn(count, 4, 14, 14).chunk(2, dim=1)
        for coupling in reversed(self.last):
            x = coupling.inverse(x)
        x = torch.cat([early, x], dim=1)
        for coupling in reversed(self.deep):
            x = coupling.inverse(x)
        x = nn.functional.pixel_shuffle(x, 2)
        for coupling in reversed(self.large):
            x = coupling.inverse(x)
        return x


@workload("realnvp_mnist_train_b32", lib="torch", warm=1, repeats=7)
def images():
    torch.manual_seed(0)
    model, batch = RealNVP(), torch.randn(32, 1, 28, 28)
    return train_step(model.parameters(), lambda: -model.log_prob(batch).mean())


@workload("realnvp_mnist_sample_1000", lib="torch", warm=1, repeats=3)
def samples():
    torch.manual_seed(0)
    model = RealNVP()

    def step():
        with torch.no_grad():
            model.sample(1000)

    return step


if __name__ == "__main__":
    main()
