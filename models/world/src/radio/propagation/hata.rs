//! Okumura-Hata (Hata, *Empirical formula for propagation loss in land mobile radio services*, IEEE Trans. VT-29, 1980)
//! and its continuation to 2 GHz by COST 231.
//!
//! Made for base stations on towers over whole towns, links of 1–20 km. At a village's 100 m it gives 10–20 dB less
//! than anything measured there in the open class; use it for the gateway on the mast and the tower in the next valley.

/// What stands between the antennas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// A city of tall buildings.
    LargeCity,
    /// A small or medium town.
    SmallCity,
    /// Suburb: houses, trees, yards.
    Suburban,
    /// Fields.
    Open,
}

/// A base station and a terminal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hata {
    /// Carrier, Hz. Above 1500 MHz the formula is COST 231's.
    pub frequency_hz: f64,
    /// Height of the base station's antenna, m.
    pub base_m: f64,
    /// Height of the terminal's antenna, m.
    pub terminal_m: f64,
    /// Distance, m.
    pub distance_m: f64,
}

impl Hata {
    /// Whether the published formula claims anything here: 150–2000 MHz, base 30–200 m, terminal 1–10 m, 1–20 km.
    #[must_use]
    pub fn in_domain(&self) -> bool {
        (150e6..=2e9).contains(&self.frequency_hz)
            && (30.0..=200.0).contains(&self.base_m)
            && (1.0..=10.0).contains(&self.terminal_m)
            && (1000.0..=20_000.0).contains(&self.distance_m)
    }

    /// Median loss, dB.
    #[must_use]
    pub fn loss_db(&self, area: Area) -> f64 {
        let log_mhz = libm::log10(self.frequency_hz / 1e6);
        let log_base = libm::log10(self.base_m);
        let by_distance = (44.9 - 6.55 * log_base) * libm::log10(self.distance_m / 1000.0);
        let rest = -13.82 * log_base - self.terminal_gain_db(area) + by_distance;
        let town = if self.frequency_hz <= 1.5e9 {
            69.55 + 26.16 * log_mhz + rest
        } else {
            // COST 231, final report, §4.4.1: 3 dB more in metropolitan centres.
            46.3 + 33.9 * log_mhz + rest + if area == Area::LargeCity { 3.0 } else { 0.0 }
        };
        match area {
            Area::LargeCity | Area::SmallCity => town,
            Area::Suburban => {
                let bels = libm::log10(self.frequency_hz / 28e6);
                town - 2.0 * bels * bels - 5.4
            }
            Area::Open => town - 4.78 * log_mhz * log_mhz + 18.33 * log_mhz - 40.94,
        }
    }

    /// Hata's a(hₘ): what a terminal higher than 1.5 m gains.
    fn terminal_gain_db(&self, area: Area) -> f64 {
        let mhz = self.frequency_hz / 1e6;
        if area == Area::LargeCity && mhz <= 1500.0 {
            let (scale, factor, less) = if mhz < 300.0 { (1.54, 8.29, 1.1) } else { (11.75, 3.2, 4.97) };
            let bels = libm::log10(scale * self.terminal_m);
            return factor * bels * bels - less;
        }
        let log_mhz = libm::log10(mhz);
        (1.1 * log_mhz - 0.7) * self.terminal_m - (1.56 * log_mhz - 0.8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Hata = Hata { frequency_hz: 900e6, base_m: 50.0, terminal_m: 1.5, distance_m: 5000.0 };

    #[test]
    fn the_classes_lie_in_order_and_the_seam_to_cost_231_is_small() {
        let by = |area| BOTH.loss_db(area);
        assert!(by(Area::Open) < by(Area::Suburban) && by(Area::Suburban) < by(Area::SmallCity));
        // Worked example of many textbooks: 146.96 dB at 900 MHz over 5 km from 50 m, large city.
        assert!((by(Area::LargeCity) - 146.96).abs() < 0.01, "{}", by(Area::LargeCity));
        let at = |frequency_hz| Hata { frequency_hz, ..BOTH }.loss_db(Area::SmallCity);
        assert!((at(1.5e9) - at(1.500_001e9)).abs() < 2.0);
        assert!(BOTH.in_domain() && !Hata { distance_m: 300.0, ..BOTH }.in_domain());
    }
}
