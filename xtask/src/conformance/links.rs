//! The bytes behind the links of examples: a small disk and a small package, served by ranges on this machine.

use std::sync::Arc;

use anyhow::Context;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const DISK_BYTES: usize = 1 << 20;
const PACKAGE: &[u8] = b"PK\x05\x06 no archive, but bytes all the same";
const FOOTER_BYTES: usize = 512;

/// A server of links; it ends with this.
pub(super) struct Links {
    pub(super) base: String,
    _serving: JoinSet<()>,
}

impl Links {
    pub(super) async fn serve() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port")?;
        let base = format!("http://{}", listener.local_addr()?);
        let disk: Arc<[u8]> = disk().into();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connection(stream, disk.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { base, _serving: serving })
    }
}

async fn connection(stream: TcpStream, disk: Arc<[u8]>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    loop {
        let (mut path, mut range) = (String::new(), None);
        loop {
            let Ok(Some(line)) = lines.next_line().await else { return };
            if line.is_empty() {
                break;
            }
            if path.is_empty() {
                path = line.split(' ').nth(1).unwrap_or_default().to_owned();
            }
            let asked = line.to_ascii_lowercase();
            let asked = asked.strip_prefix("range: bytes=").and_then(|range| range.split_once('-'));
            range = asked.map(|(from, to)| (from.parse().ok(), to.parse().ok())).or(range);
        }
        let bytes: &[u8] = if path.contains(".vhd") { &disk } else { PACKAGE };
        if writer.write_all(&reply(bytes, range)).await.is_err() {
            return;
        }
    }
}

fn reply(bytes: &[u8], range: Option<(Option<usize>, Option<usize>)>) -> Vec<u8> {
    let last = bytes.len().saturating_sub(1);
    let (from, to) = range.map_or((0, last), |(from, to)| (from.unwrap_or(0), to.unwrap_or(last).min(last)));
    let Some(part) = bytes.get(from..=to) else {
        return b"HTTP/1.1 416 Range Not Satisfiable\r\ncontent-length: 0\r\n\r\n".to_vec();
    };
    let status = match range {
        Some(_) => format!("206 Partial Content\r\ncontent-range: bytes {from}-{to}/{}", bytes.len()),
        None => "200 OK".to_owned(),
    };
    let head = format!("HTTP/1.1 {status}\r\netag: \"1\"\r\ncontent-length: {}\r\n\r\n", part.len());
    [head.as_bytes(), part].concat()
}

/// A fixed VHD of zeros, after Microsoft's "Virtual Hard Disk Image Format Specification" 1.0.
fn disk() -> Vec<u8> {
    let mut footer = [0_u8; FOOTER_BYTES];
    let mut put = |at: usize, bytes: &[u8]| footer[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"conectix");
    put(8, &2_u32.to_be_bytes());
    put(12, &0x0001_0000_u32.to_be_bytes());
    put(16, &u64::MAX.to_be_bytes());
    put(28, b"gall");
    put(36, b"Wi2k");
    put(40, &(DISK_BYTES as u64).to_be_bytes());
    put(48, &(DISK_BYTES as u64).to_be_bytes());
    // Cylinders, heads and sectors of so small a disk.
    put(56, &[0, 30, 4, 17]);
    put(60, &2_u32.to_be_bytes());
    put(68, &[7; 16]);
    let sum: u32 = footer.iter().map(|byte| u32::from(*byte)).sum();
    footer[64..68].copy_from_slice(&(!sum).to_be_bytes());
    let mut disk = vec![0; DISK_BYTES];
    disk.extend_from_slice(&footer);
    disk
}
