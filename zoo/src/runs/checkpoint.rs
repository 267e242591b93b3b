//! Checkpoints: one safetensors file from which a model can be rebuilt.
//!
//! The metadata holds the model's name, its blueprint and its constants as JSON, the step and the seed. The tensors are
//! the parameters by path, in PyTorch's layout. Python opens it with the `safetensors` and `numpy` packages alone, and
//! `docs/checkpoints.md` says how to compute log p(x) from it.

use crate::models::{Blueprint, Model, limit};
use crate::runs::files::{self, replace_atomically};
use crate::runs::memory::{self, Bytes};
use crate::runs::place::Place;
use crate::runs::stored::{self, PACKED, Stored};
use crate::runs::{encode, strict};
use anyhow::{Context as _, Result, anyhow, bail};
use autograd::{Param, Real, Tensor};
use flows::{Constant, Module};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::Metadata;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
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
    /// Refuses a blueprint whose model is larger than the file, before any of it is allocated: a damaged one may have
    /// any size.
    pub fn check(&self, path: &Path) -> Result<()> {
        let params = self.outline(path)?;
        let needed = params.iter().filter(|(name, _)| !may_be_missing(name)).map(|(_, param)| param.shape().elements());
        let needed: usize = needed.sum();
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
        match_tensors(&self.outline(path)?, &self.tensors, prefix, path)?;
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

/// A model's present parameters by path.
pub fn weights(module: &(impl Module<f32> + ?Sized)) -> Vec<(String, Tensor<f32>)> {
    module.params().into_iter().map(|(path, param)| (path, param.value())).collect()
}

/// The constants of a model of this blueprint, as an entry of the metadata.
pub fn constants(blueprint: &Blueprint, model: &(impl Module<f32> + ?Sized)) -> Result<(&'static str, String)> {
    Ok((CONSTANTS, serde_json::to_string(&blueprint.constants(model))?))
}

/// Writes tensors and a header, atomically. A link at `path` is replaced.
pub fn write(path: &Path, header: &Header, extra: &[(&str, String)], tensors: &[(String, Tensor<f32>)]) -> Result<()> {
    write_stored(path, header, extra, &tensors.iter().map(|(name, tensor)| (name, tensor.into())).collect::<Vec<_>>())
}

/// Writes a model in about half of its size or less: its matrices become 16-bit numbers.
pub fn write_small(path: &Path, header: &Header, extra: &[(&str, String)], model: &Model<f32>) -> Result<()> {
    let (tensors, packed) = stored::small(&model.params())?;
    let extra = [extra, &[constants(&header.blueprint, model)?, (PACKED, packed)]].concat();
    write_stored(path, header, &extra, &tensors)
}

/// Rounds a model's weights to those that [`write_small`] writes.
pub fn round(model: &Model<f32>) {
    stored::round(&model.params());
}

fn write_stored<'a>(
    path: &Path,
    header: &Header,
    extra: &[(&str, String)],
    tensors: &[(impl AsRef<str>, Stored<'a>)],
) -> Result<()> {
    let mut metadata = BTreeMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("model".to_owned(), header.blueprint.name().to_owned()),
        ("config".to_owned(), serde_json::to_string(&header.blueprint)?),
        ("data".to_owned(), header.data.clone()),
        ("step".to_owned(), header.step.to_string()),
        ("seed".to_owned(), header.seed.to_string()),
    ]);
    metadata.extend(extra.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    replace_atomically(path, |writer| encode::write(writer, &metadata, tensors))
}

/// A checksum of a header, further words, and tensors.
pub fn checksum(header: &Header, words: &[&str], tensors: &[(String, Tensor<f32>)]) -> Result<String> {
    let header = serde_json::to_string(header)?;
    Ok(encode::checksum(&[&[header.as_str()], words].concat(), tensors))
}

/// The longest JSON header that is read, in bytes: room for a hundred thousand tensors.
const LONGEST_HEADER: u64 = 16 << 20;
/// The most that the tensors of a file take, in bytes.
const LARGEST: usize = 4 << 30;

/// Reads a file that [`write()`] or [`write_small`] wrote.
pub fn read(place: impl Into<Place>) -> Result<Contents> {
    let place = place.into();
    let (mut file, length) = place.open()?;
    let path = place.path();
    let shown = path.display();
    let (metadata, end) = metadata(&mut file, length, path)?;
    if end != Some(length) {
        return Err(damaged(path, &"its tensors do not end where it does"));
    }
    let mut extra = metadata.metadata().clone().unwrap_or_default();
    let header = described(&mut extra, path)?;
    let size = stored::size(&metadata, extra.contains_key(PACKED));
    if size > LARGEST {
        bail!("{shown} has tensors of {}, more than any model here: use another checkpoint", Bytes(size as f64));
    }
    // For a while there are the tensors and the model.
    memory::require(2.0 * size as f64, &format_args!("loading {shown}"), "use a smaller model")?;
    let tensors = stored::read(&metadata, extra.get(PACKED), &mut file, path)?;
    Ok(Contents { header, extra, tensors })
}

/// The JSON header of a file, and the length that the file should have.
fn metadata(file: &mut impl Read, length: u64, path: &Path) -> Result<(Metadata, Option<u64>)> {
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(|_| damaged(path, &"it is too short"))?;
    let size = u64::from_le_bytes(size);
    if size > length.min(LONGEST_HEADER) {
        return Err(damaged(path, &"its header is too long"));
    }
    let mut text = Vec::new();
    file.take(size).read_to_end(&mut text).map_err(|why| files::failure("read", path, &why))?;
    let metadata: Metadata = serde_json::from_slice(&text).map_err(|why| damaged(path, &why))?;
    let end = (metadata.data_len() as u64).checked_add(size).and_then(|end| end.checked_add(8));
    Ok((metadata, end))
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
    let known = strict::parse(&config).and_then(|blueprint: Blueprint| blueprint.parse().map(|()| blueprint));
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
pub fn beginning(place: impl Into<Place>) -> Result<(Header, HashMap<String, String>)> {
    let place = place.into();
    let Beginning { header, extra, is_whole } = Beginning::of(&place)?;
    if !is_whole {
        let shown = place.path().display();
        bail!("{shown} is not a whole file; it may be cut off: copy it again or use another checkpoint");
    }
    Ok((header, extra))
}

/// What a file says about itself, even if the rest of it is missing.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) header: Header,
    pub(crate) extra: HashMap<String, String>,
    /// Whether the file has the length of its tensors.
    pub(crate) is_whole: bool,
}

impl Beginning {
    /// Fails if the file is not one that [`write()`] wrote.
    pub(crate) fn of(place: &Place) -> Result<Self> {
        let (mut file, length) = place.open()?;
        let (metadata, end) = metadata(&mut file, length, place.path())?;
        let mut extra = metadata.metadata().clone().unwrap_or_default();
        Ok(Self { header: described(&mut extra, place.path())?, extra, is_whole: Some(length) == end })
    }
}

pub(super) fn damaged(path: &Path, why: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow!(
        "{} is not a whole safetensors file ({why}); it may be cut off: copy it again or use another checkpoint",
        path.display()
    )
}

fn foreign(path: &Path) -> anyhow::Error {
    anyhow!(
        "{} is a safetensors file, but not a checkpoint of this program: give a run folder or its model.safetensors",
        path.display()
    )
}

/// Older files hold statistics of tables as single numbers.
fn may_be_missing(tensor: &str) -> bool {
    tensor.ends_with(".mean_low") || tensor.ends_with(".std_low")
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
            if may_be_missing(&name) {
                continue;
            }
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
        let Some(tensor) = tensors.get(&name) else { continue };
        if !tensor.all_finite() {
            bail!("{}: tensor {name} has values that are not finite: use an earlier checkpoint", path.display());
        }
        param.set(tensor.cast());
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
pub fn read_model(place: impl Into<Place>) -> Result<Contents> {
    let place = place.into();
    let contents = read(&place)?;
    if contents.extra.contains_key(TRAINING) {
        let shown = place.path().display();
        bail!("{shown} is what --resume needs, not a model: give the run folder or its model.safetensors");
    }
    Ok(contents)
}

/// Rebuilds the model of a checkpoint, in either precision.
pub fn load<T: Real>(place: impl Into<Place>) -> Result<Loaded<Model<T>>> {
    let place = place.into();
    let contents = read_model(&place)?;
    let model = contents.model("", place.path())?;
    Ok(Loaded { header: contents.header, model })
}
