//! Times as the gallery provider writes them.

use jiff::Timestamp;

/// `2025-01-07T05:56:46.4648477+00:00`: up to seven fraction digits, trailing zeros cut, offset `+00:00`.
#[must_use]
pub fn wire_time(time: Timestamp) -> String {
    let ticks = time.subsec_nanosecond().unsigned_abs() / 100;
    let seconds = time.strftime("%Y-%m-%dT%H:%M:%S");
    if ticks == 0 {
        return format!("{seconds}+00:00");
    }
    let fraction = format!("{ticks:07}");
    format!("{seconds}.{}+00:00", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::wire_time;

    #[test]
    fn fractions_are_cut_to_ticks_and_trimmed() {
        let check = |text: &str, wanted: &str| assert_eq!(wire_time(text.parse().unwrap()), wanted);
        check("2025-01-07T05:56:46.464847712Z", "2025-01-07T05:56:46.4648477+00:00");
        check("2025-01-07T05:56:46.5Z", "2025-01-07T05:56:46.5+00:00");
        check("2025-01-07T05:56:46Z", "2025-01-07T05:56:46+00:00");
    }
}
