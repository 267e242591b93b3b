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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::simd::on_every_level;

    fn numbers(n: usize, seed: f64) -> Vec<f64> {
        (0..n).map(|k| ((k as f64 + seed) * 12.9898).sin()).collect()
    }

    #[test]
    fn adam_by_its_formula() {
        for (amsgrad, n) in [(false, 67), (true, 67), (false, 0), (true, 1)] {
            on_every_level(|level| {
                let mut p = numbers(n, 1.0);
                let (mut m, mut v, mut top) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
                let mut p32: Vec<f32> = p.iter().map(|&p| p as f32).collect();
                let (mut m32, mut v32, mut top32) = (vec![0f32; n], vec![0f32; n], vec![0f32; n]);
                let mut want = p.clone();
                let (mut wm, mut wv, mut wtop) = (vec![0.0; n], vec![0.0; n], vec![0.0f64; n]);
                for t in 1..=5 {
                    let step = AdamStep {
                        lr: 0.01,
                        beta1: 0.9,
                        beta2: 0.99,
                        eps: 1e-8,
                        weight_decay: 0.1,
                        bias_correction1: 1.0 - 0.9f64.powi(t),
                        bias_correction2: 1.0 - 0.99f64.powi(t),
                    };
                    // Shrinking gradients, so that the largest v is not the last.
                    let g: Vec<f64> = numbers(n, f64::from(t) * 7.0).iter().map(|g| g / f64::from(t * t)).collect();
                    let g32: Vec<f32> = g.iter().map(|&g| g as f32).collect();
                    adam(step, &mut p, &g, &mut m, &mut v, amsgrad.then_some(&mut top));
                    adam(step, &mut p32, &g32, &mut m32, &mut v32, amsgrad.then_some(&mut top32));
                    for k in 0..n {
                        wm[k] = 0.9 * wm[k] + 0.1 * g[k];
                        wv[k] = 0.99 * wv[k] + 0.01 * g[k] * g[k];
                        wtop[k] = wtop[k].max(wv[k]);
                        let v_hat = if amsgrad { wtop[k] } else { wv[k] } / step.bias_correction2;
                        let m_hat = wm[k] / step.bias_correction1;
                        want[k] -= 0.01 * (m_hat / (v_hat.sqrt() + 1e-8) + 0.1 * want[k]);
                    }
                }
                for k in 0..n {
                    assert!((p[k] - want[k]).abs() < 1e-14, "{level:?}: {} for {}", p[k], want[k]);
                    assert!((f64::from(p32[k]) - want[k]).abs() < 1e-6, "{level:?}");
                }
            });
        }
    }

    #[test]
    fn sgd_and_ema_by_their_formulas() {
        let (n, lr, mu) = (37, 0.05, 0.9);
        for (with_velocity, nesterov) in [(false, false), (true, false), (true, true)] {
            on_every_level(|level| {
                let mut p = numbers(n, 2.0);
                let mut want = p.clone();
                let (mut velocity, mut wv) = (vec![0.0; n], vec![0.0; n]);
                let mut average = vec![0.0; n];
                let mut waverage = vec![0.0; n];
                for t in 0..4 {
                    let g = numbers(n, 10.0 + f64::from(t));
                    sgd(lr, mu, nesterov, &mut p, &g, with_velocity.then_some(&mut velocity));
                    ema(0.75, &mut average, &p);
                    for k in 0..n {
                        wv[k] = mu * wv[k] + g[k];
                        want[k] -= lr
                            * match (with_velocity, nesterov) {
                                (false, _) => g[k],
                                (true, false) => wv[k],
                                (true, true) => g[k] + mu * wv[k],
                            };
                        waverage[k] = 0.75 * waverage[k] + 0.25 * want[k];
                    }
                }
                for k in 0..n {
                    assert!((p[k] - want[k]).abs() < 1e-14, "{level:?}");
                    assert!((average[k] - waverage[k]).abs() < 1e-14, "{level:?}");
                }
            });
        }
    }
}
