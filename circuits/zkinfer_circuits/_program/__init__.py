"""Programs: a model as exact operations on integers, and the executor that defines them."""
