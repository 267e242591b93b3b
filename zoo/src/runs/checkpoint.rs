//! Checkpoints: one safetensors file from which a model can be rebuilt.
//!
//! The metadata holds the model's name, its blueprint and its constants as JSON, the step and the seed. The tensors are
//! the parameters by path, in PyTorch's layout. Python opens it with the `safetensors` and `numpy` packages alone, and
//! `docs/checkpoints.md` says how to compute log p(x) from it.

use crate::models::{Blueprint, Model};
use crate::runs::files::{self, write_atomically};
use anyhow::{Context as _, Result, anyhow, bail};
use autograd::{Real, Tensor};
use flows::{Constant, Module};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, View};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Read as _, Write};
use std::path::Path;

/// The format of this program's files, with its number.
const FORMAT: &str = "flow-zoo-2";
/// What the formats of all versions begin with.
const ANY_FORMAT: &str = "flow-zoo-";

/// The metadata entry that only the state of a training run has.
pub const TRAINING: &str = "training";

/// The metadata entry with the constants that the model computes with: a reader needs them to compute log p(x) without
/// this program.
pub const CONSTANTS: &str = "constants";

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
    /// Refuses a blueprint whose model is larger than the file: a damaged one may have any size.
    pub fn check(&self, path: &Path) -> Result<()> {
        let shown = path.display();
        let held: usize = self.tensors.values().map(|tensor| tensor.shape().elements()).sum();
        let needed = self.header.blueprint.check().with_context(|| shown.to_string())?;
        if needed > held as f64 {
            bail!(
                "{shown} describes a model of {needed} weights and holds {held}: it is damaged, use another checkpoint"
            );
        }
        Ok(())
    }

    /// A model of the file's blueprint, with fresh parameters.
    pub fn build<T: Real>(&self, path: &Path) -> Result<Model<T>> {
        self.check(path)?;
        self.header.blueprint.build(&mut ChaCha8Rng::seed_from_u64(0)).with_context(|| path.display().to_string())
    }

    /// Refuses a file whose model computed with other constants than this one. Older files name none.
    pub fn compare_constants<T: Real>(&self, model: &(impl Module<T> + ?Sized), path: &Path) -> Result<()> {
        let (Some(text), shown) = (self.extra.get(CONSTANTS), path.display()) else { return Ok(()) };
        let ours = self.header.blueprint.constants(model);
        // Longer ones are not parsed: JSON takes far more memory than its text.
        let longest = 2 * serde_json::to_string(&ours)?.len() + 4096;
        let theirs = Some(text).filter(|text| text.len() <= longest).map(|text| serde_json::from_str(text));
        let Some(Ok(theirs)): Option<Result<serde_json::Map<String, Value>, _>> = theirs else {
            bail!("{shown} has constants that cannot be read: use another checkpoint");
        };
        let differs = |(name, value): &(&String, &Value)| !ours.get(*name).is_some_and(|ours| same(ours, value));
        let Some((name, theirs)) = theirs.iter().find(differs) else { return Ok(()) };
        let ours = match ours.get(name) {
            Some(Constant::Number(number)) => number.to_string(),
            Some(Constant::Word(word)) => format!("{word:?}"),
            Some(Constant::Indices(_)) => "another order".to_owned(),
            None => "none of that name".to_owned(),
        };
        let theirs = theirs.as_f64().map_or_else(String::new, |number| format!(" = {number}"));
        let name: String = name.chars().take(60).collect();
        bail!("{shown} has the constant {name:?}{theirs}, this version has {ours}: use the version that wrote it")
    }

    /// A model of the file's blueprint, with the parameters of tensors named `prefix` + path.
    pub fn model<T: Real>(&self, prefix: &str, path: &Path) -> Result<Model<T>> {
        let model = self.build(path)?;
        fill(&model, &self.tensors, prefix, path)?;
        self.compare_constants(&model, path)?;
        Ok(model)
    }
}

/// Whether a constant is what a file says.
fn same(ours: &Constant, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Constant::Number(ours), theirs) => theirs.as_f64() == Some(*ours),
        (Constant::Word(ours), Value::String(theirs)) => theirs == ours,
        (Constant::Indices(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(&i, theirs)| theirs.as_u64() == Some(i as u64))
        }
        _ => false,
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

/// The constants of a model of this blueprint, as an entry of the metadata.
pub fn constants(blueprint: &Blueprint, model: &(impl Module<f32> + ?Sized)) -> Result<(&'static str, String)> {
    Ok((CONSTANTS, serde_json::to_string(&blueprint.constants(model))?))
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

/// Sets a model's parameters, in either precision, from tensors named `prefix` + path.
pub fn fill<T: Real>(
    module: &(impl Module<T> + ?Sized),
    tensors: &HashMap<String, Tensor<f32>>,
    prefix: &str,
    path: &Path,
) -> Result<()> {
    let shown = path.display();
    let params = module.params();
    for (name, param) in &params {
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
        if !tensor.all_finite() {
            bail!("{shown}: tensor {name} has values that are not finite: use an earlier checkpoint");
        }
        param.set(tensor.cast());
    }
    let known = |name: &str| params.iter().any(|(path, _)| name.strip_prefix(prefix) == Some(path));
    if let Some(stray) = tensors.keys().find(|name| name.starts_with(prefix) && !known(name)) {
        bail!(
            "{shown} has a tensor {stray} that its model does not: it is a checkpoint of another version, train again"
        );
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
