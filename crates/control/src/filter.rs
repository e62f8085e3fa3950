//! `$filter` of resource and group lists: `a eq 'b' and c eq 'd'`, and nothing more.

use providers::{Rejection, State, Stored};

/// A conjunction of equalities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) resource_type: Option<String>,
    group: Option<String>,
    name: Option<String>,
    location: Option<String>,
    tag_name: Option<String>,
    tag_value: Option<String>,
    state: Option<String>,
}

impl Filter {
    /// Parses a filter; an absent one lets everything through.
    ///
    /// # Errors
    /// 400 `InvalidFilterInQueryString` for anything beyond equalities on known names.
    pub(crate) fn parse(text: Option<&str>) -> Result<Self, Rejection> {
        let mut filter = Self::default();
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(filter) };
        for (name, value) in equalities(text).ok_or_else(refuse)? {
            let slot = match name.to_ascii_lowercase().as_str() {
                "resourcetype" => &mut filter.resource_type,
                "resourcegroup" => &mut filter.group,
                "name" => &mut filter.name,
                "location" => &mut filter.location,
                "tagname" => &mut filter.tag_name,
                "tagvalue" => &mut filter.tag_value,
                "provisioningstate" => &mut filter.state,
                _ => return Err(refuse()),
            };
            if slot.replace(value).is_some() {
                return Err(refuse());
            }
        }
        Ok(filter)
    }

    /// Whether `stored` passes.
    pub(crate) fn passes(&self, stored: &Stored) -> bool {
        let same = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        let location = stored.document.location.as_deref().unwrap_or_default();
        same(&self.resource_type, stored.id.type_name().as_str())
            && same(&self.group, stored.id.group().unwrap_or_default())
            && same(&self.name, stored.id.name())
            && same(&self.location, location)
            && self.passes_state(stored)
            && self.passes_tags(stored)
    }

    fn passes_state(&self, stored: &Stored) -> bool {
        let state = stored.document.state;
        let is_open = matches!(state, State::Creating | State::Updating);
        self.state.as_ref().is_none_or(|wanted| {
            wanted.eq_ignore_ascii_case(state.as_str()) || (is_open && wanted.eq_ignore_ascii_case("Running"))
        })
    }

    fn passes_tags(&self, stored: &Stored) -> bool {
        if self.tag_name.is_none() && self.tag_value.is_none() {
            return true;
        }
        let mut tags = stored.document.tags.iter().flatten();
        tags.any(|(name, value)| {
            self.tag_name.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(name))
                && self.tag_value.as_ref().is_none_or(|wanted| wanted == value)
        })
    }
}

/// The region of `location eq 'westus'`, all that lists of what is offered are filtered by.
///
/// # Errors
/// 400 `InvalidFilterInQueryString` for anything else.
pub(crate) fn location_in(text: Option<&str>) -> Result<Option<String>, Rejection> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    match equalities(text).as_deref() {
        Some([(name, value)]) if name.eq_ignore_ascii_case("location") => Ok(Some(short(value))),
        _ => {
            let message = "Invalid $filter in the query string. Supported is location eq 'REGION' alone.";
            Err(Rejection::new(400, "InvalidFilterInQueryString", message))
        }
    }
}

/// A region's short name, whether or not it is one of ours.
fn short(name: &str) -> String {
    name.parse::<arm::Region>().map_or_else(|_error| String::new(), |region| region.to_string())
}

fn refuse() -> Rejection {
    let message = "Invalid $filter in the query string. Supported are equalities joined by 'and' on resourceType, resourceGroup, name, location, provisioningState, tagName and tagValue, such as resourceType eq 'Microsoft.Compute/galleries'.";
    Rejection::new(400, "InvalidFilterInQueryString", message)
}

/// `name eq 'value'` joined by `and`; quotes are doubled inside values.
fn equalities(text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    loop {
        let (name, after) = rest.split_once(char::is_whitespace)?;
        let after = keyword(after.trim_start(), "eq")?;
        let mut value = String::new();
        let mut chars = after.strip_prefix('\'')?.char_indices().peekable();
        let end = loop {
            match chars.next()? {
                (_, '\'') if chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                    chars.next();
                    value.push('\'');
                }
                (at, '\'') => break at + 2,
                (_, other) => value.push(other),
            }
        };
        found.push((name.to_owned(), value));
        rest = after.get(end..)?.trim_start();
        if rest.is_empty() || found.len() >= 8 {
            return rest.is_empty().then_some(found);
        }
        rest = keyword(rest, "and")?;
    }
}

fn keyword<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, tail) = text.split_at_checked(word.len())?;
    (head.eq_ignore_ascii_case(word) && tail.starts_with(char::is_whitespace)).then(|| tail.trim_start())
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn equalities_are_read() {
        let filter = Filter::parse(Some(
            "resourceType eq 'Microsoft.Compute/galleries' and tagname eq 'it''s' AND tagValue eq 'x y'",
        ))
        .unwrap();
        assert_eq!(filter.resource_type.as_deref(), Some("Microsoft.Compute/galleries"));
        assert_eq!((filter.tag_name.as_deref(), filter.tag_value.as_deref()), (Some("it's"), Some("x y")));
        assert_eq!(Filter::parse(None).unwrap(), Filter::default());
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "name",
            "name eq",
            "name eq x",
            "name ne 'x'",
            "name eq 'x' or name eq 'y'",
            "name eq 'x",
            "name eq 'a' and name eq 'b'",
            "secret eq 'x'",
            "name eq 'é' x",
        ] {
            assert!(Filter::parse(Some(text)).is_err(), "{text}");
        }
    }
}
