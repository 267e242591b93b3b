//! `zoo logprob`, `encode` and `decode`: a map and its inverse, row by row.

use crate::folder::Folder;
use crate::formats::{bytes, npy_of, parse_npy};
use crate::made::{Numbers, image_folder, pictures, rows};

/// Runs a command on rows, and returns the resulting array.
fn map(folder: &Folder, command: &str, shape: &[usize], values: &[f32]) -> (Vec<usize>, Vec<f32>) {
    folder.write_npy("in.npy", shape, values);
    folder.run(&format!("{command} run --input in.npy --output out.npy --threads 1"));
    parse_npy(&folder.read("out.npy"))
}

#[track_caller]
fn assert_near(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance, "element {i} is {a} and should be {b}");
    }
}

#[test]
fn points_survive_a_round_trip() {
    let folder = Folder::trained_on("two-moons");
    let x = rows(70, 2);
    let (shape, z) = map(&folder, "encode", &[70, 2], &x);
    assert_eq!(shape, [70, 2]);
    let moved = z.iter().zip(&x).filter(|(z, x)| (*z - *x).abs() > 1e-2).count();
    assert!(moved > 70, "only {moved} of 140 values moved");
    assert_near(&map(&folder, "decode", &[70, 2], &z).1, &x, 1e-4);
    assert_near(&map(&folder, "encode", &[70, 2], &map(&folder, "decode", &[70, 2], &x).1).1, &x, 1e-4);
}

#[test]
fn images_survive_a_round_trip() {
    let folder = Folder::new();
    image_folder(&folder, "bars", 4, false);
    folder.train("--data bars --steps 10");
    let x: Vec<f32> = pictures(9, 4).iter().map(|&pixel| (f32::from(pixel) + 0.5) / 256.0).collect();
    let (shape, z) = map(&folder, "encode", &[9, 4, 4], &x);
    assert_eq!(shape, [9, 16]);
    assert_near(&map(&folder, "decode", &[9, 16], &z).1, &x, 1e-4);
    // The shape of an image does not matter.
    let (shape, flat) = map(&folder, "logprob", &[9, 16], &x);
    assert_eq!(shape, [9]);
    assert!(flat == map(&folder, "logprob", &[9, 1, 4, 4], &x).1);
    // Black and white are in [0, 1]. Latents need not be.
    let (_, ends) = map(&folder, "logprob", &[2, 16], &[[0.0; 16], [1.0; 16]].concat());
    assert!(ends.iter().all(|l| l.is_finite()));
    map(&folder, "decode", &[1, 16], &[-7.5; 16]);
}

#[test]
fn a_row_does_not_depend_on_the_others() {
    let folder = Folder::trained_on("pinwheel");
    let x = rows(700, 2);
    let (shape, whole) = map(&folder, "logprob", &[700, 2], &x);
    assert_eq!(shape, [700]);
    // The last rows alone, and all rows in reverse, give the same values up to rounding.
    let (_, cut) = map(&folder, "logprob", &[3, 2], &x[697 * 2..]);
    assert_near(&cut, &whole[697..], 1e-5);
    let backward: Vec<f32> = x.chunks_exact(2).rev().flatten().copied().collect();
    let (_, mut turned) = map(&folder, "logprob", &[700, 2], &backward);
    turned.reverse();
    assert_near(&turned, &whole, 1e-5);
    // The values differ from row to row.
    assert!(whole.iter().any(|l| (l - whole[0]).abs() > 0.5));
    // Nothing is random.
    assert!(whole == map(&folder, "logprob", &[700, 2], &x).1);
}

/// `log p(x) = log p_Z(z) + log|det ∂z/∂x|`, with the Jacobian from differences of what `encode`
/// writes and NICE's logistic base by hand.
#[test]
fn the_density_is_that_of_the_map() {
    const H: f32 = 1.0 / 64.0;
    let folder = Folder::new();
    folder.train("--data two-moons --steps 150");
    let points = rows(12, 2);
    let mut moved = Vec::new();
    for point in points.chunks_exact(2) {
        for (dx, dy) in [(0.0, 0.0), (H, 0.0), (-H, 0.0), (0.0, H), (0.0, -H)] {
            moved.extend([point[0] + dx, point[1] + dy]);
        }
    }
    let (_, z) = map(&folder, "encode", &[60, 2], &moved);
    let (_, found) = map(&folder, "logprob", &[12, 2], &points);
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let mut errors: Vec<f64> = (z.chunks_exact(10).zip(&found))
        .map(|(z, &found)| {
            let z: Vec<f64> = z.iter().map(|&z| f64::from(z)).collect();
            let slope = |out: usize, plus: usize| (z[2 * plus + out] - z[2 * plus + 2 + out]) / (2.0 * f64::from(H));
            let det = slope(0, 1) * slope(1, 3) - slope(0, 3) * slope(1, 1);
            let base: f64 = z[..2].iter().map(|&z| -softplus(z) - softplus(-z)).sum();
            (base + det.abs().ln() - f64::from(found)).abs()
        })
        .collect();
    // Near the kink of a ReLU, a difference is not a derivative. Most points are not near one.
    errors.sort_by(f64::total_cmp);
    assert!(errors[8] < 2e-3, "{errors:?}");
}

#[test]
fn numbers_of_any_type_are_accepted() {
    let folder = Folder::trained_on("two-moons");
    let (_, expected) = map(&folder, "logprob", &[2, 2], &[1.0, -2.0, 0.0, 3.0]);
    let doubles: Vec<u8> = [1.0f64, -2.0, 0.0, 3.0].iter().flat_map(|x| x.to_be_bytes()).collect();
    let small: Vec<u8> = [1i16, -2, 0, 3].iter().flat_map(|x| x.to_le_bytes()).collect();
    for file in [npy_of(">f8", "2, 2", &doubles), npy_of("<i2", "2, 2", &small)] {
        folder.write("in.npy", file);
        folder.run("logprob run --input in.npy --output out.npy --threads 1");
        assert!(parse_npy(&folder.read("out.npy")).1 == expected);
    }
    // Fortran order.
    let columns = bytes(&[1.0, 0.0, -2.0, 3.0]);
    let file = npy_of("<f4", "2, 2", &columns);
    let at = file.windows(5).position(|word| word == b"False").unwrap();
    folder.write("in.npy", [&file[..at], b"True ", &file[at + 5..]].concat());
    folder.run("logprob run --input in.npy --output out.npy --threads 1");
    assert!(parse_npy(&folder.read("out.npy")).1 == expected);
}

#[test]
fn far_points_have_finite_results() {
    let folder = Folder::trained_on("two-moons");
    let mut numbers = Numbers::new(1);
    let far: Vec<f32> = (0..40).map(|_| (numbers.unit() - 0.5) * 2e4).collect();
    let (_, logs) = map(&folder, "logprob", &[20, 2], &far);
    assert!(logs.iter().all(|l| l.is_finite() && *l < -50.0), "{logs:?}");
}
