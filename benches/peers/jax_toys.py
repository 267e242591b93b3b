"""flowjax's coupling flow on rows from a file: prints the mean log-likelihood of test rows, and its standard error.

    PYTHON jax_toys.py TRAIN.npy TEST.npy BATCH SEED
"""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from flowjax.distributions import Normal
from flowjax.flows import coupling_flow
from paramax import NonTrainable, unwrap


def main():
    train, test = np.load(sys.argv[1]), np.load(sys.argv[2])
    batch, key = int(sys.argv[3]), jax.random.key(int(sys.argv[4]))
    flow = coupling_flow(key, base_dist=Normal(jnp.zeros(2)), flow_layers=8, nn_width=64, nn_depth=2)
    is_fixed = lambda leaf: isinstance(leaf, NonTrainable)
    params, fixed = eqx.partition(flow, eqx.is_inexact_array, is_leaf=is_fixed)
    adam = optax.adam(1e-3)

    def loss(params, rows):
        return -unwrap(eqx.combine(params, fixed)).log_prob(rows).mean()

    @jax.jit
    def update(params, moments, rows):
        gradients = jax.grad(loss)(params, rows)
        updates, moments = adam.update(gradients, moments, params)
        return optax.apply_updates(params, updates), moments

    moments = adam.init(params)
    for start in range(0, len(train), batch):
        params, moments = update(params, moments, train[start : start + batch])
    nats = np.asarray(unwrap(eqx.combine(params, fixed)).log_prob(test), dtype=np.float64)
    print(f"{nats.mean():.4f} ± {nats.std(ddof=1) / len(nats) ** 0.5:.4f}")


if __name__ == "__main__":
    main()
