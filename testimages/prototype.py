"""Tells mkfs.xfs of every file below a folder, as a prototype file (mkfs.xfs(8), -p)."""

import os
import stat
import sys


def tell(folder):
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if any(byte in entry.name for byte in " \t\n"):
            # The format has no way to write such a name.
            continue
        node = entry.stat(follow_symlinks=False)
        set_user = "u" if node.st_mode & stat.S_ISUID else "-"
        set_group = "g" if node.st_mode & stat.S_ISGID else "-"
        rights = f"{set_user}{set_group}{node.st_mode & 0o777:03o} {node.st_uid} {node.st_gid}"
        if entry.is_symlink():
            print(f"{entry.name} l{rights} {os.readlink(entry.path)}")
        elif entry.is_dir():
            print(f"{entry.name} d{rights}")
            tell(entry.path)
            print("$")
        elif entry.is_file():
            print(f"{entry.name} -{rights} {entry.path}")


print("boot\n0 0\nd--755 0 0")
tell(sys.argv[1])
print("$")
