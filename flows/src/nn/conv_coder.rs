//! Convolutional encoder and decoder.

use super::{Conv2d, Init, Linear, Network};
use crate::{Bijection, Context, layers::Squeeze, parameters};
use autograd::{Real, Var};
use rand::Rng;

/// From flat images to features, `[batch, C·H·W] → [batch, outputs]`: for each entry of `channels` a [`Squeeze`], a 3×3
/// convolution to that many channels and a ReLU; then a linear layer. (A squeeze and a 3×3 convolution are a 6×6
/// convolution with stride 2.)
#[derive(Debug)]
pub struct ConvEncoder<T: Real> {
    image: [usize; 3],
    convs: Vec<Conv2d<T>>,
    output: Linear<T>,
}

/// From features to images, `[batch, inputs] → [batch, outputs·C·H·W]`: a linear layer and a ReLU, then for each entry
/// of `channels`, from the last, a 3×3 convolution and an inverse squeeze (sub-pixel convolution; Shi et al. 2016),
/// with ReLUs between. There is one image for each of the `outputs`.
#[derive(Debug)]
pub struct ConvDecoder<T: Real> {
    smallest: [usize; 3],
    input: Linear<T>,
    convs: Vec<Conv2d<T>>,
}

/// The shape of the smallest image.
#[track_caller]
fn smallest([_, height, width]: [usize; 3], channels: &[usize]) -> [usize; 3] {
    let Some(&last) = channels.last() else { panic!("convolutional coder: no channels") };
    let halvings = 1 << channels.len();
    assert!(
        height.is_multiple_of(halvings) && width.is_multiple_of(halvings),
        "convolutional coder: {height}×{width} cannot be halved {} times",
        channels.len()
    );
    [last, height / halvings, width / halvings]
}

impl<T: Real> ConvEncoder<T> {
    /// A zero-initialized network over images `[channels, height, width]`.
    ///
    /// # Panics
    /// If there are no channels, or the height or the width cannot be halved that often.
    #[track_caller]
    pub fn new(image: [usize; 3], channels: &[usize], outputs: usize, rng: &mut dyn Rng) -> Self {
        let features = smallest(image, channels).iter().product();
        let from = [image[0]].into_iter().chain(channels.iter().copied());
        let init = Init::He { gain: 1.0 };
        let convs = from.zip(channels).map(|(from, &to)| Conv2d::new(4 * from, to, 3, init, rng)).collect();
        Self { image, convs, output: Linear::new(features, outputs, Init::Zeros, rng) }
    }
}

impl<T: Real> ConvDecoder<T> {
    /// A zero-initialized network to `outputs` images `[channels, height, width]`.
    ///
    /// # Panics
    /// As [`ConvEncoder::new`].
    #[track_caller]
    pub fn new(inputs: usize, channels: &[usize], image: [usize; 3], outputs: usize, rng: &mut dyn Rng) -> Self {
        let smallest = smallest(image, channels);
        let init = Init::He { gain: 1.0 };
        let input = Linear::new(inputs, smallest.iter().product(), init, rng);
        let to = [outputs * image[0]].into_iter().chain(channels.iter().copied());
        let mut convs: Vec<_> = to.zip(channels).map(|(to, &from)| Conv2d::new(from, 4 * to, 3, init, rng)).collect();
        convs.reverse();
        let convs = match convs.pop() {
            Some(last) => convs.into_iter().chain([last.zero_initialized()]).collect(),
            None => convs,
        };
        Self { smallest, input, convs }
    }
}

impl<T: Real> Network<T> for ConvEncoder<T> {
    /// Ignores the condition.
    fn apply(&self, x: &Var<T>, _condition: Option<&Var<T>>) -> Var<T> {
        let [channels, height, width] = self.image;
        let mut h = x.reshape([x.extent(0), channels, height, width]);
        for conv in &self.convs {
            h = conv.apply_relu(&Squeeze.to_latent(&h, Context::default()).value);
        }
        self.output.apply(&h.flatten())
    }
}

impl<T: Real> Network<T> for ConvDecoder<T> {
    /// Ignores the condition.
    fn apply(&self, x: &Var<T>, _condition: Option<&Var<T>>) -> Var<T> {
        let [channels, height, width] = self.smallest;
        let mut h = self.input.apply(x).reshape([x.extent(0), channels, height, width]);
        for conv in &self.convs {
            h = Squeeze.to_data(&conv.apply(&h.relu()), Context::default()).value;
        }
        h.flatten()
    }
}

parameters!(ConvEncoder: convs, output; activation = "relu");

parameters!(ConvDecoder: input, convs; activation = "relu");
