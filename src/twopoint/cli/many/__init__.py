"""Many images: several processes, a folder of results that a second call completes, rows and their spread, and distances."""
