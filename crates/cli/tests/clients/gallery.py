"""The life of a gallery through the Python SDK; prints what the server said at each step as one JSON object.

gallery.cjs tells the same story: both must print the same.
"""

import json
import os
import sys

from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientSecretCredential, DefaultAzureCredential
from azure.mgmt.compute import ComputeManagementClient

ENDPOINT = os.environ["AZURE_AUTHORITY_HOST"]
GROUP, GALLERY, DEFINITION, VERSION = "images", "sdk", "debian", "1.0.0"
said = {}


def client(credential):
    return ComputeManagementClient(
        credential,
        os.environ["AZURE_SUBSCRIPTION_ID"],
        base_url=ENDPOINT,
        credential_scopes=[ENDPOINT + "/.default"],
    )


def pick(resource, *names):
    """Some members of a resource, wherever they stand."""
    whole = resource.as_dict()
    flat = {**whole, **whole.get("properties", {})}
    return {name: flat.get(name) for name in names}


def refused(name, call):
    try:
        call()
        said[name] = "nothing was refused"
    except HttpResponseError as error:
        said[name] = [error.status_code, error.error.code]


def galleries(compute):
    body = {"location": "westeurope", "tags": {"team": "os"}, "properties": {"description": "Ours"}}
    made = compute.galleries.begin_create_or_update(GROUP, GALLERY, body).result()
    said["gallery made"] = pick(made, "name", "location", "tags", "description", "provisioningState")
    said["gallery shown"] = pick(compute.galleries.get(GROUP, GALLERY), "name", "description", "identifier")
    said["galleries of the group"] = sorted(item.name for item in compute.galleries.list_by_resource_group(GROUP))
    said["galleries"] = sorted(item.name for item in compute.galleries.list())
    change = {"tags": {"stage": "test"}, "properties": {"description": "Theirs"}}
    changed = compute.galleries.begin_update(GROUP, GALLERY, change).result()
    said["gallery changed"] = pick(changed, "tags", "description", "provisioningState")


def definitions(compute):
    images = compute.gallery_images
    identifier = {"publisher": "Example", "offer": "Debian", "sku": "12"}
    properties = {
        "osType": "Linux", "osState": "Generalized", "hyperVGeneration": "V2", "architecture": "x64",
        "identifier": identifier, "endOfLifeDate": "2040-02-03T00:00:00Z",
        "recommended": {"vCPUs": {"min": 1, "max": 4}}, "disallowed": {"diskTypes": ["Standard_LRS"]},
    }
    body = {"location": "westeurope", "properties": properties}
    made = images.begin_create_or_update(GROUP, GALLERY, DEFINITION, body).result()
    said["definition made"] = pick(
        made, "name", "osType", "osState", "hyperVGeneration", "architecture", "identifier", "recommended",
        "disallowed", "features", "provisioningState",
    )
    said["definition shown"] = pick(images.get(GROUP, GALLERY, DEFINITION), "name", "identifier")
    said["definitions"] = [item.name for item in images.list_by_gallery(GROUP, GALLERY)]
    change = {"tags": {"stage": "test"}, "properties": {"description": "For servers"}}
    changed = images.begin_update(GROUP, GALLERY, DEFINITION, change).result()
    said["definition changed"] = pick(changed, "tags", "description", "osType")
    refused("another system", lambda: images.begin_create_or_update(
        GROUP, GALLERY, DEFINITION, {**body, "properties": {**properties, "osType": "Windows"}}).result())
    refused("a taken identifier", lambda: images.begin_create_or_update(GROUP, GALLERY, "other", body).result())
    refused("a definition in no gallery", lambda: images.begin_create_or_update(GROUP, "no", "other", body).result())


def versions(compute):
    images = compute.gallery_image_versions
    place = (GROUP, GALLERY, DEFINITION)
    regions = [{"name": "westeurope", "regionalReplicaCount": 2}, {"name": "eastus"}]
    source = {"source": {"id": os.environ["SOURCE_VERSION"]}}
    properties = {"publishingProfile": {"targetRegions": regions}, "storageProfile": source}
    body = {"location": "westeurope", "properties": properties}
    made = images.begin_create_or_update(*place, VERSION, body).result()
    said["version made"] = pick(made, "name", "provisioningState")
    status = images.get(*place, VERSION, expand="ReplicationStatus").as_dict()["properties"]["replicationStatus"]
    said["replicas"] = [status["aggregatedState"], [[r["region"], r["state"], r["progress"]] for r in status["summary"]]]
    change = {"tags": {"stage": "test"}, "properties": {"publishingProfile": {"excludeFromLatest": True}}}
    changed = images.begin_update(*place, VERSION, change).result().as_dict()
    profile = changed["properties"]["publishingProfile"]
    targets = [[region["name"], region["regionalReplicaCount"]] for region in profile["targetRegions"]]
    said["version changed"] = [changed["tags"], profile["excludeFromLatest"], targets]
    said["versions"] = [item.name for item in images.list_by_gallery_image(*place)]
    refused("no version's name", lambda: images.begin_create_or_update(*place, "1.0", body).result())
    away = {"publishingProfile": {"targetRegions": [{"name": "eastus"}]}, "storageProfile": source}
    refused("not at home", lambda: images.begin_create_or_update(
        *place, "2.0.0", {**body, "properties": away}).result())
    refused("a full gallery", lambda: compute.galleries.begin_delete(GROUP, GALLERY).result())


def ends(compute):
    compute.gallery_image_versions.begin_delete(GROUP, GALLERY, DEFINITION, VERSION).result()
    refused("a deleted version", lambda: compute.gallery_image_versions.get(GROUP, GALLERY, DEFINITION, VERSION))
    compute.gallery_images.begin_delete(GROUP, GALLERY, DEFINITION).result()
    refused("a deleted definition", lambda: compute.gallery_images.get(GROUP, GALLERY, DEFINITION))
    compute.galleries.begin_delete(GROUP, GALLERY).result()
    refused("a deleted gallery", lambda: compute.galleries.get(GROUP, GALLERY))


def sign_in():
    """By name and secret, with the tenant's own id; then with a secret that is none."""
    who = (os.environ["GALLERY_TENANT_ID"], os.environ["AZURE_CLIENT_ID"])
    options = {"authority": ENDPOINT, "disable_instance_discovery": True}
    by_secret = client(ClientSecretCredential(*who, os.environ["AZURE_CLIENT_SECRET"], **options))
    said["signed in by secret"] = sorted(item.name for item in by_secret.galleries.list())
    try:
        client(ClientSecretCredential(*who, "wrong", **options)).galleries.get(GROUP, GALLERY)
        said["a wrong secret"] = "was taken"
    except ClientAuthenticationError as error:
        said["a wrong secret"] = "AADSTS7000215" in str(error) or str(error)


compute = client(DefaultAzureCredential())
galleries(compute)
definitions(compute)
versions(compute)
ends(compute)
sign_in()
json.dump(said, sys.stdout)
