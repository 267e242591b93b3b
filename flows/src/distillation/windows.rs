//! Forward KL of a signal student, on windows.

use crate::models::ParallelWaveNet;
use crate::{Base, Bijection, Context, Logistic, Mapped};
use autograd::{Real, Var};

/// The cross-entropy of the student on the first `steps` steps of signals x, `[batch, T]`, in nats per signal: the forward
/// divergence from whatever made x, its teacher or nature, up to that one's entropy.
///
/// <!-- KL(teacher ‖ student) + H(teacher) = E_{x~t}[−log s(x₁, … , x_W | y₁, … , y_W)] -->
#[doc = include_str!("../../formulas/forward-on-windows.html")]
///
/// The student's log s needs its latents, which are found step by step ([`Causal`](crate::nn::Causal)) and have a
/// derivative. Forward KL has no modes to get lost between: wherever the teacher draws, the student must give density. But
/// a student's latents are fed back, and a rounding error grows along the signal; so W is at most a few hundred steps. A
/// signal may begin anywhere, and so a window is a signal.
///
/// The condition of `cx` is that of the whole signals; a window reads its part of the track.
///
/// # Panics
/// If there are fewer steps in x.
pub fn forward_on_windows<T: Real>(
    student: &ParallelWaveNet<T>,
    x: &Var<T>,
    steps: usize,
    cx: Context<'_, T>,
) -> Var<T> {
    let part = student.window(cx.condition, x.extent(1), steps);
    let cx = Context { condition: part.as_ref(), ..cx };
    let Mapped { value: z, log_det } = student.to_latent(&x.slice(1, 0..steps), cx);
    -(Logistic.log_prob(&z) + log_det).mean_all()
}
