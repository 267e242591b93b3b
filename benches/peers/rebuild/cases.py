"""Small data of every kind, and the trainings that check_rebuilds.py compares."""

import struct
from pathlib import Path

import numpy as np

# Name of the case: model, data, further options of `zoo train`.
CASES = {
    "nice table": "nice table --steps 300",
    "nice two-moons": "nice two-moons --steps 100 --layers 5",
    "nice gray conditional": "nice gray --conditional --steps 30",
    "nice mnist": "nice mnist --steps 5",
    "real-nvp table": "real-nvp table --steps 300",
    "real-nvp two-moons": "real-nvp two-moons --steps 100 --layers 3",
    "real-nvp table paper": "real-nvp table --preset paper --steps 100",
    "real-nvp gray": "real-nvp gray --steps 30",
    "real-nvp gray conditional": "real-nvp gray --conditional --steps 20",
    "real-nvp gray squeezed": "real-nvp gray --squeeze-first true --layers 3,2 --steps 30",
    "real-nvp color": "real-nvp color --steps 30",
    "real-nvp gray paper": "real-nvp gray --preset paper --steps 2 --batch 16",
    "made table": "made table --steps 300",
    "made table random mixture": "made table --steps 200 --order random --components 3 --seed 5",
    "made gray conditional": "made gray --conditional --steps 30",
    "maf table": "maf table --steps 300",
    "maf table random": "maf table --steps 100 --order random --seed 3 --layers 3",
    "maf table reversed mixture": "maf table --steps 200 --order reversed --components 4",
    "maf table paper": "maf table --preset paper --steps 200 --lr 1e-3",
    "maf gray conditional": "maf gray --conditional --steps 30 --layers 3",
    "maf mnist": "maf mnist --steps 3 --layers 2",
    "iaf table": "iaf table --steps 200",
    "iaf table gated random": "iaf table --steps 200 --gated --order random --seed 2",
    "iaf gray": "iaf gray --steps 10 --layers 2",
    "wavenet speech": "wavenet speech:64 --steps 20 --unconditional",
    "wavenet speech one": "wavenet speech:64 --steps 20 --components 1 --layers 4 --unconditional",
    "mint-net table": "mint-net table --steps 30",
    "mint-net gray": "mint-net gray --steps 20",
    "mint-net color": "mint-net color --steps 20",
    "rbig table": "rbig table --layers 8",
    "rbig table kernels": "rbig table --layers 4 --kernels 100 --rotation random",
    "rbig two-moons": "rbig two-moons --layers 20",
    "rbig gray": "rbig gray --layers 4",
    "gaussianization table": "gaussianization table --steps 200",
    "gaussianization gray": "gaussianization gray --steps 20",
    "gaussianization color": "gaussianization color --steps 20 --layers 3",
    "vae table": "vae table --steps 300",
    "vae table gaussian": "vae table --steps 300 --likelihood gaussian --latents 2",
    "vae table planar": "vae table --steps 300 --posterior planar",
    "vae table iaf": "vae table --steps 300 --posterior iaf",
    "vae gray": "vae gray --steps 50 --latents 4",
    "vae gray conv": "vae gray --steps 30 --coder conv --latents 4",
    "vae black-white bernoulli": "vae black-white --steps 100 --likelihood bernoulli --latents 2",
}
# The teacher of the one model that learns from another.
DISTILLED = {"parallel-wavenet speech": ("wavenet speech", "--steps 20")}

NAMED = {"mnist", "two-moons"}


def table(rng, rows):
    """Five columns of different scales that depend on each other, with two modes."""
    side = rng.integers(0, 2, rows)
    a = rng.normal(size=rows) * 0.4 + 2.0 * side
    b = np.sin(2.0 * a) + 0.3 * rng.normal(size=rows)
    c = 100.0 + 20.0 * a * rng.normal(size=rows)
    d = np.exp(0.5 * rng.normal(size=rows)) + b
    e = 1e-3 * (rng.normal(size=rows) + a)
    return np.stack([a, b, c, d, e], axis=1).astype(np.float32)


def images(rng, rows, channels, height, width):
    """Smooth blobs as levels of 0 to 255, `[rows, channels, height, width]`, and the quarter that each blob is in."""
    y, x = np.mgrid[:height, :width]
    centers = rng.uniform(0, 1, (rows, channels, 2)) * [height, width]
    away = (y - centers[..., 0, None, None]) ** 2 + (x - centers[..., 1, None, None]) ** 2
    levels = 230 * np.exp(-away / (0.08 * height * width)) + rng.normal(size=away.shape) * 8 + 8
    labels = 2 * (centers[:, 0, 0] > height / 2) + (centers[:, 0, 1] > width / 2)
    return np.clip(levels, 0, 255).astype(np.uint8), labels.astype(np.uint8)


def pixels(rng, levels):
    """Levels as values in [0, 1], with noise."""
    levels = levels.reshape(len(levels), -1)
    return ((levels + rng.uniform(size=levels.shape)) / 256).astype(np.float32)


def write_idx(path, values):
    header = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(header + values.tobytes())


def write_folder(folder, parts):
    folder.mkdir(parents=True, exist_ok=True)
    for part, (levels, labels) in parts.items():
        write_idx(folder / f"{part}-images-idx3-ubyte", levels[:, 0])
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels)


def make(folder: Path):
    """Writes the data, and returns for each its path for --data and rows to compare at, with their classes."""
    rng = np.random.default_rng(7)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "table.npy", table(rng, 2000))
    gray = {part: images(rng, rows, 1, 8, 8) for part, rows in [("train", 600), ("t10k", 64)]}
    write_folder(folder / "gray", gray)
    sharp = {part: ((levels > 128) * np.uint8(255), labels) for part, (levels, labels) in gray.items()}
    write_folder(folder / "black-white", sharp)
    color, _ = images(rng, 600, 3, 4, 8)
    np.save(folder / "color.npy", color.transpose(0, 2, 3, 1))
    mnist, _ = images(rng, 16, 1, 28, 28)
    moons = rng.uniform(-1.5, 1.5, (64, 2)).astype(np.float32)
    speech = (0.2 * rng.normal(size=(32, 64))).cumsum(axis=1).clip(-0.9, 0.9).astype(np.float32)
    levels, labels = gray["t10k"]
    return {
        "table": (str(folder / "table.npy"), table(rng, 200), None),
        "gray": (str(folder / "gray"), pixels(rng, levels), labels),
        "black-white": (str(folder / "black-white"), (sharp["t10k"][0] > 0).reshape(64, -1).astype(np.float32), None),
        "color": (str(folder / "color.npy"), pixels(rng, color[:64]), None),
        "mnist": ("mnist", pixels(rng, mnist), None),
        "two-moons": ("two-moons", moons, None),
        "speech:64": ("speech:64", speech, None),
    }
