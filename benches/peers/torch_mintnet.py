"""MintNet in plain PyTorch: a training step at the paper's MNIST configuration, and the authors' fixed point."""

import torch
from torch import nn
from torch.nn.functional import conv2d, elu, pixel_shuffle, pixel_unshuffle, softplus

from measure import main, workload

BATCH, STEP, ITERATIONS = 32, 1 / 3.5, 100


def mask(outputs, inputs, channels, mirrored):
    """A unit sees every tap of earlier channels, and of its own channel the taps up to the center."""
    to = torch.arange(outputs)[:, None] * channels // outputs
    source = torch.arange(inputs) * channels // inputs
    sees = torch.zeros(outputs, inputs, 9)
    sees[source < to] = 1.0
    sees[source == to] = torch.tensor([1.0] * 5 + [0.0] * 4)
    sees = sees.view(outputs, inputs, 3, 3)
    return sees.flip(0, 1, 2, 3) if mirrored else sees


class Layer(nn.Module):
    """z = t·x + W₃⋆h(W₂⋆h(W₁⋆x + b₁) + b₂) + b₃ under one mask."""

    def __init__(self, image, branches, mirrored, gain):
        super().__init__()
        channels = image[0]
        hidden = branches * channels
        sizes = [(hidden, channels), (hidden, hidden), (channels, hidden)]
        draw = lambda outputs, inputs: torch.randn(outputs, inputs, 3, 3) * gain * (2 / (9 * inputs)) ** 0.5
        self.weights = nn.ParameterList(draw(*size) for size in sizes)
        self.biases = nn.ParameterList(torch.zeros(outputs) for outputs, _ in sizes)
        self.scale = nn.Parameter(torch.full(image, 1.0).expm1().log())
        for i, size in enumerate(sizes):
            self.register_buffer(f"mask{i}", mask(*size, channels, mirrored))
        unit = torch.arange(hidden) // branches
        self.register_buffer("own", (unit[:, None] == unit).float())
        self.register_buffer("owner", torch.nn.functional.one_hot(unit, channels).float())

    def ready(self):
        """The masked weights with corrected signs, their center taps within each channel, and t."""
        first, second, third = (w * getattr(self, f"mask{i}") for i, w in enumerate(self.weights))
        sign = lambda w: torch.where(w >= 0, 1.0, -1.0)
        into = (first[:, :, 1, 1] * self.owner).sum(1)
        out = (third[:, :, 1, 1] * self.owner.t()).sum(0)
        center = second[:, :, 1, 1]
        signs = sign(into) * sign(out)[:, None] * sign(center)
        factor = torch.where(self.own > 0, signs, 1.0).detach()
        second = torch.cat([second.flatten(2)[:, :, :4], (center * factor)[:, :, None], second.flatten(2)[:, :, 5:]], 2)
        second = second.view(self.weights[1].shape)
        centers = into, second[:, :, 1, 1] * self.own, out[:, None] * self.owner
        return (first, second, third), centers, softplus(self.scale)

    def forward(self, x, ready=None):
        (first, second, third), (into, between, out), t = ready or self.ready()
        a1 = conv2d(x, first, self.biases[0], padding=1)
        a2 = conv2d(elu(a1), second, self.biases[1], padding=1)
        z = t * x + conv2d(elu(a2), third, self.biases[2], padding=1)
        slope1, slope2 = (a.clamp(max=0).exp() for a in (a1, a2))
        d = slope2 * conv2d(slope1 * into[:, None, None], between[:, :, None, None])
        return z, conv2d(d, out.t()[:, :, None, None]) + t

    def inverse(self, z):
        ready = self.ready()
        x = z / ready[2]
        for _ in range(ITERATIONS):
            found, diagonal = self(x, ready)
            x = x + STEP * (z - found) / diagonal
        return x


class MintNet(nn.Module):
    """20 pairs of masks A and B, squeezed before pairs 6 and 12."""

    def __init__(self, gain):
        super().__init__()
        scales = [((1, 28, 28), 45, 6), ((4, 14, 14), 11, 6), ((16, 7, 7), 2, 8)]
        self.scales = nn.ModuleList(
            nn.ModuleList(Layer(image, branches, mirrored, gain) for _ in range(pairs) for mirrored in (False, True))
            for image, branches, pairs in scales
        )

    def log_prob(self, x):
        log_det = 0.0
        for i, layers in enumerate(self.scales):
            x = pixel_unshuffle(x, 2) if i else x
            for layer in layers:
                x, diagonal = layer(x)
                log_det = log_det + diagonal.log().flatten(1).sum(1)
        return log_det - 0.5 * x.square().flatten(1).sum(1)

    def inverse(self, z):
        z = pixel_unshuffle(pixel_unshuffle(z, 2), 2)
        for i, layers in reversed(list(enumerate(self.scales))):
            for layer in reversed(layers):
                z = layer.inverse(z)
            z = pixel_shuffle(z, 2) if i else z
        return z


@workload("mintnet_mnist_train_b32", lib="torch", warm=1, repeats=5)
def train():
    torch.manual_seed(0)
    model, batch = MintNet(gain=0.005), torch.randn(BATCH, 1, 28, 28)
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, amsgrad=True)

    def step():
        adam.zero_grad(set_to_none=True)
        (-model.log_prob(batch).mean()).backward()
        adam.step()

    return step


@workload("mintnet_mnist_sample_32", lib="torch", warm=0, repeats=1)
def sample():
    torch.manual_seed(0)
    model = MintNet(gain=0.3)

    def step():
        with torch.no_grad():
            model.inverse(torch.randn(BATCH, 1, 28, 28))

    return step


if __name__ == "__main__":
    main()
