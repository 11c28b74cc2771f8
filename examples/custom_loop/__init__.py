"""Training loops of one's own: GradientTape, tf_keras, two optimizers."""
