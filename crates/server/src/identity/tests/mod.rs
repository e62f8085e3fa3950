//! The token issuer as clients meet it: documents, grants, and every way a token can be wrong.

mod documents;
mod founding;
mod grants;
mod tokens;
pub(crate) mod world;
