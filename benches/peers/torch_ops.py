"""Single operations in PyTorch: products, a dense layer, a convolution, element-wise functions."""

import torch
from torch import nn

from measure import main, workload


def forward_backward(layer, function, x):
    """function(x), and the vector–Jacobian product of ones by x and by the layer's parameters, into new tensors."""
    wanted = [x.requires_grad_(), *layer.parameters()]

    def step():
        y = function(x)
        torch.autograd.grad(y, wanted, torch.ones_like(y))

    return step


def without_gradients(function, *inputs):
    def step():
        with torch.no_grad():
            function(*inputs)

    return step


@workload("gemm_peak_1024", lib="torch", warm=5, repeats=30)
def gemm_peak():
    return without_gradients(torch.matmul, torch.randn(1024, 1024), torch.randn(1024, 1024))


@workload("linear1000_relu_b128_fwdbwd", lib="torch", warm=5, repeats=60)
def linear():
    layer = nn.Linear(1000, 1000)
    return forward_backward(layer, lambda x: torch.relu(layer(x)), torch.randn(128, 1000))


@workload("linear_784_1024_b100_fwdbwd", lib="torch", warm=5, repeats=100)
def linear_without_bias():
    layer = nn.Linear(784, 1024, bias=False)
    return forward_backward(layer, layer, torch.randn(100, 784))


def convolution():
    return nn.Conv2d(64, 64, 3, padding=1), torch.randn(32, 64, 28, 28)


@workload("conv3x3_64_28_b32_fwd", lib="torch", warm=3, repeats=30)
def conv_forward():
    return without_gradients(*convolution())


@workload("conv3x3_64_28_b32_fwdbwd", lib="torch", warm=3, repeats=30)
def conv_forward_backward():
    layer, x = convolution()
    return forward_backward(layer, layer, x)


FUNCTIONS = {
    "exp": torch.exp,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "softplus": nn.functional.softplus,
}

for name, function in FUNCTIONS.items():

    @workload(f"map_{name}_1m", lib="torch", warm=5, repeats=60)
    def elementwise(function=function):
        return without_gradients(function, torch.randn(1_000_000))


if __name__ == "__main__":
    main()
