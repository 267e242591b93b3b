//! The autoregressive layer, which makes MAF in one direction and IAF in the other.

use crate::univariate::{Elementwise, Parameters, Univariate};
use crate::{Bijection, Context, Mapped, Module, Visitor, nn::Causal};
use autograd::{Real, Var};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whose earlier dimensions the network reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// x's: masked autoregressive flow (Papamakarios et al. 2017).
    Data,
    /// z's: inverse autoregressive flow (Kingma et al. 2016).
    Latent,
}

/// An increasing map of each dimension, chosen by the dimensions before it, on `[batch, D]`.
///
/// With [`Affine`](crate::univariate::Affine) maps it is a layer of [`Maf`](crate::models::Maf) where the network reads x, and
/// of [`Iaf`](crate::models::Iaf) where it reads z. With [`Mixture`](crate::univariate::Mixture) maps and a base of their
/// kind, each dimension given those before it has a mixture's density.
///
/// The Jacobian is triangular. MAF knows all of x at once in `to_latent`, which is one parallel pass; its `to_data` needs
/// x_<i for xᵢ and computes the dimensions in order. IAF is the reverse. The sequential direction costs the
/// multiply-adds of one pass here, not of D: see [`Causal`].
#[derive(Debug)]
pub struct Autoregressive<N, U> {
    net: N,
    univariate: U,
    reads: Reads,
    whole_passes: Arc<WholePasses>,
}

/// Whether the sequential direction is computed by D whole passes of the network.
#[derive(Debug, Default)]
struct WholePasses(AtomicBool);

/// Runs `f` while every autoregressive layer of `model` computes its sequential direction by D whole passes of its
/// network, as other libraries do. This is slow: the reference for tests and timings.
pub fn with_whole_passes<T: Real, R>(model: &(impl Module<T> + ?Sized), f: impl FnOnce() -> R) -> R {
    /// Switches back even if `f` panics.
    struct Restore(Vec<Arc<WholePasses>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            self.0.iter().for_each(|layer| layer.0.store(false, Ordering::Relaxed));
        }
    }
    let layers = Restore(Visitor::handles::<WholePasses>(model));
    layers.0.iter().for_each(|layer| layer.0.store(true, Ordering::Relaxed));
    f()
}

impl<N, U> Autoregressive<N, U> {
    /// A layer whose network gives each dimension the parameters of its map.
    ///
    /// # Panics
    /// If the network has another number of outputs, or the map has learned parameters for each feature.
    pub fn new<T: Real>(net: N, univariate: U, reads: Reads) -> Self
    where
        N: Causal<T>,
        U: Univariate<T>,
    {
        let (given, needed) = (net.outputs(), univariate.parameters());
        assert!(given == needed, "autoregressive: a network with {given} outputs per dimension, not {needed}");
        assert!(!univariate.is_per_feature(), "autoregressive: a map with learned parameters for each feature");
        Self { net, univariate, reads, whole_passes: Arc::default() }
    }

    /// The map of each dimension.
    pub fn univariate(&self) -> &U {
        &self.univariate
    }

    /// Whose earlier dimensions the network reads.
    pub fn reads(&self) -> Reads {
        self.reads
    }

    /// The parameters of all dimensions, given what the network reads: one pass.
    pub fn parameters<T: Real>(&self, read: &Var<T>, cx: Context<'_, T>) -> Parameters<T>
    where
        N: Causal<T>,
        U: Univariate<T>,
    {
        self.by_dimension(read, &self.net.apply(read, cx.condition))
    }

    /// Outputs `[batch, n·P]` of the network as parameters of n dimensions.
    fn by_dimension<T: Real>(&self, numbers: &Var<T>, outputs: &Var<T>) -> Parameters<T>
    where
        U: Univariate<T>,
    {
        Parameters::last(outputs.reshape([numbers.extent(0), numbers.extent(1), self.univariate.parameters()]))
    }

    /// The direction whose input the network reads, one pass: each element with its own log-derivative.
    pub fn parallel<T: Real>(&self, input: &Var<T>, cx: Context<'_, T>) -> Elementwise<T>
    where
        N: Causal<T>,
        U: Univariate<T>,
    {
        let theta = self.parameters(input, cx);
        match self.reads {
            Reads::Data => self.univariate.to_latent(input, &theta),
            Reads::Latent => self.univariate.to_data(input, &theta),
        }
    }

    /// The direction whose result the network reads: one dimension after another.
    fn sequential<T: Real>(&self, target: &Var<T>, cx: Context<'_, T>) -> Mapped<T>
    where
        N: Causal<T>,
        U: Univariate<T>,
    {
        let by_passes = self.whole_passes.0.load(Ordering::Relaxed);
        if by_passes || target.tape().is_some() {
            let step = |target: &Var<T>, outputs: &Var<T>| {
                let theta = self.by_dimension(target, outputs);
                match self.reads {
                    Reads::Data => self.univariate.to_data(target, &theta).value,
                    Reads::Latent => self.univariate.to_latent(target, &theta).value,
                }
            };
            let value = if by_passes {
                self.net.by_passes(target, cx.condition, &step)
            } else {
                self.net.in_order_recorded(target, cx.condition, &step)
            };
            // The log-determinant is that of the parallel direction at the result, with the other sign.
            let log_det = -self.parallel(&value, cx).log_deriv.sum_per_sample();
            return Mapped { value, log_det };
        }
        let step = |target: &[T], theta: &[T], y: &mut [T], log_deriv: &mut [T]| match self.reads {
            Reads::Data => self.univariate.to_data_rows(target, theta, y, log_deriv),
            Reads::Latent => self.univariate.to_latent_rows(target, theta, y, log_deriv),
        };
        self.net.in_order(target.value(), cx.condition.map(Var::value), &step)
    }
}

impl<T: Real, N: Causal<T>, U: Univariate<T>> Bijection<T> for Autoregressive<N, U> {
    fn to_latent(&self, x: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        match self.reads {
            Reads::Data => self.parallel(x, cx).into(),
            Reads::Latent => self.sequential(x, cx),
        }
    }

    fn to_data(&self, z: &Var<T>, cx: Context<'_, T>) -> Mapped<T> {
        match self.reads {
            Reads::Data => self.sequential(z, cx),
            Reads::Latent => self.parallel(z, cx).into(),
        }
    }
}

impl<T: Real, N: Module<T>, U: Univariate<T>> Module<T> for Autoregressive<N, U> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        let reads = match self.reads {
            Reads::Data => "data",
            Reads::Latent => "latents",
        };
        visitor.constant("reads", reads);
        visitor.part("net", &self.net);
        self.univariate.visit(visitor);
        visitor.handle(self.whole_passes.clone());
    }
}
