//! The JSON of a resource group: it has no properties of its own besides its state.

use crate::shape::{Field, Kind};

pub(super) const ENVELOPE: &[Field] = &[Field::new("managedBy", Kind::Text(2048))];
