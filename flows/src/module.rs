//! Parameters and constants by path.

use autograd::{Param, Real};
use serde::{Serialize, Serializer};
use std::{any::Any, collections::BTreeMap, fmt::Display, sync::Arc};

/// Something that has parameters, each with a path such as `layers.2.net.0.weight`.
pub trait Module<T: Real> {
    /// Shows the visitor every parameter and every submodule, each under its name.
    fn visit(&self, visitor: &mut Visitor<T>);

    /// All parameters and buffers with their paths, in a fixed order.
    fn params(&self) -> Vec<(String, Param<T>)> {
        let mut visitor = Visitor::new();
        self.visit(&mut visitor);
        visitor.params
    }

    /// All constants with their paths.
    fn constants(&self) -> BTreeMap<String, Constant> {
        let mut visitor = Visitor::new();
        self.visit(&mut visitor);
        visitor.constants
    }
}

/// A part of a module's formula that is neither a parameter nor one of its sizes: with the parameters and the sizes,
/// whoever knows the constants can compute the same in another program.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Constant {
    /// A value.
    Number(f64),
    /// A choice.
    Word(&'static str),
    /// Positions.
    #[serde(serialize_with = "list")]
    Indices(Arc<[usize]>),
}

fn list<S: Serializer>(indices: &Arc<[usize]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(indices.iter())
}

impl From<f64> for Constant {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&'static str> for Constant {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

impl From<Arc<[usize]>> for Constant {
    fn from(indices: Arc<[usize]>) -> Self {
        Self::Indices(indices)
    }
}

/// A pointer to a module has the parameters of that module.
macro_rules! pointers {
    ($($pointer:ident),*) => {
        $(
            impl<T: Real, M: Module<T> + ?Sized> Module<T> for $pointer<M> {
                fn visit(&self, visitor: &mut Visitor<T>) {
                    self.as_ref().visit(visitor);
                }
            }
        )*
    };
}

pointers!(Box, Arc);

/// Implements [`Module`] for types without parameters, with their constants if they have some.
macro_rules! without_parameters {
    ($($module:ty),*) => {
        $(
            impl<T: autograd::Real> $crate::module::Module<T> for $module {
                fn visit(&self, _visitor: &mut $crate::module::Visitor<T>) {}
            }
        )*
    };
    ($module:ty; $($name:ident = $value:expr),*) => {
        impl<T: autograd::Real> $crate::module::Module<T> for $module {
            fn visit(&self, visitor: &mut $crate::module::Visitor<T>) {
                $(visitor.constant(stringify!($name), $value);)*
            }
        }
    };
}

/// Implements [`Module`] for a type whose parameters and submodules are the fields of these names, with its constants
/// if it has some.
macro_rules! parameters {
    ($module:ident: $($name:ident),* $(; $($constant:ident = $value:expr),*)?) => {
        impl<T: autograd::Real> $crate::module::Module<T> for $module<T> {
            fn visit(&self, visitor: &mut $crate::module::Visitor<T>) {
                $(visitor.part(stringify!($name), &self.$name);)*
                $($(visitor.constant(stringify!($constant), $value);)*)?
            }
        }
    };
}

impl<T: Real> Module<T> for Param<T> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        visitor.params.push((visitor.path.clone(), self.clone()));
    }
}

impl<T: Real, M: Module<T>> Module<T> for Option<M> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.iter().for_each(|module| module.visit(visitor));
    }
}

/// Modules in a row are named by their index.
impl<T: Real, M: Module<T>> Module<T> for [M] {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.iter().enumerate().for_each(|(i, module)| visitor.part(i, module));
    }
}

impl<T: Real, M: Module<T>> Module<T> for Vec<M> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.as_slice().visit(visitor);
    }
}

impl<T: Real, M: Module<T>, const N: usize> Module<T> for [M; N] {
    fn visit(&self, visitor: &mut Visitor<T>) {
        self.as_slice().visit(visitor);
    }
}

pub(crate) use {parameters, without_parameters};

/// Collects parameters, constants and shared handles on a walk through a model.
#[derive(Debug)]
pub struct Visitor<T: Real> {
    path: String,
    params: Vec<(String, Param<T>)>,
    constants: BTreeMap<String, Constant>,
    handles: Vec<Arc<dyn Any + Send + Sync>>,
}

impl<T: Real> Visitor<T> {
    fn new() -> Self {
        Self { path: String::new(), params: Vec::new(), constants: BTreeMap::new(), handles: Vec::new() }
    }

    /// A parameter of the current module.
    pub fn param(&mut self, name: &str, param: &Param<T>) {
        self.part(name, param);
    }

    /// A constant of the current module's formula.
    pub fn constant(&mut self, name: &str, value: impl Into<Constant>) {
        self.constants.insert(self.inner(name), value.into());
    }

    /// The path of a part of the current module.
    fn inner(&self, name: impl Display) -> String {
        if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) }
    }

    /// A submodule of the current module. The paths of its parameters begin with `name`.
    pub fn part(&mut self, name: impl Display, part: &(impl Module<T> + ?Sized)) {
        let inner = self.inner(name);
        let outer = std::mem::replace(&mut self.path, inner);
        part.visit(self);
        self.path = outer;
    }

    /// Settings of the current module that can be changed from outside, such as those of a solver.
    pub fn handle(&mut self, handle: Arc<dyn Any + Send + Sync>) {
        self.handles.push(handle);
    }

    /// All handles of one type in a model. A handle that several modules share appears once for each.
    pub(crate) fn handles<S: Any + Send + Sync>(model: &(impl Module<T> + ?Sized)) -> Vec<Arc<S>> {
        let mut visitor = Self::new();
        model.visit(&mut visitor);
        visitor.handles.into_iter().filter_map(|handle| handle.downcast().ok()).collect()
    }
}
