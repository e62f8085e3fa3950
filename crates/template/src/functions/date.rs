//! Functions of time; the clock itself is the deployment's.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};
use serde_json::Value;

use super::Arguments;
use crate::Error;
use crate::read::shown;

pub(super) fn call(key: &str, arguments: &Arguments<'_>) -> Result<Option<Value>, Error> {
    Ok(Some(match key {
        "datetimeadd" => {
            arguments.count(2..=3)?;
            let span = arguments.text(1)?;
            let refuse =
                || Error::template(format!("'{}' is no ISO 8601 duration that can be added", shown(span)));
            let span: Span = span.parse().map_err(|_no_span| refuse())?;
            let moment = moment(arguments.text(0)?)?.to_zoned(TimeZone::UTC);
            let moved = moment.checked_add(span).map_err(|_out_of_range| refuse())?;
            let format = if arguments.values.len() == 3 { arguments.text(2)? } else { "u" };
            formatted(moved.timestamp(), format)?.into()
        }
        "datetimefromepoch" => {
            arguments.count(1..=1)?;
            let moment = Timestamp::from_second(arguments.integer(0)?);
            let moment = moment.map_err(|_out_of_range| Error::template("The time is out of range"))?;
            formatted(moment, "yyyy-MM-ddTHH:mm:ssZ")?.into()
        }
        "datetimetoepoch" => {
            arguments.count(1..=1)?;
            moment(arguments.text(0)?)?.as_second().into()
        }
        _ => return Ok(None),
    }))
}

fn moment(text: &str) -> Result<Timestamp, Error> {
    let zoned = text.parse::<Timestamp>().ok();
    let plain = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    zoned.or_else(plain).ok_or_else(|| Error::template(format!("'{}' is no ISO 8601 time", shown(text))))
}

/// A moment as .NET formats it: standard letters and custom patterns, in UTC and English.
pub(crate) fn formatted(moment: Timestamp, format: &str) -> Result<String, Error> {
    let zoned = moment.to_zoned(TimeZone::UTC);
    let pattern = match format {
        "d" => "MM/dd/yyyy",
        "D" => "dddd, dd MMMM yyyy",
        "t" => "HH:mm",
        "T" => "HH:mm:ss",
        "o" | "O" => "yyyy-MM-ddTHH:mm:ss.fffffffZ",
        "s" => "yyyy-MM-ddTHH:mm:ss",
        "u" => "yyyy-MM-dd HH:mm:ssZ",
        "r" | "R" => "ddd, dd MMM yyyy HH:mm:ss 'GMT'",
        "" => "MM/dd/yyyy HH:mm:ss",
        pattern => pattern,
    };
    let mut made = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if let Some((quoted, after)) = rest.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
            made.push_str(quoted);
            rest = after;
            continue;
        }
        let run = rest.chars().take_while(|next| *next == letter).count();
        match part(&zoned, letter, run) {
            Some(text) => made.push_str(&text),
            None if letter.is_ascii_alphabetic() && !"TZGUC".contains(letter) => {
                return Err(Error::template(format!("The time format '{}' is not valid", shown(format))));
            }
            None => made.extend(std::iter::repeat_n(letter, run)),
        }
        rest = &rest[run * letter.len_utf8()..];
    }
    Ok(made)
}

fn part(at: &Zoned, letter: char, run: usize) -> Option<String> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    let number = |number: i64, width: usize| format!("{number:0width$}");
    let hour = i64::from(at.hour());
    Some(match (letter, run) {
        ('y', 1 | 2) => number(i64::from(at.year()) % 100, run),
        ('y', _) => number(i64::from(at.year()), run.min(8)),
        ('M', 1 | 2) => number(i64::from(at.month()), run),
        ('M', _) => {
            let name = MONTHS.get(usize::try_from(at.month() - 1).ok()?)?;
            if run == 3 { name.get(..3)?.to_owned() } else { (*name).to_owned() }
        }
        ('d', 1 | 2) => number(i64::from(at.day()), run),
        ('d', _) => {
            let name = DAYS.get(usize::try_from(at.weekday().to_monday_zero_offset()).ok()?)?;
            if run == 3 { name.get(..3)?.to_owned() } else { (*name).to_owned() }
        }
        ('H', _) => number(hour, run.min(2)),
        ('h', _) => number((hour + 11) % 12 + 1, run.min(2)),
        ('m', _) => number(i64::from(at.minute()), run.min(2)),
        ('s', _) => number(i64::from(at.second()), run.min(2)),
        ('f', 1..=7) => number(i64::from(at.subsec_nanosecond()), 9).get(..run)?.to_owned(),
        ('t', _) => (if hour < 12 { "AM" } else { "PM" }).get(..run.min(2))?.to_owned(),
        ('z', 1) => "+0".to_owned(),
        ('z', 2) => "+00".to_owned(),
        ('z', _) => "+00:00".to_owned(),
        ('K', _) => "Z".to_owned(),
        _ => return None,
    })
}
