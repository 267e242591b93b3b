//! Sums in f32 are right to the last place: a log-likelihood over 784 and more dimensions is one.

use super::draw::noise;
use autograd::{Real, Tensor, Var, diff, parallel};

/// The gap between `x` and the next number of its size.
fn ulp(x: f32) -> f64 {
    let next = f32::from_bits(x.abs().max(f32::MIN_POSITIVE).to_bits() + 1);
    f64::from(next) - f64::from(x.abs().max(f32::MIN_POSITIVE))
}

/// The sum in twice the precision of f64 (Neumaier 1974).
fn exact(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut rest) = (0.0f64, 0.0f64);
    for x in terms {
        let next = sum + x;
        rest += if sum.abs() >= x.abs() { (sum - next) + x } else { (x - next) + sum };
        sum = next;
    }
    sum + rest
}

/// Terms that a naive f32 sum loses: all of one sign, far from 0 and of very different sizes.
fn terms(n: usize, kind: usize) -> Tensor<f32> {
    let noise = noise([n], kind as u64 + 1);
    Tensor::from_fn([n], |i| {
        let x = noise.as_slice()[i];
        let x = match kind {
            0 => -0.5 * x * x - 0.918_938_533_204_672_7,
            1 => x,
            2 => 1e6 * x,
            _ => (20.0 * x).exp(),
        };
        x as f32
    })
}

fn check(what: &str, got: f32, expected: f64) {
    let error = (f64::from(got) - expected).abs();
    let allowed = ulp(expected as f32);
    assert!(error <= allowed, "{what}: {got}, exactly {expected}: {:.2} units in the last place", error / allowed);
}

#[test]
fn of_all_elements() {
    for threads in [1, 2] {
        for kind in 0..4 {
            for n in [1, 7, 784, 3072, 100_003, 1_000_000] {
                let x = terms(n, kind);
                let sum = exact(x.as_slice().iter().map(|&x| x.to_f64()));
                let x = Var::from(x);
                let (total, mean) = parallel::with_threads(threads, {
                    let x = x.value().clone();
                    move || (Var::from(x.clone()).sum_all().item(), Var::from(x).mean_all().item())
                });
                check(&format!("sum of {n}, kind {kind}"), total, sum);
                // Two more roundings: of the factor 1/n and of the product.
                let error = (f64::from(mean) - sum / n as f64).abs();
                assert!(error <= 3.0 * ulp((sum / n as f64) as f32), "mean of {n}: {mean}, {}", sum / n as f64);
            }
        }
    }
}

#[test]
fn over_each_choice_of_axes() {
    let shape = [5, 28, 28, 3];
    let x = terms(shape.iter().product(), 0).reshape(shape);
    for axes in [&[0][..], &[1], &[3], &[1, 2], &[2, 1, 3], &[0, 2], &[3, 1], &[0, 1, 2, 3]] {
        let kept: Vec<usize> = (0..4).filter(|axis| !axes.contains(axis)).collect();
        let got = Var::from(x.clone()).sum(axes).into_value();
        let place = |at: usize| {
            let digits = [at / (28 * 28 * 3), at / (28 * 3) % 28, at / 3 % 28, at % 3];
            kept.iter().fold(0, |place, &axis| place * shape[axis] + digits[axis])
        };
        let mut groups = vec![Vec::new(); got.shape().elements()];
        for (at, &x) in x.as_slice().iter().enumerate() {
            groups[place(at)].push(x.to_f64());
        }
        for (i, group) in groups.into_iter().enumerate() {
            // An axis apart from the others is a second sum, of rounded ones.
            let apart =
                axes.len() > 1 && axes.iter().max() != Some(&(axes.iter().min().unwrap_or(&0) + axes.len() - 1));
            let (sum, got) = (exact(group.into_iter()), got.as_slice()[i]);
            if apart {
                assert!((f64::from(got) - sum).abs() <= 4.0 * ulp(sum as f32), "over {axes:?}: {got}, exactly {sum}");
            } else {
                check(&format!("over {axes:?}, element {i}"), got, sum);
            }
        }
    }
}

/// Undoing a broadcast is a sum too: a bias of one number over a large batch.
#[test]
fn of_gradients_by_broadcast_operands() {
    let x = terms(300_000, 0).reshape([300, 1000]);
    let bias = Tensor::from_slice([1], &[0.0f32]);
    let gradient = diff::gradient(|bias| (Var::from(x.clone()) * bias).sum_all(), &bias);
    check("gradient by one number", gradient.item(), exact(x.as_slice().iter().map(|&x| x.to_f64())));
}
