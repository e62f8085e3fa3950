//! One image, and what must be said of it.

use std::fmt;

use disks::{InputFormat, Reason};

use crate::Image;

/// What must be said of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It is accepted.
    Accepted,
    /// It is accepted, and the report says what could not be told.
    Unreadable,
    /// It is refused for this reason.
    Refused(Reason),
}

impl Expect {
    /// The word that stands in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unreadable => "accepted, unreadable",
            Self::Refused(reason) => reason.as_str(),
        }
    }
}

type Make = Box<dyn Fn() -> anyhow::Result<Image>>;

/// One image, and what must be said of it.
pub struct Case {
    /// Its name; fit to be that of a file.
    pub name: String,
    /// The format it is declared as.
    pub format: InputFormat,
    /// What must be said of it, where no policy refuses anything.
    pub expect: Expect,
    make: Make,
}

impl Case {
    /// Makes the image.
    ///
    /// # Errors
    /// When a tool that is needed is missing or fails.
    pub fn image(&self) -> anyhow::Result<Image> {
        (self.make)()
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Case")
            .field("name", &self.name)
            .field("format", &self.format)
            .field("expect", &self.expect)
            .finish_non_exhaustive()
    }
}

/// Cases of one family and format under construction.
pub(crate) struct Shelf {
    family: &'static str,
    format: InputFormat,
    cases: Vec<Case>,
}

impl Shelf {
    pub(crate) fn new(family: &'static str, format: InputFormat) -> Self {
        Self { family, format, cases: Vec::new() }
    }

    /// Adds a case.
    pub(crate) fn add(
        &mut self,
        name: impl fmt::Display,
        expect: Expect,
        make: impl Fn() -> anyhow::Result<Image> + 'static,
    ) {
        let name = format!("{}-{name}", self.family);
        self.cases.push(Case { name, format: self.format, expect, make: Box::new(make) });
    }

    /// Adds the image of `base`, bent, which is refused.
    pub(crate) fn refused(
        &mut self,
        name: impl fmt::Display,
        reason: Reason,
        base: fn() -> Image,
        bend: impl Fn(&mut Image) + 'static,
    ) {
        self.bent(name, Expect::Refused(reason), base, bend);
    }

    /// Adds the image of `base`, bent.
    pub(crate) fn bent(
        &mut self,
        name: impl fmt::Display,
        expect: Expect,
        base: fn() -> Image,
        bend: impl Fn(&mut Image) + 'static,
    ) {
        self.add(name, expect, move || {
            let mut image = base();
            bend(&mut image);
            Ok(image)
        });
    }

    pub(crate) fn into_cases(self) -> Vec<Case> {
        self.cases
    }
}
