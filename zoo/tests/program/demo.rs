//! `zoo demo`: the README's first command, much shortened.

use crate::folder::Folder;
use crate::formats::png_size;

#[test]
fn the_demo_ends_with_a_picture_of_digits() {
    let folder = Folder::new();
    let said = folder.run("demo --minutes 0.005 --out digits --threads 2");
    assert!(said.contains("bits/dim") && said.contains("N = 10000"), "{said}");
    assert!(said.contains("digits/grid.png"), "{said}");
    assert_eq!(png_size(&folder.read("digits/grid.png")), (582, 582));
    // It is an ordinary run of a conditional MAF on MNIST.
    let model = folder.safetensors("digits/model.safetensors");
    assert_eq!((&*model.metadata["model"], &*model.metadata["data"]), ("maf", "mnist"));
    assert!(said.contains("given the class") && said.contains("a class in each column"), "{said}");
    folder.run("sample digits --grid 2x1 --threads 1 --seed 1 --out two.png");
    assert_eq!(png_size(&folder.read("two.png")), (2 * 58 + 2, 60));
}
