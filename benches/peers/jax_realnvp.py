"""RealNVP in the plane: flowjax's own coupling flow, its step compiled by jit."""

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from flowjax.distributions import Normal
from flowjax.flows import coupling_flow
from paramax import NonTrainable, unwrap

from measure import main, workload


@workload("realnvp_2d_train_b256", lib="flowjax", warm=20, repeats=200)
def plane():
    key = jax.random.key(0)
    flow = coupling_flow(key, base_dist=Normal(jnp.zeros(2)), flow_layers=8, nn_width=64, nn_depth=2)
    batch = jax.random.normal(key, (256, 2))
    is_fixed = lambda leaf: isinstance(leaf, NonTrainable)
    params, fixed = eqx.partition(flow, eqx.is_inexact_array, is_leaf=is_fixed)
    adam = optax.adam(1e-3)
    state = params, adam.init(params)

    def loss(params, batch):
        return -unwrap(eqx.combine(params, fixed)).log_prob(batch).mean()

    @jax.jit
    def update(params, moments, batch):
        gradients = jax.grad(loss)(params, batch)
        updates, moments = adam.update(gradients, moments, params)
        return optax.apply_updates(params, updates), moments

    def step():
        nonlocal state
        state = jax.block_until_ready(update(*state, batch))

    return step


if __name__ == "__main__":
    main()
