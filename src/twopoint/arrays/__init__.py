"""Arrays of any library: the door of every public function, transforms, refusals, and what torch and jax must be told."""
