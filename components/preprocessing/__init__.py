"""Transform: what needs a full pass over the data or the whole history of a series."""
