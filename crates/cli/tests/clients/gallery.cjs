// The life of a gallery through the JavaScript SDK; prints what the server said at each step as one JSON object.
//
// gallery.py tells the same story: both must print the same.

const { ComputeManagementClient } = require("@azure/arm-compute");
const { ClientSecretCredential, DefaultAzureCredential } = require("@azure/identity");

const { AZURE_AUTHORITY_HOST: ENDPOINT, SOURCE_VERSION } = process.env;
const [GROUP, GALLERY, DEFINITION, VERSION] = ["images", "sdk", "debian", "1.0.0"];
const said = {};

function client(credential) {
  const options = { endpoint: ENDPOINT, credentials: { scopes: [`${ENDPOINT}/.default`] } };
  return new ComputeManagementClient(credential, process.env.AZURE_SUBSCRIPTION_ID, options);
}

/** Some members of a resource; null for what it does not say. */
function pick(resource, ...names) {
  return Object.fromEntries(names.map((name) => [name, resource[name] ?? null]));
}

async function names(pages) {
  const found = [];
  for await (const item of pages) found.push(item.name);
  return found;
}

async function refused(name, call) {
  try {
    await call();
    said[name] = "nothing was refused";
  } catch (error) {
    said[name] = [error.statusCode, error.code];
  }
}

async function galleries(compute) {
  const body = { location: "westeurope", tags: { team: "os" }, description: "Ours" };
  const made = await compute.galleries.createOrUpdate(GROUP, GALLERY, body);
  said["gallery made"] = pick(made, "name", "location", "tags", "description", "provisioningState");
  said["gallery shown"] = pick(await compute.galleries.get(GROUP, GALLERY), "name", "description", "identifier");
  said["galleries of the group"] = (await names(compute.galleries.listByResourceGroup(GROUP))).sort();
  said["galleries"] = (await names(compute.galleries.list())).sort();
  const change = { tags: { stage: "test" }, description: "Theirs" };
  const changed = await compute.galleries.update(GROUP, GALLERY, change);
  said["gallery changed"] = pick(changed, "tags", "description", "provisioningState");
}

async function definitions(compute) {
  const images = compute.galleryImages;
  const body = {
    location: "westeurope", osType: "Linux", osState: "Generalized", hyperVGeneration: "V2", architecture: "x64",
    identifier: { publisher: "Example", offer: "Debian", sku: "12" }, endOfLifeDate: new Date("2040-02-03"),
    recommended: { vCPUs: { min: 1, max: 4 } }, disallowed: { diskTypes: ["Standard_LRS"] },
  };
  const made = await images.createOrUpdate(GROUP, GALLERY, DEFINITION, body);
  said["definition made"] = pick(
    made, "name", "osType", "osState", "hyperVGeneration", "architecture", "identifier", "recommended",
    "disallowed", "features", "provisioningState",
  );
  said["definition shown"] = pick(await images.get(GROUP, GALLERY, DEFINITION), "name", "identifier");
  said["definitions"] = await names(images.listByGallery(GROUP, GALLERY));
  const change = { tags: { stage: "test" }, description: "For servers" };
  const changed = await images.update(GROUP, GALLERY, DEFINITION, change);
  said["definition changed"] = pick(changed, "tags", "description", "osType");
  await refused("another system", () => images.createOrUpdate(GROUP, GALLERY, DEFINITION, { ...body, osType: "Windows" }));
  await refused("a taken identifier", () => images.createOrUpdate(GROUP, GALLERY, "other", body));
  await refused("a definition in no gallery", () => images.createOrUpdate(GROUP, "no", "other", body));
}

async function versions(compute) {
  const images = compute.galleryImageVersions;
  const place = [GROUP, GALLERY, DEFINITION];
  const targetRegions = [{ name: "westeurope", regionalReplicaCount: 2 }, { name: "eastus" }];
  const storageProfile = { source: { id: SOURCE_VERSION } };
  const body = { location: "westeurope", publishingProfile: { targetRegions }, storageProfile };
  const made = await images.createOrUpdate(...place, VERSION, body);
  said["version made"] = pick(made, "name", "provisioningState");
  const status = (await images.get(...place, VERSION, { expand: "ReplicationStatus" })).replicationStatus;
  said["replicas"] = [status.aggregatedState, status.summary.map((replica) => [replica.region, replica.state, replica.progress])];
  const change = { tags: { stage: "test" }, publishingProfile: { excludeFromLatest: true } };
  const changed = await images.update(...place, VERSION, change);
  const profile = changed.publishingProfile;
  const targets = profile.targetRegions.map((region) => [region.name, region.regionalReplicaCount]);
  said["version changed"] = [changed.tags, profile.excludeFromLatest, targets];
  said["versions"] = await names(images.listByGalleryImage(...place));
  await refused("no version's name", () => images.createOrUpdate(...place, "1.0", body));
  const away = { ...body, publishingProfile: { targetRegions: [{ name: "eastus" }] } };
  await refused("not at home", () => images.createOrUpdate(...place, "2.0.0", away));
  await refused("a full gallery", () => compute.galleries.delete(GROUP, GALLERY));
}

async function ends(compute) {
  await compute.galleryImageVersions.delete(GROUP, GALLERY, DEFINITION, VERSION);
  await refused("a deleted version", () => compute.galleryImageVersions.get(GROUP, GALLERY, DEFINITION, VERSION));
  await compute.galleryImages.delete(GROUP, GALLERY, DEFINITION);
  await refused("a deleted definition", () => compute.galleryImages.get(GROUP, GALLERY, DEFINITION));
  await compute.galleries.delete(GROUP, GALLERY);
  await refused("a deleted gallery", () => compute.galleries.get(GROUP, GALLERY));
}

/** By name and secret, with the tenant's own id; then with a secret that is none. */
async function signIn() {
  const { GALLERY_TENANT_ID: tenant, AZURE_CLIENT_ID: id, AZURE_CLIENT_SECRET: secret } = process.env;
  const options = { authorityHost: ENDPOINT, disableInstanceDiscovery: true };
  const bySecret = client(new ClientSecretCredential(tenant, id, secret, options));
  said["signed in by secret"] = (await names(bySecret.galleries.list())).sort();
  try {
    await client(new ClientSecretCredential(tenant, id, "wrong", options)).galleries.get(GROUP, GALLERY);
    said["a wrong secret"] = "was taken";
  } catch (error) {
    said["a wrong secret"] = String(error).includes("AADSTS7000215") || String(error);
  }
}

async function main() {
  const compute = client(new DefaultAzureCredential());
  await galleries(compute);
  await definitions(compute);
  await versions(compute);
  await ends(compute);
  await signIn();
  process.stdout.write(JSON.stringify(said));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
