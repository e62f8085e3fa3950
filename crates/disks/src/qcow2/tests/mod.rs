//! Images from ours and from `qemu-img`, images that lie, and images that are broken at random.

mod image;

mod hostile_data;
mod hostile_header;
mod hostile_tables;
mod mutation;
mod oracle;
