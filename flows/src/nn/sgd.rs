//! Stochastic gradient descent.

use autograd::{Gradients, Param, Real, Tensor, update};

/// Stochastic gradient descent with momentum: `velocity ← momentum·velocity + g`, `p ← p − lr·velocity`.
#[derive(Debug)]
pub struct Sgd<T: Real> {
    params: Vec<Param<T>>,
    velocities: Vec<Tensor<T>>,
    momentum: f64,
    nesterov: bool,
}

impl<T: Real> Sgd<T> {
    /// An optimizer of the trainable parameters among these. Momentum 0 is plain gradient descent; `nesterov` uses the
    /// velocity one step ahead.
    pub fn new(params: Vec<(String, Param<T>)>, momentum: f64, nesterov: bool) -> Self {
        let params: Vec<_> = params.into_iter().map(|(_, param)| param).filter(Param::is_trainable).collect();
        let velocities = params.iter().map(|param| Tensor::zeros(param.shape())).collect();
        Self { params, velocities, momentum, nesterov }
    }

    /// One step with this learning rate.
    pub fn step(&mut self, gradients: &Gradients<T>, lr: f64) {
        let (momentum, nesterov) = (self.momentum, self.nesterov);
        for (param, velocity) in self.params.iter().zip(&mut self.velocities) {
            if let Some(gradient) = gradients.of(param) {
                let velocity = (momentum != 0.0).then(|| velocity.as_mut_slice());
                param.update(|p| update::sgd(lr, momentum, nesterov, p, gradient.as_slice(), velocity));
            }
        }
    }
}
