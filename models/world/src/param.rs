//! Range checks of parameters: what is wrong, and what would be right.

/// A parameter outside its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamError {
    /// Field as written in a scenario, dotted where nested (`battery.min_soc`).
    pub field: &'static str,
    /// The value found.
    pub value: String,
    /// What is allowed, in words.
    pub allowed: &'static str,
}

impl std::fmt::Display for ParamError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` is {}; allowed: {}", self.field, self.value, self.allowed)
    }
}

impl std::error::Error for ParamError {}

/// The largest value that makes sense by the unit at the end of a field's name. Generous (a step of eleven years, a
/// mean life of a thousand): what is beyond is a slip of the pen, and would make a run endless or empty.
struct Bound {
    most: f64,
    positive: &'static str,
    not_negative: &'static str,
    between: &'static str,
}

impl Bound {
    fn of(field: &str) -> Self {
        macro_rules! up_to {
            ($most:literal) => {
                Self {
                    most: f64::from($most),
                    positive: concat!("more than 0, up to ", $most),
                    not_negative: concat!("0 to ", $most),
                    between: concat!("0.01 to ", $most),
                }
            };
        }
        match field.rsplit('_').next() {
            Some("days") => up_to!(4000),
            Some("months") => up_to!(12000),
            Some("h") => up_to!(100000),
            _ => up_to!(10000000),
        }
    }
}

/// Collects the errors of one struct.
#[derive(Default)]
pub(crate) struct Checks(Vec<ParamError>);

impl Checks {
    /// Demands `good`. NaN never passes, because comparisons with it are false.
    pub(crate) fn demand(
        mut self,
        good: bool,
        field: &'static str,
        value: impl std::fmt::Display,
        allowed: &'static str,
    ) -> Self {
        if !good {
            self.0.push(ParamError { field, value: value.to_string(), allowed });
        }
        self
    }

    /// Demands a share between 0 and 1.
    pub(crate) fn share(self, field: &'static str, value: f64) -> Self {
        self.demand((0.0..=1.0).contains(&value), field, value, "0 to 1")
    }

    /// Demands a number above zero, and up to what [`Bound`] has for its unit.
    pub(crate) fn positive(self, field: &'static str, value: f64) -> Self {
        let bound = Bound::of(field);
        self.demand(value > 0.0 && value <= bound.most, field, value, bound.positive)
    }

    /// Demands a number of zero or more, up to what [`Bound`] has for its unit.
    pub(crate) fn not_negative(self, field: &'static str, value: f64) -> Self {
        let bound = Bound::of(field);
        self.demand((0.0..=bound.most).contains(&value), field, value, bound.not_negative)
    }

    /// Demands how much of something it takes, on the mean, until a thing happens: so much that it never does is fine.
    pub(crate) fn takes(self, field: &'static str, value: f64) -> Self {
        self.demand(value > 0.0 && value <= 1e9, field, value, "more than 0, up to 1000000000 (never)")
    }

    /// Demands the mean time between two of a thing. Very short ones would make a run endless.
    pub(crate) fn between(self, field: &'static str, value: f64) -> Self {
        let bound = Bound::of(field);
        self.demand(value >= 0.01 && value <= bound.most, field, value, bound.between)
    }

    /// Demands a rate between none and one a day.
    pub(crate) fn yearly(self, field: &'static str, value: f64) -> Self {
        self.demand((0.0..=366.0).contains(&value), field, value, "0 to 366 a year")
    }

    pub(crate) fn done(self) -> Vec<ParamError> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_never_in_range() {
        let nan = f64::NAN;
        let found = Checks::default().share("a", nan).positive("b", nan).not_negative("c", nan).done();
        assert_eq!(found.iter().map(|e| e.field).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(found[0].to_string(), "`a` is NaN; allowed: 0 to 1");
    }
}
