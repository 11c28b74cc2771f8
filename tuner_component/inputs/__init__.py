"""What people have, as the examples that a pipeline would hand to its Tuner."""
