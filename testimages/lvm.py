"""Makes a physical volume of LVM2 with one volume group, without the device mapper.

    lvm.py FILE GROUP NAME=IMAGE...

The first logical volume is cut into two segments; the others lie between them, as they do once a volume has grown.
"""

import os
import struct
import sys

EXTENT = 4 << 20
DATA = 1 << 20
AREA, AREA_BYTES = 4096, DATA - 4096
PV_ID = "GalleristTestPhysicalVolume00001"


def checksum(data):
    crc = 0xF597A6CF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xEDB88320 if crc & 1 else crc >> 1
    return crc


def dashed(name):
    return "-".join([name[:6], *(name[at : at + 4] for at in range(6, 26, 4)), name[26:]])


def places(volumes):
    """Where each volume's segments begin: (extents before it in the volume, extents, first extent on the disk)."""
    counts = [-(-os.path.getsize(image) // EXTENT) for _, image in volumes]
    first = counts[0] // 2
    found, at = [[(0, first, 0)]], first
    for count in counts[1:]:
        found.append([(0, count, at)])
        at += count
    found[0].append((first, counts[0] - first, at))
    return found, at + counts[0] - first


def describe(group, volumes, found, extents):
    lines = [f'{group} {{', f'id = "{dashed("GalleristTestVolumeGroup00000001")}"', "seqno = 7", 'format = "lvm2"',
             'status = ["RESIZEABLE", "READ", "WRITE"]', "flags = []", f"extent_size = {EXTENT // 512}", "max_lv = 0",
             "max_pv = 0", "metadata_copies = 0", "physical_volumes {", "pv0 {", f'id = "{dashed(PV_ID)}"',
             'device = "/dev/sda3"', 'status = ["ALLOCATABLE"]', "flags = []",
             f"dev_size = {(DATA + extents * EXTENT) // 512}", f"pe_start = {DATA // 512}", f"pe_count = {extents}",
             "}", "}", "logical_volumes {"]
    for number, ((name, _), segments) in enumerate(zip(volumes, found)):
        lines += [f"{name} {{", f'id = "{dashed(f"GalleristTestLogicalVolume{number:06}")}"',
                  'status = ["READ", "WRITE", "VISIBLE"]', "flags = []", f"segment_count = {len(segments)}"]
        for index, (start, count, at) in enumerate(segments, 1):
            lines += [f"segment{index} {{", f"start_extent = {start}", f"extent_count = {count}", 'type = "striped"',
                      "stripe_count = 1", f'stripes = ["pv0", {at}]', "}"]
        lines.append("}")
    lines += ["}", "}", 'contents = "Text Format Volume Group"', "version = 1", 'description = ""',
              'creation_host = "test"', "creation_time = 1700000000", ""]
    return "\n".join(lines).encode() + b"\0"


def write_head(disk, text, disk_bytes):
    label = struct.pack("<Q", disk_bytes) + struct.pack("<QQQQ", DATA, 0, 0, 0)
    label += struct.pack("<QQQQ", AREA, AREA_BYTES, 0, 0)
    body = struct.pack("<I", 32) + b"LVM2 001" + PV_ID.encode() + label
    body = body.ljust(512 - 20, b"\0")
    disk.seek(512)
    disk.write(b"LABELONE" + struct.pack("<QI", 1, checksum(body)) + body)
    area = b" LVM2 x[5A%r0N*>" + struct.pack("<IQQ", 1, AREA, AREA_BYTES)
    area += struct.pack("<QQII", 512, len(text), checksum(text), 0)
    area = area.ljust(512 - 4, b"\0")
    disk.seek(AREA)
    disk.write(struct.pack("<I", checksum(area)) + area)
    disk.seek(AREA + 512)
    disk.write(text)


def copy(source, disk, start, count, at):
    """Bytes of one segment, in blocks; empty ones stay holes."""
    source.seek(start * EXTENT)
    for offset in range(0, count * EXTENT, 1 << 20):
        block = source.read(1 << 20)
        if block.strip(b"\0"):
            disk.seek(DATA + at * EXTENT + offset)
            disk.write(block)


def main():
    file, group = sys.argv[1:3]
    volumes = [volume.split("=", 1) for volume in sys.argv[3:]]
    found, extents = places(volumes)
    disk_bytes = DATA + extents * EXTENT
    with open(file, "wb") as disk:
        disk.truncate(disk_bytes)
        write_head(disk, describe(group, volumes, found, extents), disk_bytes)
        for (_, image), segments in zip(volumes, found):
            with open(image, "rb") as source:
                for start, count, at in segments:
                    copy(source, disk, start, count, at)


main()
