//! Well-known two-dimensional distributions, sampled afresh for every batch.
//!
//! A model that never sees a point twice cannot overfit. All of them lie within about ±4, except for the banana, which is
//! as published.

use super::Table;
use rand::{Rng, RngExt};
use rand_distr::StandardNormal;
use std::f32::consts::{PI, TAU};

/// A distribution over the plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Toy {
    /// Two interlocking half circles of radius 2.
    TwoMoons,
    /// Two concentric circles, of radius 1.5 and 3.
    Circles,
    /// Eight isotropic Gaussians on a circle of radius 3.
    EightGaussians,
    /// Five blades, rotated by an angle that grows with the radius.
    Pinwheel,
    /// Every second square of a 4×4 board: sharp edges, and squares that touch only at corners.
    Checkerboard,
    /// Two spirals of one and a half turns.
    TwoSpirals,
    /// x₂ ~ N(0, variance 4), x₁ ~ N(¼x₂², 1), from the MAF paper: easy in one order of the
    /// variables, hard in the other. x₁ has mean 1, variance 3 and a tail that passes 10.
    Banana,
}

impl Toy {
    pub const ALL: [Self; 7] = [
        Self::TwoMoons,
        Self::Circles,
        Self::EightGaussians,
        Self::Pinwheel,
        Self::Checkerboard,
        Self::TwoSpirals,
        Self::Banana,
    ];

    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::TwoMoons => &["two-moons", "moons", "2moons"],
            Self::Circles => &["circles", "two-circles", "rings"],
            Self::EightGaussians => &["eight-gaussians", "gaussians", "8gaussians"],
            Self::Pinwheel => &["pinwheel"],
            Self::Checkerboard => &["checkerboard"],
            Self::TwoSpirals => &["two-spirals", "spirals", "2spirals"],
            Self::Banana => &["banana"],
        }
    }

    /// The toy of this name. Ignores case; spaces and underscores count as dashes.
    pub fn of(name: &str) -> Option<Self> {
        let plain = name.trim().to_lowercase().replace([' ', '_'], "-");
        Self::ALL.into_iter().find(|toy| toy.names().contains(&plain.as_str()))
    }

    /// `n` independent points.
    pub fn sample<R: Rng + ?Sized>(self, n: usize, rng: &mut R) -> Table<f32> {
        let mut values = Vec::with_capacity(2 * n);
        for _ in 0..n {
            values.extend(self.point(rng));
        }
        Table { rows: n, cols: 2, values }
    }

    fn point<R: Rng + ?Sized>(self, rng: &mut R) -> [f32; 2] {
        match self {
            Self::TwoMoons => {
                let (sin, cos) = (PI * rng.random::<f32>()).sin_cos();
                // The second moon is the first, rotated by π around the origin.
                let side = sign(rng);
                let noise = [normal(rng), normal(rng)];
                [side * (2.0 * cos - 1.0) + 0.15 * noise[0], side * (2.0 * sin - 0.5) + 0.15 * noise[1]]
            }
            Self::Circles => {
                let radius = if rng.random() { 3.0 } else { 1.5 };
                around(radius, TAU * rng.random::<f32>(), 0.12, rng)
            }
            Self::EightGaussians => {
                let corner = rng.random_range(0..8u8);
                around(3.0, TAU / 8.0 * f32::from(corner), 0.25, rng)
            }
            Self::Pinwheel => {
                let along = 1.0 + 0.3 * normal(rng);
                let across = 0.1 * normal(rng);
                let blade = TAU / 5.0 * f32::from(rng.random_range(0..5u8));
                let (sin, cos) = (blade + 0.25 * along.exp()).sin_cos();
                [2.0 * (along * cos - across * sin), 2.0 * (along * sin + across * cos)]
            }
            Self::Checkerboard => {
                let column = rng.random_range(0..4u8);
                let row = 2 * rng.random_range(0..2u8) + column % 2;
                [column, row].map(|square| 2.0 * (f32::from(square) + rng.random::<f32>()) - 4.0)
            }
            Self::TwoSpirals => {
                // The square root makes the density even along the arm, whose length grows as angle².
                let angle = 3.0 * PI * rng.random::<f32>().sqrt();
                let start = if rng.random() { 0.0 } else { PI };
                around(angle / 3.0, start + angle, 0.1, rng)
            }
            Self::Banana => {
                let x2 = 2.0 * normal(rng);
                [0.25 * x2 * x2 + normal(rng), x2]
            }
        }
    }
}

fn normal<R: Rng + ?Sized>(rng: &mut R) -> f32 {
    rng.sample(StandardNormal)
}

fn sign<R: Rng + ?Sized>(rng: &mut R) -> f32 {
    if rng.random() { 1.0 } else { -1.0 }
}

/// A point at `radius` and `angle`, plus isotropic Gaussian noise.
fn around<R: Rng + ?Sized>(radius: f32, angle: f32, error: f32, rng: &mut R) -> [f32; 2] {
    let (sin, cos) = angle.sin_cos();
    [radius * cos + error * normal(rng), radius * sin + error * normal(rng)]
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const N: usize = 40_000;

    fn points(toy: Toy) -> Vec<[f64; 2]> {
        let table = toy.sample(N, &mut ChaCha8Rng::seed_from_u64(5));
        assert_eq!((table.rows, table.cols, table.values.len()), (N, 2, 2 * N));
        let rows = table.values.chunks_exact(2);
        rows.map(|row| [f64::from(row[0]), f64::from(row[1])]).collect()
    }

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        values.sum::<f64>() / N as f64
    }

    fn assert_near(value: f64, expected: f64, tolerance: f64) {
        assert!((value - expected).abs() < tolerance, "{value} is not {expected} ± {tolerance}");
    }

    #[test]
    fn all_but_the_banana_lie_within_four_and_have_mean_zero() {
        for toy in Toy::ALL {
            if toy == Toy::Banana {
                continue;
            }
            let points = points(toy);
            for axis in 0..2 {
                let mean = mean(points.iter().map(|p| p[axis]));
                // Each is symmetric under some rotation around the origin.
                assert_near(mean, 0.0, 0.06);
            }
            let far = points.iter().flatten().filter(|x| x.abs() > 4.0).count();
            assert!(far < N / 100, "{toy:?}: {far}");
        }
    }

    #[test]
    fn moons_are_half_circles() {
        let (mut upper, mut distance) = (0, 0.0);
        for [x, y] in points(Toy::TwoMoons) {
            let off = |side: f64| {
                let (u, v) = (side * x + 1.0, side * y + 0.5);
                // Below its ends, the nearest point of a half circle is an end.
                if v >= 0.0 { (u.hypot(v) - 2.0).abs() } else { (u.abs() - 2.0).hypot(v) }
            };
            upper += usize::from(off(1.0) < off(-1.0));
            distance += off(1.0).min(off(-1.0)).powi(2);
        }
        assert_near(upper as f64 / N as f64, 0.5, 0.01);
        assert_near((distance / N as f64).sqrt(), 0.15, 0.01);
    }

    #[test]
    fn circles_have_two_equally_likely_radii() {
        let radii: Vec<f64> = points(Toy::Circles).iter().map(|[x, y]| x.hypot(*y)).collect();
        let outer = radii.iter().filter(|&&r| r > 2.25).count();
        assert_near(outer as f64 / N as f64, 0.5, 0.01);
        let off = radii.iter().map(|r| (r - 3.0).abs().min((r - 1.5).abs()).powi(2));
        assert_near(mean(off).sqrt(), 0.12, 0.005);
    }

    #[test]
    fn there_are_eight_isotropic_gaussians() {
        let mut counts = [0; 8];
        let (mut xx, mut xy) = (0.0, 0.0);
        for [x, y] in points(Toy::EightGaussians) {
            let eighth = std::f64::consts::TAU / 8.0;
            let corner = (y.atan2(x) / eighth).round();
            counts[(corner as i32).rem_euclid(8) as usize] += 1;
            let (sin, cos) = (corner * eighth).sin_cos();
            let (dx, dy) = (x - 3.0 * cos, y - 3.0 * sin);
            xx += dx * dx;
            xy += dx * dy;
        }
        for count in counts {
            assert_near(f64::from(count), N as f64 / 8.0, 300.0);
        }
        assert_near(xx / N as f64, 0.0625, 0.002);
        assert_near(xy / N as f64, 0.0, 0.001);
    }

    #[test]
    fn the_pinwheel_straightens_into_five_blades() {
        // Without the rotation, five times the angle is the same for every blade.
        let (mut cos, mut blades) = (0.0, [0; 5]);
        for [x, y] in points(Toy::Pinwheel) {
            let radius = x.hypot(y) / 2.0;
            let turns = (y.atan2(x) - 0.25 * radius.exp()) / std::f64::consts::TAU;
            cos += (5.0 * turns * std::f64::consts::TAU).cos();
            blades[((5.0 * turns).round() as i32).rem_euclid(5) as usize] += 1;
        }
        assert!(cos / N as f64 > 0.8, "{}", cos / N as f64);
        for count in blades {
            assert_near(f64::from(count), N as f64 / 5.0, 400.0);
        }
    }

    #[test]
    fn the_checkerboard_fills_eight_squares_evenly_and_no_other() {
        let mut counts = [[0; 4]; 4];
        for [x, y] in points(Toy::Checkerboard) {
            counts[((y + 4.0) / 2.0) as usize][((x + 4.0) / 2.0) as usize] += 1;
        }
        for (row, squares) in counts.iter().enumerate() {
            for (column, &count) in squares.iter().enumerate() {
                let filled = (row + column) % 2 == 0;
                let expected = if filled { N as f64 / 8.0 } else { 0.5 };
                assert_near(f64::from(count), expected, if filled { 300.0 } else { 1.0 });
            }
        }
    }

    #[test]
    fn spirals_turn_as_they_grow() {
        let (mut first, mut along, mut count) = (0, 0.0, 0);
        for [x, y] in points(Toy::TwoSpirals) {
            let radius = x.hypot(y);
            assert!(radius < 3.8);
            if radius < 0.5 {
                continue;
            }
            // Unwound, a point lies at angle 0 on one arm and at π on the other.
            let angle = y.atan2(x) - 3.0 * radius;
            first += usize::from(angle.cos() > 0.0);
            along += angle.cos().abs();
            count += 1;
        }
        assert_near(first as f64 / f64::from(count), 0.5, 0.01);
        assert!(along / f64::from(count) > 0.9);
    }

    #[test]
    fn the_banana_has_its_moments() {
        let points = points(Toy::Banana);
        assert_near(mean(points.iter().map(|p| p[1])), 0.0, 0.04);
        assert_near(mean(points.iter().map(|p| p[1].powi(2))), 4.0, 0.12);
        assert_near(mean(points.iter().map(|p| p[0])), 1.0, 0.04);
        assert_near(mean(points.iter().map(|p| (p[0] - 1.0).powi(2))), 3.0, 0.15);
        // x₁ − ¼x₂² is a standard normal, independent of x₂.
        let rest = |p: &[f64; 2]| p[0] - 0.25 * p[1] * p[1];
        assert_near(mean(points.iter().map(|p| rest(p).powi(2))), 1.0, 0.03);
        assert_near(mean(points.iter().map(|p| rest(p) * p[1])), 0.0, 0.04);
    }

    #[test]
    fn names_parse_and_differ() {
        let mut all: Vec<&str> = Toy::ALL.iter().flat_map(|toy| toy.names()).copied().collect();
        for toy in Toy::ALL {
            for name in toy.names() {
                assert_eq!(Toy::of(&name.to_uppercase().replace('-', "_")), Some(toy));
            }
        }
        let before = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), before);
        assert_eq!(Toy::of("mnist"), None);
    }

    #[test]
    fn the_same_seed_draws_the_same_points_and_the_next_batch_differs() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for toy in Toy::ALL {
            let mut twin = rng.clone();
            let batch = toy.sample(10, &mut rng);
            assert_eq!(batch, toy.sample(10, &mut twin));
            assert_ne!(batch, toy.sample(10, &mut rng));
        }
        assert_eq!(Toy::Banana.sample(0, &mut rng).values.len(), 0);
    }
}
