//! The supercapacitor that a meter lives on for a moment when the line is gone.
//!
//! Energy is ½CV² between full and the voltage at which the converter gives up; what the radio draws drops over the
//! internal resistance as well, so a cold or aged capacitor may be full and yet unable to carry a transmission.
//!
//! ```text
//!   3.6 V ──┐ listening ──▶ V falls slowly          under load: V − I·R(temperature, age)
//!           └─ sending  ──▶ V falls faster          below `empty_v`: the meter is gone
//! ```
//!
//! Assumed, after what makers state of electric double-layer capacitors: end of life at −20 % capacitance and +100 %
//! internal resistance; reached after 1000 h at 70 °C and full voltage; each 10 K less doubles that; resistance doubles for
//! each 30 K below 20 °C.

/// How one is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SupercapSpec {
    /// Capacitance when new, F.
    pub capacitance_f: f64,
    /// Internal resistance when new, at 20 °C and above, Ω.
    pub resistance_ohm: f64,
    /// When charged, V.
    pub full_v: f64,
    /// Below this the meter is gone, V.
    pub empty_v: f64,
    /// Time constant of charging, s.
    pub charge_tau_s: f64,
    /// Meter and radio while listening, W.
    pub listen_w: f64,
    /// Meter and radio while sending, W.
    pub send_w: f64,
    /// Life at 70 °C and full voltage, h.
    pub life_at_70_c_h: f64,
}

impl SupercapSpec {
    /// One that holds a listening meter for this long when new, charged to 3.6 V (the documents' least is 250 ms).
    ///
    /// Arbitrary: 60 mW listening and 300 mW sending, as sub-GHz modules at +14 dBm draw about; 1.8 V at the end.
    #[must_use]
    pub fn for_hold_up(hold_up_ms: f64) -> Self {
        let (full_v, empty_v, listen_w) = (3.6, 1.8, 0.06);
        let capacitance_f = 2.0 * listen_w * hold_up_ms / 1000.0 / (full_v * full_v - empty_v * empty_v);
        Self {
            capacitance_f,
            resistance_ohm: 2.0,
            full_v,
            empty_v,
            charge_tau_s: 2.0,
            listen_w,
            send_w: 0.3,
            life_at_70_c_h: 1000.0,
        }
    }
}

/// One capacitor, at work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Supercap {
    spec: SupercapSpec,
    volts: f64,
    /// 0 when new, 1 at the end of its life; it goes on beyond.
    used_life: f64,
    temperature_c: f64,
}

impl Supercap {
    /// A new one, charged, at 25 °C.
    #[must_use]
    pub const fn new(spec: SupercapSpec) -> Self {
        Self { spec, volts: spec.full_v, used_life: 0.0, temperature_c: 25.0 }
    }

    /// Voltage without load, V.
    #[must_use]
    pub const fn volts(&self) -> f64 {
        self.volts
    }

    /// The same in mV, as a packet carries it.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    pub fn millivolts(&self) -> u16 {
        libm::round(self.volts * 1000.0).clamp(0.0, f64::from(u16::MAX)) as u16
    }

    /// Capacitance by now, F.
    #[must_use]
    pub fn capacitance_f(&self) -> f64 {
        self.spec.capacitance_f * (1.0 - 0.2 * self.used_life).max(0.05)
    }

    /// Internal resistance by now and at this temperature, Ω.
    #[must_use]
    pub fn resistance_ohm(&self) -> f64 {
        let cold = libm::exp2((20.0 - self.temperature_c).max(0.0) / 30.0);
        self.spec.resistance_ohm * (1.0 + self.used_life) * cold
    }

    /// It is this warm from now on.
    pub const fn set_temperature(&mut self, temperature_c: f64) {
        self.temperature_c = temperature_c;
    }

    /// It hangs at full voltage for so long, at its temperature.
    pub fn age(&mut self, hours: f64) {
        let life_h = self.spec.life_at_70_c_h * libm::exp2((70.0 - self.temperature_c) / 10.0);
        self.used_life += hours / life_h;
    }

    /// The line charges it.
    pub fn charge(&mut self, seconds: f64) {
        let missing = self.spec.full_v - self.volts;
        self.volts = self.spec.full_v - missing * libm::exp(-seconds / self.spec.charge_tau_s);
    }

    /// The meter lives on it, listening.
    pub fn listen(&mut self, seconds: f64) {
        self.draw(self.spec.listen_w, seconds);
    }

    /// The meter sends.
    pub fn send(&mut self, seconds: f64) {
        self.draw(self.spec.send_w, seconds);
    }

    /// How long it lasts from now, listening, s.
    #[must_use]
    pub fn lasts_s(&self) -> f64 {
        self.energy_above_empty_j() / self.spec.listen_w
    }

    /// It can carry a transmission that takes so long: to its end the voltage under load stays above empty.
    #[must_use]
    pub fn can_send(&self, seconds: f64) -> bool {
        let mut after = *self;
        after.send(seconds);
        let current_a = self.spec.send_w / after.volts.max(self.spec.empty_v);
        after.volts - current_a * self.resistance_ohm() >= self.spec.empty_v
    }

    /// Too low: the meter is gone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // A microvolt: what is lost in reckoning there and back.
        self.volts <= self.spec.empty_v + 1e-6
    }

    fn energy_above_empty_j(&self) -> f64 {
        let square = |volts: f64| volts * volts;
        (0.5 * self.capacitance_f() * (square(self.volts) - square(self.spec.empty_v))).max(0.0)
    }

    fn draw(&mut self, watts: f64, seconds: f64) {
        let square = self.volts * self.volts - 2.0 * watts * seconds / self.capacitance_f();
        self.volts = libm::sqrt(square.max(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_one_holds_as_long_as_asked_for() {
        for hold_up_ms in [250.0, 1000.0, 60_000.0] {
            let mut cap = Supercap::new(SupercapSpec::for_hold_up(hold_up_ms));
            assert!((cap.lasts_s() - hold_up_ms / 1000.0).abs() < 1e-9);
            cap.listen(hold_up_ms / 1000.0 - 1e-4);
            assert!(!cap.is_empty());
            cap.listen(1e-4);
            assert!(cap.is_empty() && !cap.can_send(0.001));
        }
    }

    #[test]
    fn heat_wears_it_out_and_ten_kelvin_less_double_its_life() {
        let worn = |temperature_c: f64| {
            let mut cap = Supercap::new(SupercapSpec::for_hold_up(250.0));
            cap.set_temperature(temperature_c);
            cap.age(1000.0);
            cap.set_temperature(25.0);
            (cap.lasts_s(), cap.resistance_ohm())
        };
        let (at_70, at_60) = (worn(70.0), worn(60.0));
        assert!((at_70.0 - 0.25 * 0.8).abs() < 1e-9 && (at_70.1 - 4.0).abs() < 1e-9, "{at_70:?}");
        assert!((at_60.0 - 0.25 * 0.9).abs() < 1e-9 && (at_60.1 - 3.0).abs() < 1e-9, "{at_60:?}");
    }

    #[test]
    fn in_the_cold_a_full_one_cannot_carry_the_radio() {
        let mut cap = Supercap::new(SupercapSpec { resistance_ohm: 8.0, ..SupercapSpec::for_hold_up(250.0) });
        assert!(cap.can_send(0.010));
        cap.set_temperature(-40.0);
        assert!(!cap.can_send(0.010) && !cap.is_empty(), "full, and of no use: {} ohm", cap.resistance_ohm());
    }

    #[test]
    fn it_charges_slowly_enough_for_a_reboot_loop_to_matter() {
        let mut cap = Supercap::new(SupercapSpec::for_hold_up(250.0));
        cap.listen(0.25);
        cap.charge(0.5);
        assert!(cap.lasts_s() < 0.15, "{}", cap.lasts_s());
        cap.charge(20.0);
        assert!(cap.lasts_s() > 0.249);
    }
}
