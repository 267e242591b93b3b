//! Staircase masks, of linear layers.

use crate::real::Real;
use crate::tensor::Tensor;
use std::fmt;
use std::sync::Arc;

/// Which inputs each output of a linear layer sees: output `o` sees the inputs `0..seen[o]`, where
/// `seen` never decreases.
///
/// An autoregressive network (MADE; Germain et al. 2015) gives every unit a degree, and lets it see the units of lower
/// degree. Where both sides of a layer are sorted by degree, the ones of its mask form a staircase, and
/// [`crate::Var::matmul_t_masked`] leaves out nearly all of the products with zeros. Cloning is cheap.
///
/// ```
/// use autograd::StaircaseMask;
///
/// let mask = StaircaseMask::new([0, 1, 1, 3], 3);
/// assert_eq!(mask.mask::<f32>().as_slice(), [
///     0.0, 0.0, 0.0, //
///     1.0, 0.0, 0.0, //
///     1.0, 0.0, 0.0, //
///     1.0, 1.0, 1.0,
/// ]);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct StaircaseMask {
    seen: Arc<[usize]>,
    inputs: usize,
}

impl StaircaseMask {
    /// A mask of `seen.len()` outputs over this many inputs.
    ///
    /// # Panics
    /// If `seen` decreases or exceeds the number of inputs.
    #[track_caller]
    pub fn new(seen: impl Into<Arc<[usize]>>, inputs: usize) -> Self {
        let seen = seen.into();
        for (o, pair) in seen.windows(2).enumerate() {
            let (this, next) = (pair[0], pair[1]);
            assert!(this <= next, "staircase mask: output {o} sees {this} inputs and output {} only {next}", o + 1);
        }
        if let Some(&most) = seen.last() {
            assert!(most <= inputs, "staircase mask: the last output sees {most} of {inputs} inputs");
        }
        Self { seen, inputs }
    }

    /// How many inputs there are, seen or not.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// How many outputs there are.
    pub fn outputs(&self) -> usize {
        self.seen.len()
    }

    /// How many inputs, from the first on, each output sees.
    pub fn seen(&self) -> &[usize] {
        &self.seen
    }

    /// The ones of the mask, which are the multiplications that a row of the product needs.
    pub fn ones(&self) -> usize {
        self.seen.iter().sum()
    }

    /// Whether every output sees every input.
    pub fn is_full(&self) -> bool {
        self.seen.first().is_none_or(|&least| least == self.inputs)
    }

    /// The first output that sees this input, as all later ones do; the number of outputs if none does.
    pub fn first_to_see(&self, input: usize) -> usize {
        self.seen.partition_point(|&seen| seen <= input)
    }

    /// The mask itself, `[outputs, inputs]`: 1 where the output sees the input, else 0.
    pub fn mask<T: Real>(&self) -> Tensor<T> {
        let mut mask = Tensor::zeros([self.outputs(), self.inputs]);
        let rows = mask.as_mut_slice().chunks_exact_mut(self.inputs.max(1));
        for (row, &seen) in rows.zip(self.seen()) {
            row[..seen].fill(T::ONE);
        }
        mask
    }
}

impl fmt::Debug for StaircaseMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 24;
        write!(f, "StaircaseMask of {} outputs over {} inputs, seen: ", self.outputs(), self.inputs)?;
        f.debug_list().entries(self.seen.iter().take(SHOWN)).finish()?;
        if self.outputs() > SHOWN { write!(f, " and {} more", self.outputs() - SHOWN) } else { Ok(()) }
    }
}
