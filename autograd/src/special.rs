//! Special functions of a single `f64`, for what goes number by number and keeps no record, such as the
//! search for a root. Of whole tensors they are operations of [`Var`](crate::Var).

pub use crate::kernels::double::{log_normal_cdf, log_normal_quantile, normal_score, softplus};
