"""flowjax's coupling flow on rows from a file. Prints the mean log-likelihood of the test rows and its standard error.

    PYTHON jax_toys.py TRAIN.npy TEST.npy BATCH SEED
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
from flowjax.distributions import Normal
from flowjax.flows import coupling_flow

from jax_steps import compiled_update, likelihood


def main():
    train, test = np.load(sys.argv[1]), np.load(sys.argv[2])
    batch, key = int(sys.argv[3]), jax.random.key(int(sys.argv[4]))
    flow = coupling_flow(key, base_dist=Normal(jnp.zeros(2)), flow_layers=8, nn_width=64, nn_depth=2)
    params, rebuild, loss = likelihood(flow)
    adam, update = compiled_update(loss)
    moments = adam.init(params)
    for start in range(0, len(train), batch):
        params, moments = update(params, moments, train[start : start + batch])
    nats = np.asarray(rebuild(params).log_prob(test), dtype=np.float64)
    print(f"{nats.mean():.4f} ± {nats.std(ddof=1) / len(nats) ** 0.5:.4f}")


if __name__ == "__main__":
    main()
