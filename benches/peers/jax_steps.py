"""Shared by the JAX peers: a compiled step of optax's Adam, and the trainable part of a flowjax flow."""

import equinox as eqx
import jax
import optax
from paramax import NonTrainable, unwrap


def compiled_update(loss):
    """Adam at 1e-3, and its step (params, moments, batch) → (params, moments), compiled."""
    adam = optax.adam(1e-3)

    @jax.jit
    def update(params, moments, batch):
        gradients = jax.grad(loss)(params, batch)
        updates, moments = adam.update(gradients, moments, params)
        return optax.apply_updates(params, updates), moments

    return adam, update


def train_step(loss, params, batch):
    """A step that keeps the parameters and the optimizer's state. It returns when both are computed."""
    adam, update = compiled_update(loss)
    state = params, adam.init(params)

    def step():
        nonlocal state
        state = jax.block_until_ready(update(*state, batch))

    return step


def likelihood(flow):
    """A flow's trainable parameters, a function from them to the flow, and their loss: the mean of −log p."""
    is_fixed = lambda leaf: isinstance(leaf, NonTrainable)
    params, fixed = eqx.partition(flow, eqx.is_inexact_array, is_leaf=is_fixed)
    rebuild = lambda params: unwrap(eqx.combine(params, fixed))
    return params, rebuild, lambda params, batch: -rebuild(params).log_prob(batch).mean()
