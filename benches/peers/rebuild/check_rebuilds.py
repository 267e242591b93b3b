"""Trains a small model of every kind with zoo, rebuilds it from its checkpoint, and compares log p(x)."""

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch

import cases
from checkpoint import Checkpoint
from vae import Vae

MODULES = {"made": "autoregressive", "maf": "autoregressive", "iaf": "autoregressive"}
# Nats, for rows whose latents are within ±FAR; and in units of the largest |log p| of a row, if that is above 1.
TOLERANCE, RELATIVE, FAR = 1e-4, 2e-6, 10.0
DRAWS = 20_000


def zoo(args, *words):
    done = subprocess.run([args.zoo, *map(str, words)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"zoo {' '.join(map(str, words))}\n{done.stderr}")
    return done.stdout


def train(args, name, line, data):
    """Returns the run folder of a case, trained if it is not there yet, and the name of its data."""
    run = args.out / name.replace(" ", "-")
    model, source, *options = line.split()
    if not (run / "model.safetensors").exists():
        preset = [] if "--preset" in options else ["--preset", "quick"]
        zoo(args, "train", model, "--data", data[source][0], "--out", run, "--threads", 1, *preset, *options)
    return run, source


def mapped(args, run, command, x, labels=None):
    """Rows mapped by `zoo logprob`, `encode` or `decode`."""
    np.save(args.out / "rows.npy", x.astype(np.float32))
    files = ["--input", args.out / "rows.npy", "--output", args.out / "result.npy", "--threads", 1]
    if labels is not None:
        np.save(args.out / "labels.npy", labels.astype(np.float32))
        files += ["--labels", args.out / "labels.npy"]
    zoo(args, command, run, *files)
    return torch.from_numpy(np.load(args.out / "result.npy")).double()


def compare_flow(args, run, x, labels):
    file = Checkpoint(run / "model.safetensors")
    labels = labels if file.classes else None
    model = file.config["model"]
    module = importlib.import_module(MODULES.get(model, model.replace("-", "_")))
    z, log_p = module.log_prob(file, torch.from_numpy(x).double(), file.condition(labels))
    found = mapped(args, run, "logprob", x, labels)
    near = z.abs().amax(1) <= FAR
    gap, size = (found - log_p).abs(), log_p.abs().clamp(min=1)
    worst = gap[near].max().item() if near.any() else 0.0
    relative = (gap / size).max().item()
    fine = worst <= TOLERANCE or relative <= RELATIVE
    shown = f"{worst:9.1e} {relative:9.1e} {near.sum().item():5d}/{len(x):<4d} {size.max().item():10.1f}"
    if near.any() and "images" not in file.sizes:
        # (The latents of real-nvp over images come in another order.)
        shown += f" {(mapped(args, run, 'encode', x, labels) - z).abs()[near].max().item():9.1e}"
    return fine, shown


def compare_vae(args, run, x, data, source, row):
    vae = Vae(Checkpoint(run / "model.safetensors"))
    rows = torch.from_numpy(x).double()
    codes = vae.center(rows)
    first = (mapped(args, run, "encode", x) - codes).abs().max().item()
    z = codes.numpy().astype(np.float32)
    means = vae.mean(torch.from_numpy(z).double())
    second = ((mapped(args, run, "decode", z) - means).abs() / means.abs().amax(0).clamp(min=1e-3)).max().item()
    fine, shown = first <= 1e-4 and second <= 1e-4, f"encode {first:.1e}, decode {second:.1e}"
    one = json.loads(zoo(args, "evaluate", run, "--limit", 1, "--draws", DRAWS, "--json", "--threads", 1))
    if source == "table":
        rows = torch.from_numpy(np.load(data[source][0])).double()
        if vae.sizes["refinement"] == "none":
            # Which row is the first test row is found by its divergence.
            gaps = (vae.divergence(rows) - one["kl"]).abs()
            gap, row = gaps.min().item(), gaps.argmin().item()
            fine, shown = fine and gap <= 1e-4, shown + f", KL {gap:.1e}"
    elif source == "black-white":
        gap, row = (vae.divergence(rows[:1]) - one["kl"]).abs().item(), 0
        fine, shown = fine and gap <= 1e-4, shown + f", KL {gap:.1e}"
    else:
        # The noise in the pixels is the program's own.
        return row, fine, shown
    estimate, error = vae.estimate(rows[row : row + 1], DRAWS)
    gap = abs(estimate - one["nats"])
    fine = fine and gap <= 5 * 2**0.5 * error
    return row, fine, shown + f", log p {gap:.1e} ± {2**0.5 * error:.1e}"


def main():
    root = Path(__file__).resolve().parents[3]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zoo", default=root / "target/release/zoo", help="the program")
    parser.add_argument("--out", type=Path, default=root / "target/rebuilds", help="the folder for data and runs")
    parser.add_argument("--only", default="", help="only cases whose names contain this")
    args = parser.parse_args()
    torch.set_grad_enabled(False)
    data = cases.make(args.out / "data")
    print(f"{'case':<28} {'nats':>9} {'relative':>9} {'|z|≤10':>10} {'|log p|':>10} {'z':>9}")
    failed, row = [], None
    for name, line in [*cases.CASES.items(), *((name, None) for name in cases.DISTILLED)]:
        if args.only not in name:
            continue
        if line is None:
            teacher, options = cases.DISTILLED[name]
            of, source = train(args, teacher, cases.CASES[teacher], data)
            run = args.out / name.replace(" ", "-")
            if not (run / "model.safetensors").exists():
                zoo(args, "distill", of, "--preset", "quick", "--out", run, "--threads", 1, *options.split())
        else:
            run, source = train(args, name, line, data)
        _, x, labels = data[source]
        if name.startswith("vae"):
            row, fine, shown = compare_vae(args, run, x, data, source, row)
        else:
            fine, shown = compare_flow(args, run, x, labels)
        print(f"{name:<28} {shown}{'' if fine else '   DIFFERS'}", flush=True)
        failed += [] if fine else [name]
    sys.exit(f"{len(failed)} differ: {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
