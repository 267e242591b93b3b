//! Probability density distillation: a student that samples fast learns the density of a teacher that does not.

use crate::bijection::{Context, Mapped};
use crate::flow::Flow;
use crate::module::Module;
use autograd::{Real, Var};

/// `log s(x) − log t(x)` of what the student makes of the latents z, shape `[batch]`: its mean over
/// `z ~ p_Z` is the Kullback-Leibler divergence `KL(student‖teacher)` (van den Oord et al. 2018).
///
/// ```text
/// x = student(z),    log s(x) = log p_Z(z) − log|det ∂x/∂z|
/// ```
///
/// The student's density needs no inverse, for it keeps the z of its own samples. x stays on the tape: gradients
/// come back through the teacher's density to the student's parameters, while the teacher's own are to be
/// frozen, see [`freeze`].
#[must_use]
pub fn log_ratio<T: Real>(student: &Flow<T>, teacher: &Flow<T>, z: &Var<T>, cx: Context<'_, T>) -> Var<T> {
    let Mapped { value: x, log_det } = student.bijection().to_data(z, cx);
    student.base().log_prob(z) - log_det - teacher.log_prob(&x, cx)
}

/// Makes constants of a model's parameters: it takes no gradients from now on, and passes those of its input on.
pub fn freeze<T: Real>(model: &(impl Module<T> + ?Sized)) {
    for (_, param) in model.params() {
        param.set_trainable(false);
    }
}
