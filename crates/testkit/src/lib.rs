//! For tests only: a clock turned by hand, predictable ids, disk samples.
