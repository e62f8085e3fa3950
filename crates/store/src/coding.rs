//! Small shared pieces of the binary codings: a bounded reader and variable-length numbers.
//!
//! Every number has exactly one coding, so that equal values give equal bytes and equal digests.

use crate::{Digest, Error};

/// Reads values off the front of foreign bytes; never past their end.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// `what` names the structure in refusals.
    pub(crate) const fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(|| self.refuse("ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.refuse("ends too early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn digest(&mut self) -> Result<Digest, Error> {
        Ok(Digest::from_bytes(self.array()?))
    }

    /// A number of seven bits per byte, least significant first, in its shortest form.
    pub(crate) fn varint(&mut self) -> Result<u64, Error> {
        let mut value = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(self.refuse("has a number that is not in its shortest form"));
                }
                return Ok(value);
            }
        }
        Err(self.refuse("has a number of more than nine bytes"))
    }

    /// Refuses bytes after the end of the structure.
    pub(crate) fn end(&self) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.refuse("has bytes after its end")) }
    }

    pub(crate) fn refuse(&self, fault: &str) -> Error {
        Error::invalid(format!("the {} {fault}", self.what))
    }
}

/// Appends `value` as [`Reader::varint`] reads it. Values are below 2^63.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// `usize` as `u64`: lossless on every platform we build for.
pub(crate) fn wide(value: usize) -> u64 {
    u64::try_from(value).expect("usize has at most 64 bits")
}
