"""NICE in plain PyTorch, run eagerly, trained with PyTorch's Adam."""

import torch
from torch import nn
from torch.nn.functional import softplus

from measure import main, workload

BATCH, DIMS, WIDTH, HIDDEN, COUPLINGS = 128, 784, 1000, 5, 4


class Nice(nn.Module):
    """Additive couplings between even and odd dimensions, a rescaling, a logistic prior."""

    def __init__(self):
        super().__init__()
        self.couplings = nn.ModuleList(self.network() for _ in range(COUPLINGS))
        self.scale = nn.Parameter(torch.zeros(DIMS))

    @staticmethod
    def network():
        layers = [nn.Linear(DIMS // 2, WIDTH), nn.ReLU()]
        for _ in range(HIDDEN - 1):
            layers += [nn.Linear(WIDTH, WIDTH), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(WIDTH, DIMS // 2))

    def log_prob(self, x):
        even, odd = x[:, 0::2], x[:, 1::2]
        for i, network in enumerate(self.couplings):
            if i % 2 == 0:
                odd = odd + network(even)
            else:
                even = even + network(odd)
        z = torch.cat([even, odd], dim=1) * self.scale.exp()
        return self.scale.sum() - (softplus(z) + softplus(-z)).sum(dim=1)


@workload("nice_mnist_train_b128", lib="torch", warm=3, repeats=15)
def nice():
    torch.manual_seed(0)
    batch, model = torch.rand(BATCH, DIMS), Nice()
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step():
        adam.zero_grad(set_to_none=True)
        (-model.log_prob(batch).mean()).backward()
        adam.step()

    return step


if __name__ == "__main__":
    main()
