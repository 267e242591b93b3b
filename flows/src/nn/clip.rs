//! Gradient clipping.

use autograd::{Gradients, Real};

/// Scales all gradients down so that their Euclidean norm is at most `limit` (Pascanu et al.
/// 2013), and returns the norm they had. A norm that is not finite scales nothing.
pub fn clip_norm<T: Real>(gradients: &mut Gradients<T>, limit: f64) -> f64 {
    let norm = gradients.norm();
    if norm.is_finite() && norm > limit {
        let factor = T::from_f64(limit / norm);
        gradients.tensors_mut().for_each(|tensor| tensor.as_mut_slice().iter_mut().for_each(|g| *g *= factor));
    }
    norm
}
