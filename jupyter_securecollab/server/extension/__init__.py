"""What is put into Jupyter servers: a vault inside them or the way to one elsewhere, and their kernels."""
