//! Rows: resources, jobs, facets and activity, in SQLite.
