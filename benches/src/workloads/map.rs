//! Element-wise functions of a million elements, written to another buffer.

use super::{normal, rng};
use crate::{Peer, Repeats, Step, Workload};
use autograd::Var;
use autograd::elementwise::Unary;
use std::hint::black_box;

/// One entry per function.
pub static ALL: [Workload; 5] = [
    entry("map_exp_1m", || step(Unary::Exp)),
    entry("map_tanh_1m", || step(Unary::Tanh)),
    entry("map_erf_1m", || step(Unary::Erf)),
    entry("map_sigmoid_1m", || step(Unary::Sigmoid)),
    entry("map_softplus_1m", || step(Unary::Softplus)),
];

const fn entry(name: &'static str, prepare: fn() -> Step) -> Workload {
    const PEERS: &[Peer] = &[Peer::torch("torch", "torch_ops.py")];
    Workload { name, flops: None, repeats: Repeats { warm: 5, timed: 60 }, peers: PEERS, prepare }
}

fn step(function: Unary) -> Step {
    let x = normal(&[1_000_000], 1.0, &mut rng());
    // The closure keeps a handle to `x`, so the result cannot overwrite it.
    Box::new(move || {
        black_box(Var::from(x.clone()).map(function));
    })
}
