"""One folder per concern: pure modules first, thin adapters to TFX, Beam and TensorFlow last."""
