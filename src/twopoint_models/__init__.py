"""Models on 2-point statistics: data, networks, training, properties. Imports nothing by itself; each part is imported by its own name."""
