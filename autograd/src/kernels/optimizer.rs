//! The optimizers' updates, each fused into one pass over memory.

use super::map::maximum;
use super::simd::{Isa, Kernel, dispatch};
use crate::real::Real;

/// What one step of Adam needs besides the arrays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// The learning rate.
    pub lr: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root in the denominator.
    pub eps: f64,
    /// Decoupled weight decay (`AdamW`'s), a fraction of `lr`.
    pub weight_decay: f64,
    /// `1 − beta1ᵗ` at step `t`.
    pub bias_correction1: f64,
    /// `1 − beta2ᵗ` at step `t`.
    pub bias_correction2: f64,
}

/// One step of Adam: `p −= lr·(m̂/(√v̂ + eps) + weight_decay·p)`, where `m̂` and `v̂` are the
/// running means of `g` and `g²` (kept in `m` and `v`) over their bias corrections.
///
/// With `vmax` (`AMSGrad`) the largest `v` so far takes the place of `v`.
#[track_caller]
pub(crate) fn adam<T: Real>(step: AdamStep, p: &mut [T], g: &[T], m: &mut [T], v: &mut [T], vmax: Option<&mut [T]>) {
    let n = p.len();
    assert_eq!((g.len(), m.len(), v.len()), (n, n, n), "adam: lengths");
    assert!(vmax.as_ref().is_none_or(|vmax| vmax.len() == n), "adam: lengths");
    dispatch(Adam { step, p, g, m, v, vmax });
}

struct Adam<'a, T> {
    step: AdamStep,
    p: &'a mut [T],
    g: &'a [T],
    m: &'a mut [T],
    v: &'a mut [T],
    vmax: Option<&'a mut [T]>,
}

impl<T: Real> Kernel for Adam<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let s = self.step;
        let keep = T::from_f64(1.0 - s.lr * s.weight_decay);
        let rate = T::from_f64(s.lr / s.bias_correction1);
        let rescale = T::from_f64(1.0 / s.bias_correction2.sqrt());
        let eps = T::from_f64(s.eps);
        let gain1 = T::from_f64(1.0 - s.beta1);
        let beta2 = T::from_f64(s.beta2);
        let gain2 = T::from_f64(1.0 - s.beta2);
        let moments = |g: T, m: &mut T, v: &mut T| {
            *m = gain1.mul_add::<I>(g - *m, *m);
            *v = beta2.mul_add::<I>(*v, gain2 * (g * g));
        };
        let descend = |p: &mut T, m: T, v: T| {
            let denominator = v.sqrt().mul_add::<I>(rescale, eps);
            *p = keep * *p - rate * (m / denominator);
        };
        let arrays = self.p.iter_mut().zip(self.g).zip(self.m).zip(self.v);
        if let Some(vmax) = self.vmax {
            for ((((p, &g), m), v), vmax) in arrays.zip(vmax) {
                moments(g, m, v);
                *vmax = maximum(*vmax, *v);
                descend(p, *m, *vmax);
            }
        } else {
            for (((p, &g), m), v) in arrays {
                moments(g, m, v);
                descend(p, *m, *v);
            }
        }
    }
}

/// One step of gradient descent: `p −= lr·g`.
///
/// With a `velocity`, that array becomes `momentum·velocity + g` and replaces `g`; with
/// Nesterov's look-ahead, `g + momentum·velocity` replaces it.
#[track_caller]
pub(crate) fn sgd<T: Real>(lr: f64, momentum: f64, nesterov: bool, p: &mut [T], g: &[T], velocity: Option<&mut [T]>) {
    assert_eq!(p.len(), g.len(), "sgd: lengths");
    assert!(velocity.as_ref().is_none_or(|velocity| velocity.len() == p.len()), "sgd: lengths");
    let (lr, momentum) = (T::from_f64(lr), T::from_f64(momentum));
    dispatch(Sgd { lr, momentum, nesterov, p, g, velocity });
}

struct Sgd<'a, T> {
    lr: T,
    momentum: T,
    nesterov: bool,
    p: &'a mut [T],
    g: &'a [T],
    velocity: Option<&'a mut [T]>,
}

impl<T: Real> Kernel for Sgd<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let descend = |p: &mut T, direction: T| *p = (-self.lr).mul_add::<I>(direction, *p);
        let Some(velocity) = self.velocity else {
            return self.p.iter_mut().zip(self.g).for_each(|(p, &g)| descend(p, g));
        };
        // With and without look-ahead the direction is a·g + b·velocity.
        let (a, b) = if self.nesterov { (T::ONE, self.momentum) } else { (T::ZERO, T::ONE) };
        for ((p, &g), velocity) in self.p.iter_mut().zip(self.g).zip(velocity) {
            *velocity = self.momentum.mul_add::<I>(*velocity, g);
            descend(p, b.mul_add::<I>(*velocity, a * g));
        }
    }
}

/// `average = decay·average + (1 − decay)·p`.
#[track_caller]
pub(crate) fn ema<T: Real>(decay: f64, average: &mut [T], p: &[T]) {
    assert_eq!(average.len(), p.len(), "ema: lengths");
    dispatch(Ema { gain: T::from_f64(1.0 - decay), average, p });
}

struct Ema<'a, T> {
    gain: T,
    average: &'a mut [T],
    p: &'a [T],
}

impl<T: Real> Kernel for Ema<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (average, &p) in self.average.iter_mut().zip(self.p) {
            *average = self.gain.mul_add::<I>(p - *average, *average);
        }
    }
}

/// The formulas are checked by the tests of the optimizers in `flows`; here, that every instruction set follows them.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::on_every_level;

    fn numbers<T: Real>(n: usize, seed: f64) -> Vec<T> {
        (0..n).map(|k| T::from_f64(((k as f64 + seed) * 12.9898).sin())).collect()
    }

    /// Parameters, moments and averages after a few steps of each optimizer.
    fn steps<T: Real>(n: usize) -> Vec<T> {
        let mut found = Vec::new();
        for (flag, other) in [(false, false), (true, false), (true, true)] {
            let [mut p, mut q] = [1.0, 2.0].map(|seed| numbers::<T>(n, seed));
            let [mut m, mut v, mut top, mut velocity, mut average] = [(); 5].map(|()| vec![T::ZERO; n]);
            for t in 1..=5 {
                let (lr, beta1, beta2, eps, weight_decay) = (0.01, 0.9, 0.99, 1e-8, 0.1);
                let (bias_correction1, bias_correction2) = (1.0 - 0.9f64.powi(t), 1.0 - 0.99f64.powi(t));
                let step = AdamStep { lr, beta1, beta2, eps, weight_decay, bias_correction1, bias_correction2 };
                // Shrinking gradients, so that the largest v is not the last.
                let mut g = numbers::<T>(n, f64::from(t) * 7.0);
                g.iter_mut().for_each(|g| *g = *g / T::from_f64(f64::from(t * t)));
                adam(step, &mut p, &g, &mut m, &mut v, flag.then_some(&mut top));
                sgd(0.05, 0.9, other, &mut q, &g, flag.then_some(&mut velocity));
                ema(0.75, &mut average, &q);
            }
            found.extend([p, q, m, v, top, velocity, average].concat());
        }
        found
    }

    fn agree<T: Real>(tolerance: f64) {
        for n in [0, 1, 37, 67] {
            let mut first: Option<Vec<T>> = None;
            on_every_level(|level| {
                let found = steps::<T>(n);
                for (found, want) in found.iter().zip(first.get_or_insert_with(|| found.clone())) {
                    assert!((found.to_f64() - want.to_f64()).abs() < tolerance, "{level:?}: {found} for {want}");
                }
            });
        }
    }

    #[test]
    fn every_level_takes_the_same_steps() {
        agree::<f64>(1e-14);
        agree::<f32>(1e-6);
    }
}
