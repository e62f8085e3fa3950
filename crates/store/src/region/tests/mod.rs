//! One region: what it keeps, what it refuses to serve, what a crash leaves, what a collection frees.

mod collection;
mod crash;
mod damage;
mod keeping;
