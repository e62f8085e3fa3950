//! `disk.grant`: the address of a grant, which only the operation's own client is told.

use arm::{ErrorDetail, ResourceId};
use async_trait::async_trait;
use providers::State;
use providers::compute::disk;
use serde_json::json;

use crate::job::{Done, JobKind, Running, Stop};

/// What the signatures of grants are for.
pub(crate) const PURPOSE: &str = "access to a disk";

pub(crate) struct Grant;

#[async_trait]
impl JobKind for Grant {
    fn name(&self) -> &'static str {
        "disk.grant"
    }

    async fn run(&self, running: &mut Running) -> Result<Done, Stop> {
        let (row, mut document) = running.target().await?;
        let input = running.job.input.clone();
        let word = |name: &str| input[name].as_str().unwrap_or_default();
        let standing = disk::Grant::of(&document.internal);
        let granted = standing.filter(|grant| grant.id == word("grant"));
        let Some(granted) = granted else {
            let message = "The access ended before its address was made. Ask for it again.";
            return Err(Stop::Failed(ErrorDetail::new("Conflict", message), Box::default()));
        };
        let permission = if granted.may_write { "rw" } else { "r" };
        let expires = word("expires");
        let signed = address_parts(&row.id, &granted.id, permission, expires);
        let signature = running.engine.sign(PURPOSE, &signed.each_ref().map(String::as_str));
        let address = format!(
            "{}/gallerist/sas{}/{}.vhd?sv=2018-03-28&sr=b&sp={permission}&se={}&sig={}",
            word("base"),
            row.id,
            granted.id,
            encoded(expires),
            encoded(&signature)
        );
        document.state = State::Succeeded;
        let output = json!({"accessSAS": {"secret": address}});
        Ok(Done { output, change: running.rewritten(&row, &document)? })
    }
}

/// What a grant's signature is of: the disk, the grant, what may be done, and until when.
pub(crate) fn address_parts(id: &ResourceId, grant: &str, permission: &str, expires: &str) -> [String; 4] {
    [id.key(), grant.to_owned(), permission.to_owned(), expires.to_owned()]
}

/// The signs of times and signatures that mean something in an address.
fn encoded(text: &str) -> String {
    text.replace(':', "%3A").replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}
