"""Sends a file to, or fetches it from, an address with a signature: page_blob.py upload|download ADDRESS FILE."""

import sys

from azure.storage.blob import BlobClient, BlobType


def main(verb: str, address: str, path: str) -> None:
    blob = BlobClient.from_blob_url(address, retry_total=0)
    if verb == "upload":
        with open(path, "rb") as file:
            blob.upload_blob(file, blob_type=BlobType.PAGEBLOB, overwrite=True, max_concurrency=4)
    elif verb == "download":
        with open(path, "wb") as file:
            blob.download_blob(max_concurrency=4).readinto(file)
    else:
        raise SystemExit(f"no such verb: {verb}")


main(*sys.argv[1:])
