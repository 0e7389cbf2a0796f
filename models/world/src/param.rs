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

    /// Demands a finite number above zero.
    pub(crate) fn positive(self, field: &'static str, value: f64) -> Self {
        self.demand(value > 0.0 && value.is_finite(), field, value, "more than 0")
    }

    /// Demands a finite number, zero or more.
    pub(crate) fn not_negative(self, field: &'static str, value: f64) -> Self {
        self.demand(value >= 0.0 && value.is_finite(), field, value, "0 or more")
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
