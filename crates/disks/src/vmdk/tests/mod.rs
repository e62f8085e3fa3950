//! Images from ours and from `qemu-img`, and images that lie.

mod oracle;
