"""Names of the files in which a network is saved; without torch, for those that write the same files without it."""

WEIGHTS, OPTIONS = "model.safetensors", "model.json"
