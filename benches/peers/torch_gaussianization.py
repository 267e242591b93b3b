"""A Gaussianization flow in plain PyTorch, written from the definition: five layers of logistic kernels, with reflections
between them."""

import math

import torch
from torch import nn
from torch.nn.functional import logsigmoid

from measure import main, workload

DIMS, LAYERS, KERNELS, REFLECTIONS, BATCH, SAMPLES = 784, 5, 100, 64, 500, 100
CHUNK = 50  # rows at a time: the gradients keep about a dozen [rows, DIMS, KERNELS] tensors per layer


def data():
    return 0.5 * torch.randn(BATCH, DIMS) + 1.5 * torch.randn(BATCH, DIMS).sign()


class Marginal(nn.Module):
    def __init__(self, rows):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(DIMS, KERNELS))
        self.locations = nn.Parameter(rows[:KERNELS].T.clone())
        bandwidth = rows.std(0) * (4 * math.sqrt(math.pi) / (math.pi**4 * KERNELS)) ** 0.2
        self.log_scales = nn.Parameter(bandwidth.log()[:, None].repeat(1, KERNELS))

    def parts(self, x):
        """The logarithms of each kernel's contribution to F and to 1 - F."""
        log_weights = self.logits.log_softmax(1)
        u = (x[:, :, None] - self.locations) * (-self.log_scales).exp()
        return log_weights + logsigmoid(u), log_weights + logsigmoid(-u)

    def forward(self, x):
        left, right = self.parts(x)
        below, above = left.logsumexp(2), right.logsumexp(2)
        density = (left + right - self.logits.log_softmax(1) - self.log_scales).logsumexp(2)
        lighter = torch.minimum(below, above).exp()
        z = torch.special.ndtri(lighter) * torch.where(below < above, 1.0, -1.0)
        return z, (density + 0.5 * z.square() + 0.5 * math.log(2 * math.pi)).sum(1)

    def inverse(self, z):
        """Bisection until the brackets are as narrow as float32 allows."""
        below, above = torch.special.log_ndtr(z), torch.special.log_ndtr(-z)
        own = self.locations.T[None] + self.log_scales.exp().T[None] * (below - above)[:, None]
        low, high = own.amin(1), own.amax(1)
        for _ in range(30):
            middle = 0.5 * (low + high)
            left, right = (part.logsumexp(2) for part in self.parts(middle))
            is_below = torch.where(z <= 0, left < below, right > above)
            low, high = torch.where(is_below, middle, low), torch.where(is_below, high, middle)
        return 0.5 * (low + high)


class Rotation(nn.Module):
    """A product of Householder reflections, one after the other."""

    def __init__(self):
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(REFLECTIONS, DIMS))

    def forward(self, x, back=False):
        units = self.vectors / self.vectors.norm(dim=1, keepdim=True)
        for unit in units if back else units.flip(0):
            x = x - 2 * (x @ unit)[:, None] * unit
        return x


class Flow(nn.Module):
    def __init__(self, rows):
        super().__init__()
        self.layers = nn.ModuleList()
        with torch.no_grad():
            for i in range(LAYERS):
                if i:
                    self.layers.append(Rotation())
                    rows = self.layers[-1](rows)
                self.layers.append(Marginal(rows))
                rows = torch.cat([self.layers[-1](part)[0] for part in rows.split(CHUNK)])

    def log_prob(self, x):
        total = 0.0
        for layer in self.layers:
            if isinstance(layer, Rotation):
                x = layer(x)
            else:
                x, log_det = layer(x)
                total = total + log_det
        return total - 0.5 * x.square().sum(1) - 0.5 * DIMS * math.log(2 * math.pi)

    def sample(self, count):
        x = torch.randn(count, DIMS)
        for layer in reversed(self.layers):
            x = layer(x, back=True) if isinstance(layer, Rotation) else layer.inverse(x)
        return x


@workload("gaussianization_train_b500", lib="torch", warm=1, repeats=7)
def train():
    torch.manual_seed(0)
    batch = data()
    flow = Flow(batch)
    adam = torch.optim.Adam(flow.parameters(), lr=1e-3)

    def step():
        adam.zero_grad(set_to_none=True)
        for rows in batch.split(CHUNK):
            (-flow.log_prob(rows).sum() / BATCH).backward()
        adam.step()

    return step


@workload("gaussianization_sample_100", lib="torch", warm=1, repeats=5)
def sample():
    torch.manual_seed(0)
    flow = Flow(data())

    def step():
        with torch.no_grad():
            flow.sample(SAMPLES)

    return step


if __name__ == "__main__":
    main()
