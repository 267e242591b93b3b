//! The forward KL, on samples of the teacher.

use super::reverse_kl;
use crate::{Context, Flow};
use autograd::{Real, Var};

/// `log t(x) − log s(x)` in nats at samples x of the teacher, `[batch, …]`, whose log-densities `log_teacher` are known,
/// `[batch]` (as [`Flow::sample_with_log_prob`] gives both). Shape `[batch]`. Its mean over the teacher's samples is
/// `KL(teacher ‖ student)`.
///
/// Minimizing it is maximum likelihood, with the teacher's samples as data: a student that leaves out something its
/// teacher draws is punished. For an IAF log s(x) is in the sequential direction, which costs about one pass here, and
/// its derivative about one more.
pub fn forward_log_ratio<T: Real>(student: &Flow<T>, x: &Var<T>, log_teacher: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    log_teacher - student.log_prob(x, cx)
}

/// `KL(teacher ‖ student)` in nats, estimated from samples x of the teacher, `[batch, …]`:
///
/// <!-- KL(teacher ‖ student) = E_{x~t}[log t(x) − log s(x)] -->
#[doc = include_str!("../../formulas/forward-kl.html")]
///
/// The student covers all that the teacher draws. [`reverse_kl`] does not ask for that: it may draw the likeliest
/// samples alone.
pub fn forward_kl<T: Real>(student: &Flow<T>, teacher: &Flow<T>, x: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    forward_log_ratio(student, x, &teacher.log_prob(x, cx), cx).mean_all()
}

/// Jeffreys' divergence in nats, the sum of both KL (Jeffreys 1946), from samples x of the teacher, `[batch, …]`, and
/// latents z of the student, `[batch, …]`:
///
/// <!-- J = KL(teacher ‖ student) + KL(student ‖ teacher) -->
#[doc = include_str!("../../formulas/jeffreys.html")]
///
/// The first term punishes what the student leaves out, the second what it adds.
pub fn jeffreys<T: Real>(student: &Flow<T>, teacher: &Flow<T>, x: &Var<T>, z: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    forward_kl(student, teacher, x, cx) + reverse_kl(student, teacher, z, cx)
}
