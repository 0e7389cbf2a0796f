use crate::config::Tariff;

pub(crate) fn tariff() -> Tariff {
    Tariff::flat("TZS", 100, 10_000)
}
