//! The importance-weighted estimate of the log-likelihood.

use super::{Drawn, Vae, posterior::repeated};
use crate::{
    Base, Bijection, Context, InputError, Mapped, Noise, StandardNormal, flow::check_rows, flow::rows_per_batch,
    log_sum::LogSum,
};
use autograd::{Real, Tensor, Var};

impl<T: Real> Vae<T> {
    /// The importance-weighted estimate of `log p(x)` of each row of `[rows, dims]` in nats, `[rows]`, by S draws of z
    /// from q(z|x) (Rezende et al. 2014; Burda et al. 2016, *Importance Weighted Autoencoders*):
    ///
    /// <!-- log p(x) ≥ E[log(1/S Σₛ₌₁^S p(x, zₛ)/q(zₛ | x))],   z₁, … , z_S ~ q(z | x) -->
    #[doc = include_str!("../../../formulas/importance.html")]
    ///
    /// Its expectation increases with S, from the ELBO to log p(x). A row's draws do not depend on the other rows, and
    /// fewer draws are the first of more.
    ///
    /// # Errors
    /// If the rows have the wrong shape, or a value is not finite.
    ///
    /// # Panics
    /// If `draws` is 0.
    pub fn log_prob_by_importance(&self, x: &Tensor<T>, draws: usize, noise: Noise) -> Result<Tensor<T>, InputError> {
        assert!(draws > 0, "VAE: no draws to estimate log p(x) from");
        check_rows(x, &[self.dims].into())?;
        let rows = x.shape()[0];
        let mut found = Vec::with_capacity(rows);
        // Rows times draws of z.
        let batch = rows_per_batch(self.dims);
        for first in (0..rows).step_by(batch) {
            let some = Var::from(x.rows(first..rows.min(first + batch)));
            found.extend(self.of_rows(&some, draws, noise.from_row(first)));
        }
        Ok(Tensor::from_slice([rows], &found))
    }

    /// The same for one batch.
    fn of_rows(&self, x: &Var<T>, draws: usize, noise: Noise) -> Vec<T> {
        let rows = x.extent(0);
        let Mapped { value: y, log_det } = self.preprocessing.to_latent(x, Context::default());
        let posterior = self.posterior(&y);
        let mut sums = vec![LogSum::EMPTY; rows];
        let at_a_time = (rows_per_batch(self.dims) / rows).max(1);
        for first in (0..draws).step_by(at_a_time) {
            let some = first..draws.min(first + at_a_time);
            let times = some.len();
            let each: Vec<Var<T>> =
                some.map(|draw| Var::from(noise.other(draw as u64).normals(rows, self.latents))).collect();
            let noise = Var::concat(0, &each.iter().collect::<Vec<_>>());
            let Drawn { z, log_q, .. } = self.draw(&posterior.repeated(times), &noise);
            let log_p = self.likelihood.log_prob(&repeated(&y, times), &self.decoder.apply(&z, None));
            let weights = log_p + StandardNormal.log_prob(&z) - log_q;
            for (i, w) in weights.value().as_slice().iter().enumerate() {
                sums[i % rows] = sums[i % rows].with(w.to_f64());
            }
        }
        let log_dets = log_det.value().as_slice();
        let of = |(sum, log_det): (LogSum, &T)| T::from_f64(sum.value() - (draws as f64).ln() + log_det.to_f64());
        sums.into_iter().zip(log_dets).map(of).collect()
    }
}
