//! Visits every page and entry of a manifest, so that a caller can mark, count or repair what an image needs.

use super::Manifest;
use super::page::{Child, Page};
use crate::{Digest, Entry, Error};

/// Whether to look below a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Descend {
    /// Visit what the page holds.
    Into,
    /// The page's contents are known already.
    Past,
}

/// What is done at each page and entry; pages come before what they hold.
pub trait Visit {
    /// The root record or a page, before it is read.
    ///
    /// # Errors
    /// Ends the walk.
    fn page(&mut self, digest: &Digest) -> Result<Descend, Error>;

    /// An entry and its offset on the disk.
    ///
    /// # Errors
    /// Ends the walk.
    fn entry(&mut self, offset: u64, entry: &Entry) -> Result<(), Error>;

    /// A page that cannot be read; `length` bytes of the disk from `offset` on stand below it.
    ///
    /// # Errors
    /// Ends the walk; the default passes the error on.
    fn unreadable(&mut self, offset: u64, length: u64, error: Error) -> Result<(), Error> {
        let _whole_page = (offset, length);
        Err(error)
    }
}

impl Manifest<'_> {
    /// Shows everything to `visit`, in disk order.
    ///
    /// # Errors
    /// What `visit` answers, and by its default what reading a page does.
    pub fn walk(&self, visit: &mut dyn Visit) -> Result<(), Error> {
        if visit.page(&self.digest)? == Descend::Past {
            return Ok(());
        }
        match &self.root.top {
            Some(top) => self.walk_page(top, self.root.levels - 1, 0, visit),
            None => Ok(()),
        }
    }

    fn walk_page(
        &self,
        child: &Child,
        level: u8,
        mut offset: u64,
        visit: &mut dyn Visit,
    ) -> Result<(), Error> {
        if visit.page(&child.digest)? == Descend::Past {
            return Ok(());
        }
        let page = match self.page(child, level) {
            Ok(page) => page,
            Err(error) => return visit.unreadable(offset, child.length, error),
        };
        match &*page {
            Page::Leaf(entries) => {
                for entry in entries {
                    visit.entry(offset, entry)?;
                    offset += entry.length();
                }
            }
            Page::Inner(children) => {
                for child in children {
                    // The depth is bounded by the root's levels, so the recursion is too.
                    self.walk_page(child, level - 1, offset, visit)?;
                    offset += child.length;
                }
            }
        }
        Ok(())
    }
}
