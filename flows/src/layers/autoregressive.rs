//! The autoregressive layer, which makes MAF in one direction and IAF in the other.

mod solve;

use crate::univariate::{Elementwise, Parameters, Univariate};
use crate::{Bijection, Context, Mapped, Module, Visitor, nn::Causal};
use autograd::{Real, Var};
use solve::Solve;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

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
/// multiply-adds of one pass here, not of D: see [`Causal`]. Its derivative costs those of a few passes more, also not
/// of D. So an IAF can be trained on data by maximum likelihood, and a student on the samples of its teacher.
#[derive(Debug)]
pub struct Autoregressive<N, U> {
    net: Arc<N>,
    univariate: Arc<U>,
    reads: Reads,
    solver: Arc<Solver>,
}

/// How the sequential direction is computed: 0 for the usual way, which computes each unit once, else the number of a
/// [`Reference`].
#[derive(Debug, Default)]
struct Solver(AtomicU8);

/// A slow way to compute the sequential direction of [`Autoregressive`] layers, to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// By D whole passes of the network, as other libraries do.
    WholePasses = 1,
    /// Each unit once, with every unit's operations recorded on the tape. It supports second derivatives, which the
    /// usual way does not.
    RecordedUnits = 2,
}

/// Runs `f` while every autoregressive layer of `model` computes its sequential direction in this way.
pub fn with_reference<T: Real, R>(model: &(impl Module<T> + ?Sized), reference: Reference, f: impl FnOnce() -> R) -> R {
    /// Switches back even if `f` panics.
    struct Restore(Vec<Arc<Solver>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            self.0.iter().for_each(|layer| layer.0.store(0, Ordering::Relaxed));
        }
    }
    let layers = Restore(Visitor::handles::<Solver>(model));
    layers.0.iter().for_each(|layer| layer.0.store(reference as u8, Ordering::Relaxed));
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
        Self { net: Arc::new(net), univariate: Arc::new(univariate), reads, solver: Arc::default() }
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
        by_dimension(&*self.univariate, read, &self.net.apply(read, cx.condition))
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
        U: Univariate<T> + 'static,
    {
        let reference = self.solver.0.load(Ordering::Relaxed);
        if reference != 0 {
            return self.by_reference(target, cx, reference == Reference::WholePasses as u8);
        }
        let step = |target: &[T], theta: &[T], y: &mut [T], log_deriv: &mut [T]| match self.reads {
            Reads::Data => self.univariate.to_data_rows(target, theta, y, log_deriv),
            Reads::Latent => self.univariate.to_latent_rows(target, theta, y, log_deriv),
        };
        let solution = self.net.in_order(target.value(), cx.condition.map(Var::value), &step);
        if target.tape().is_none() {
            return solution;
        }
        let (outputs, kept) = self.net.apply_keeping(&target.constant_like(solution.value.into_value()), cx.condition);
        let mapped = solve::mapped(&*self.univariate, self.reads, target, &outputs);
        let (net, univariate, reads) = (self.net.clone(), self.univariate.clone(), self.reads);
        let (target, outputs) = (target.value().clone(), outputs.into_value());
        let dims = target.shape()[1];
        let solved = Var::custom(Solve { net, univariate, reads, kept, target, outputs }, &[&mapped]);
        let log_det = solved.slice(1, dims..dims + 1).reshape([mapped.extent(0)]);
        Mapped { value: solved.slice(1, 0..dims), log_det }
    }

    /// The same by D whole passes of the network, or unit by unit on the tape.
    fn by_reference<T: Real>(&self, target: &Var<T>, cx: Context<'_, T>, by_passes: bool) -> Mapped<T>
    where
        N: Causal<T>,
        U: Univariate<T>,
    {
        let step = |target: &Var<T>, outputs: &Var<T>| {
            let theta = by_dimension(&*self.univariate, target, outputs);
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
        Mapped { value, log_det }
    }
}

/// Outputs `[batch, n·P]` of a network as parameters of the n dimensions of `elements`.
fn by_dimension<T: Real>(univariate: &impl Univariate<T>, elements: &Var<T>, outputs: &Var<T>) -> Parameters<T> {
    Parameters::last(outputs.reshape([elements.extent(0), elements.extent(1), univariate.parameters()]))
}

impl<T: Real, N: Causal<T>, U: Univariate<T> + 'static> Bijection<T> for Autoregressive<N, U> {
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
        visitor.part("net", &*self.net);
        self.univariate.visit(visitor);
        visitor.handle(self.solver.clone());
    }
}
