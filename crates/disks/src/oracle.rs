//! `qemu-img` as a second opinion, for tests. It must be installed: a missing oracle is a failure, not a skip.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::raw::Raw;
use crate::sample::{Sample, assert_same};
use crate::{
    Blocks, Disk, Error, ExtentKind, FileSource, InputFormat, Limits, OutputFormat, ReadAt, WriteAt, open,
    write,
};

/// A folder of its own, in which `qemu-img` reads and writes.
pub(crate) struct Oracle {
    folder: TempDir,
}

impl Oracle {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The path of `name` in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `qemu-img` in the folder, panics when it fails, returns its standard output.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.run_program("qemu-img", arguments)
    }

    /// Creates a `driver` file of 64 MiB, and has `qemu-io` write to it here and there, not in order.
    pub(crate) fn create_and_scribble(&self, driver: &str, options: &str, name: &str) {
        self.run(&["create", "-f", driver, "-o", options, name, "64M"]);
        let writes =
            ["write -P 171 50M 1M", "write -P 205 1M 1536k", "write -P 17 63M 64k", "write -P 3 512 512"];
        let commands = writes.iter().flat_map(|write| ["-c", write]);
        self.run_program(
            "qemu-io",
            &["-f", driver].into_iter().chain(commands).chain([name]).collect::<Vec<_>>(),
        );
    }

    fn run_program(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("these tests need qemu-img and qemu-io (Debian: qemu-utils) on the PATH");
        let (said, complained) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{program} {arguments:?}: {said}{complained}");
        said.into_owned()
    }

    /// Checks that our reader and `qemu-img` find the same bytes in the file `name`; returns our disk.
    pub(crate) fn check_agreement(&self, driver: &str, format: InputFormat, name: &str) -> Disk {
        self.run(&["convert", "-f", driver, "-O", "raw", name, "theirs.raw"]);
        let theirs = self.open(InputFormat::Raw, "theirs.raw").unwrap();
        let ours = self.open(format, name).unwrap();
        assert_same(ours.blocks.as_ref(), theirs.blocks.as_ref());
        ours
    }

    /// Puts `disk` into the folder as a sparse raw file.
    pub(crate) fn put_raw(&self, name: &str, disk: &dyn Blocks) {
        let mut file = File::create(self.path(name)).unwrap();
        file.set_len(disk.size_bytes()).unwrap();
        let mut offset = 0;
        while offset < disk.size_bytes() {
            let extent = disk.extent_at(offset).unwrap();
            if extent.kind == ExtentKind::Data {
                let mut bytes = vec![0; usize::try_from(extent.length).unwrap()];
                disk.read_at(offset, &mut bytes).unwrap();
                WriteAt::write_all_at(&mut file, &bytes, offset).unwrap();
            }
            offset += extent.length;
        }
    }

    /// Opens a file of the folder with our reader.
    pub(crate) fn open(&self, format: InputFormat, name: &str) -> Result<Disk, Error> {
        let file = FileSource::new(File::open(self.path(name)).unwrap()).unwrap();
        open(format, Box::new(file), &Limits::default())
    }

    /// Converts `disk` with `qemu-img convert` and the extra `arguments` (`-O vpc -o subformat=fixed`), and checks
    /// that our reader finds the same bytes in it; returns the reader's warnings.
    pub(crate) fn check_reading(
        &self,
        disk: &Sample,
        arguments: &[&str],
        format: InputFormat,
    ) -> Vec<String> {
        self.put_raw("wanted.raw", disk);
        let mut all = vec!["convert", "-f", "raw"];
        all.extend(arguments);
        all.extend(["wanted.raw", "converted"]);
        self.run(&all);
        let found = self.open(format, "converted").unwrap();
        assert_same(found.blocks.as_ref(), disk);
        found.warnings
    }

    /// Writes `disk` with our writer and checks that `qemu-img`, told that it is a `driver` file, finds the same bytes.
    pub(crate) fn check_writing(&self, disk: &Sample, format: OutputFormat, driver: &str) {
        let mut file = File::create(self.path("written")).unwrap();
        let bytes = write(format, disk, *b"identity-16bytes", &mut file).unwrap();
        assert_eq!(file.metadata().unwrap().len(), bytes, "the reported length is the file's");
        assert_eq!(disk.hole_bytes_read(), 0, "holes are not read");
        self.run(&["convert", "-f", driver, "-O", "raw", "written", "read.raw"]);
        let read = FileSource::new(File::open(self.path("read.raw")).unwrap()).unwrap();
        let size_bytes = ReadAt::length(&read).unwrap();
        assert_same(&Raw::new(Box::new(read), size_bytes), disk);
    }
}
