"""Opens a checkpoint: its configuration, its constants, and its tensors by path, in float64."""

import json

import torch
from safetensors import safe_open


class Part:
    """The tensors and constants whose paths begin with a prefix."""

    def __init__(self, tensors, constants, prefix=""):
        self.tensors, self.constants, self.prefix = tensors, constants, prefix

    def at(self, path):
        return Part(self.tensors, self.constants, f"{self.prefix}{path}.")

    def __getitem__(self, name):
        return self.tensors[self.prefix + name]

    def __contains__(self, name):
        return self.prefix + name in self.tensors

    def has(self, path):
        return any(name.startswith(f"{self.prefix}{path}.") for name in self.tensors)

    def constant(self, name):
        return self.constants[self.prefix + name]

    def has_constant(self, name):
        return self.prefix + name in self.constants

    def linear(self, x):
        return x @ self["weight"].T + self["bias"]


class Checkpoint(Part):
    def __init__(self, path):
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name).double() for name in file.keys()}
        assert metadata["format"] == "flow-zoo-2"
        self.config = json.loads(metadata["config"])
        self.sizes, self.space, self.classes = (self.config[key] for key in ("sizes", "space", "classes"))
        super().__init__(tensors, json.loads(metadata["constants"]))

    def condition(self, labels):
        """Classes as one-hot vectors."""
        if self.classes == 0:
            return None
        return torch.nn.functional.one_hot(torch.as_tensor(labels).long(), self.classes).double()
