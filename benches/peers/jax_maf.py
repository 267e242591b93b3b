"""MAF with MNIST's dimensions: flowjax's masked autoregressive flow, compiled with jit."""

import equinox as eqx
import jax
import jax.numpy as jnp
from flowjax.bijections import Affine
from flowjax.distributions import Normal
from flowjax.flows import masked_autoregressive_flow
from paramax import unwrap

from jax_steps import likelihood, train_step
from measure import main, workload

BATCH, DIMS = 100, 784


def flow(invert=True):
    key = jax.random.key(0)
    return masked_autoregressive_flow(
        key, base_dist=Normal(jnp.zeros(DIMS)), transformer=Affine(), flow_layers=5, nn_width=1024, nn_depth=1, invert=invert
    )


@workload("maf_mnist_train_b100", lib="flowjax", warm=2, repeats=20)
def train():
    batch = jax.random.normal(jax.random.key(1), (BATCH, DIMS))
    params, _, loss = likelihood(flow())
    return train_step(loss, params, batch)


@workload("maf_mnist_sample_100", lib="flowjax", warm=1, repeats=3)
def sample():
    model, key = flow(), jax.random.key(1)
    draw = eqx.filter_jit(lambda model, key: unwrap(model).sample(key, (BATCH,)))
    return lambda: jax.block_until_ready(draw(model, key))


@workload("iaf_mnist_density_100", lib="flowjax", warm=1, repeats=3)
def density():
    model, batch = flow(invert=False), jax.random.normal(jax.random.key(1), (BATCH, DIMS))
    log_prob = eqx.filter_jit(lambda model, batch: unwrap(model).log_prob(batch))
    return lambda: jax.block_until_ready(log_prob(model, batch))


@workload("iaf_mnist_mle_b100", lib="flowjax", warm=1, repeats=1)
def maximum_likelihood():
    batch = jax.random.normal(jax.random.key(1), (BATCH, DIMS))
    params, _, loss = likelihood(flow(invert=False))
    return train_step(loss, params, batch)


if __name__ == "__main__":
    main()
