//! The scalar equation for x → z.

use autograd::special::bracketed_root;

/// Below this, `a − tanh a` is computed without cancellation.
const SMALL: f64 = 1.0;

/// The `a` with `a + (stretch − 1)·tanh a = c`, for `stretch > 0`: the left side increases, with slope at least
/// min(1, stretch).
///
/// It is odd, so c may be taken as positive. On the positive axis it is concave for stretch > 1, and Newton's steps
/// come from the left. For stretch < 1 it is convex, and near 0 about `stretch·a + a³/3`, whose root is the start.
pub(super) fn root(c: f64, stretch: f64) -> f64 {
    // An infinite c has an infinite root, and a NaN has none.
    if !c.is_finite() || stretch.is_nan() {
        return c + 0.0 * stretch;
    }
    let (target, pull) = (c.abs(), stretch - 1.0);
    let (low, high) = if pull >= 0.0 {
        ((target / stretch).max(target - pull), target)
    } else {
        (target, (target / stretch).min(target - pull))
    };
    let start = if pull >= 0.0 { low } else { (3.0 * target).cbrt().min(target / stretch) };
    let a = bracketed_root(f64::EPSILON * target, [low, high], start, |a| {
        let tanh = a.tanh();
        let found = if pull < 0.0 { less_tanh(a) + stretch * tanh } else { a + pull * tanh };
        let squared = tanh * tanh;
        (found - target, squared + (1.0 - squared) * stretch)
    });
    a.copysign(c)
}

/// `a − tanh a` for `a ≥ 0`, to full relative precision.
fn less_tanh(a: f64) -> f64 {
    if a > SMALL {
        return a - a.tanh();
    }
    // Lambert's continued fraction, tanh a = a/(1 + q), q = a²/(3 + a²/(5 + …)): nothing in it cancels.
    let square = a * a;
    let q = square / (3..24).step_by(2).rev().fold(25.0, |rest, k| f64::from(k) + square / rest);
    a * q / (1.0 + q)
}

#[cfg(test)]
mod tests {
    use super::{less_tanh, root};

    #[test]
    fn small_differences_have_full_precision() {
        // From 120-digit arithmetic.
        for (a, want) in [
            (1.0, 0.238_405_844_044_235_1),
            (0.5, 0.037_882_842_739_990_24),
            (0.1, 3.320_053_750_441_829_4e-4),
            (1e-3, 3.333_332_000_000_54e-10),
            (1e-100, 3.333_333_333_333_333e-301),
        ] {
            let found = less_tanh(a);
            assert!(((found - want) / want).abs() < 1e-15, "{a}: {found:e} instead of {want:e}");
        }
    }

    #[test]
    fn roots_are_found_to_machine_precision_for_any_stretch() {
        let powers = |from: i32, to: i32| (from..=to).map(|p| 10f64.powi(p));
        for stretch in powers(-35, 35).chain([0.3, 0.999_999, 1.000_001, 2.5]) {
            for c in powers(-200, 200).flat_map(|c| [c, 0.3 * c, -c]).chain([0.0]) {
                let a = root(c, stretch);
                let near = |a: f64| {
                    let rest = if a.abs() < 1.0 { less_tanh(a.abs()).copysign(a) } else { a - a.tanh() };
                    rest + stretch * a.tanh()
                };
                assert_eq!(a.signum(), c.signum());
                // As close to the target as the precision of a allows.
                let slope = a.tanh().powi(2) + stretch * a.cosh().powi(-2);
                let tolerance = 4.0 * f64::EPSILON * (c.abs() + slope * a.abs());
                assert!((near(a) - c).abs() <= tolerance, "stretch {stretch:e}, c {c:e}: {a:e} gives {:e}", near(a));
            }
        }
    }

    #[test]
    fn the_root_increases_with_the_right_side() {
        for stretch in [1e-35, 1e-10, 1e-3, 0.9, 1.1, 1e3, 1e10] {
            let found: Vec<f64> = (-400..=400).map(|i| root(f64::from(i) / 40.0, stretch)).collect();
            assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{stretch:e}");
        }
    }

    #[test]
    fn a_nan_has_no_root() {
        assert_eq!(root(f64::INFINITY, 0.5), f64::INFINITY);
        assert_eq!(root(f64::NEG_INFINITY, 2.0), f64::NEG_INFINITY);
        assert!(root(f64::NAN, 1.0).is_nan() && root(1.0, f64::NAN).is_nan());
    }
}
