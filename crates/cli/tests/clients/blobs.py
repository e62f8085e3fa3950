"""What somebody with the Python SDK does with page blobs: write out of order, read in ranges, sign for others."""

import datetime
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient, BlobServiceClient, ContainerSasPermissions, generate_container_sas

MIB = 1 << 20
account, key, url = (os.environ[name] for name in ("ACCOUNT", "ACCOUNT_KEY", "ACCOUNT_URL"))
service = BlobServiceClient(url, credential={"account_name": account, "account_key": key})
told = {}


def refused(call):
    try:
        call()
    except HttpResponseError as error:
        return [error.status_code, error.error_code]
    return None


container = service.create_container("vhds", metadata={"team": "os"})
told["container"] = [one.name for one in service.list_containers()]
told["container again"] = refused(lambda: service.create_container("vhds"))

blob = container.get_blob_client("images/a b/öl.vhd")
blob.create_page_blob(16 * MIB, metadata={"origin": "sdk"})
pages = {at: os.urandom(4 * MIB) for at in (12 * MIB, 0, 4 * MIB)}
with ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda at: blob.upload_page(pages[at], at, 4 * MIB, validate_content=True), pages))
blob.clear_page(4 * MIB, 4 * MIB)
wanted = pages[0] + bytes(8 * MIB) + pages[12 * MIB]
properties = blob.get_blob_properties()
told["properties"] = [properties.blob_type, properties.size, properties.metadata]
told["ranges"] = [[one.start, one.end] for one in blob.list_page_ranges()]
told["whole"] = blob.download_blob(max_concurrency=4).readall() == wanted
told["parallel ranges"] = all(
    ThreadPoolExecutor(4).map(
        lambda at: blob.download_blob(offset=at, length=MIB).readall() == wanted[at : at + MIB], range(0, 16 * MIB, MIB)
    )
)
stale = properties.etag
blob.upload_page(bytes(512), 0, 512)
told["stale"] = refused(lambda: blob.upload_page(bytes(512), 0, 512, etag=stale, match_condition=MatchConditions.IfNotModified))
told["odd range"] = refused(lambda: blob.upload_page(bytes(512), 16 * MIB, 512))
blob.resize_blob(17 * MIB)
blob.set_sequence_number("increment")
told["resized"] = [blob.get_blob_properties().size, blob.get_blob_properties().page_blob_sequence_number]

notes = container.get_blob_client("notes.bin")
data = os.urandom(9 * MIB)
small = BlobServiceClient(
    url, credential={"account_name": account, "account_key": key}, max_single_put_size=MIB, max_block_size=2 * MIB
)
small.get_blob_client("vhds", "notes.bin").upload_blob(data, max_concurrency=4)
told["blocks"] = [len(notes.get_block_list("all")[0]), notes.download_blob().readall() == data]
told["names"] = [one.name for one in container.list_blobs()]
told["folded"] = [one.name for one in container.walk_blobs()]

expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
token = generate_container_sas(account, "vhds", key, permission=ContainerSasPermissions(read=True, list=True), expiry=expiry)
reader = BlobClient.from_blob_url(f"{url}/vhds/notes.bin?{token}")
told["signed"] = hashlib.sha256(reader.download_blob().readall()).digest() == hashlib.sha256(data).digest()
told["signed for reading"] = refused(reader.delete_blob)
container.delete_container()
told["gone"] = refused(blob.get_blob_properties)
print(json.dumps(told))
