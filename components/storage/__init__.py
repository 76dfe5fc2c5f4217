"""File operations on any filesystem, and the digest that tells one model from another."""
