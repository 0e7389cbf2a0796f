use crate::config::Tariff;
pub(crate) fn tariff() -> Tariff {
    Tariff {
        currency: "TZS".into(),
        minor_per_unit: 100,
        energy_price_per_kwh_minor: 10_000,
        daily_fee_minor: 0,
        grace_minor: 0,
    }
}
