//! Regression to the teacher's own map.

use crate::{Bijection, Context, Flow};
use autograd::{Real, Var};

/// Guided regression, as `CaloFlow` trains its students (Krause & Shih 2021): the student learns the teacher's map itself,
/// and through it the density. x are samples of the teacher or data, z latents, both `[batch, …]`:
///
/// <!-- L = ½·Eₓ‖s(t⁻¹(x)) − x‖² + ½·E_z‖t⁻¹(s(z)) − z‖² -->
#[doc = include_str!("../../formulas/guided.html")]
///
/// s is the student's z → x, t⁻¹ the teacher's x → z: for an IAF and a MAF both are parallel. Squares are summed over
/// the dimensions and averaged over the batch.
///
/// If the student has as many layers as the teacher, the squares are also taken between their layers, and averaged over
/// them: then each layer of the student learns to undo one layer of the teacher. Only the student should have
/// parameters that learn (see [`freeze`](super::freeze)).
pub fn guided<T: Real>(student: &Flow<T>, teacher: &Flow<T>, x: &Var<T>, z: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    let taught = encode(teacher, x, cx);
    let latent = taught.last().expect("a path has a start");
    let learned = decode(student, latent, cx);
    let drawn = decode(student, z, cx);
    let back = encode(teacher, &drawn[0], cx);
    // Each path starts where the other does: there is no difference at one of its ends.
    (distance(&learned, &taught) + distance(&back, &drawn)).scale(0.5)
}

/// Sets the parameters of a student that are initialized from data, such as those of
/// [`ActNorm`](crate::layers::ActNorm), from samples x of the teacher, `[batch, …]`. If the student has as many layers as
/// the teacher, each layer sees what the teacher's layer of the same place sees.
pub fn initialize<T: Real>(student: &Flow<T>, teacher: &Flow<T>, x: &Var<T>, cx: Context<'_, T>) {
    let layers = student.bijection().layers();
    if layers.is_empty() || layers.len() != teacher.bijection().layers().len() {
        student.initialize(x, cx);
        return;
    }
    for (layer, seen) in layers.iter().zip(encode(teacher, x, cx)) {
        layer.initialize(&seen, cx);
    }
}

/// x, what each layer makes of it, and z.
fn encode<T: Real>(flow: &Flow<T>, x: &Var<T>, cx: Context<'_, T>) -> Vec<Var<T>> {
    let mut path = vec![x.clone()];
    match flow.bijection().layers() {
        [] => path.push(flow.bijection().to_latent(x, cx).value),
        layers => layers.iter().for_each(|layer| path.push(layer.to_latent(&path[path.len() - 1], cx).value)),
    }
    path
}

/// The same in the other direction: also from x to z.
fn decode<T: Real>(flow: &Flow<T>, z: &Var<T>, cx: Context<'_, T>) -> Vec<Var<T>> {
    let mut path = vec![z.clone()];
    match flow.bijection().layers() {
        [] => path.push(flow.bijection().to_data(z, cx).value),
        layers => layers.iter().rev().for_each(|layer| path.push(layer.to_data(&path[path.len() - 1], cx).value)),
    }
    path.reverse();
    path
}

/// The mean over layers and rows of the squared distance between two paths; between their ends alone if they have
/// different layers.
fn distance<T: Real>(one: &[Var<T>], other: &[Var<T>]) -> Var<T> {
    let ends = |path: &[Var<T>]| vec![path[0].clone(), path[path.len() - 1].clone()];
    let compared = |path: &[Var<T>]| if one.len() == other.len() { path.to_vec() } else { ends(path) };
    let (one, other) = (compared(one), compared(other));
    let squares = one.iter().zip(&other).map(|(a, b)| (a - b).square().sum_per_sample().mean_all());
    squares.reduce(|sum, square| sum + square).expect("a path has a start").scale(1.0 / (one.len() - 1) as f64)
}
