"""Numbers and pictures by which models, generators and data are judged."""
