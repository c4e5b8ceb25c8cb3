"""Reading: names of files and windows, formats, images, spacing, and the segmentation of gray values into phases."""
