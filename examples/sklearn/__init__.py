"""Models of scikit-learn, without Keras."""
