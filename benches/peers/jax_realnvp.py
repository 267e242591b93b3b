"""RealNVP in the plane: flowjax's coupling flow, its training step compiled with jit."""

import jax
import jax.numpy as jnp
from flowjax.distributions import Normal
from flowjax.flows import coupling_flow

from jax_steps import likelihood, train_step
from measure import main, workload


@workload("realnvp_2d_train_b256", lib="flowjax", warm=20, repeats=200)
def plane():
    key = jax.random.key(0)
    flow = coupling_flow(key, base_dist=Normal(jnp.zeros(2)), flow_layers=8, nn_width=64, nn_depth=2)
    batch = jax.random.normal(key, (256, 2))
    params, _, loss = likelihood(flow)
    return train_step(loss, params, batch)


if __name__ == "__main__":
    main()
