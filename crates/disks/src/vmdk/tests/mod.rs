//! Images from ours and from `qemu-img`, images that lie, and images that are broken at random.

mod image;

mod hostile_descriptor;
mod hostile_sparse;
mod hostile_stream;
mod mutation;
mod oracle;
