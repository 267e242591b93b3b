use super::LogisticMixture;
use super::kernels::{Pass, compute};
use autograd::simd::on_every_level;
use autograd::{Real, Tensor};

/// Kernels of dimensions that differ, `[3, dims, count]`: one with a gap of hundreds of scales, one with scales far
/// apart, others that overlap.
fn kernels<T: Real>(dims: usize, count: usize) -> Tensor<T> {
    let wave = |i: usize, pace: f64| (pace * (i + 1) as f64).sin();
    let number = |i: usize| {
        let (part, dim, k) = (i / (dims * count), i / count % dims, i % count);
        match (part, dim) {
            (0, _) => 1.5 * wave(i, 1.7),
            (1, 1) => {
                if k % 2 == 0 {
                    -30.0
                } else {
                    30.0
                }
            }
            (1, _) => 2.0 * wave(i, 2.3),
            (_, 1) => -2.0,
            (_, 2) => 4.0 * wave(i, 0.9),
            _ => -0.5 + 0.5 * wave(i, 0.9),
        }
    };
    Tensor::from_fn([3, dims, count], |i| T::from_f64(number(i)))
}

fn points<T: Real>(batch: usize, dims: usize, reach: f64) -> Vec<T> {
    let number = |i: usize| reach * (((i * 7919 + 13) % 2003) as f64 / 1001.0 - 1.0);
    (0..batch * dims).map(|i| T::from_f64(number(i))).collect()
}

fn mixture<T: Real>(kernels: &Tensor<T>, dim: usize) -> LogisticMixture {
    let (dims, count) = (kernels.shape()[1], kernels.shape()[2]);
    let part = |p: usize| {
        kernels.as_slice()[(p * dims + dim) * count..][..count].iter().map(|x| x.to_f64()).collect::<Vec<_>>()
    };
    LogisticMixture::new(&part(0), &part(1), &part(2))
}

/// At every instruction set the fast sums are what logarithms give, inside the range of the type, at its edge and
/// far beyond it.
fn follows_the_scalar<T: Real>(tolerance: f64) {
    for (batch, count, reach) in [(70, 5, 4.0), (33, 17, 40.0), (3, 1, 4.0), (130, 100, 200.0), (9, 3, 1e30)] {
        let (x, kernels) = (points::<T>(batch, 4, reach), kernels::<T>(4, count));
        let mixtures: Vec<_> = (0..4).map(|dim| mixture(&kernels, dim)).collect();
        on_every_level(|level| {
            let mut found = vec![T::ZERO; 3 * x.len()];
            compute(batch, &kernels, Pass::Latent { x: &x }, &mut found);
            for (i, &x) in x.iter().enumerate() {
                let want = mixtures[i % 4].point(x.to_f64());
                // Numbers are known as well as places are, relative to their scales.
                let steep = 1.0 + want.log_deriv.exp().min(1e12) * x.to_f64().abs().min(30.0);
                let rounding = tolerance * steep * (1.0 + want.z.abs());
                let got = [0, 1].map(|part| found[part * batch * 4 + i].to_f64());
                assert!((got[0] - want.z).abs() <= rounding, "{level:?}: z of {x} is {}, not {}", got[0], want.z);
                let slope = (got[1] - want.log_deriv).abs();
                assert!(slope <= 30.0 * rounding, "{level:?}: slope at {x} {} for {}", got[1], want.log_deriv);
            }
        });
    }
}

#[test]
fn sums_and_logarithms_agree() {
    follows_the_scalar::<f64>(4e-14);
    follows_the_scalar::<f32>(2e-6);
}

/// The gradient by the kernels, after the forward pass.
fn by_kernels<T: Real>(batch: usize, x: &[T], kernels: &Tensor<T>, g: &[T]) -> Vec<T> {
    let (mut found, mut out) = (vec![T::ZERO; 3 * x.len()], vec![T::ZERO; kernels.as_slice().len()]);
    compute(batch, kernels, Pass::Latent { x }, &mut found);
    compute(batch, kernels, Pass::Gradient { x, found: &found, g }, &mut out);
    out
}

#[test]
fn gradients_by_kernels_and_logarithms_agree() {
    let (batch, count) = (150, 19);
    for reach in [4.0, 60.0] {
        let (x, kernels) = (points::<f64>(batch, 4, reach), kernels::<f64>(4, count));
        let gradient: Vec<f64> = (0..3 * x.len()).map(|i| (0.37 * i as f64).sin()).collect();
        let mut want = vec![0.0; kernels.as_slice().len()];
        for dim in 0..4 {
            let (logits, rest) = want.split_at_mut(4 * count);
            let (locations, log_scales) = rest.split_at_mut(4 * count);
            let mixture = mixture(&kernels, dim);
            for i in (dim..x.len()).step_by(4) {
                let parts = [&mut *logits, &mut *locations, &mut *log_scales];
                let parts = parts.map(|part| &mut part[dim * count..(dim + 1) * count]);
                mixture.add_gradient(x[i], gradient[i], gradient[x.len() + i], parts);
            }
        }
        on_every_level(|level| {
            let got = by_kernels(batch, &x, &kernels, &gradient);
            for (i, (got, want)) in got.iter().zip(&want).enumerate() {
                assert!((got - want).abs() <= 1e-9 * (1.0 + want.abs()), "{level:?}: {got} for {want} at {i}");
            }
            let narrow = |numbers: &[f64]| numbers.iter().map(|&x| x as f32).collect::<Vec<_>>();
            let got = by_kernels(batch, &narrow(&x), &kernels.cast::<f32>(), &narrow(&gradient));
            let size = want.iter().fold(0.0f64, |a, b| a.max(b.abs()));
            for (i, (&got, want)) in got.iter().zip(&want).enumerate() {
                assert!((f64::from(got) - want).abs() <= 2e-4 * size, "{level:?}: {got} for {want} at {i} of {size}");
            }
        });
    }
}

#[test]
fn roots_are_roots() {
    fn hold<T: Real>(tolerance: f64) {
        for (batch, count, reach) in [(70, 5, 4.0), (33, 17, 12.0), (3, 1, 4.0), (70, 50, 37.0), (9, 3, 1e4)] {
            let (z, kernels) = (points::<T>(batch, 4, reach), kernels::<T>(4, count));
            let mut x = vec![T::ZERO; z.len()];
            compute(batch, &kernels, Pass::Data { z: &z }, &mut x);
            for (i, (x, z)) in x.iter().zip(&z).enumerate() {
                let (found, log_deriv) = mixture(&kernels, i % 4).to_latent(x.to_f64());
                let steep = 1.0 + log_deriv.exp() * x.to_f64().abs();
                let error = (found - z.to_f64()).abs();
                assert!(error <= tolerance * steep * (1.0 + z.to_f64().abs()), "{z} went to {x}, and that to {found}");
            }
        }
    }
    hold::<f64>(2e-14);
    hold::<f32>(3e-6);
}
