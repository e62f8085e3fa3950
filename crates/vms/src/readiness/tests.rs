//! Readiness is read from any pieces of a log.

use super::*;

fn fed(pieces: &[&[u8]]) -> Progress {
    let mut progress = Progress::default();
    for piece in pieces {
        progress.feed(piece);
    }
    progress
}

#[test]
fn stages_are_read_whatever_the_pieces() {
    let log =
        b"\x1b[2J\x1b[01;01H\rBooting\r\n[    0.0] Linux version 6.1\r\n\x1b[1mGALLERIST\x1b[0m READY x\r\n";
    let whole = fed(&[log]);
    assert_eq!(whole.stage(), Stage::Ready);
    let bytes: Vec<&[u8]> = log.chunks(1).collect();
    assert_eq!(fed(&bytes).stage(), Stage::Ready);
    assert_eq!(fed(&[&log[..60]]).stage(), Stage::Kernel);
}

#[test]
fn a_prompt_counts_without_the_end_of_its_line() {
    assert_eq!(fed(&[b"web01 login: "]).stage(), Stage::Ready);
    assert_eq!(fed(&[b"grub res", b"cue> "]).failure(), Some(Failure::Loader));
}

#[test]
fn the_first_failure_stays_and_none_follows_readiness() {
    let progress = fed(&[b"No bootable device\nKernel panic - not syncing: x\n"]);
    assert_eq!(progress.failure(), Some(Failure::NothingToBoot));
    let progress = fed(&[b"GALLERIST READY \nKernel panic - not syncing: x\n"]);
    assert_eq!(progress.failure(), None);
}

#[test]
fn a_line_without_end_is_not_kept_without_bound() {
    let mut progress = Progress::default();
    for _ in 0..64 {
        progress.feed(&[b'x'; 4096]);
    }
    assert_eq!(progress.line.len(), MAX_LINE_BYTES);
}
