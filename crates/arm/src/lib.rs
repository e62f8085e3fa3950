//! Words of the wire: resource ids, names, versions, regions, error bodies, paging.
