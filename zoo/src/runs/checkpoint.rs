//! Checkpoints: one safetensors file from which a model can be rebuilt.
//!
//! The metadata holds the model's name, its blueprint as JSON, the step and the seed. The tensors are the parameters
//! by path, in PyTorch's layout. Python opens it with the `safetensors` and `numpy` packages alone.

use crate::models::{Blueprint, Model, limit};
use crate::runs::files::{self, write_atomically};
use anyhow::{Context as _, Result, anyhow, bail};
use autograd::{Param, Real, Tensor};
use flows::Module;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, View};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::{Read as _, Write};
use std::path::Path;

/// The format of this program's files, with its number.
const FORMAT: &str = "flow-zoo-2";
/// What the formats of all versions begin with.
const ANY_FORMAT: &str = "flow-zoo-";

/// The metadata entry that only the state of a training run has.
pub const TRAINING: &str = "training";

/// What a checkpoint says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// How to build the model.
    pub blueprint: Blueprint,
    /// The name or path of the data it was trained on.
    pub data: String,
    /// Steps trained.
    pub step: u64,
    /// The training's seed.
    pub seed: u64,
}

/// Tensors by name, with a header.
#[derive(Debug)]
pub struct Contents {
    /// What the file says about itself.
    pub header: Header,
    /// Further entries of the metadata.
    pub extra: HashMap<String, String>,
    pub tensors: HashMap<String, Tensor<f32>>,
}

impl Contents {
    /// Refuses a blueprint whose model is larger than the file, before any of it is allocated: a damaged one may have
    /// any size.
    pub fn check(&self, path: &Path) -> Result<()> {
        let needed: usize = self.outline(path)?.iter().map(|(_, param)| param.shape().elements()).sum();
        if needed > self.held() { Err(self.too_small(path)) } else { Ok(()) }
    }

    /// The weights in the file.
    fn held(&self) -> usize {
        self.tensors.values().map(|tensor| tensor.shape().elements()).sum()
    }

    fn too_small(&self, path: &Path) -> anyhow::Error {
        let (shown, held) = (path.display(), self.held());
        anyhow!(
            "{shown} describes a model of more weights than the {held} it holds: it is damaged, use another checkpoint"
        )
    }

    /// The parameters of the file's model, without elements.
    fn outline(&self, path: &Path) -> Result<Vec<(String, Param<f32>)>> {
        let blueprint = &self.header.blueprint;
        blueprint.check().with_context(|| path.display().to_string())?;
        blueprint.outline(limit(self.tensors.values().map(Tensor::shape))).map_err(|_| self.too_small(path))
    }

    /// A model of the file's blueprint, with fresh parameters.
    pub fn build<T: Real>(&self, path: &Path) -> Result<Model<T>> {
        self.check(path)?;
        self.header.blueprint.build(&mut ChaCha8Rng::seed_from_u64(0)).with_context(|| path.display().to_string())
    }

    /// A model of the file's blueprint, with the parameters of tensors named `prefix` + path.
    pub fn model<T: Real>(&self, prefix: &str, path: &Path) -> Result<Model<T>> {
        match_tensors(&self.outline(path)?, &self.tensors, prefix, path)?;
        let model = self.build(path)?;
        fill(&model, &self.tensors, prefix, path)?;
        Ok(model)
    }
}

struct Stored<'a>(&'a Tensor<f32>);

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        if cfg!(target_endian = "little") {
            Cow::Borrowed(bytemuck::cast_slice(self.0.as_slice()))
        } else {
            Cow::Owned(self.0.as_slice().iter().flat_map(|x| x.to_le_bytes()).collect())
        }
    }

    fn data_len(&self) -> usize {
        size_of_val(self.0.as_slice())
    }
}

/// A model's present parameters by path.
pub fn weights(module: &(impl Module<f32> + ?Sized)) -> Vec<(String, Tensor<f32>)> {
    module.params().into_iter().map(|(path, param)| (path, param.value())).collect()
}

/// Writes tensors and a header, atomically.
pub fn write(path: &Path, header: &Header, extra: &[(&str, String)], tensors: &[(String, Tensor<f32>)]) -> Result<()> {
    let mut metadata = HashMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("model".to_owned(), header.blueprint.name().to_owned()),
        ("config".to_owned(), serde_json::to_string(&header.blueprint)?),
        ("data".to_owned(), header.data.clone()),
        ("step".to_owned(), header.step.to_string()),
        ("seed".to_owned(), header.seed.to_string()),
    ]);
    metadata.extend(extra.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let views = tensors.iter().map(|(name, tensor)| (name.as_str(), Stored(tensor)));
    let bytes =
        safetensors::serialize(views, Some(metadata)).map_err(|error| anyhow!("{}: {error}", path.display()))?;
    write_atomically(path, |writer| writer.write_all(&bytes))?;
    Ok(())
}

/// Reads a file that [`write()`] wrote.
pub fn read(path: &Path) -> Result<Contents> {
    let bytes = files::read(path)?;
    let shown = path.display();
    let damaged = |why: &dyn std::fmt::Display| {
        anyhow!(
            "{shown} is not a whole safetensors file ({why}); it may be cut off: copy it again or use another checkpoint"
        )
    };
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| damaged(&error))?;
    let mut metadata = header.metadata().clone().unwrap_or_default();
    let header = described(&mut metadata, path)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(&error))?;
    let mut tensors = HashMap::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            bail!(
                "{shown}: tensor {name} is of type {:?}, not F32: use a checkpoint that this program wrote",
                view.dtype()
            );
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        tensors.insert(name.to_owned(), Tensor::from_slice(view.shape(), &values.collect::<Vec<_>>()));
    }
    Ok(Contents { header, extra: metadata, tensors })
}

/// Takes the header out of a file's metadata.
fn described(metadata: &mut HashMap<String, String>, path: &Path) -> Result<Header> {
    let mut entry = |key: &str| metadata.remove(key).ok_or_else(|| foreign(path));
    match entry("format")? {
        format if format == FORMAT => {}
        format if format.starts_with(ANY_FORMAT) => {
            bail!("{} is of another format ({format}, not {FORMAT}): train the model again", path.display())
        }
        _ => return Err(foreign(path)),
    }
    let config = entry("config")?;
    let known = serde_json::from_str(&config).map_err(anyhow::Error::from);
    let known = known.and_then(|blueprint: Blueprint| blueprint.parse().map(|()| blueprint));
    let blueprint = known.with_context(|| {
        format!(
            "{} describes a model that this version does not know: train again, or use the version that wrote it",
            path.display()
        )
    })?;
    let number = |text: String| text.parse::<u64>().map_err(|_| foreign(path));
    Ok(Header { blueprint, data: entry("data")?, step: number(entry("step")?)?, seed: number(entry("seed")?)? })
}

/// The header of a file that [`write()`] wrote, and the further entries of its metadata, without its tensors.
pub fn beginning(path: &Path) -> Result<(Header, HashMap<String, String>)> {
    let (mut file, length) = files::open(path)?;
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(|_| foreign(path))?;
    let size = u64::from_le_bytes(size);
    if size > length {
        return Err(foreign(path));
    }
    let mut text = Vec::new();
    file.take(size).read_to_end(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
    let header: Metadata = serde_json::from_slice(&text).map_err(|_| foreign(path))?;
    let mut metadata = header.metadata().clone().unwrap_or_default();
    if Some(length) != (header.data_len() as u64).checked_add(size).and_then(|end| end.checked_add(8)) {
        bail!("{} is not a whole file; it may be cut off: copy it again or use another checkpoint", path.display());
    }
    Ok((described(&mut metadata, path)?, metadata))
}

fn foreign(path: &Path) -> anyhow::Error {
    anyhow!(
        "{} is a safetensors file, but not a checkpoint of this program: give a run folder or its model.safetensors",
        path.display()
    )
}

/// Refuses tensors, named `prefix` + path, that are not those of a model with these parameters.
fn match_tensors<T: Real>(
    params: &[(String, Param<T>)],
    tensors: &HashMap<String, Tensor<f32>>,
    prefix: &str,
    path: &Path,
) -> Result<()> {
    let shown = path.display();
    for (name, param) in params {
        let name = format!("{prefix}{name}");
        let Some(tensor) = tensors.get(&name) else {
            bail!("{shown} lacks the tensor {name} of its model: it is a checkpoint of another version, train again");
        };
        if *tensor.shape() != param.shape() {
            let (found, expected) = (tensor.shape(), param.shape());
            bail!(
                "{shown}: tensor {name} has shape {found}, but its model needs {expected}: the file is damaged, use another checkpoint"
            );
        }
    }
    let known: HashSet<&str> = params.iter().map(|(name, _)| name.as_str()).collect();
    if let Some(stray) = tensors.keys().find(|name| name.strip_prefix(prefix).is_some_and(|name| !known.contains(name)))
    {
        bail!(
            "{shown} has a tensor {stray} that its model does not: it is a checkpoint of another version, train again"
        );
    }
    Ok(())
}

/// Sets a model's parameters, in either precision, from tensors named `prefix` + path.
pub fn fill<T: Real>(
    module: &(impl Module<T> + ?Sized),
    tensors: &HashMap<String, Tensor<f32>>,
    prefix: &str,
    path: &Path,
) -> Result<()> {
    let params = module.params();
    match_tensors(&params, tensors, prefix, path)?;
    for (name, param) in &params {
        let name = format!("{prefix}{name}");
        if !tensors[&name].all_finite() {
            bail!("{}: tensor {name} has values that are not finite: use an earlier checkpoint", path.display());
        }
        param.set(tensors[&name].cast());
    }
    Ok(())
}

/// A trained model read from a file.
#[derive(Debug)]
pub struct Loaded<M> {
    /// What the file says about itself.
    pub header: Header,
    pub model: M,
}

/// As [`read`], but refuses the state of a training run.
pub fn read_model(path: &Path) -> Result<Contents> {
    let contents = read(path)?;
    if contents.extra.contains_key(TRAINING) {
        bail!("{} is what --resume needs, not a model: give the run folder or its model.safetensors", path.display());
    }
    Ok(contents)
}

/// Rebuilds the model of a checkpoint, in either precision.
pub fn load<T: Real>(path: &Path) -> Result<Loaded<Model<T>>> {
    let contents = read_model(path)?;
    let model = contents.model("", path)?;
    Ok(Loaded { header: contents.header, model })
}
