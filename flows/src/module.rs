//! Parameters by path.

use autograd::{Param, Real};
use std::fmt::Display;
use std::sync::Arc;

/// Something that has parameters, each with a path such as `layers.2.net.0.weight`.
pub trait Module<T: Real> {
    /// Shows every parameter, and every part that has some, to the visitor under its name.
    fn visit(&self, visitor: &mut Visitor<T>);

    /// All parameters and buffers with their paths, in a fixed order.
    #[must_use]
    fn params(&self) -> Vec<(String, Param<T>)> {
        let mut visitor = Visitor { path: String::new(), found: Vec::new() };
        self.visit(&mut visitor);
        visitor.found
    }
}

impl<T: Real, M: Module<T> + ?Sized> Module<T> for Box<M> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.as_ref().visit(visitor);
    }
}

impl<T: Real, M: Module<T> + ?Sized> Module<T> for Arc<M> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.as_ref().visit(visitor);
    }
}

/// Collects parameters on a walk through a model.
#[derive(Debug)]
pub struct Visitor<T: Real> {
    path: String,
    found: Vec<(String, Param<T>)>,
}

impl<T: Real> Visitor<T> {
    /// A parameter of the present part.
    pub fn param(&mut self, name: &str, param: &Param<T>) {
        self.found.push((self.joined(&name), param.clone()));
    }

    /// A part of the present part, whose parameters' paths begin with `name`.
    pub fn part(&mut self, name: impl Display, part: &(impl Module<T> + ?Sized)) {
        let path = self.joined(&name);
        let outer = std::mem::replace(&mut self.path, path);
        part.visit(self);
        self.path = outer;
    }

    fn joined(&self, name: &impl Display) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }
}
