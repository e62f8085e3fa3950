//! FAT12, FAT16 and FAT32.
use super::Opened;
use crate::{Window, tree::Error};
pub(super) fn open<'a>(_volume: &Window<'a>) -> Result<Opened<'a>, Error> {
    Err(Error::Unsupported("not read yet".into()))
}
