"""Writes hives of the Windows registry: SOFTWARE and SYSTEM with what an inspector asks of them.

    hive.py FOLDER STATE [dirty]

Only what the format asks for: one bin, cells of keys, lists of sub-keys (lf) and values.
"""

import struct
import sys


class Hive:
    def __init__(self):
        self.cells = bytearray()

    def cell(self, data):
        """Puts bytes into a cell of their own and tells where it is."""
        at = 32 + len(self.cells)
        size = -(-(len(data) + 4) // 8) * 8
        self.cells += struct.pack("<i", -size) + data.ljust(size - 4, b"\0")
        return at

    def value(self, name, data):
        kind, raw = (4, struct.pack("<I", data)) if isinstance(data, int) else (1, (data + "\0").encode("utf-16-le"))
        inline = len(raw) <= 4
        place = struct.unpack("<I", raw.ljust(4, b"\0"))[0] if inline else self.cell(raw)
        length = len(raw) | (0x80000000 if inline else 0)
        return self.cell(b"vk" + struct.pack("<HIIIHH", len(name), length, place, kind, 1, 0) + name.encode())

    def key(self, name, content, flags=0x20):
        values = [self.value(n, d) for n, d in content.items() if not isinstance(d, dict)]
        keys = sorted(((n, d) for n, d in content.items() if isinstance(d, dict)), key=lambda it: it[0].upper())
        below = [(n, self.key(n, d)) for n, d in keys]
        listed = 0xFFFFFFFF
        if below:
            entries = b"".join(struct.pack("<I", at) + n.encode()[:4].ljust(4, b"\0") for n, at in below)
            listed = self.cell(b"lf" + struct.pack("<H", len(below)) + entries)
        valued = self.cell(struct.pack(f"<{len(values)}I", *values)) if values else 0xFFFFFFFF
        head = struct.pack("<HQ15IHH", flags, 0, 0, 0, len(below), 0, listed, 0xFFFFFFFF, len(values), valued,
                           0xFFFFFFFF, 0xFFFFFFFF, 0, 0, 0, 0, 0, len(name), 0)
        return self.cell(b"nk" + head + name.encode())

    def write(self, path, content):
        root = self.key("ROOT", content, 0x2C)
        size = -(-(len(self.cells) + 32) // 4096) * 4096
        left = size - 32 - len(self.cells)
        if left:
            self.cells += struct.pack("<i", left) + bytes(left - 4)
        head = b"regf" + struct.pack("<IIQIIIIIII", 1, 1, 0, 1, 5, 0, 1, root, size, 1)
        head = head.ljust(508, b"\0")
        total = 0
        for (word,) in struct.iter_unpack("<I", head):
            total ^= word
        head += struct.pack("<I", total)
        with open(path, "wb") as file:
            file.write(head.ljust(4096, b"\0") + b"hbin" + struct.pack("<IIQQI", 0, size, 0, 0, 0) + self.cells)


def main():
    folder, state = sys.argv[1:3]
    dirty = "dirty" in sys.argv[3:]
    winlogon = {"AutoAdminLogon": "1", "DefaultUserName": "alice", "DefaultPassword": "canary"} if dirty else {}
    Hive().write(f"{folder}/SOFTWARE", {"Microsoft": {
        "Windows": {"CurrentVersion": {"Setup": {"State": {"ImageState": state}}}},
        "Windows NT": {"CurrentVersion": {
            "ProductName": "Windows Server 2022 Datacenter", "CurrentBuild": "20348", "UBR": 2700,
            "DisplayVersion": "21H2", "EditionID": "ServerDatacenter", "Winlogon": winlogon}}}})
    start = 3 if dirty else 0
    services = {"vmbus": {"Start": start}, "storvsc": {"Start": start}, "netvsc": {"Start": 3}, "stornvme": {"Start": 0},
                "cdrom": {"Start": 1}, "Tcpip": {"Parameters": {"Domain": "corp.example.org" if dirty else ""}},
                "Dhcp": {"Start": 2}, "Dnscache": {"Start": 2}, "mpssvc": {"Start": 2}, "BFE": {"Start": 2}}
    terminal = {"fDenyTSConnections": int(dirty),
                "WinStations": {"RDP-Tcp": {"PortNumber": 3389, "UserAuthentication": 1}}}
    Hive().write(f"{folder}/SYSTEM", {
        "Select": {"Current": 1},
        "ControlSet001": {"Services": services, "Control": {
            "Terminal Server": terminal, "TimeZoneInformation": {"RealTimeIsUniversal": 1},
            "Session Manager": {"Environment": {"PROCESSOR_ARCHITECTURE": "AMD64"}}}},
        "Setup": {"OOBEInProgress": int(not dirty)}})


main()
