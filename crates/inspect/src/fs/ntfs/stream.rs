//! The bytes of an attribute: in its record, in runs of clusters, or compressed in those.

use super::attribute::{Attribute, Body, Kind, Stored};
use super::{lznt1, record, zeros};
use crate::bytes::{as_u64, as_usize};
use crate::tree::Error;
use crate::window::Window;

/// Most bytes that are compressed together: 16 clusters of 4 KiB for Windows.
const MOST_UNIT_BYTES: u64 = 1 << 20;

/// The clusters of a volume.
#[derive(Clone)]
pub(super) struct Clusters<'a> {
    pub(super) volume: Window<'a>,
    pub(super) cluster_bytes: u64,
    pub(super) count: u64,
}

impl Clusters<'_> {
    /// Where a cluster begins.
    pub(super) fn at(&self, cluster: u64) -> Result<u64, Error> {
        if cluster >= self.count {
            return Err(Error::Damaged(format!("cluster {cluster} is outside the NTFS")));
        }
        Ok(cluster * self.cluster_bytes)
    }
}

/// Bytes that can be read from any place.
pub(super) struct Stream<'a> {
    clusters: Clusters<'a>,
    is_compressed: bool,
    is_encrypted: bool,
    body: Body,
}

impl<'a> Stream<'a> {
    /// Puts together the attribute of this kind and name; `None` when there is none.
    pub(super) fn of(
        clusters: &Clusters<'a>,
        attributes: &[Attribute],
        kind: Kind,
        name: &[u16],
    ) -> Result<Option<Self>, Error> {
        let mut parts = Vec::new();
        let (mut is_compressed, mut is_encrypted) = (false, false);
        let clusters = clusters.clone();
        for attribute in attributes.iter().filter(|it| it.kind == kind && it.name == name) {
            match &attribute.body {
                Body::Resident(_) => {
                    let body = attribute.body.clone();
                    return Ok(Some(Self { clusters, is_compressed: false, is_encrypted: false, body }));
                }
                Body::Stored(stored) => {
                    is_compressed |= stored.first == 0 && attribute.is_compressed;
                    is_encrypted |= attribute.is_encrypted;
                    parts.push(stored.clone());
                }
            }
        }
        if parts.is_empty() {
            return Ok(None);
        }
        let body = Body::Stored(record::joined(parts)?);
        Ok(Some(Self { clusters, is_compressed, is_encrypted, body }))
    }

    pub(super) fn size_bytes(&self) -> u64 {
        match &self.body {
            Body::Resident(bytes) => as_u64(bytes.len()),
            Body::Stored(stored) => stored.size_bytes,
        }
    }

    /// `length` bytes from `offset`, all before the end.
    pub(super) fn read(&self, offset: u64, length: u64) -> Result<Vec<u8>, Error> {
        if self.is_encrypted {
            return Err(Error::Unsupported("the file is encrypted (EFS)".to_owned()));
        }
        let past = || Error::Damaged("an NTFS attribute ends too soon".to_owned());
        let end = offset.checked_add(length).filter(|end| *end <= self.size_bytes()).ok_or_else(past)?;
        match &self.body {
            Body::Resident(bytes) => {
                bytes.get(as_usize(offset)..as_usize(end)).map(<[u8]>::to_vec).ok_or_else(past)
            }
            Body::Stored(stored) => {
                self.clusters.volume.meter().step(length / 4096)?;
                let mut bytes = zeros(length);
                // What was never written stays zero.
                let written = stored.written_bytes.min(end).saturating_sub(offset);
                let into = bytes.get_mut(..as_usize(written)).unwrap_or_default();
                if self.is_compressed && stored.unit_shift > 0 {
                    self.read_compressed(stored, offset, into)?;
                } else {
                    self.read_runs(stored, offset, into)?;
                }
                Ok(bytes)
            }
        }
    }

    /// Fills `bytes` from runs; holes stay as they are.
    fn read_runs(&self, stored: &Stored, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let each = self.clusters.cluster_bytes;
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + as_u64(done);
            let cluster = at / each;
            let index = stored.runs.partition_point(|run| run.at + run.clusters <= cluster);
            let Some(run) = stored.runs.get(index) else {
                return Err(Error::Damaged("an NTFS attribute is longer than its runs".to_owned()));
            };
            let inside = at - run.at * each;
            let rest = run.clusters.saturating_mul(each).saturating_sub(inside);
            let taken = as_usize(rest).min(bytes.len() - done);
            if let Some(from) = run.from {
                // Both ends of the run must lie inside.
                self.clusters.at(from.saturating_add(run.clusters - 1))?;
                let into = bytes.get_mut(done..done + taken).unwrap_or_default();
                self.clusters.volume.read(self.clusters.at(from)? + inside, into)?;
            }
            self.clusters.volume.meter().step(1)?;
            done += taken;
        }
        Ok(())
    }

    /// Fills `bytes` unit by unit: one that has all its clusters is plain, one that has none is zeros, others are
    /// compressed into the clusters they have.
    fn read_compressed(&self, stored: &Stored, offset: u64, bytes: &mut [u8]) -> Result<(), Error> {
        let each = self.clusters.cluster_bytes;
        let unit =
            1_u64.checked_shl(stored.unit_shift.into()).and_then(|clusters| clusters.checked_mul(each));
        let unit = unit.filter(|unit| *unit <= MOST_UNIT_BYTES);
        let unit = unit.ok_or_else(|| Error::Damaged("NTFS compresses too much at once".to_owned()))?;
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + as_u64(done);
            let (start, within) = (at - at % unit, as_usize(at % unit));
            let held = held(stored, start / each, unit / each) * each;
            let mut plain = zeros(unit);
            if held == unit {
                self.read_runs(stored, start, &mut plain)?;
            } else if held > 0 {
                let mut packed = zeros(held);
                self.read_runs(stored, start, &mut packed)?;
                lznt1::unpack(&packed, &mut plain)?;
            }
            let taken = (as_usize(unit) - within).min(bytes.len() - done);
            let from = plain.get(within..within + taken).unwrap_or_default();
            bytes.get_mut(done..done + taken).unwrap_or_default().copy_from_slice(from);
            self.clusters.volume.meter().step(1 + unit / 4096)?;
            done += taken;
        }
        Ok(())
    }
}

/// How many of the `count` clusters from `first` on are on the volume; they come before the holes.
fn held(stored: &Stored, first: u64, count: u64) -> u64 {
    let index = stored.runs.partition_point(|run| run.at + run.clusters <= first);
    let mut held = 0;
    for run in stored.runs.iter().skip(index).take_while(|run| run.at < first + count) {
        if run.from.is_none() {
            break;
        }
        held += (run.at + run.clusters).min(first + count) - run.at.max(first);
    }
    held
}
