"""A recording to a training set: assess, slice, align."""
