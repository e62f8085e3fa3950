//! When the maker of a distribution ends, or ended, its support.
//!
//! The table says what the makers had announced on [`TABLE_DATE`]; `SUPPORT_END` in the image goes before it.

use serde::{Deserialize, Serialize};

use super::identity::Distribution;

/// The day of the table, told with every answer it gives.
pub(crate) const TABLE_DATE: &str = "2026-11-20";

/// Where a distribution is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LifeState {
    /// Supported by everybody's standards.
    Supported,
    /// Supported only by long term, paid or community effort.
    ExtendedOnly,
    /// No longer supported at all.
    Ended,
}

/// The life of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    /// Where it is on the day of the inspection.
    pub state: LifeState,
    /// The last day of regular support, `YYYY-MM-DD`.
    pub regular_end: String,
    /// The last day of long term support, `YYYY-MM-DD`; the same where there is none.
    pub extended_end: String,
    /// The day of the table that says so; empty where the image itself does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub table_date: String,
}

/// Identifier, version (or the start of it), end of regular support, end of long term support.
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("almalinux", "8", "2029-03-01", "2029-03-01"),
    ("almalinux", "9", "2032-05-31", "2032-05-31"),
    ("almalinux", "10", "2035-05-31", "2035-05-31"),
    ("alpine", "3.17", "2024-11-22", "2024-11-22"),
    ("alpine", "3.18", "2025-05-09", "2025-05-09"),
    ("alpine", "3.19", "2025-11-01", "2025-11-01"),
    ("alpine", "3.20", "2026-04-01", "2026-04-01"),
    ("alpine", "3.21", "2026-11-01", "2026-11-01"),
    ("alpine", "3.22", "2027-05-01", "2027-05-01"),
    ("alpine", "3.23", "2027-11-01", "2027-11-01"),
    ("amzn", "2", "2026-06-30", "2026-06-30"),
    ("amzn", "2023", "2027-06-30", "2029-06-30"),
    ("centos", "6", "2020-11-30", "2020-11-30"),
    ("centos", "7", "2024-06-30", "2024-06-30"),
    ("centos", "8", "2024-05-31", "2024-05-31"),
    ("centos", "9", "2027-05-31", "2027-05-31"),
    ("centos", "10", "2030-05-31", "2030-05-31"),
    ("debian", "8", "2018-06-17", "2020-06-30"),
    ("debian", "9", "2020-07-18", "2022-06-30"),
    ("debian", "10", "2022-09-10", "2024-06-30"),
    ("debian", "11", "2024-08-14", "2026-08-31"),
    ("debian", "12", "2026-07-11", "2028-06-30"),
    ("debian", "13", "2028-08-09", "2030-06-30"),
    ("ol", "7", "2024-12-31", "2028-06-30"),
    ("ol", "8", "2029-07-31", "2032-07-31"),
    ("ol", "9", "2032-06-30", "2035-06-30"),
    ("opensuse-leap", "15.5", "2024-12-31", "2024-12-31"),
    ("opensuse-leap", "15.6", "2026-04-30", "2026-04-30"),
    ("rhel", "6", "2020-11-30", "2024-06-30"),
    ("rhel", "7", "2024-06-30", "2028-06-30"),
    ("rhel", "8", "2029-05-31", "2032-05-31"),
    ("rhel", "9", "2032-05-31", "2035-05-31"),
    ("rhel", "10", "2035-05-31", "2038-05-31"),
    ("rocky", "8", "2029-05-31", "2029-05-31"),
    ("rocky", "9", "2032-05-31", "2032-05-31"),
    ("rocky", "10", "2035-05-31", "2035-05-31"),
    ("sles", "12", "2024-10-31", "2027-10-31"),
    ("sles", "15.4", "2023-12-31", "2026-12-31"),
    ("sles", "15.5", "2024-12-31", "2027-12-31"),
    ("sles", "15.6", "2025-12-31", "2028-12-31"),
    ("sles", "15.7", "2031-07-31", "2034-07-31"),
    ("ubuntu", "16.04", "2021-04-30", "2026-04-23"),
    ("ubuntu", "18.04", "2023-05-31", "2028-04-01"),
    ("ubuntu", "20.04", "2025-05-29", "2030-04-23"),
    ("ubuntu", "22.04", "2027-06-01", "2032-04-21"),
    ("ubuntu", "24.04", "2029-05-31", "2034-04-25"),
    ("ubuntu", "24.10", "2025-07-10", "2025-07-10"),
    ("ubuntu", "25.04", "2026-01-15", "2026-01-15"),
    ("ubuntu", "25.10", "2026-07-09", "2026-07-09"),
    ("ubuntu", "26.04", "2031-05-29", "2036-04-23"),
    ("windows", "9600", "2023-10-10", "2026-10-13"),
    ("windows", "14393", "2027-01-12", "2027-01-12"),
    ("windows", "17763", "2029-01-09", "2029-01-09"),
    ("windows", "20348", "2031-10-14", "2031-10-14"),
    ("windows", "26100", "2034-10-10", "2034-10-10"),
];

/// What is known of the life of `distribution` on the day `today` (`YYYY-MM-DD`).
pub(super) fn of(distribution: &Distribution, today: &str) -> Option<Lifecycle> {
    let said = &distribution.support_end;
    let (regular, extended, table_date) = if is_day(said) {
        (said.as_str(), said.as_str(), "")
    } else {
        let (.., regular, extended) = TABLE.iter().find(|(id, version, ..)| {
            distribution.id == *id
                && distribution
                    .version
                    .strip_prefix(version)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })?;
        (*regular, *extended, TABLE_DATE)
    };
    let state = if today <= regular {
        LifeState::Supported
    } else if today <= extended {
        LifeState::ExtendedOnly
    } else {
        LifeState::Ended
    };
    Some(Lifecycle {
        state,
        regular_end: regular.to_owned(),
        extended_end: extended.to_owned(),
        table_date: table_date.to_owned(),
    })
}

fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}
