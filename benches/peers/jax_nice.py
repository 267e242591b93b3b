"""NICE in plain JAX, compiled with jit, trained by optax's Adam."""

import jax
import jax.numpy as jnp

from jax_steps import train_step
from measure import main, workload

BATCH, DIMS, WIDTH, HIDDEN, COUPLINGS = 128, 784, 1000, 5, 4


def network(layers, h):
    for weight, bias in layers[:-1]:
        h = jax.nn.relu(h @ weight + bias)
    weight, bias = layers[-1]
    return h @ weight + bias


def nice_loss(params, x):
    """The mean of −log p(x): the halves are the even and the odd dimensions, the prior is logistic."""
    even, odd = x[:, 0::2], x[:, 1::2]
    for i, layers in enumerate(params["couplings"]):
        if i % 2 == 0:
            odd = odd + network(layers, even)
        else:
            even = even + network(layers, odd)
    z = jnp.concatenate([even, odd], axis=1) * jnp.exp(params["scale"])
    nats = jnp.sum(jax.nn.softplus(z) + jax.nn.softplus(-z), axis=1)
    return jnp.mean(nats) - jnp.sum(params["scale"])


@workload("nice_mnist_train_b128", lib="jax", warm=3, repeats=15)
def nice():
    widths = [DIMS // 2] + [WIDTH] * HIDDEN + [DIMS // 2]
    keys = iter(jax.random.split(jax.random.key(0), COUPLINGS * (HIDDEN + 1) + 1))

    def linear(inputs, outputs):
        weight = 0.1 * (2 / inputs) ** 0.5 * jax.random.normal(next(keys), (inputs, outputs))
        return weight, jnp.zeros(outputs)

    couplings = [[linear(*pair) for pair in zip(widths, widths[1:])] for _ in range(COUPLINGS)]
    batch = jax.random.uniform(next(keys), (BATCH, DIMS))
    return train_step(nice_loss, {"couplings": couplings, "scale": jnp.zeros(DIMS)}, batch)


if __name__ == "__main__":
    main()
