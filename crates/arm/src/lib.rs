//! Words of the wire: resource ids, names, versions, regions, error bodies.
//!
//! Pure: nothing here waits, reads a clock, or knows what any resource means.

mod api_version;
mod error_body;
mod id;
mod region;
mod time;
mod type_name;
mod version_name;

pub use api_version::ApiVersion;
pub use error_body::{ErrorBody, ErrorDetail};
pub use id::{ResourceId, ResourceIdError};
pub use region::{Region, RegionError};
pub use time::wire_time;
pub use type_name::TypeName;
pub use version_name::{VersionName, VersionNameError};
