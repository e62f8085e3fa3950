//! Image bytes: content-defined chunks, packs, manifests, regions, copies, collection.
