//! Tensors as a file stores them: `f32`, or in half the size.
//!
//! Shipped weights are matrices of 16-bit numbers, and a matrix under a staircase mask is stored without its zeros.

use super::checkpoint::damaged;
use super::files;
use anyhow::{Context as _, Result, bail};
use autograd::{Param, Tensor};
use half::f16;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::path::Path;

/// The metadata entry with the shapes of the matrices that are stored without the zeros at the end of their rows.
pub(super) const PACKED: &str = "packed";
/// After such a matrix's name: how many entries of each row are stored.
const ENTRIES: &str = ".entries";
/// A matrix is packed if that leaves out at least a quarter of it, and refused if it leaves out more than three: a small
/// file must not become a large tensor.
const LEAST: usize = 4;

/// A tensor's type, shape, and bytes.
#[derive(Clone, Debug)]
pub(crate) struct Stored<'a> {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: Cow<'a, [u8]>,
}

impl<'a> From<&'a Tensor<f32>> for Stored<'a> {
    fn from(tensor: &'a Tensor<f32>) -> Self {
        Self { dtype: Dtype::F32, shape: tensor.shape().to_vec(), bytes: bytes(tensor) }
    }
}

impl Stored<'_> {
    /// Values that [`f16`] can hold, rounded to it.
    fn half(shape: Vec<usize>, values: impl Iterator<Item = f32>) -> Stored<'static> {
        let bytes: Vec<u8> = values.flat_map(|x| f16::from_f32(x).to_le_bytes()).collect();
        Stored { dtype: Dtype::F16, shape, bytes: Cow::Owned(bytes) }
    }

    fn counts(counts: &[usize]) -> Stored<'static> {
        let bytes: Vec<u8> = counts.iter().flat_map(|&count| (count as u32).to_le_bytes()).collect();
        Stored { dtype: Dtype::U32, shape: vec![counts.len()], bytes: Cow::Owned(bytes) }
    }
}

/// The values, as little-endian bytes.
pub(super) fn bytes(tensor: &Tensor<f32>) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(tensor.as_slice()))
    } else {
        Cow::Owned(tensor.as_slice().iter().flat_map(|x| x.to_le_bytes()).collect())
    }
}

/// Whether a parameter becomes a tensor of 16-bit numbers: trained matrices and kernels do.
///
/// [`f16`] is eight times as precise as `bf16`, whose range no weight needs; what exceeds it stays `f32`. So do vectors,
/// which are small, and everything that is not trained: rounded statistics and rotations would no longer be those of the
/// model.
fn is_halved(param: &Param<f32>) -> bool {
    let fits = |tensor: Tensor<f32>| tensor.as_slice().iter().all(|&x| f16::from_f32(x).is_finite());
    param.is_trainable() && param.shape().len() > 1 && fits(param.value())
}

/// Rounds parameters to the values that [`small`] stores.
pub(crate) fn round(params: &[(String, Param<f32>)]) {
    for (_, param) in params.iter().filter(|(_, param)| is_halved(param)) {
        param.update(|values| values.iter_mut().for_each(|x| *x = f16::from_f32(*x).to_f32()));
    }
}

/// A model's tensors for a small file, and the metadata entry [`PACKED`].
pub(crate) fn small(params: &[(String, Param<f32>)]) -> Result<(Vec<(String, Stored<'static>)>, String)> {
    let (mut stored, mut packed) = (Vec::new(), BTreeMap::new());
    for (name, param) in params {
        let tensor = param.value();
        let (shape, values) = (tensor.shape().to_vec(), tensor.as_slice());
        if !is_halved(param) {
            let Stored { dtype, shape, bytes } = Stored::from(&tensor);
            stored.push((name.clone(), Stored { dtype, shape, bytes: Cow::Owned(bytes.into_owned()) }));
            continue;
        }
        match entries(&shape, values) {
            None => stored.push((name.clone(), Stored::half(shape, values.iter().copied()))),
            Some(counts) => {
                let rows = values.chunks(shape[1]).zip(&counts);
                let kept = rows.flat_map(|(row, &count)| row[..count].iter().copied());
                stored.push((name.clone(), Stored::half(vec![counts.iter().sum()], kept)));
                stored.push((format!("{name}{ENTRIES}"), Stored::counts(&counts)));
                packed.insert(name.clone(), shape);
            }
        }
    }
    Ok((stored, serde_json::to_string(&packed)?))
}

/// The entries of each row of a matrix without the zeros at its end, if it is worth leaving them out.
fn entries(shape: &[usize], values: &[f32]) -> Option<Vec<usize>> {
    let &[_, columns] = shape else { return None };
    if columns == 0 {
        return None;
    }
    let count = |row: &[f32]| row.iter().rposition(|&x| x != 0.0).map_or(0, |last| last + 1);
    let counts: Vec<usize> = values.chunks(columns).map(count).collect();
    let kept: usize = counts.iter().sum();
    (kept <= values.len() - values.len() / LEAST && values.len() <= LEAST * kept).then_some(counts)
}

/// The most bytes that the tensors of a file take in memory.
pub(super) fn size(metadata: &Metadata, packed: bool) -> usize {
    let value = if packed { 4 * LEAST } else { 4 };
    let each = |info: &TensorInfo| info.shape.iter().fold(value, |size: usize, &extent| size.saturating_mul(extent));
    let infos = metadata.offset_keys().into_iter().filter_map(|name| metadata.info(&name));
    infos.fold(0, |sum: usize, info| sum.saturating_add(each(info)))
}

/// Reads the tensors of a file in the order in which it has them. Their values go straight into them.
pub(super) fn read(
    metadata: &Metadata,
    packed: Option<&String>,
    file: &mut impl Read,
    path: &Path,
) -> Result<HashMap<String, Tensor<f32>>> {
    let (mut tensors, mut counts) = (HashMap::new(), HashMap::new());
    for name in metadata.offset_keys() {
        let Some(TensorInfo { dtype, shape, .. }) = metadata.info(&name) else { continue };
        let elements = shape.iter().product();
        let failed = |why: io::Error| files::failure("read", path, &why);
        match dtype {
            Dtype::F32 => {
                let mut tensor = Tensor::<f32>::zeros(&**shape);
                let values = tensor.as_mut_slice();
                file.read_exact(bytemuck::cast_slice_mut(values)).map_err(failed)?;
                values.iter_mut().for_each(|x| *x = f32::from_bits(u32::from_le(x.to_bits())));
                tensors.insert(name, tensor);
            }
            Dtype::F16 => {
                let mut values = vec![0_u16; elements];
                file.read_exact(bytemuck::cast_slice_mut(&mut values)).map_err(failed)?;
                let value = |i: usize| f16::from_bits(u16::from_le(values[i])).to_f32();
                tensors.insert(name, Tensor::from_fn(&**shape, value));
            }
            Dtype::U32 if name.ends_with(ENTRIES) => {
                let mut values = vec![0_u32; elements];
                file.read_exact(bytemuck::cast_slice_mut(&mut values)).map_err(failed)?;
                counts.insert(name, values.into_iter().map(|count| u32::from_le(count) as usize).collect());
            }
            other => bail!(
                "{}: tensor {name} is of type {other:?}, not F32: use a checkpoint that this program wrote",
                path.display()
            ),
        }
    }
    if let Some(packed) = packed {
        unpack(packed, &mut tensors, &counts, path)?;
    }
    Ok(tensors)
}

/// Gives packed matrices their zeros again.
fn unpack(
    packed: &str,
    tensors: &mut HashMap<String, Tensor<f32>>,
    counts: &HashMap<String, Vec<usize>>,
    path: &Path,
) -> Result<()> {
    let shapes: BTreeMap<String, [usize; 2]> =
        serde_json::from_str(packed).map_err(|_| damaged(path, &"its packed matrices have no shapes"))?;
    for (name, [rows, columns]) in shapes {
        let whole = || {
            let (kept, counts) = (tensors.get(&name)?, counts.get(&format!("{name}{ENTRIES}"))?);
            let stored = kept.shape().elements();
            let fits = counts.len() == rows && counts.iter().all(|&count| count <= columns);
            let fits = fits && counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count)) == Some(stored);
            let fits = fits && rows.checked_mul(columns)? <= LEAST * stored;
            let mut whole = Tensor::<f32>::zeros(if fits { [rows, columns] } else { return None });
            let mut from = kept.as_slice();
            for (row, &count) in whole.as_mut_slice().chunks_mut(columns.max(1)).zip(counts) {
                let (these, others) = from.split_at(count);
                row[..count].copy_from_slice(these);
                from = others;
            }
            Some(whole)
        };
        let whole = whole().with_context(|| damaged(path, &format_args!("its packed matrix {name} does not fit")))?;
        tensors.insert(name, whole);
    }
    Ok(())
}
