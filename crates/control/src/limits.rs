//! What counts against a subscription's limits, and what is said when one is reached.
//!
//! The count is the database's, kept by the commit that makes the resource: nothing is looked up before, and no
//! race can pass a limit.

use arm::{Region, ResourceId, TypeName};
use metadata::{Limit, Row};
use providers::{Quota, Rejection};

use crate::{Engine, refusals};

/// The counters in which a resource counts.
pub(crate) fn counted(kind: &TypeName, id: &ResourceId, location: Option<&str>) -> Vec<String> {
    let region = location.and_then(|location| location.parse::<Region>().ok());
    let counter = |quota: &Quota| Some(quota.counter(id.subscription()?, &region?));
    Quota::of(kind).and_then(counter).into_iter().collect()
}

impl Engine {
    /// How far the counters of `row` may rise.
    pub(crate) fn limits_on(&self, row: &Row) -> Vec<Limit> {
        let Some(quota) = Quota::of(&row.id.type_name()) else { return Vec::new() };
        let most = self.limits.most(quota);
        row.counted.iter().map(|counter| Limit { counter: counter.clone(), most }).collect()
    }
}

/// The refusal of a resource for which there is no room.
pub(crate) fn refuse(kind: &TypeName, location: Option<&str>, current: u64, most: u64) -> Rejection {
    let (shown, key) = Quota::of(kind).map_or(("resource", ""), |quota| (quota.shown, quota.key));
    let region = location.and_then(|location| location.parse::<Region>().ok());
    let place = region.as_ref().map_or("global", Region::as_str);
    refusals::quota_exceeded(shown, key, place, current, most)
}
