"""RealNVP in the plane: flowjax's coupling flow with affine transformers, its step compiled by jit."""

import equinox as eqx
import flowjax.bijections as bijections
import jax
import optax
from flowjax.distributions import Normal, Transformed

from measure import main, workload


def coupling(key, layer):
    """An affine coupling of the plane; every second one changes the other coordinate."""
    inner = bijections.Coupling(
        key, transformer=bijections.Affine(), untransformed_dim=1, dim=2, nn_width=64, nn_depth=2
    )
    return bijections.Chain([inner, bijections.Flip((2,))])


@workload("realnvp_2d_train_b256", lib="flowjax", warm=20, repeats=200)
def plane():
    keys = jax.random.split(jax.random.key(0), 9)
    chain = bijections.Invert(bijections.Chain([coupling(key, i) for i, key in enumerate(keys[:8])]))
    flow = Transformed(Normal(jax.numpy.zeros(2)), chain)
    batch = jax.random.normal(keys[8], (256, 2))
    params, static = eqx.partition(flow, eqx.is_inexact_array)
    adam = optax.adam(1e-3)
    state = params, adam.init(params)

    @jax.jit
    def update(params, moments):
        loss = lambda params: -eqx.combine(params, static).log_prob(batch).mean()
        gradients = jax.grad(loss)(params)
        updates, moments = adam.update(gradients, moments, params)
        return optax.apply_updates(params, updates), moments

    def step():
        nonlocal state
        state = jax.block_until_ready(update(*state))

    return step


if __name__ == "__main__":
    main()
