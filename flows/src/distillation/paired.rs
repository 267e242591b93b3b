//! A spectral loss between pairs of signals that say the same.

use super::PowerSpectrum;
use super::power::SILENCE;
use autograd::{Real, Var};

impl<T: Real> PowerSpectrum<T> {
    /// The distance of signals `x` from a reference of the same condition, row by row and window by window: the power loss
    /// as Parallel WaveNet has it, for signals that say the same words, of logarithms as in Arik, Jun & Diamos (2019):
    ///
    /// <!-- 1/(frames·bins) Σ_{f,k} (log(P_fk(x) + ε) − log(P_fk(reference) + ε))² -->
    #[doc = include_str!("../../formulas/paired-spectra.html")]
    ///
    /// Two draws of the same noise are apart, too: then it is about π²/3, the least that a perfect student can have where
    /// the condition leaves the signal to chance. ε is −40 dB of the reference's mean power.
    #[track_caller]
    pub fn paired_loss(&self, x: &Var<T>, reference: &Var<T>) -> Var<T> {
        let reference = self.apply(reference).detach();
        let silence = reference.mean_all().scale(SILENCE);
        let levels = |power: Var<T>| (power + &silence).ln();
        (levels(self.apply(x)) - levels(reference)).square().mean_all()
    }
}
